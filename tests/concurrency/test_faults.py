"""A fault at every statement of submit and of decide: nothing happened, or all of it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection

from governance.models import Grant, ProvisioningRequest
from governance.services.approvals import decisions
from governance.services.requests import drafts, submission
from tests.cast import NOW, Cast, content, open_stage, reviewed, submitted
from tests.house import broken_promises, fingerprint, row_versions

pytestmark = pytest.mark.django_db(transaction=True)

STATEMENTS_MAX = 400


class Fault(OperationalError):
    """The connection breaks at this statement."""


@contextmanager
def fault_at(number: int, *, before: bool) -> Iterator[list[str]]:
    """Break statement `number` (counted from 1), before or after the server has run it."""
    seen: list[str] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        if len(seen) == number and before:
            raise Fault(f"before statement {number}")
        result = execute(sql, params, many, context)
        if len(seen) == number:
            raise Fault(f"after statement {number}")
        return result

    with connection.execute_wrapper(wrapper):
        yield seen


def break_everywhere(act: Callable[[], Any], *, before: bool) -> int:
    """Run `act` with a fault at statement 1, 2, 3, … until it gets through. Returns how many statements there are."""
    untouched = row_versions()
    assert broken_promises() == []  # so none is broken as long as nothing has changed
    for number in range(1, STATEMENTS_MAX):
        with fault_at(number, before=before) as seen:
            try:
                act()
            except Fault:
                pass
            else:
                assert len(seen) < number, "a fault was swallowed: the caller was told that all went well"
                return len(seen)
        assert row_versions() == untouched, f"statement {number} left something behind: {seen[-1][:200]}"
    raise AssertionError(f"more than {STATEMENTS_MAX} statements")


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("ask", [content, reviewed], ids=["allowed", "reviewed"])
def test_submit_happens_wholly_or_not_at_all(cast: Cast, ask: Callable[[], dict[str, Any]], before: bool):
    draft = drafts.create_draft(actor=cast.alice, content=ask(), now=NOW)
    count = break_everywhere(
        partial(submission.submit_request, request_id=draft.pk, actor=cast.alice, now=NOW), before=before
    )
    assert count > 20
    assert ProvisioningRequest.objects.get().state in ("granted", "in_review")
    assert broken_promises() == []


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("verdict", ["approve", "reject", "changes"])
def test_decide_happens_wholly_or_not_at_all(cast: Cast, verdict: str, before: bool):
    stage = open_stage(submitted(cast))
    decide = partial(
        decisions.decide, stage_id=stage.pk, actor=cast.bob, verdict=verdict, reason="looked at it",
        revision_digest=stage.revision.digest, now=NOW,
    )  # fmt: skip
    count = break_everywhere(decide, before=before)
    assert count > 10
    assert Grant.objects.count() == (verdict == "approve")
    assert broken_promises() == []


@pytest.mark.parametrize("committed", [True, False])
def test_a_fault_at_commit_is_all_or_nothing(cast: Cast, committed: bool, monkeypatch: pytest.MonkeyPatch):
    draft = drafts.create_draft(actor=cast.alice, content=reviewed(), now=NOW)
    untouched = fingerprint()
    commit = connection.commit

    def broken() -> None:
        if committed:
            commit()
        raise Fault("at commit")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "commit", broken)
        with pytest.raises(Fault):
            submission.submit_request(request_id=draft.pk, actor=cast.alice, now=NOW)
    assert (fingerprint() == untouched) is not committed
    # The client cannot know; asking again is safe in both cases.
    request = submission.submit_request(request_id=draft.pk, actor=cast.alice, now=NOW)
    assert request.state == "in_review"
    assert broken_promises() == []
