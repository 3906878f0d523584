"""Two months of requests, a draft, and a backtest of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from governance.models import (
    PolicyBacktest,
    PolicyVersion,
)
from governance.policy.bundle.shipped import shipped_text
from governance.services.requests import submission
from governance.services.rules import backtests, policies
from tests.cast import NOW, Cast, content, reviewed

LATER = NOW + timedelta(days=60)


LOWER = "approved automatically., values: [{value: 2500.0"


SIZES = (100.0, 600.0, 900.0, 1400.0)


def draft_text(value: str = "500.0") -> str:
    text = shipped_text("approval-limits")
    assert LOWER in text
    return text.replace(LOWER, LOWER.replace("2500.0", value))


def with_safety_board() -> str:
    """The outcomes stay, and what people decide goes to three of the safety board as well: nobody holds that role."""
    more = "{role: safety_board, quorum: 3, stage: 2}"
    text = shipped_text("approval-limits")
    for roles in ("{role: team_lead, quorum: 1}]", "{role: infra_lead, quorum: 1}]"):
        assert roles in text
        text = text.replace(roles, f"{roles[:-1]}, {more}]")
    return text


LOWER_IN_SPRING = draft_text().replace(
    "500.0, from: 2024-01-01, source: organisation's own limit}",
    "2500.0, from: 2024-01-01, source: organisation's own limit}, "
    "{value: 500.0, from: 2027-03-01, source: organisation's own limit}", 1,
)  # fmt: skip


def dates(start: datetime) -> dict[str, str]:
    return {"start_on": start.date().isoformat(), "end_on": (start.date() + timedelta(days=9)).isoformat()}


def ask_all(cast: Cast, *, starts: tuple[datetime, ...] = (NOW, NOW + timedelta(days=40))) -> None:
    """Asks of several sizes in two months: allowed, in review, without a price, refused."""
    for start in starts:
        asks = [content(gpu_hours_cap=hours) for hours in SIZES]
        asks += [reviewed(), content(price_term="reserved_3y"), content(purpose="malware")]
        for number, each in enumerate(asks):
            submission.create_and_submit(
                actor=cast.users["alice" if number % 2 else "heidi"],
                content=each | dates(start),
                now=start + timedelta(minutes=number),
            )


def draft(cast: Cast, text: str | None = None) -> PolicyVersion:
    return policies.import_version(source=text or draft_text(), actor=cast.grace, now=LATER)


def ask(cast: Cast, version: PolicyVersion | None = None, **more: datetime) -> PolicyBacktest:
    version = version or draft(cast)
    return backtests.request_backtest(version_id=version.pk, actor=cast.grace, **{"now": LATER} | more)


def run(backtest: PolicyBacktest, *, at: datetime = LATER) -> PolicyBacktest:
    backtests.run_due(clock=lambda: at)
    backtest.refresh_from_db()
    return backtest
