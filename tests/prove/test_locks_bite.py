"""Each lock is taken out in turn, and the race that it guards is seen to fail. A lock that nobody misses is not one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any
from unittest import mock

import pytest

from governance.models import Budget, ProvisioningRequest
from governance.models.base import LockingQuerySet
from tests.cast import Cast
from tests.concurrency.races import RACES
from tests.plugins.databases import DATABASES

pytestmark = [pytest.mark.prove, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

TRIES = 25


def _unlocked(model: type[Any]) -> AbstractContextManager[Any]:
    """Rows of `model` are read, but no longer locked."""
    original = LockingQuerySet.locked

    def locked(self: LockingQuerySet[Any]) -> LockingQuerySet[Any]:
        return self.all() if self.model is model else original(self)

    return mock.patch.object(LockingQuerySet, "locked", locked)


def _no_request_lock() -> AbstractContextManager[Any]:
    return _unlocked(ProvisioningRequest)


def _no_budget_lock() -> AbstractContextManager[Any]:
    return _unlocked(Budget)


def _no_counter_lock() -> AbstractContextManager[Any]:
    from governance.models import Counter

    def next_number(name: str) -> int:
        counter, _ = Counter.objects.get_or_create(name=name)
        counter.value += 1
        counter.save()
        return counter.value

    return mock.patch("governance.services.record.counters.next_number", next_number)


def _no_policy_lock() -> AbstractContextManager[Any]:
    return mock.patch("governance.services.rules.policies.hold_in_force", return_value=None)


def _no_sets_lock() -> AbstractContextManager[Any]:
    return mock.patch("governance.services.rules.policies.lock_sets", return_value=None)


def _no_turns(kind: str) -> AbstractContextManager[Any]:
    from governance.services.requests import turns

    names = turns.names
    return mock.patch.object(
        turns, "names", lambda context: [name for name in names(context) if not name.startswith(kind)]
    )


def _no_turn_to_grant() -> AbstractContextManager[Any]:
    return mock.patch("governance.services.requests.turns.take_to_grant", return_value=None)


def _no_audit_lock() -> AbstractContextManager[Any]:
    from django.db.models import QuerySet

    from governance.models import AuditHead

    original = QuerySet.select_for_update

    def select_for_update(self: QuerySet[Any], *args: Any, **options: Any) -> QuerySet[Any]:
        return self.all() if self.model is AuditHead else original(self, *args, **options)

    return mock.patch.object(QuerySet, "select_for_update", select_for_update)


LOCKS: dict[str, tuple[Callable[[], AbstractContextManager[Any]], str]] = {
    "budget path": (_no_budget_lock, "submits_of_one_budget"),
    "request": (_no_request_lock, "two_yeses_on_the_last_stage"),
    "counter": (_no_counter_lock, "many_drafts"),
    "turns of a person": (partial(_no_turns, "person"), "two_requests_of_one_person"),
    "turns of a project": (partial(_no_turns, "project"), "two_requests_in_one_project"),
    "turn to grant": (_no_turn_to_grant, "two_grants_at_one_provider"),
    "audit head": (_no_audit_lock, "comments_on_many_requests"),
    "policy in force": (_no_policy_lock, "an_activation_and_a_grant"),
    "every policy set": (_no_sets_lock, "two_sets_move_at_once"),
}


@pytest.mark.parametrize("lock", LOCKS)
def test_without_the_lock_its_race_fails(template_cast: Cast, lock: str):
    remove, race = LOCKS[lock]
    for attempt in range(1, TRIES + 1):
        DATABASES.renew()
        with ExitStack() as stack:
            stack.enter_context(remove())
            try:
                RACES[race](DATABASES.value("cast"))
            except Exception as failure:  # whatever breaks, breaks because the lock is gone
                sys.stdout.write(
                    f"without the lock `{lock}`, try {attempt}: {type(failure).__name__}: {str(failure)[:160]}\n"
                )
                return
    pytest.fail(f"{race} passed {TRIES} times without the lock `{lock}`: it guards nothing")
