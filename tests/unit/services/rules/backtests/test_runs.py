"""Who asks for a backtest, and a run from its first month to its last."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from governance.domain.errors import IllegalTransition, InvalidInput, NoActivePolicy, NotAllowed, NotFound
from governance.domain.limits import BACKTEST_ATTEMPTS_MAX, BACKTEST_LEASE_SECONDS
from governance.models import (
    AuditEvent,
    PolicyBacktest,
)
from governance.policy.bundle.shipped import shipped_text
from governance.selectors.rules.backtests import backtests as reading
from governance.services.rules import backtests
from tests.cast import NOW, Cast
from tests.officers import put_in_force, retire_all
from tests.unit.services.rules.backtests.history import (
    LATER,
    ask,
    ask_all,
    draft,
    draft_text,
    run,
)
from tests.unit.services.rules.backtests.singly import assert_same


class TestAsking:
    def test_only_a_policy_officer_asks_cancels_resumes_and_looks(self, cast: Cast) -> None:
        version, backtest = draft(cast), ask(cast)
        for who in (cast.alice, cast.bob, cast.erin):
            with pytest.raises(NotAllowed):
                backtests.request_backtest(version_id=version.pk, actor=who, now=LATER)
            for act in (backtests.cancel, backtests.resume, backtests.mark_seen):
                with pytest.raises(NotAllowed):
                    act(backtest_id=backtest.pk, actor=who, now=LATER)
        assert AuditEvent.objects.filter(action__startswith="policy.backtest").count() == 1

    def test_asking_twice_asks_once(self, cast: Cast) -> None:
        version = draft(cast)
        assert ask(cast, version).pk == ask(cast, version).pk
        assert AuditEvent.objects.filter(action="policy.backtest_asked").count() == 1
        run(PolicyBacktest.objects.get())
        assert ask(cast, version).pk != PolicyBacktest.objects.earliest("pk").pk

    def test_what_cannot_be_asked(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            backtests.request_backtest(version_id=10**9, actor=cast.grace, now=LATER)
        with pytest.raises(InvalidInput):
            ask(cast, since=LATER)
        retire_all(actor=cast.grace, now=LATER)
        with pytest.raises(NoActivePolicy):
            ask(cast)
        assert not PolicyBacktest.objects.exists()

    def test_a_version_that_cannot_rule_beside_the_others_is_refused(self, cast: Cast) -> None:
        taken = shipped_text("acceptable-use")
        rule = next(line.split(":")[1].strip() for line in taken.splitlines() if line.startswith("- id:"))
        text = draft_text().replace("- id: AL-1\n", f"- id: {rule}\n", 1).replace("rule: AL-1,", f"rule: {rule},")
        with pytest.raises(InvalidInput):
            ask(cast, draft(cast, text))

    def test_an_activation_meanwhile_changes_nothing(self, history: Cast) -> None:
        version = draft(history)
        backtest = ask(history, version)
        put_in_force(version, actor=history.grace, now=LATER)
        assert run(backtest).result["by_draft"] > 0


class TestRuns:
    def test_no_history_is_a_finished_run_of_nothing(self, cast: Cast) -> None:
        backtest = run(ask(cast))
        assert (backtest.state, backtest.result["rows"]) == ("done", 0)

    def test_cancelled_keeps_its_months_and_resumes_with_the_others(self, history: Cast) -> None:
        backtest = ask(history)
        first, second = backtest.months.values_list("month", flat=True)
        assert backtests.run_month(backtest_id=backtest.pk, month=first, clock=lambda: LATER)
        backtests.cancel(backtest_id=backtest.pk, actor=history.grace, now=LATER)
        assert backtests.run_due(clock=lambda: LATER) == 0
        assert not backtests.run_month(backtest_id=backtest.pk, month=second, clock=lambda: LATER)
        judged_at = backtest.months.get(month=first).judged_at
        backtests.resume(backtest_id=backtest.pk, actor=history.grace, now=LATER)
        assert backtests.run_due(clock=lambda: LATER + timedelta(minutes=1)) == 1
        backtest.refresh_from_db()
        assert backtest.months.get(month=first).judged_at == judged_at
        assert_same(backtest)
        actions = AuditEvent.objects.filter(action__startswith="policy.backtest").order_by("seq")
        assert [event.action.partition("_")[2] for event in actions] == ["asked", "cancelled", "resumed"]

    def test_a_killed_worker_leaves_its_month_to_others_once_its_lease_is_over(
        self, history: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backtest = ask(history)

        def killed(*args: object, **more: object) -> None:
            raise SystemExit("killed")

        judge = reading.judge_month
        monkeypatch.setattr(reading, "judge_month", killed)
        with pytest.raises(SystemExit):
            backtests.run_due(clock=lambda: LATER)
        monkeypatch.setattr(reading, "judge_month", judge)
        assert backtests.run_due(clock=lambda: LATER) == 1  # the other month
        backtest.refresh_from_db()
        assert backtest.state == "running"
        over = LATER + timedelta(seconds=BACKTEST_LEASE_SECONDS)
        assert backtests.run_due(clock=lambda: over) == 1
        backtest.refresh_from_db()
        assert_same(backtest)

    def test_who_lost_the_lease_writes_nothing(self, history: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        backtest = ask(history)
        month = backtest.months.earliest("month").month
        judge = reading.judge_month
        over = LATER + timedelta(seconds=BACKTEST_LEASE_SECONDS)
        results: list[bool] = []

        def slow(*args: Any, **more: Any) -> Any:
            monkeypatch.setattr(reading, "judge_month", judge)
            # Meanwhile the lease runs out and another worker judges the month.
            results.append(backtests.run_month(backtest_id=backtest.pk, month=month, clock=lambda: over))
            return judge(*args, **more)

        monkeypatch.setattr(reading, "judge_month", slow)
        results.append(backtests.run_month(backtest_id=backtest.pk, month=month, clock=lambda: LATER))
        assert results == [True, False]
        assert backtest.months.get(month=month).judged_at == over

    def test_a_month_that_keeps_failing_ends_the_run_with_its_reason(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ask_all(cast, starts=(NOW,))
        backtest = ask(cast)
        monkeypatch.setattr(reading, "judge_month", lambda *args, **more: 1 // 0)
        for minute in range(BACKTEST_ATTEMPTS_MAX + 1):
            backtests.run_due(clock=lambda minute=minute: LATER + timedelta(minutes=minute))
        backtest.refresh_from_db()
        assert backtest.state == "failed"
        assert "ZeroDivisionError" in backtest.error
        assert "Jun 2026" in backtest.error

    def test_a_run_that_cannot_be_put_together_stops_no_other_and_ends_with_its_reason(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ask_all(cast, starts=(NOW,))
        broken, other = ask(cast), ask(cast, draft(cast, draft_text("400.0")))
        finish = backtests.finish

        def fails_for_one(*, backtest_id: int, now: datetime) -> bool:
            if backtest_id == broken.pk:
                raise KeyError("pairs")
            return finish(backtest_id=backtest_id, now=now)

        monkeypatch.setattr(backtests, "finish", fails_for_one)
        run(other)
        assert other.state == "done"
        for minute in range(BACKTEST_ATTEMPTS_MAX):
            run(broken, at=LATER + timedelta(minutes=minute))
        assert broken.state == "failed"
        assert broken.error == "Putting the months together: KeyError: 'pairs'"
        # Its months are kept: taken up again, it is only put together.
        monkeypatch.setattr(backtests, "finish", finish)
        backtests.resume(backtest_id=broken.pk, actor=cast.grace, now=LATER)
        assert backtests.run_due(clock=lambda: LATER) == 0
        broken.refresh_from_db()
        assert (broken.state, broken.error, broken.finish_attempts) == ("done", "", 0)

    def test_looking_is_recorded_once_and_only_when_there_is_something_to_see(self, cast: Cast) -> None:
        ask_all(cast, starts=(NOW,))
        backtest = ask(cast)
        with pytest.raises(IllegalTransition):
            backtests.mark_seen(backtest_id=backtest.pk, actor=cast.grace, now=LATER)
        run(backtest)
        for minute in (0, 1):
            backtests.mark_seen(backtest_id=backtest.pk, actor=cast.grace, now=LATER + timedelta(minutes=minute))
        backtest.refresh_from_db()
        assert (backtest.seen_by, backtest.seen_at) == (cast.grace, LATER)
        assert AuditEvent.objects.filter(action="policy.backtest_seen").count() == 1
