"""Where band, bar, diamond and lines lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.display import numbers
from governance.display.plots import LEFT, RIGHT, Limit, headroom_bar, interval_plot, usage_bar

AMOUNTS = st.floats(min_value=1e-3, max_value=1e26)


def plot(p10: float, p50: float, p90: float, **options: object):
    return interval_plot(p10=p10, p50=p50, p90=p90, format_value=numbers.money, name="Cost", unit="USD", **options)


def test_positions_are_proportional_on_a_linear_axis() -> None:
    drawn = plot(2000, 4000, 6000)
    assert not drawn.is_log
    assert drawn.ticks[0].text == "0"
    high = 8000
    assert drawn.bar_x == pytest.approx(LEFT + (RIGHT - LEFT) * 4000 / high, abs=0.1)
    assert drawn.band_width == pytest.approx((RIGHT - LEFT) * 4000 / high, abs=0.2)


def test_lines_more_than_two_decades_away_make_the_axis_logarithmic() -> None:
    assert plot(3e21, 4e21, 5e21, limits=[Limit(1e25, "1e25")]).is_log
    assert not plot(3000, 4000, 5000, limits=[Limit(2500, "2,500")]).is_log


def test_the_text_alternative_has_the_three_numbers_and_the_lines() -> None:
    drawn = plot(3560, 4280, 5240, deciding=5240, limits=[Limit(2500, "team lead")])
    assert drawn.label == "Cost: p10 3,560, p50 4,280, p90 5,240 USD; assessed at 5,240 USD; team lead at 2,500 USD"
    assert dict(drawn.rows)["p50"] == "4,280 USD"


def test_labels_that_would_touch_are_left_to_the_text() -> None:
    drawn = plot(1000, 2000, 3000, limits=[Limit(2500, "2,500: team lead"), Limit(2550, "2,550: owner")])
    assert [mark.text for mark in drawn.limits] == ["2,500: team lead", ""]


@given(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), st.lists(AMOUNTS, max_size=4), st.none() | AMOUNTS)
def test_nothing_is_ever_drawn_outside(values: tuple[float, ...], lines: list[float], deciding: float | None) -> None:
    p10, p50, p90 = sorted(values)
    drawn = plot(p10, p50, p90, deciding=deciding, limits=[Limit(line, "line") for line in lines])
    for x in (drawn.band_x, drawn.bar_x, *(mark.x for mark in (*drawn.ticks, *drawn.limits))):
        assert LEFT <= x <= RIGHT
    assert drawn.band_x <= drawn.bar_x
    assert drawn.band_width >= 1.5


def test_zero_and_exact_intervals_can_be_drawn() -> None:
    assert plot(0, 0, 0).band_x == LEFT
    assert plot(0, 0, 1.8e21, is_log=True, limits=[Limit(1e23, "1e23")]).bar_x == LEFT


@given(st.floats(-1, 3), st.floats(-1, 3))
def test_a_headroom_bar_stays_in_its_width(used: float, after: float) -> None:
    bar = headroom_bar(used, after)
    assert bar.used_width >= 0
    assert bar.used_width + bar.request_width <= bar.width + 1e-9
    assert bar.is_over == (after > 1)


def test_an_ask_too_small_to_see_still_has_a_line() -> None:
    assert headroom_bar(0.5, 0.50001).request_width == 2.0


def test_a_grant_without_reports_says_so() -> None:
    bar = usage_bar(None, 0.55)
    assert bar.used_width == 0
    assert "no use reported yet" in bar.label
