"""Every address, as every role, for a record of others and for one that is missing: the two answer alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from governance.models import Role
from tests.cast import Cast
from tests.prove.counts import COUNTS
from tests.web.permissions import KEEPS_ALL, MISSING, ORGANISATION, Route, World, answer, build, operations, routes

SOME_ROLES = ("team_lead",)
OWN_ONLY = frozenset({"token"})
DESK_METHODS, METHODS = ("get",), ("get", "post")


def leaks(world: World, found: Iterable[Route], *, desk_methods: Iterable[str] = DESK_METHODS) -> tuple[list[str], int]:
    """Addresses that answer an outsider otherwise than for a missing record; and how many answers were compared."""
    told, count, listed = [], 0, operations()
    for route in found:
        if route.kind in ORGANISATION:
            continue
        value = world.value(route.kind, is_api_or_page=not route.is_desk)
        missing: object = f"no-such-{'x' * 8}" if isinstance(value, str) else MISSING
        for role, user in world.outsiders.items():
            if (route.kind, role) in KEEPS_ALL:
                continue
            methods: dict[str, dict[str, Any] | None] = dict(listed.get(route.template, {}))
            methods = methods or dict.fromkeys(desk_methods if route.is_desk else METHODS)
            for method, body in methods.items():
                strange = answer(user, method, route.path(value), value, body)
                absent = answer(user, method, route.path(missing), missing, body)
                count += 1
                if strange != absent:
                    told.append(f"{method} {route.text} as {role or 'nobody'}: {strange[0]}, missing: {absent[0]}")
    return told, count


def test_every_address_that_names_a_record_is_in_the_matrix(cast: Cast) -> None:
    """A new one is covered by itself; a new kind of record has to be said to be a team's or the organisation's."""
    world = build(cast, ())
    unknown = {route.text for route in routes() if route.kind not in ORGANISATION and route.kind not in world.rows}
    assert not unknown
    assert {path for path in operations() if "{" in path} <= {route.template for route in routes()}
    assert len(routes()) > 150


def test_what_is_not_theirs_answers_like_what_is_missing(cast: Cast) -> None:
    """Pages and API as a lead elsewhere and as nobody, and of the desk the pages that show and change one record."""
    world = build(cast, SOME_ROLES)
    found = [route for route in routes() if not route.text.endswith(("/history/", "/delete/", "<path:object_id>/"))]
    told, count = leaks(world, found)
    assert told == []
    assert count >= 130


def test_whoever_sees_everything_finds_each_record(cast: Cast) -> None:
    """So that the matrix asks for records that are there: the auditor is not answered as for a missing one."""
    world = build(cast, ())
    for route in routes():
        if route.kind in ORGANISATION or route.kind in OWN_ONLY or not _is_read(route):
            continue
        value = world.value(route.kind, is_api_or_page=not route.is_desk)
        assert answer(cast.erin, "get", route.path(value), value)[0] != 404, route.text


def _is_read(route: Route) -> bool:
    """Whether anybody may read it who sees the record; a step in the life of one's own request is not."""
    return route.text.endswith("/change/") if route.is_desk else not route.text.endswith(("/edit/", "/submit/"))


@pytest.mark.prove
def test_every_role_at_every_address(cast: Cast) -> None:
    """Every route, every role and every method, `COUNTS.roles` of the roles in the small run."""
    chosen = Role.objects.exclude(slug__in=SOME_ROLES).order_by("slug").values_list("slug", flat=True)[: COUNTS.roles]
    world = build(cast, chosen)
    told, count = leaks(world, routes(), desk_methods=METHODS)
    assert told == [], f"{len(told)} leaks in {count:,} pairs of answers"
    assert count > 250 * len(world.outsiders)
