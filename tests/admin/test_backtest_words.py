"""What the figures of a backtest read like."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.admin.rules.backtest_words import figures_of
from governance.domain.rules.backtest_result import Office, result_of
from tests.cast import NOW


def money_of(change: dict[str, int]) -> dict[str, tuple[str, str]]:
    counts: dict[str, Any] = {"rows": 100, "cost_micro": 50_000_000, "pairs": {"allow>deny": change}}
    result = result_of(counts, Office((), (), {}), first_at=NOW - timedelta(days=300), until=NOW)
    return {label: (figure, rest) for label, figure, rest in figures_of(result, titles={}, now=NOW).money}


@pytest.mark.django_db
def test_money_is_of_the_decisions_that_have_a_price() -> None:
    change = {"count": 10, "cost_micro": 5_000_000, "exposure_micro": 0, "unpriced": 2, "already": 0}
    figure, rest = money_of(change)["Newly denied"]
    assert "5" in figure
    assert "total p50 cost of 8\u00a0decisions; 2 more without a price" in rest


@pytest.mark.django_db
def test_money_of_decisions_without_a_price_is_unknown_and_not_nothing() -> None:
    change = {"count": 2, "cost_micro": 0, "exposure_micro": 0, "unpriced": 2, "already": 0}
    assert money_of(change)["Newly denied"] == ("unknown", "2\u00a0decisions without a price")
