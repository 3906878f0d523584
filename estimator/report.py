"""An estimate as text for a terminal: the quantities, the price behind them, thresholds, assumptions, gaps."""

from __future__ import annotations

from collections.abc import Iterator

from estimator.core.quantities import Interval
from estimator.core.results.exploration import Exploration
from estimator.core.results.result import Assumption, Estimate, Notice, ThresholdReading
from governance.display import numbers
from governance.display.numbers import figure

WIDTH_LABEL = 26
_ROWS = (
    ("gpu_hours", "GPU-hours", "h"),
    ("wall_hours", "Wall time", "h"),
    ("run_flop", "FLOP of the run", "FLOP"),
    ("run_flop_training", "that change parameters", "FLOP"),
    ("memory_gib_per_device", "Memory per device", "GiB"),
    ("cost_usd", "Cost", "USD"),
    ("run_rate_usd_month", "Run rate", "USD/month"),
    ("energy_kwh", "Energy at the facility", "kWh"),
    ("carbon_kg", "Carbon, location-based", "kg CO2e"),
    ("carbon_market_kg", "Carbon, market-based", "kg CO2e"),
)


def format_estimate(estimate: Estimate) -> str:
    """A readable table of one estimate."""
    return "\n".join(_lines(estimate)) + "\n"


def format_exploration(found: Exploration, limit: int) -> str:
    """The estimate, then what drives it, other offers, advice, owning and hosting."""
    return "\n".join([*_lines(found.estimate), *_beside(found, limit)]) + "\n"


def _beside(found: Exploration, limit: int) -> Iterator[str]:
    if found.drivers:
        yield ""
        yield "Drivers (median with one factor at its 10 % and its 90 % end)"
        for driver in found.drivers:
            yield f"  {driver.text[:48]:48} {figure(driver.low):>12} {figure(driver.high):>12}"
    comparison = found.comparison
    if comparison is not None:
        yield ""
        counted = f"{numbers.count(len(comparison.ranking))} of {numbers.count(len(comparison))}"
        yield f"Offers: {counted} count; * nothing is cheaper, sooner and cleaner"
        for reason, count in comparison.why_not().items():
            yield f"  {numbers.count(count):>6} {reason}"
        yield f"  {'':44} {'devices':>8} {'USD p50':>12} {'p90':>12} {'hours':>10} {'kg CO2e':>10}"
        for line in comparison.lines(limit):
            carbon = "unknown" if line.carbon_kg is None else figure(line.carbon_kg.p50)
            yield (
                f"{'*' if line.is_on_front else ' '} {line.offer.slug[:44]:44} {numbers.count(line.devices):>8} "
                f"{figure(line.cost_usd.p50):>12} {figure(line.cost_usd.p90):>12} "
                f"{figure(line.wall_hours.p50):>10} {carbon:>10}"
            )
    if found.ownership is not None:
        share = found.break_even_utilisation
        yield ""
        yield (
            f"Owned: {figure(found.ownership.usd_per_hour(1.0))} USD an hour if always used; "
            + (f"beats this price from {numbers.percent(share)} of the hours" if share else "never beats this price")
        )
    if found.hybrid is not None:
        best = found.hybrid.best
        yield (
            f"Hybrid: {numbers.count(best.owned_devices)} of {numbers.count(found.hybrid.peak_devices)} owned, "
            f"{figure(best.rented_device_hours)} device-hours rented: {figure(best.usd_year)} USD a year; "
            f"all rented {figure(found.hybrid.rented_usd_year)}, all owned {figure(found.hybrid.owned_usd_year)}"
        )
    if found.hosting is not None:
        yield (
            f"Hosted: {figure(found.hosting.hosted_usd_month)} USD a month, own replicas "
            f"{figure(found.hosting.own_usd_month)}"
        )
    if found.advice:
        yield ""
        yield "Advice (what is left of the quantity)"
        for each in found.advice:
            kept = f"{numbers.percent(each.kept_share.p10)} to {numbers.percent(each.kept_share.p90)}"
            yield f"  {each.text[:60]:60} {each.quantity:22} {kept:>14}  {each.how}"


def _lines(estimate: Estimate) -> Iterator[str]:
    yield f"{'':{WIDTH_LABEL}} {'p10':>14} {'p50':>14} {'p90':>14}  unit"
    for name, label, unit in _ROWS:
        value: Interval | None = getattr(estimate, name)
        cells = [figure(end) for end in (value.p10, value.p50, value.p90)] if value else ["–", "unknown", "–"]
        yield f"{label:{WIDTH_LABEL}} {cells[0]:>14} {cells[1]:>14} {cells[2]:>14}  {unit}"
    yield ""
    yield from _facts(estimate)
    for title, items in (
        ("Thresholds", [_threshold_line(reading) for reading in estimate.thresholds if reading.may_exceed]),
        ("To notify", [_notice_line(notice) for notice in estimate.notices]),
        ("Warnings", list(estimate.warnings)),
        ("Missing", [f"{gap.what}: {gap.why}" for gap in estimate.missing]),
        ("Assumptions", [_assumption_line(item) for item in estimate.assumptions]),
    ):
        if items:
            yield ""
            yield title
            yield from (f"  {item}" for item in items)
    yield ""
    yield f"Estimator {estimate.estimator_version}, catalogue {estimate.catalogue_digest[:12]}"


def _facts(estimate: Estimate) -> Iterator[str]:
    price = estimate.price
    if price:
        rate = price.usd_per_gpu_hour
        amount = figure(rate.p50) if rate.is_exact else f"{figure(rate.p10)} to {figure(rate.p90)}"
        yield f"Price            {amount} {price.unit}, {price.offer}, as of {price.as_of} ({price.age_days} days old)"
    else:
        yield "Price            none"
    if estimate.cost_cap_usd is not None:
        yield f"Cost of the cap  {figure(estimate.cost_cap_usd)} USD"
    if estimate.commitment_tail_usd:
        yield f"Owed if cancelled {figure(estimate.commitment_tail_usd)} USD"
    if estimate.cost_over_cheapest_ratio is not None:
        yield f"Over cheapest    {figure(estimate.cost_over_cheapest_ratio)} × {estimate.cheapest_offer}"
    if estimate.cleaner_place is not None:
        there = estimate.cleaner_place
        grid, ratio = numbers.count(there.grid_g_kwh), figure(there.cost_ratio)
        yield f"Cleaner place    {there.offer}: {grid} g CO2e/kWh at {ratio} × the price"
    if estimate.memory_fits is not None:
        smallest = estimate.smallest_count_that_fits
        answer = "fits" if estimate.memory_fits else "does not fit"
        yield f"Memory           {answer}; the smallest count that holds it is {smallest if smallest else 'none'}"


def _threshold_line(reading: ThresholdReading) -> str:
    verdict = "does exceed" if reading.exceeds else "may exceed"
    return f"{reading.id}: {verdict} {reading.operator} {figure(reading.limit)} ({reading.instrument})"


def _notice_line(notice: Notice) -> str:
    return (
        f"{notice.jurisdiction} ({notice.instrument}): by {notice.due_on}, {notice.days} days after {notice.known_on}, "
        f"if it is known then that {figure(notice.limit)} will be exceeded"
    )


def _assumption_line(item: Assumption) -> str:
    value = figure(item.value) if isinstance(item.value, int | float) else item.value or ""
    stated = " ".join(part for part in (value, item.unit) if part)
    return f"[{item.id}] {item.text}" + (f": {stated}" if stated and value not in item.text else "")
