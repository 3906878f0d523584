"""The decisions that change, page by page, each with its reason."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import (
    Assessment,
    PolicyBacktest,
)
from governance.policy.backtest.tally import PAIRS
from governance.policy.decisions.wording import format_value
from governance.policy.facts.facts_schema import facts_from_json
from governance.selectors.rules.backtests import backtest_changes, backtest_flips
from tests.cast import NOW, Cast
from tests.officers import put_in_force
from tests.unit.services.rules.backtests.history import (
    LATER,
    ask,
    ask_all,
    draft,
    draft_text,
    run,
)


class TestFlips:
    # Lower than today: some change already, some by the draft. Higher: some only differ from today's rules.
    @pytest.mark.parametrize(("today", "proposed"), [("1000.0", "700.0"), ("700.0", "1000.0")])
    def test_as_many_are_counted_as_there_are(self, history: Cast, today: str, proposed: str) -> None:
        put_in_force(draft(history, draft_text(today)), actor=history.grace, now=LATER)
        backtest = run(ask(history, draft(history, draft_text(proposed))))
        seen = 0
        for pair, only_draft in product(("", *PAIRS), (False, True)):
            flips = backtest_flips.flips_of(backtest, pair=pair, only_draft=only_draft)
            every = list(flips)
            assert len(flips) == len(every)
            assert [each for at in range(0, len(every), 2) for each in flips[at : at + 2]] == every
            assert [flips[at] for at in range(len(every))] == every
            assert (flips[::2], flips[::-1]) == (every[::2], every[::-1])
            order = [(not each.is_unfillable, -each.assessment_id) for each in every]
            assert order == sorted(order)
            assert all(each.pair == pair for each in every) or not pair
            assert all(
                each.effects or (each.today != each.draft if only_draft else each.then != each.draft) for each in every
            )
            seen += len(every)
        assert seen > 0

    def test_a_page_reads_the_months_that_it_shows(self, history: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        backtest = run(ask(history))
        made: list[int] = []
        monkeypatch.setattr(backtest_flips, "Flip", lambda *each: made.append(each[0]) or each)
        flips = backtest_flips.flips_of(backtest)
        assert len(flips) > 1
        assert made == []
        with CaptureQueriesContext(connection) as queries:
            assert len(flips[:1]) == len(made) == 1
        assert backtest.months.exclude(flips=b"").count() == 2
        assert len(queries) == 1


class TestReasons:
    def test_each_flip_names_the_rule_and_the_distance(self, cast: Cast) -> None:
        ask_all(cast, starts=(NOW,))
        backtest = run(ask(cast))
        rows = backtest_flips.explained(backtest, list(backtest_flips.flips_of(backtest)))
        assert rows
        sums = 0
        for row in rows:
            assert row.rule_id in ("AL-1", "AL-2")
            assert "above 500" in row.why
            facts = facts_from_json(Assessment.objects.get(pk=row.flip.assessment_id).facts)
            own, together = facts.get("request.exposure_usd"), facts["history.similar_exposure_30d_usd"]
            # The number that was compared: the request's own is in its own column, the sum is said with its value.
            with_others = own is None or together > own
            assert (
                row.why.startswith(f"{format_value(together, 'USD')} in 30\N{NO-BREAK SPACE}days with ") is with_others
            )
            sums += with_others
        assert sums
        assert [row.decided_at for row in rows] == sorted((row.decided_at for row in rows), reverse=True)

    @pytest.mark.parametrize("broken", [{"request.start_at": "yesterday"}, {"people.team_path": 7}])
    def test_facts_that_nobody_can_read_leave_the_other_rows_alone(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch, broken: dict[str, Any]
    ) -> None:
        ask_all(cast, starts=(NOW,))
        backtest = run(ask(cast))
        flips = list(backtest_flips.flips_of(backtest))
        # Stored rows cannot be changed, so what is read of the first one is.
        stored = Assessment.objects.get(pk=flips[0].assessment_id).facts
        monkeypatch.setattr(
            backtest_flips, "facts_from_json", lambda plain: facts_from_json(broken if plain == stored else plain)
        )
        first, second, *_ = backtest_flips.explained(backtest, flips)
        assert (first.why, first.rule_id, first.exposure_usd) == (backtest_flips.UNREADABLE, "", None)
        assert first.reference
        assert "above 500" in second.why

    def test_the_heading_says_what_the_version_does(self, cast: Cast) -> None:
        backtest = ask(cast)
        changes = backtest_changes.changes_of(PolicyBacktest.objects.select_related("version").get(pk=backtest.pk))
        assert changes.heading == "Lower “automatic approval limit (USD)” to 500\xa0USD"
        assert {rule.rule_id for rule in changes.rules} >= {"AL-1", "AL-2"}
        marked = [piece.text for rule in changes.rules for piece in rule.after if piece.mark == "new"]
        assert all("500\xa0USD" in text for text in marked)

    def test_a_heading_names_a_parameter_only_when_it_is_all_that_changes(self, cast: Cast) -> None:
        text = draft_text()
        line = "request.accelerator_count > params.large_accelerator_count"
        assert text.count(f"|| {line}") == 1
        backtest = ask(cast, draft(cast, text.replace(f"|| {line}", f"|| {line} + 1")))
        changes = backtest_changes.changes_of(PolicyBacktest.objects.select_related("version").get(pk=backtest.pk))
        assert [param.name for param in changes.params] == ["auto_allow_max_usd"]
        assert "AL-3" in {rule.rule_id for rule in changes.rules}
        assert changes.heading == f"Change {len(changes.rules)}\u00a0rules of “Approval limits”"
