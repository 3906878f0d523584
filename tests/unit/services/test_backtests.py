"""A draft on history: who may ask, what is counted, and that the numbers are those of single decisions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.domain.errors import IllegalTransition, InvalidInput, NoActivePolicy, NotAllowed, NotFound
from governance.domain.limits import BACKTEST_ATTEMPTS_MAX, BACKTEST_LEASE_SECONDS
from governance.models import (
    Assessment,
    AuditEvent,
    FactChunk,
    FactChunkColumn,
    PolicyBacktest,
    PolicyException,
    PolicyVersion,
)
from governance.policy.decision import Decision, decide
from governance.policy.facts_schema import facts_from_json
from governance.policy.shipped import shipped_text
from governance.policy.tally import PAIRS
from governance.selectors import backtest_changes, backtest_flips, decision_history
from governance.selectors import backtests as reading
from governance.selectors import policies as active_policies
from governance.services import backtests, fact_chunks, policies, provisioning
from tests import cast as casting
from tests.cast import NOW, Cast, content, reviewed
from tests.officers import put_in_force

LOWER = "auto_allow_max_usd: {type: double, unit: USD, help: Up to here nobody is asked., values: [{value: 2500.0"
SIZES = (100.0, 600.0, 900.0, 1400.0)


def draft_text(value: str = "500.0") -> str:
    text = shipped_text("approval-limits")
    assert LOWER in text
    return text.replace(LOWER, LOWER.replace("2500.0", value))


LOWER_IN_SPRING = draft_text().replace(
    "500.0, from: 2024-01-01, source: organisation's own limit}",
    "2500.0, from: 2024-01-01, source: organisation's own limit}, "
    "{value: 500.0, from: 2027-03-01, source: organisation's own limit}", 1,
)  # fmt: skip


@pytest.fixture
def cast(db: None) -> Cast:
    return casting.assemble(budget_usd=900_000)


def dates(start: datetime) -> dict[str, str]:
    return {"start_on": start.date().isoformat(), "end_on": (start.date() + timedelta(days=9)).isoformat()}


def ask_all(cast: Cast, *, starts: tuple[datetime, ...] = (NOW, NOW + timedelta(days=40))) -> None:
    """Asks of several sizes in two months: allowed, in review, without a price, refused."""
    for start in starts:
        asks = [content(gpu_hours_cap=hours) for hours in SIZES]
        asks += [reviewed(), content(price_term="reserved_3y"), content(purpose="malware")]
        for number, each in enumerate(asks):
            provisioning.ask_at_once(
                actor=cast.users["alice" if number % 2 else "heidi"],
                content=each | dates(start),
                now=start + timedelta(minutes=number),
            )


LATER = NOW + timedelta(days=60)


def draft(cast: Cast, text: str | None = None) -> PolicyVersion:
    return policies.import_version(source=text or draft_text(), actor=cast.grace, now=LATER)


def ask(cast: Cast, version: PolicyVersion | None = None, **more: datetime) -> PolicyBacktest:
    version = version or draft(cast)
    return backtests.ask_backtest(version_id=version.pk, actor=cast.grace, **{"now": LATER} | more)


def run(backtest: PolicyBacktest, *, at: datetime = LATER) -> PolicyBacktest:
    backtests.run_due(clock=lambda: at)
    backtest.refresh_from_db()
    return backtest


def single_decisions(backtest: PolicyBacktest) -> list[tuple[Assessment, Decision, str]]:
    """Each stored decision judged by `decide`, one after another, with the exceptions of its time."""
    policy = reading.policy_of(backtest.draft_ids)
    found = []
    rows = Assessment.objects.filter(occasion="submit", assessed_at__lt=backtest.until).order_by("pk")
    if backtest.since is not None:
        rows = rows.filter(assessed_at__gte=backtest.since)
    for row in rows.select_related("revision__provisioning_request__project__team"):
        project = row.revision.provisioning_request.project
        assert project is not None
        held = active_policies.exceptions_for(project, now=row.assessed_at)
        held = [replace(each, starts_on=date.min, expires_on=date.max) for each in held]
        decision = decide(policy, facts_from_json(row.facts), on=backtest.on, exceptions=held)
        outcome = decision.outcome.value
        if row.exposure_micro is None and outcome == "allow":
            outcome = "review"
        found.append((row, decision, outcome))
    return found


def by_hand(backtest: PolicyBacktest) -> dict[str, Counter[str]]:
    """Matrix, money, teams and people as single decisions have them."""
    pairs, cost, teams, roles = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for row, decision, outcome in single_decisions(backtest):
        pair = f"{row.outcome}>{outcome}"
        pairs[pair] += 1
        cost[pair] += round((row.facts.get("estimate.cost_p50_usd") or 0) * 1_000_000)
        teams[f"{row.facts['people.team_path'][-1]} {pair}"] += 1
        if outcome == "review":
            for need in decision.requirements:
                roles[need.role] += need.quorum
            if not decision.requirements:
                roles["team_lead"] += 1
    return {"pairs": pairs, "cost": cost, "teams": teams, "roles": roles}


def counted(backtest: PolicyBacktest) -> dict[str, Counter[str]]:
    result = backtest.result
    changed = {name: each for name, each in result["pairs"].items() if "cost_micro" in each}
    return {
        "pairs": Counter({name: each["count"] for name, each in result["pairs"].items()}),
        "cost": Counter({name: each["cost_micro"] for name, each in changed.items()}),
        "teams": Counter({f"{team} {pair}": n for team, pairs in result["teams"].items() for pair, n in pairs.items()}),
        "roles": Counter({role: each["after"] for role, each in result["roles"].items() if each["after"]}),
    }


def assert_same(backtest: PolicyBacktest) -> None:
    ours, theirs = counted(backtest), by_hand(backtest)
    assert ours["pairs"] == theirs["pairs"]
    assert ours["teams"] == theirs["teams"]
    assert ours["roles"] == theirs["roles"]
    assert ours["cost"] == {pair: theirs["cost"][pair] for pair in ours["cost"]}


class TestNumbers:
    def test_they_are_those_of_single_decisions(self, cast: Cast) -> None:
        ask_all(cast)
        backtest = run(ask(cast))
        assert backtest.state == "done"
        assert backtest.result["rows"] == 14
        assert_same(backtest)
        assert backtest.result["pairs"]["allow>review"]["count"] > 0
        assert backtest.result["pairs"]["deny>deny"]["count"] == 2
        assert backtest.result["flipped"] == len(backtest_flips.flips_of(backtest))

    def test_they_are_the_same_from_packed_columns(self, cast: Cast) -> None:
        ask_all(cast)
        from_rows = run(ask(cast))
        assert fact_chunks.pack_history(now=LATER) == 7  # July is not over, and too few to pack
        assert fact_chunks.pack_history(now=LATER + timedelta(days=40)) == 7
        cache.clear()
        again = run(ask(cast, from_rows.version))
        assert again.pk != from_rows.pk
        assert again.result == from_rows.result
        cached = run(ask(cast, from_rows.version))
        assert cached.result == from_rows.result

    def test_a_period_takes_only_its_own_decisions(self, cast: Cast) -> None:
        ask_all(cast)
        backtest = run(ask(cast, since=NOW + timedelta(minutes=3)))
        assert backtest.result["rows"] == 11
        assert_same(backtest)

    def test_an_exception_of_the_time_is_respected(self, cast: Cast) -> None:
        ask_all(cast)
        row = Assessment.objects.filter(outcome="deny").earliest("pk")
        rule = next(fired["rule_id"] for fired in row.decision["fired"] if fired["effect"] == "deny")
        PolicyException.objects.create(
            rule_id=rule, team=cast.root, reason="agreed", state="approved", approved_by=cast.grace,
            valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=10),
        )  # fmt: skip
        backtest = run(ask(cast))
        assert_same(backtest)
        assert backtest.result["excepted"] == 1
        # Only the first month lies in its time; in the other one the refusal stands.
        assert backtest.result["pairs"]["deny>deny"]["count"] == 1

    def test_money_that_nobody_knows_is_counted_apart(self, cast: Cast) -> None:
        ask_all(cast)
        result = run(ask(cast)).result
        unknown = Assessment.objects.filter(exposure_micro=None).count()
        assert unknown == 2
        assert result["unpriced"] == unknown

    def test_a_span_begins_with_the_first_decision_and_not_with_its_month(self, cast: Cast) -> None:
        ask_all(cast)
        version = draft(cast)
        whole = run(ask(cast, version))
        assert whole.result["span_days"] == 60
        part = run(ask(cast, version, since=NOW + timedelta(days=20)))
        assert part.result["span_days"] == 40

    def test_too_few_answers_say_nothing(self, cast: Cast) -> None:
        ask_all(cast)
        result = run(ask(cast)).result
        assert result["wait"] is None
        assert result["held"] is None
        assert result["refused"] is None
        assert result["minutes"]["is_measured"] is False

    def test_a_value_that_begins_later_is_judged_as_it_will_stand(self, cast: Cast) -> None:
        ask_all(cast)
        backtest = run(ask(cast, draft(cast, LOWER_IN_SPRING)))
        assert backtest.on == date(2027, 3, 1)
        assert backtest.result["pairs"]["allow>review"]["count"] > 0

    def test_a_later_value_that_the_draft_drops_is_judged_where_it_would_have_begun(self, cast: Cast) -> None:
        ask_all(cast)
        put_in_force(draft(cast, LOWER_IN_SPRING), actor=cast.grace, now=LATER)
        backtest = run(ask(cast, draft(cast, draft_text("2400.0"))))
        assert backtest.on == date(2027, 3, 1)
        assert backtest.result["by_draft"] > 0

    def test_what_today_would_change_anyway_is_told_apart(self, cast: Cast) -> None:
        ask_all(cast)
        put_in_force(draft(cast), actor=cast.grace, now=LATER)
        backtest = run(ask(cast, draft(cast, draft_text("400.0"))))
        flipped = backtest.result["flipped"]
        assert flipped > 0
        assert backtest.result["already"] == flipped
        assert backtest.result["by_draft"] == 0
        assert list(backtest_flips.flips_of(backtest, only_draft=True)) == []


class TestFlips:
    # Lower than today: some change already, some by the draft. Higher: some only differ from today's rules.
    @pytest.mark.parametrize(("today", "proposed"), [("1000.0", "700.0"), ("700.0", "1000.0")])
    def test_as_many_are_counted_as_there_are(self, cast: Cast, today: str, proposed: str) -> None:
        ask_all(cast)
        put_in_force(draft(cast, draft_text(today)), actor=cast.grace, now=LATER)
        backtest = run(ask(cast, draft(cast, draft_text(proposed))))
        seen = 0
        for pair, only_draft in product(("", *PAIRS), (False, True)):
            flips = backtest_flips.flips_of(backtest, pair=pair, only_draft=only_draft)
            every = list(flips)
            assert len(flips) == len(every)
            assert [each for at in range(0, len(every), 2) for each in flips[at : at + 2]] == every
            assert [flips[at] for at in range(len(every))] == every
            assert (flips[::2], flips[::-1]) == (every[::2], every[::-1])
            ids = [each.assessment_id for each in every]
            assert ids == sorted(ids, reverse=True)
            assert all(each.pair == pair for each in every) or not pair
            assert all(each.today != each.draft if only_draft else each.then != each.draft for each in every)
            seen += len(every)
        assert seen > 0

    def test_a_page_reads_the_months_that_it_shows(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        ask_all(cast)
        backtest = run(ask(cast))
        made: list[int] = []
        monkeypatch.setattr(backtest_flips, "Flip", lambda *each: made.append(each[0]) or each)
        flips = backtest_flips.flips_of(backtest)
        assert len(flips) > 1
        assert made == []
        with CaptureQueriesContext(connection) as queries:
            assert len(flips[:1]) == len(made) == 1
        assert backtest.months.exclude(flips=b"").count() == 2
        assert len(queries) == 1


class TestChunks:
    def test_packing_twice_writes_the_same_bytes(self, cast: Cast) -> None:
        ask_all(cast)
        after = LATER + timedelta(days=40)
        fact_chunks.pack_history(now=after)

        def stored() -> list[tuple[str, str, bytes]]:
            rows = FactChunkColumn.objects.order_by("chunk__month", "name")
            return [
                (digest, name, bytes(data)) for digest, name, data in rows.values_list("chunk__digest", "name", "data")
            ]

        first = stored()
        assert first
        assert fact_chunks.pack_history(now=after) == 0
        FactChunk.objects.all().delete()
        assert fact_chunks.pack_history(now=after) == 14
        assert stored() == first

    def test_a_month_that_grew_is_read_whole_and_packed_anew(self, cast: Cast) -> None:
        ask_all(cast, starts=(NOW,))
        after = LATER + timedelta(days=40)
        fact_chunks.pack_history(now=after)
        provisioning.ask_at_once(actor=cast.alice, content=content() | dates(NOW), now=NOW + timedelta(hours=2))
        backtest = run(ask(cast))
        assert backtest.result["rows"] == 8
        assert_same(backtest)
        assert fact_chunks.pack_history(now=after) == 8
        assert FactChunk.objects.get().rows == 8

    def test_a_digest_is_the_same_packed_or_not(self, cast: Cast) -> None:
        ask_all(cast, starts=(NOW,))
        month = date(NOW.year, NOW.month, 1)
        (from_rows,) = decision_history.month_parts(month)
        fact_chunks.pack_history(now=LATER)
        (packed,) = decision_history.month_parts(month)
        assert type(packed) is not type(from_rows)
        assert packed.digest == from_rows.digest


class TestAsking:
    def test_only_a_policy_officer_asks_cancels_resumes_and_looks(self, cast: Cast) -> None:
        version, backtest = draft(cast), ask(cast)
        for who in (cast.alice, cast.bob, cast.erin):
            with pytest.raises(NotAllowed):
                backtests.ask_backtest(version_id=version.pk, actor=who, now=LATER)
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
            backtests.ask_backtest(version_id=10**9, actor=cast.grace, now=LATER)
        with pytest.raises(InvalidInput):
            ask(cast, since=LATER)
        PolicyVersion.objects.filter(state="active").update(state="retired")
        with pytest.raises(NoActivePolicy):
            ask(cast)
        assert not PolicyBacktest.objects.exists()

    def test_a_version_that_cannot_rule_beside_the_others_is_refused(self, cast: Cast) -> None:
        taken = shipped_text("acceptable-use")
        rule = next(line.split(":")[1].strip() for line in taken.splitlines() if line.startswith("- id:"))
        text = draft_text().replace("- id: AL-1\n", f"- id: {rule}\n", 1).replace("rule: AL-1,", f"rule: {rule},")
        with pytest.raises(InvalidInput):
            ask(cast, draft(cast, text))

    def test_an_activation_meanwhile_changes_nothing(self, cast: Cast) -> None:
        ask_all(cast)
        version = draft(cast)
        backtest = ask(cast, version)
        put_in_force(version, actor=cast.grace, now=LATER)
        assert run(backtest).result["by_draft"] > 0


class TestRuns:
    def test_no_history_is_a_finished_run_of_nothing(self, cast: Cast) -> None:
        backtest = run(ask(cast))
        assert (backtest.state, backtest.result["rows"]) == ("done", 0)

    def test_cancelled_keeps_its_months_and_resumes_with_the_others(self, cast: Cast) -> None:
        ask_all(cast)
        backtest = ask(cast)
        first, second = backtest.months.values_list("month", flat=True)
        assert backtests.run_month(backtest_id=backtest.pk, month=first, clock=lambda: LATER)
        backtests.cancel(backtest_id=backtest.pk, actor=cast.grace, now=LATER)
        assert backtests.run_due(clock=lambda: LATER) == 0
        assert not backtests.run_month(backtest_id=backtest.pk, month=second, clock=lambda: LATER)
        judged_at = backtest.months.get(month=first).judged_at
        backtests.resume(backtest_id=backtest.pk, actor=cast.grace, now=LATER)
        assert backtests.run_due(clock=lambda: LATER + timedelta(minutes=1)) == 1
        backtest.refresh_from_db()
        assert backtest.months.get(month=first).judged_at == judged_at
        assert_same(backtest)
        actions = AuditEvent.objects.filter(action__startswith="policy.backtest").order_by("seq")
        assert [event.action.partition("_")[2] for event in actions] == ["asked", "cancelled", "resumed"]

    def test_a_killed_worker_leaves_its_month_to_others_once_its_lease_is_over(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ask_all(cast)
        backtest = ask(cast)

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

    def test_who_lost_the_lease_writes_nothing(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        ask_all(cast)
        backtest = ask(cast)
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
        assert "June 2026" in backtest.error

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


class TestReasons:
    def test_each_flip_names_the_rule_and_the_distance(self, cast: Cast) -> None:
        ask_all(cast, starts=(NOW,))
        backtest = run(ask(cast))
        rows = backtest_flips.explained(backtest, list(backtest_flips.flips_of(backtest)))
        assert rows
        for row in rows:
            assert row.rule_id in ("AL-1", "AL-2")
            assert "above 500" in row.why
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
        assert changes.heading == "Lower “auto allow max” to 500\xa0USD"
        assert {rule.rule_id for rule in changes.rules} >= {"AL-1", "AL-2"}
        marked = [piece.text for rule in changes.rules for piece in rule.after if piece.is_changed]
        assert all("500\xa0USD" in text for text in marked)

    def test_a_heading_names_a_parameter_only_when_it_is_all_that_changes(self, cast: Cast) -> None:
        text = draft_text()
        line = "request.accelerator_count > params.large_accelerator_count"
        assert text.count(f"|| {line}") == 1
        backtest = ask(cast, draft(cast, text.replace(f"|| {line}", f"|| {line} + 1")))
        changes = backtest_changes.changes_of(PolicyBacktest.objects.select_related("version").get(pk=backtest.pk))
        assert [param.name for param in changes.params] == ["auto_allow_max_usd"]
        assert "AL-3" in {rule.rule_id for rule in changes.rules}
        assert changes.heading == f"Change {len(changes.rules)} rules of “Approval limits”"
