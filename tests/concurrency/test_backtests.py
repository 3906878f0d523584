"""Many workers on one backtest, with real threads on real connections: every month is judged, and counted once.

Guarded: the row of the run, which whoever claims or settles a month takes first; and the lease of the month.
"""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from governance.models import PolicyBacktest, PolicyVersion
from governance.selectors.rules.backtests import backtests as reading
from governance.services.requests import submission
from governance.services.rules import backtests
from tests.cast import NOW, Cast, content, set_budget
from tests.concurrency.crowd import at_once, kinds
from tests.officers import put_in_force

pytestmark = pytest.mark.django_db(transaction=True)
MONTHS = 4
LATER = NOW + timedelta(days=200)


@pytest.fixture
def cast(cast: Cast) -> Cast:
    found = set_budget(cast, usd=900_000)
    for month in range(MONTHS):
        start = NOW + timedelta(days=31 * month)
        for number, hours in enumerate((100.0, 900.0)):
            submission.create_and_submit(
                actor=found.alice,
                content=content(
                    gpu_hours_cap=hours, start_on=start.date().isoformat(),
                    end_on=(start.date() + timedelta(days=9)).isoformat(),
                ),
                now=start + timedelta(minutes=number),
            )  # fmt: skip
    return found


def ask(cast: Cast) -> PolicyBacktest:
    version = PolicyVersion.objects.get(policy_set__slug="approval-limits")
    return backtests.request_backtest(version_id=version.pk, actor=cast.grace, now=LATER)


def test_workers_share_the_months_and_nothing_is_counted_twice(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    backtest = ask(cast)
    judge, meet = reading.judge_month, Barrier(2)

    def together(*args: Any, **more: Any) -> Any:
        # Two months are judged at the same time, or this runs out of time: the work is shared.
        meet.wait(30)
        return judge(*args, **more)

    monkeypatch.setattr(reading, "judge_month", together)
    shares = at_once([lambda: backtests.run_due(clock=lambda: LATER) for _ in range(2)])
    assert shares == [MONTHS // 2, MONTHS // 2]
    backtest.refresh_from_db()
    assert backtest.state == "done"
    assert backtest.result["rows"] == 2 * MONTHS
    assert set(backtest.months.values_list("attempts", flat=True)) == {1}


def test_one_month_is_judged_by_one_of_many(cast: Cast) -> None:
    backtest = ask(cast)
    month = backtest.months.earliest("month").month
    results = at_once(
        [lambda: backtests.run_month(backtest_id=backtest.pk, month=month, clock=lambda: LATER) for _ in range(6)]
    )
    assert sorted(results) == [False] * 5 + [True]
    assert backtest.months.get(month=month).attempts == 1


def test_many_who_ask_at_once_get_one_run(cast: Cast) -> None:
    found = at_once([lambda: ask(cast).pk for _ in range(6)])
    assert kinds(found) == {"int": 6}
    assert len(set(found)) == 1
    assert PolicyBacktest.objects.count() == 1


def test_a_cancellation_beside_its_workers_leaves_a_whole_run_or_a_cancelled_one(cast: Cast) -> None:
    backtest = ask(cast)
    results = at_once(
        [
            lambda: backtests.run_due(clock=lambda: LATER),
            lambda: backtests.run_due(clock=lambda: LATER),
            lambda: backtests.cancel(backtest_id=backtest.pk, actor=cast.grace, now=LATER).state,
        ]
    )
    assert not any(isinstance(each, Exception) for each in results)
    backtest.refresh_from_db()
    left = backtest.months.filter(figures__isnull=True).count()
    assert (backtest.state, bool(backtest.result)) in (("done", True), ("cancelled", False))
    if backtest.state == "cancelled":
        backtests.resume(backtest_id=backtest.pk, actor=cast.grace, now=LATER)
        later = LATER + timedelta(hours=1)
        assert backtests.run_due(clock=lambda: later) == left
        backtest.refresh_from_db()
    assert backtest.result["rows"] == 2 * MONTHS


def test_an_activation_beside_an_ask_does_not_wait_in_a_circle(cast: Cast) -> None:
    version = PolicyVersion.objects.get(policy_set__slug="approval-limits")
    results = at_once(
        [
            lambda: ask(cast).pk,
            lambda: put_in_force(version, actor=cast.grace, now=LATER).pk,
        ]
        * 3
    )
    assert kinds(results) == {"int": 6}
