"""A draft on history: who may ask, what is counted, and that the numbers are those of single decisions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from governance.domain.errors import IllegalTransition, InvalidInput, NotAllowed, NotFound
from governance.models import (
    Assessment,
    AuditEvent,
    FactChunk,
    PolicyBacktest,
    PolicyBacktestMonth,
    PolicyException,
    PolicyVersion,
)
from governance.policy.decision import decide
from governance.policy.facts_schema import facts_from_json
from governance.policy.shipped import shipped_text
from governance.selectors import backtests as reading
from governance.selectors import decision_history, policies as active_policies
from governance.services import approvals, backtests, fact_chunks, policies, provisioning
from tests import cast as casting
from tests.cast import NOW, Cast, content, open_stage, reviewed

LOWER = "auto_allow_max_usd: {type: double, unit: USD, help: Up to here nobody is asked., values: [{value: 2500.0"
SIZES = (100.0, 600.0, 900.0, 1400.0)


def draft_text(value: str = "500.0") -> str:
    text = shipped_text("approval-limits")
    assert LOWER in text
    return text.replace(LOWER, LOWER.replace("2500.0", value))


@pytest.fixture
def cast(db: None) -> Cast:
    return casting.assemble(budget_usd=900_000)


def ask_all(cast: Cast, *, starts: tuple[datetime, ...] = (NOW, NOW + timedelta(days=40))) -> None:
    """Asks of several sizes in two months: allowed, in review, refused."""
    for start in starts:
        for number, hours in enumerate(SIZES):
            provisioning.ask_at_once(
                actor=cast.users["alice" if number % 2 else "heidi"],
                content=content(gpu_hours_cap=hours, start_on=start.date().isoformat(),
                                end_on=(start.date() + timedelta(days=13)).isoformat()),
                now=start + timedelta(days=31 * 0, minutes=number),
            )  # fmt: skip
        provisioning.ask_at_once(
            actor=cast.alice,
            content=reviewed(start_on=start.date().isoformat(), end_on=(start.date() + timedelta(days=9)).isoformat()),
            now=start + timedelta(minutes=30),
        )
        provisioning.ask_at_once(
            actor=cast.alice,
            content=content(purpose="malware", start_on=start.date().isoformat(),
                            end_on=(start.date() + timedelta(days=9)).isoformat()),
            now=start + timedelta(minutes=40),
        )  # fmt: skip


LATER = NOW + timedelta(days=60)


def draft(cast: Cast, text: str | None = None) -> PolicyVersion:
    return policies.import_version(source=text or draft_text(), actor=cast.grace, now=LATER)


def run(backtest: PolicyBacktest, *, at: datetime = LATER) -> PolicyBacktest:
    backtests.run_due(clock=lambda: at)
    backtest.refresh_from_db()
    return backtest


def by_hand(backtest: PolicyBacktest) -> Counter[str]:
    """Each stored decision judged by `decide`, one after another, with the exceptions of its time."""
    policy = reading.policy_of(backtest.draft_ids)
    found: Counter[str] = Counter()
    rows = Assessment.objects.filter(occasion="submit", assessed_at__lt=backtest.until)
    for row in rows.select_related("revision__provisioning_request__project__team"):
        project = row.revision.provisioning_request.project
        held = active_policies.exceptions_for(project, now=row.assessed_at)
        held = [replace(each, starts_on=date.min, expires_on=date.max) for each in held]
        decision = decide(policy, facts_from_json(row.facts), on=backtest.on, exceptions=held)
        outcome = decision.outcome.value
        if row.exposure_micro is None and outcome == "allow":
            outcome = "review"
        found[f"{row.outcome}>{outcome}"] += 1
    return found


def counted(backtest: PolicyBacktest) -> Counter[str]:
    return Counter({name: each["count"] for name, each in backtest.result["pairs"].items()})


class TestNumbers:
    def test_the_matrix_is_that_of_single_decisions(self, cast: Cast) -> None:
        ask_all(cast)
        backtest = run(backtests.ask_backtest(version_id=draft(cast).pk, actor=cast.grace, now=LATER))
        assert backtest.state == "done"
        assert counted(backtest) == by_hand(backtest)
        assert backtest.result["rows"] == 12
        assert counted(backtest)["allow>review"] > 0
        assert counted(backtest)["deny>deny"] == 2
