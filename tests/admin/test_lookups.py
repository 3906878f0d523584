"""No list of the desk answers a question about what it does not show, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.test import RequestFactory
from django.urls import reverse

from governance.models import Alert, Project, Role, User
from tests.admin.conftest import signed_in
from tests.cast import Cast, add_person, add_team

pytestmark = pytest.mark.django_db

LOOKUPS = (
    "", "__exact", "__iexact", "__startswith", "__contains", "__gt", "__lt", "__gte", "__lte", "__isnull",
    "__regex", "__in",
)  # fmt: skip
SECRET = {"password", "lease_token", "digest", "token_key", "session_data", "session_key", "body", "hash"}


def paths_of(model: type[models.Model], depth: int = 2) -> Iterator[str]:
    """Every column that a look-up could name from a table: its own, and of what it points at or is pointed at by."""
    for field in model._meta.get_fields(include_hidden=True):
        yield field.name
        if depth and isinstance(field.related_model, type):
            yield from (f"{field.name}__{rest}" for rest in paths_of(field.related_model, depth - 1))


def staff(cast: Cast) -> dict[str, User]:
    """One account for every role that there is, over the whole organisation, and a superuser."""
    found = {
        role.slug: add_person(f"staff-{role.slug}", team=cast.root, roles=[role.slug], scope=cast.root)
        for role in Role.objects.exclude(slug="requester")
    }
    found["superuser"] = User.objects.create_superuser(email="root@example.com", password="correct horse battery")
    return found


def test_a_crawl_of_every_column_finds_none_that_answers_beyond_the_filters(house_cast: Cast) -> None:
    tried = 0
    for who, user in staff(house_cast).items():
        request = RequestFactory().get("/admin/")
        request.user = user
        for model, page in admin.site._registry.items():
            shown = {
                (spec if isinstance(spec, str) else spec[0])
                for spec in page.get_list_filter(request)
                if not isinstance(spec, type)
            }
            for path in set(paths_of(model)) if who == "superuser" else {field.name for field in model._meta.fields}:
                for lookup in LOOKUPS:
                    tried += 1
                    if not page.lookup_allowed(path + lookup, "x", request):
                        continue
                    about = path.removesuffix("__id").removesuffix("__slug")
                    linked = path + lookup in getattr(page, "linked", ())
                    assert about in shown or linked, (who, model, path + lookup)
                    assert not set(path.split("__")) & SECRET, (model, path)
    assert tried > 50_000


@pytest.mark.parametrize("who", ["administrator", "auditor", "finance", "team_lead", "superuser"])
def test_secrets_do_not_answer_over_http(house_cast: Cast, now: datetime, who: str) -> None:
    client = signed_in(staff(house_cast)[who])
    Alert.objects.create(
        key="k",
        kind="digest",
        recipient=house_cast.alice.person,
        message_id="<m@x>",
        created_at=now,
        next_attempt_at=now,
    )
    for model, lookup in (
        ("user", "password__startswith"), ("user", "password__gt"), ("user", "password__regex"), ("user", "password"),
        ("user", "auth_token_set__digest__startswith"), ("user", "idempotency_keys__body__contains"),
        ("alert", "lease_token__startswith"), ("alert", "recipient__users__password__startswith"),
        ("alert", "payload__contains"), ("person", "users__password__startswith"),
        ("person", "users__password__isnull"),
        ("roleassignment", "user__password__startswith"), ("auditevent", "actor__password__startswith"),
        ("auditevent", "hash__startswith"), ("grant", "owner__users__password__regex"),
    ):  # fmt: skip
        address = reverse(f"admin:governance_{model}_changelist")
        for extra in ({}, {"_popup": "1"}, {"_facets": "True"}, {"o": "-1"}):
            answer = client.get(address, {lookup: "s", **extra})
            assert answer.status_code == 400, (model, lookup, answer.status_code)


@pytest.mark.parametrize("who", ["administrator", "superuser"])
def test_what_looks_past_a_list_is_not_there(house_cast: Cast, who: str) -> None:
    client = signed_in(staff(house_cast)[who])
    users = reverse("admin:governance_user_changelist")
    for field in ("password", "email", "is_superuser", "pk__password"):
        assert client.get(users, {"_to_field": field, "_popup": "1"}).status_code == 400
    assert client.get(users, {"_to_field": "id", "_popup": "1"}).status_code == 200
    completing = {"app_label": "governance", "model_name": "delegation", "field_name": "delegate", "term": "a"}
    assert client.get(reverse("admin:autocomplete"), completing).status_code == 404
    assert client.get("/admin/search/", {"s": "user", "page": "x"}).status_code == 404
    assert client.get(f"/admin/r/1/{house_cast.alice.pk}/").status_code == 404
    assert client.get(f"{users}{house_cast.alice.pk}/history/").status_code == 404


def test_the_filters_that_a_page_offers_go_on_working(house_cast: Cast) -> None:
    client = signed_in(house_cast.erin)
    for model, page in admin.site._registry.items():
        answer = client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        for spec in answer.context["cl"].filter_specs:
            for choice in list(spec.choices(answer.context["cl"]))[-1:]:
                text = choice["query_string"]
                assert client.get(answer.request["PATH_INFO"] + text).status_code == 200, (model, text)
        for link in getattr(page, "linked", ()):
            assert client.get(answer.request["PATH_INFO"], {link: "1"}).status_code == 200, (model, link)


def test_no_list_searches_filters_or_sorts_by_a_secret() -> None:
    for model, page in admin.site._registry.items():
        named: list[Any] = [*page.search_fields, *page.list_display, *(page.list_filter or ()), *(page.ordering or ())]
        for name in (each if isinstance(each, str) else str(each) for each in named):
            path = name.lstrip("-=^@")
            assert not {"password", "lease_token", "token_key", "session_data"} & set(path.split("__")), (model, name)


def test_a_filter_offers_only_what_its_list_holds(house_cast: Cast) -> None:
    elsewhere = add_team("vision", house_cast.root)
    Project.objects.create(slug="vision", name="Vision", team=elsewhere, started_on="2026-01-05")
    for who, offered in (("erin", {"All", "Research", "Vision"}), ("bob", None)):
        changes = signed_in(house_cast.users[who]).get(reverse("admin:governance_project_changelist")).context["cl"]
        specs = {spec.title: {choice["display"] for choice in spec.choices(changes)} for spec in changes.filter_specs}
        assert specs.get("team") == offered
