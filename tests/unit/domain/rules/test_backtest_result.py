"""Counts and measurements to figures: each rests on what it says, and nothing is said from too little."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from governance.domain.periods import working_hours_between
from governance.domain.rules.backtest_result import (
    DAYS_PER_MONTH,
    DEFAULT_MINUTES,
    SAMPLE_MIN,
    Office,
    Wait,
    quantile,
    result_of,
    share_interval,
    spread,
    weighted,
)

UNTIL = datetime(2026, 11, 21, tzinfo=UTC)
YEAR = UNTIL - timedelta(days=365.25)
NOBODY = Office((), (), {})
CHANGE = {"count": 10, "cost_micro": 5_000_000, "exposure_micro": 8_000_000, "unpriced": 2, "already": 1}
FIGURES = {
    "rows": 100,
    "cost_micro": 50_000_000,
    "pairs": {"allow>allow": {"count": 90}, "allow>review": CHANGE},
    "roles_then": {"finance": 12},
    "roles_after": {"team_lead": 24, "finance": 12},
    "newly_waiting": {"team_lead": 10},
    "rules": {"A": {"today": 1, "draft": 1, "newly": 0, "no_longer": 0}, "B": dict.fromkeys(
        ("today", "draft", "newly", "no_longer"), 1)},
}  # fmt: skip


def waits(count: int, roles: str = "team_lead", hours: float = 4.0, days: float = 2.0) -> list[Wait]:
    return [Wait(roles, hours, days)] * count


def test_money_is_summed_by_what_changes() -> None:
    result = result_of(FIGURES, NOBODY, first_at=YEAR, until=UNTIL)
    assert result["money"]["waits"] == {
        "count": 10,
        "cost_micro": 5_000_000,
        "exposure_micro": 8_000_000,
        "unpriced": 2,
    }
    assert result["money"]["refused"]["count"] == result["money"]["allowed"]["count"] == 0
    assert (result["flipped"], result["already"]) == (10, 1)
    assert list(result["rules"]) == ["B"]


def test_without_measurements_minutes_are_an_assumption_and_the_rest_is_not_said() -> None:
    result = result_of(FIGURES, NOBODY, first_at=YEAR, until=UNTIL)
    assert result["minutes"]["is_measured"] is False
    assert (result["minutes"]["low"], result["minutes"]["middle"], result["minutes"]["high"]) == DEFAULT_MINUTES
    assert (result["wait"], result["held"], result["refused"]) == (None, None, None)


def test_hours_a_month_are_decisions_times_minutes() -> None:
    office = Office([10.0, 20.0, 30.0] * 10, (), {})
    result = result_of(FIGURES, office, first_at=YEAR, until=UNTIL)
    lead = result["roles"]["team_lead"]
    assert result["minutes"] == {
        "count": 30, "low": 10.0, "middle": 20.0, "high": 30.0, "is_measured": True, "measured": 30,
    }  # fmt: skip
    assert lead["hours_after"] == pytest.approx(24 * 20 / 60 / 12)
    assert (lead["change_low"], lead["change_high"]) == pytest.approx((24 * 10 / 60 / 12, 24 * 30 / 60 / 12))
    assert result["roles"]["finance"]["change"] == 0


def test_one_measurement_too_few_is_no_measurement() -> None:
    few, enough = Office([5.0] * (SAMPLE_MIN - 1), (), {}), Office([5.0] * SAMPLE_MIN, (), {})
    assert result_of(FIGURES, few, first_at=YEAR, until=UNTIL)["minutes"]["is_measured"] is False
    assert result_of(FIGURES, enough, first_at=YEAR, until=UNTIL)["minutes"]["is_measured"] is True


def test_a_short_history_is_not_stretched_to_a_month() -> None:
    office = Office([], waits(SAMPLE_MIN), {})
    result = result_of(FIGURES, office, first_at=UNTIL - timedelta(days=10), until=UNTIL)
    assert result["roles"]["team_lead"]["hours_after"] is None
    assert result["held"] is None
    assert result["wait"] is not None


def test_waits_are_those_of_the_same_roles_where_there_are_enough() -> None:
    mixed = [*waits(SAMPLE_MIN, "finance+legal", hours=90.0), *waits(SAMPLE_MIN, "team_lead", hours=4.0)]
    result = result_of(FIGURES, Office([], mixed, {}), first_at=YEAR, until=UNTIL)
    assert (result["wait"]["low"], result["wait"]["high"]) == (4.0, 4.0)
    few = [*waits(SAMPLE_MIN, "finance+legal", hours=90.0), *waits(1, "team_lead", hours=4.0)]
    assert result_of(FIGURES, Office([], few, {}), first_at=YEAR, until=UNTIL)["wait"]["middle"] == 90.0


def test_held_is_what_waits_times_how_long_over_the_period() -> None:
    result = result_of(FIGURES, Office([], waits(SAMPLE_MIN, days=3.0), {}), first_at=YEAR, until=UNTIL)
    assert result["held"]["middle"] == round(8_000_000 * 3.0 / 365.25)


def test_refusals_are_an_interval_around_the_share() -> None:
    result = result_of(FIGURES, Office([], (), {"team_lead": (40, 4)}), first_at=YEAR, until=UNTIL)
    assert result["refused"] == {"count": 40, "low": 0, "high": 2}
    assert result_of(FIGURES, Office([], (), {"finance": (40, 4)}), first_at=YEAR, until=UNTIL)["refused"] is None


def test_nothing_at_all_is_a_result() -> None:
    result = result_of({}, NOBODY, first_at=None, until=UNTIL)
    assert (result["rows"], result["flipped"], result["roles"]) == (0, 0, {})


@pytest.mark.parametrize(("hits", "count"), [(0, 20), (20, 20), (1, 30), (15, 30)])
def test_a_share_lies_within_its_interval(hits: int, count: int) -> None:
    low, high = share_interval(hits, count)
    assert 0 <= low <= hits / count + 1e-12
    assert hits / count - 1e-12 <= high <= 1
    assert high > low


def test_quantiles() -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0, 5.0], 0.25) == 2.0
    assert spread([3.0, 1.0, 2.0], 0.0, 1.0).to_json() == {"count": 3, "low": 1.0, "middle": 2.0, "high": 3.0}
    assert weighted([(1.0, 1.0), (9.0, 3.0)], 0.5) == 9.0


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-20T09:00", "2026-11-20T17:00", 8.0),  # Friday
        ("2026-11-20T16:00", "2026-11-23T10:00", 2.0),  # over a weekend
        ("2026-11-21T08:00", "2026-11-22T20:00", 0.0),  # the weekend itself
        ("2026-11-20T18:00", "2026-11-20T23:00", 0.0),
        ("2026-11-20T10:00", "2026-11-20T10:00", 0.0),
        ("2026-11-20T12:00", "2026-11-20T10:00", 0.0),
        ("2026-11-02T00:00", "2026-11-30T00:00", 160.0),  # four weeks
        ("2025-11-03T09:00", "2026-11-02T09:00", 2080.0),  # 52 weeks
    ],
)
def test_working_hours(start: str, end: str, hours: float) -> None:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    assert working_hours_between(first, last) == pytest.approx(hours)


def test_working_hours_are_those_of_a_place() -> None:
    first = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    assert working_hours_between(first, first + timedelta(hours=1), "Europe/Berlin") == pytest.approx(1.0)
    assert working_hours_between(first, first + timedelta(hours=1)) == pytest.approx(0.0)
    assert round(DAYS_PER_MONTH, 1) == 30.4
