"""An estimate is made while nothing is locked, and again when what it was made from has moved meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from governance.models import Budget, BudgetHold, Grant, ProvisioningRequest, RequestRevision
from governance.selectors.requests import sizing
from governance.services.requests import drafts, submission
from governance.services.requests.sizing import SIZED_AHEAD_MAX
from governance.services.rules import policies
from tests.cast import NOW, Cast, add_own_price, content, open_stage, reviewed, submitted
from tests.concurrency.races import assert_sound, decision
from tests.officers import put_in_force

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = ("policyset", "provisioningrequest", "budget", "audithead", "counter")


@contextmanager
def before_each_estimate(act: Callable[[int], Any]) -> Iterator[list[int]]:
    """Do something right before each estimate is computed; gives the list of how many came before."""
    calls: list[int] = []
    estimate = sizing.estimate

    def estimate_after(*args: Any, **options: Any) -> Any:
        calls.append(len(calls))
        act(calls[-1])
        return estimate(*args, **options)

    with mock.patch.object(sizing, "estimate", estimate_after):
        yield calls


def lock_everything(_: int) -> None:
    """Another session takes every row that a submission locks, without waiting, and lets go."""
    assert not connection.in_atomic_block
    database = settings.DATABASES["default"]
    with psycopg.connect(
        host=database["HOST"], port=database["PORT"], dbname=connection.settings_dict["NAME"], user=database["USER"],
        password=database["PASSWORD"],
    ) as other:  # fmt: skip
        for table in TABLES:
            other.execute(f"SELECT 1 FROM governance_{table} FOR UPDATE NOWAIT")
        held = other.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        ).fetchone()
        assert held == (0,)
        other.rollback()


def acts(cast: Cast) -> dict[str, Callable[[], Any]]:
    draft = drafts.create_draft(actor=cast.alice, content=content(), now=NOW)
    stage = open_stage(submitted(cast, who="heidi"))
    return {
        "submit": partial(submission.submit_request, request_id=draft.pk, actor=cast.alice, now=NOW),
        "at once": partial(submission.create_and_submit, actor=cast.alice, content=content(), now=NOW),
        "last yes": decision(cast, stage, "bob"),
    }


@pytest.mark.parametrize("name", ["submit", "at once", "last yes"])
def test_nothing_is_locked_while_an_estimate_is_made(cast: Cast, name: str):
    act = acts(cast)[name]
    with before_each_estimate(lock_everything) as calls:
        act()
    assert len(calls) == 1
    assert Grant.objects.count() == 1
    assert_sound()


def test_a_draft_that_is_saved_meanwhile_is_sized_again(cast: Cast):
    draft = drafts.create_draft(actor=cast.alice, content=content(gpu_hours_cap=100.0), now=NOW)

    def save(before: int) -> None:
        if before == 0:
            drafts.save_draft(request_id=draft.pk, actor=cast.alice, content=content(gpu_hours_cap=200.0), now=NOW)

    with before_each_estimate(save) as calls:
        submission.submit_request(request_id=draft.pk, actor=cast.alice, now=NOW)
    assert len(calls) == 2
    assert Grant.objects.get().gpu_hours_cap == 200.0
    assert BudgetHold.objects.get().amount_micro == 200_000_000
    assert_sound()


def test_a_catalogue_that_is_published_meanwhile_counts(cast: Cast):
    def publish(before: int) -> None:
        if before == 0:
            add_own_price(usd=2, term="spot")

    with before_each_estimate(publish) as calls:
        submission.create_and_submit(actor=cast.alice, content=content(), now=NOW)
    assert len(calls) == 2
    stored = RequestRevision.objects.get().assessments.get()
    assert stored.catalogue_digest == sizing.current_snapshot().digest
    assert_sound()


def test_rules_that_come_into_force_meanwhile_count(cast: Cast):
    source = next(
        version.source
        for version in policies.PolicyVersion.objects.filter(policy_set__slug="acceptable-use", state="active")
    )
    newer = policies.import_version(
        source=source.replace('request.purpose == "malware"', 'request.purpose == "research"'),
        actor=cast.grace,
        now=NOW,
    )

    def activate(before: int) -> None:
        if before == 0:
            put_in_force(newer, actor=cast.grace, now=NOW)

    with before_each_estimate(activate) as calls:
        request = submission.create_and_submit(actor=cast.alice, content=content(), now=NOW)
    assert len(calls) == 2
    assert request.state == "denied"
    assert_sound()


def test_a_draft_that_never_rests_is_sized_where_it_stands_and_not_refused(cast: Cast):
    draft = drafts.create_draft(actor=cast.alice, content=content(gpu_hours_cap=100.0), now=NOW)

    def save(before: int) -> None:
        if not connection.in_atomic_block:
            hours = 101.0 + before
            drafts.save_draft(request_id=draft.pk, actor=cast.alice, content=content(gpu_hours_cap=hours), now=NOW)

    with before_each_estimate(save) as calls:
        submission.submit_request(request_id=draft.pk, actor=cast.alice, now=NOW)
    assert len(calls) == SIZED_AHEAD_MAX + 1
    assert Grant.objects.get().gpu_hours_cap == 100.0 + SIZED_AHEAD_MAX
    assert_sound()


@pytest.mark.parametrize("ask", [content, reviewed], ids=["allowed", "reviewed"])
def test_balances_that_move_after_the_first_look_are_in_the_facts(cast: Cast, ask: Callable[[], dict[str, Any]]):
    """Between the look without locks and the one under them, somebody else is granted 5,000 USD."""
    other = drafts.create_draft(actor=cast.heidi, content=reviewed(gpu_hours_cap=5_000.0), now=NOW)
    settle = submission._settle

    def settle_late(*args: Any, **options: Any) -> Any:
        with mock.patch.object(submission, "_settle", settle), mock.patch.object(submission.turns, "take"):
            _elsewhere(partial(submission.submit_request, request_id=other.pk, actor=cast.heidi, now=NOW))
        return settle(*args, **options)

    with mock.patch.object(submission, "_settle", settle_late):
        request = submission.create_and_submit(actor=cast.alice, content=ask(), now=NOW)
    facts = RequestRevision.objects.get(provisioning_request=request).assessments.get().facts
    assert facts["budget.headroom_after_usd"] == 20_000 - 5_000 - 1_000
    assert ProvisioningRequest.objects.get(pk=other.pk).state == "in_review"
    assert_sound()


def test_what_follows_from_balances_that_moved_is_what_is_written(cast: Cast):
    """Allowed at the first look; then so much is spent that the forecast sends it to a person: nothing is granted."""
    Budget.objects.filter(pk=cast.budget.pk).update(
        period_start=NOW - timedelta(days=330), period_end=NOW + timedelta(days=35)
    )
    settle, looks = submission._settle, []

    def settle_late(*args: Any, **options: Any) -> Any:
        looks.append(args[0].outcome.value)
        _elsewhere(lambda: Budget.objects.filter(pk=cast.budget.pk).update(spent_micro=18_700 * 10**6))
        return settle(*args, **options)

    with mock.patch.object(submission, "_settle", settle_late):
        request = submission.create_and_submit(actor=cast.alice, content=content(), now=NOW)
    stored = RequestRevision.objects.get(provisioning_request=request).assessments.get()
    assert looks == ["allow", "review"]
    assert (request.state, stored.outcome) == ("in_review", "review")
    assert not Grant.objects.exists()
    assert open_stage(request).role.slug in {each["role"] for each in stored.decision["requirements"]}


def _elsewhere(act: Callable[[], Any]) -> None:
    """In a thread, and so on a connection, of its own."""
    from tests.concurrency.crowd import at_once

    [result] = at_once([act])
    assert not isinstance(result, Exception), result


def test_turns_outside_a_transaction_are_refused(cast: Cast):
    from governance.domain.errors import LockOutsideTransaction
    from governance.services.record import counters
    from governance.services.requests import turns

    for take in (turns.take_to_grant, partial(counters.next_number, "request")):
        with pytest.raises(LockOutsideTransaction):
            take()
    with transaction.atomic():
        turns.take_to_grant()
