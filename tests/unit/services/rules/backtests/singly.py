"""The same figures from single decisions, one after another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

from governance.models import (
    Assessment,
    PolicyBacktest,
)
from governance.policy.decisions.decision import Decision, decide
from governance.policy.facts.facts_schema import facts_from_json
from governance.selectors.rules import policies as active_policies
from governance.selectors.rules.backtests import backtests as reading


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
