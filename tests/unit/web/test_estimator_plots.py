"""Bars of the estimator page in per cent of whatever room there is."""

from __future__ import annotations

from estimator.core.quantities import Interval
from estimator.core.results.drivers import Driver
from governance.web.estimates.estimator_plots import driver_bars, line_bars


def driver(low: float, high: float) -> Driver:
    return Driver("x", "A factor", Interval(0.9, 1.0, 1.1), low, high)


def test_drivers_fill_the_room_around_the_median() -> None:
    found = driver_bars([driver(100.0, 300.0), driver(180.0, 150.0)], 200.0, str)
    assert found is not None
    assert found.middle_x == 50.0
    assert [(bar.x, bar.width) for bar in found.bars] == [(0.0, 100.0), (25.0, 15.0)]
    assert found.bars[1].figure == "150.0–180.0"
    thin = driver_bars([driver(100.0, 300.0), driver(300.0, 300.0)], 200.0, str)
    assert thin is not None
    assert thin.bars[1].x + thin.bars[1].width == 100.0


def test_no_bar_leaves_the_room_or_is_too_thin_to_see() -> None:
    found = line_bars([("Power", 1.0), ("Devices", 1e6), ("Nothing", 0.0)], str)
    assert found is not None
    assert [(bar.text, bar.x, bar.width) for bar in found.bars] == [("Devices", 0.0, 100.0), ("Power", 0.0, 0.6)]
    assert found.middle_x is None
