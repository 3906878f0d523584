"""What a backtest counts is what single decisions come to."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.cache import cache

from governance.domain.rules.backtest_result import is_unchanged
from governance.models import (
    Assessment,
    PolicyException,
)
from governance.policy.bundle.shipped import shipped_text
from governance.selectors.rules.backtests import backtest_flips
from governance.services.rules import fact_chunks
from tests.cast import NOW, Cast, add_person, add_team
from tests.officers import put_in_force
from tests.unit.services.rules.backtests.history import (
    LATER,
    LOWER,
    LOWER_IN_SPRING,
    ask,
    draft,
    draft_text,
    run,
    with_safety_board,
)
from tests.unit.services.rules.backtests.singly import assert_same


class TestNumbers:
    def test_they_are_those_of_single_decisions(self, history: Cast) -> None:
        backtest = run(ask(history))
        assert backtest.state == "done"
        assert backtest.result["rows"] == 14
        assert_same(backtest)
        assert backtest.result["pairs"]["allow>review"]["count"] > 0
        assert backtest.result["pairs"]["deny>deny"]["count"] == 2
        assert backtest.result["flipped"] == len(backtest_flips.flips_of(backtest))

    def test_they_are_the_same_from_packed_columns(self, history: Cast) -> None:
        from_rows = run(ask(history))
        assert fact_chunks.pack_history(now=LATER) == 7  # July is not over, and too few to pack
        assert fact_chunks.pack_history(now=LATER + timedelta(days=40)) == 7
        cache.clear()
        again = run(ask(history, from_rows.version))
        assert again.pk != from_rows.pk
        assert again.result == from_rows.result
        cached = run(ask(history, from_rows.version))
        assert cached.result == from_rows.result

    def test_a_period_takes_only_its_own_decisions(self, history: Cast) -> None:
        backtest = run(ask(history, since=NOW + timedelta(minutes=3)))
        assert backtest.result["rows"] == 11
        assert_same(backtest)

    def test_an_exception_of_the_time_is_respected(self, history: Cast) -> None:
        row = Assessment.objects.filter(outcome="deny").earliest("pk")
        rule = next(fired["rule_id"] for fired in row.decision["fired"] if fired["effect"] == "deny")
        PolicyException.objects.create(
            rule_id=rule, team=history.root, reason="agreed", state="approved", approved_by=history.grace,
            valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=10),
        )  # fmt: skip
        backtest = run(ask(history))
        assert_same(backtest)
        assert backtest.result["excepted"] == 1
        # Only the first month lies in its time; in the other one the refusal stands.
        assert backtest.result["pairs"]["deny>deny"]["count"] == 1

    @pytest.mark.parametrize("state", ["asked", "refused"])
    def test_an_exception_that_nobody_approved_excepts_nothing(self, history: Cast, state: str) -> None:
        row = Assessment.objects.filter(outcome="deny").earliest("pk")
        rule = next(fired["rule_id"] for fired in row.decision["fired"] if fired["effect"] == "deny")
        PolicyException.objects.create(
            rule_id=rule, team=history.root, reason="please", state=state,
            valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=10),
        )  # fmt: skip
        result = run(ask(history)).result
        assert result["excepted"] == 0
        assert result["pairs"]["deny>deny"]["count"] == 2

    def test_an_exception_of_another_team_excepts_nothing(self, history: Cast) -> None:
        row = Assessment.objects.filter(outcome="deny").earliest("pk")
        rule = next(fired["rule_id"] for fired in row.decision["fired"] if fired["effect"] == "deny")
        PolicyException.objects.create(
            rule_id=rule, team=add_team("elsewhere", history.root), reason="agreed", state="approved",
            approved_by=history.grace, valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=10),
        )  # fmt: skip
        backtest = run(ask(history))
        assert_same(backtest)
        assert backtest.result["excepted"] == 0

    def test_money_that_nobody_knows_is_counted_apart(self, history: Cast) -> None:
        result = run(ask(history)).result
        unknown = Assessment.objects.filter(exposure_micro=None).count()
        assert unknown == 2
        assert result["unpriced"] == unknown

    def test_a_span_begins_with_the_first_decision_and_not_with_its_month(self, history: Cast) -> None:
        version = draft(history)
        whole = run(ask(history, version))
        assert whole.result["span_days"] == 60
        part = run(ask(history, version, since=NOW + timedelta(days=20)))
        assert part.result["span_days"] == 40

    def test_too_few_answers_say_nothing(self, history: Cast) -> None:
        result = run(ask(history)).result
        assert result["wait"] is None
        assert result["held"] is None
        assert result["refused"] is None
        assert result["minutes"]["is_measured"] is False

    def test_a_value_that_begins_later_is_judged_as_it_will_stand(self, history: Cast) -> None:
        backtest = run(ask(history, draft(history, LOWER_IN_SPRING)))
        assert backtest.on == date(2027, 3, 1)
        assert backtest.result["pairs"]["allow>review"]["count"] > 0

    def test_a_later_value_that_the_draft_drops_is_judged_where_it_would_have_begun(self, history: Cast) -> None:
        put_in_force(draft(history, LOWER_IN_SPRING), actor=history.grace, now=LATER)
        backtest = run(ask(history, draft(history, draft_text("2400.0"))))
        assert backtest.on == date(2027, 3, 1)
        assert backtest.result["by_draft"] > 0

    def test_what_today_would_change_anyway_is_told_apart(self, history: Cast) -> None:
        put_in_force(draft(history), actor=history.grace, now=LATER)
        backtest = run(ask(history, draft(history, draft_text("400.0"))))
        flipped = backtest.result["flipped"]
        assert flipped > 0
        assert backtest.result["already"] == flipped
        assert backtest.result["by_draft"] == 0
        assert list(backtest_flips.flips_of(backtest, only_draft=True)) == []


class TestConsequences:
    """What changes where the outcome stays."""

    def test_other_approvers_are_a_change_and_those_that_nobody_could_be_stand_first(self, history: Cast) -> None:
        result = run(ask(history, draft(history, with_safety_board()))).result
        assert result["flipped"] == result["by_draft"] == 0
        assert result["effects"]["approvers"] == result["effect_rows"] > 0
        assert result["unfillable"]["safety_board"] == result["unfillable_rows"] == result["effect_rows"]
        assert not is_unchanged(result)

    def test_they_are_listed_with_what_changes(self, history: Cast) -> None:
        backtest = run(ask(history, draft(history, with_safety_board())))
        flips = backtest_flips.flips_of(backtest)
        assert len(flips) == len(list(flips)) == backtest.result["effect_rows"]
        assert all(each.is_unfillable and "approvers" in each.effects for each in flips)
        rows = backtest_flips.explained(backtest, list(flips))
        assert all("also 3 × safety board" in row.why for row in rows)
        assert {row.rule_id.partition("-")[0] for row in rows} == {"AL"}

    def test_those_that_nobody_could_fill_stand_before_the_newer_ones(self, history: Cast) -> None:
        text = with_safety_board().replace(LOWER, LOWER.replace("2500.0", "500.0"))
        for name in ("kim", "lee"):
            add_person(name, team=history.root, roles=["exec"], scope=history.root)
        flips = list(backtest_flips.flips_of(run(ask(history, draft(history, text)))))
        order = [(not each.is_unfillable, -each.assessment_id) for each in flips]
        assert order == sorted(order)
        assert {each.then for each in flips} == {"allow", "review"}

    def test_people_who_hold_the_role_fill_the_stage(self, history: Cast) -> None:
        for name in ("kim", "lee", "max"):
            add_person(name, team=history.root, roles=["safety_board"], scope=history.root)
        result = run(ask(history, draft(history, with_safety_board()))).result
        assert result["effect_rows"] > 0
        assert result["unfillable_rows"] == 0

    def test_a_nearer_deadline_and_another_flag_are_changes(self, history: Cast) -> None:
        text = shipped_text("approval-limits")
        days = "{role: infra_lead, quorum: 1}], due_working_days: 2"
        assert days in text
        result = run(ask(history, draft(history, text.replace(days, days.replace(": 2", ": 1"))))).result
        assert set(result["effects"]) <= {"deadlines"}
        assert result["flipped"] == 0

    def test_a_wording_changes_nothing_at_all(self, history: Cast) -> None:
        result = run(
            ask(history, draft(history, shipped_text("approval-limits").replace("title: ", "title: Newer ")))
        ).result
        assert is_unchanged(result)
        assert result["unfillable_rows"] == 0
