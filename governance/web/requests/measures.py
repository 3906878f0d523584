"""The measured quantities of a request as the preview and other pages show them: intervals and one sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from estimator.core.quantities import Interval
from estimator.core.results.result import Estimate, Notice, ThresholdReading
from governance.display import durations, numbers, reader
from governance.display.numbers import against
from governance.display.plots import Limit
from governance.domain.money.money import to_units
from governance.domain.prose import capital, sentence
from governance.selectors.requests.judgement import Assessed
from governance.web.requests.verdict import money_limits

_TRAINING_QUANTITIES = ("training_flop_direct", "training_flop_cumulative")
THRESHOLDS_DRAWN_MAX = 3
OLD_PRICE_DAYS = 30
_PART_NAMES = {
    "gpu_hours": "GPU-hours",
    "cost_usd": "Cost",
    "price": "Price",
    "energy_kwh": "Energy",
    "carbon_kg": "Carbon",
    "memory_fits": "Memory",
    "run_flop": "Compute",
}


@dataclass(slots=True)
class Measures:
    """An estimate in the order in which people ask: money, hours, compute, memory, energy.

    `gaps` are all that is not known, `gaps_apart` those of which no text beside a figure tells.
    """

    estimate: Estimate
    cost: Interval | None = None
    deciding_usd: float | None = None
    cost_limits: Sequence[Limit] = ()
    cost_text: str = ""
    hours_text: str = ""
    deciding_hours: float | None = None
    compute: Interval | None = None
    compute_name: str = "Training compute"
    compute_limits: Sequence[Limit] = ()
    compute_text: str = ""
    memory_limits: Sequence[Limit] = ()
    memory_beside: str = ""
    memory_text: str = ""
    energy_text: str = ""
    gaps: list[str] = field(default_factory=list)
    gaps_apart: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def of_assessed(assessed: Assessed) -> Measures:
    """With money lines of the policy that judged it."""
    found = of_estimate(assessed.estimate, accelerator_count=assessed.content.accelerator_count)
    exposure = None if assessed.exposure_micro is None else to_units(assessed.exposure_micro)
    found.deciding_usd = exposure
    if exposure is not None and assessed.estimate.gpu_hours is not None:
        found.deciding_hours = assessed.content.gpu_hours_cap or assessed.estimate.gpu_hours.p90
    found.cost_limits = money_limits(assessed)
    if exposure is not None:
        cap = assessed.content.gpu_hours_cap is not None or assessed.content.money_cap_usd is not None
        why = "your cap" if cap else "p90, which becomes the cap"
        found.cost_text = f"Assessed at {numbers.exact(exposure)}{numbers.NBSP}USD ({why})."
        if assessed.estimate.commitment_tail_usd > 0:
            tail = numbers.money(assessed.estimate.commitment_tail_usd)
            found.cost_text += f" {tail}{numbers.NBSP}USD remains payable after cancellation."
    found.cost_text = " ".join(part for part in (found.cost_text, _rate(assessed), _price(assessed.estimate)) if part)
    if found.cost is None and exposure is not None:
        # A cap is a cost known exactly, even where the work itself cannot be priced.
        found.cost = Interval.exact(exposure)
    wall, cap_hours = assessed.estimate.wall_hours, assessed.content.gpu_hours_cap
    if wall is not None and not wall.is_exact and cap_hours is not None and assessed.content.accelerator_count:
        found.hours_text += f" The cap lasts {durations.spoken(cap_hours / assessed.content.accelerator_count)}."
    if assessed.context.lineage is not None and assessed.estimate.training_flop_cumulative is not None:
        found.compute_name = f"Lineage compute, {assessed.context.lineage.name}"
        found.compute = assessed.estimate.training_flop_cumulative
    return found


def of_estimate(estimate: Estimate, *, accelerator_count: int | None = None) -> Measures:
    """Everything that needs no decision.

    Args:
        accelerator_count: as stated; None or 0 while nobody has said it.
    """
    training = estimate.run_flop_training
    found = Measures(estimate, cost=estimate.cost_usd)
    found.gaps = [f"{_part(gap.what)}: {gap.why.replace('`', '')}." for gap in estimate.missing]
    if found.cost is None:
        why = _why_missing(estimate, "price", "cost_usd")
        found.cost_text = sentence(why) if why else ""
    if estimate.wall_hours is not None:
        wall = estimate.wall_hours
        found.hours_text = capital(durations.spoken_range(wall.p10, wall.p90))
        if accelerator_count:
            many = "accelerator" if accelerator_count == 1 else "accelerators"
            found.hours_text += f" on {numbers.count(accelerator_count)}{numbers.NBSP}{many}"
        found.hours_text += "."
    found.compute = training if training is not None and training.p90 > 0 else None
    found.compute_text, found.compute_limits = _thresholds(estimate)
    if found.compute is None and estimate.run_flop is not None:
        found.compute, found.compute_name, found.compute_limits = estimate.run_flop, "Compute", ()
        found.compute_text = "None of it changes parameters of a model." if training is not None else ""
    _memory(found, estimate)
    _energy(found, estimate)
    beside = {"price", "cost_usd"} if found.cost is None else set()
    if estimate.energy_kwh is not None:
        beside.add("carbon_kg")
    found.gaps_apart = [text for text, gap in zip(found.gaps, estimate.missing, strict=True) if gap.what not in beside]
    found.warnings = [sentence(text) for text in estimate.warnings]
    return found


def _price(estimate: Estimate) -> str:
    price = estimate.price
    if price is None:
        return ""
    rate = f"{numbers.rate(price.usd_per_gpu_hour.p50)}{numbers.NBSP}USD/h"
    if price.unit != "USD per accelerator-hour":
        rate = f"{numbers.rate(price.usd_per_gpu_hour.p50)}{numbers.NBSP}{price.unit}"
    if price.is_own:
        return f"{rate}, your organisation's price since {reader.day(price.as_of)}."
    old = ", so the range is wider" if price.age_days > OLD_PRICE_DAYS else ""
    return f"{rate}, list price of {reader.day(price.as_of)}, {numbers.counted(price.age_days, 'day')} old{old}."


def _rate(assessed: Assessed) -> str:
    rate = assessed.estimate.run_rate_usd_month
    if rate is None or assessed.content.end_on is not None:
        return ""
    return f"{numbers.money_range(rate.p50, rate.p90)}{numbers.NBSP}USD a month while it runs."


def _thresholds(estimate: Estimate) -> tuple[str, list[Limit]]:
    """Lines on training compute, nearest first, and what the nearest one means."""
    readings = [reading for reading in estimate.thresholds if reading.quantity in _TRAINING_QUANTITIES]
    lines: dict[float, ThresholdReading] = {}
    for reading in readings:
        known = lines.get(reading.limit)
        if known is None or (reading.exceeds, reading.may_exceed) > (known.exceeds, known.may_exceed):
            lines[reading.limit] = reading
    limits = [Limit(line, numbers.flop(line)) for line in sorted(lines)[:THRESHOLDS_DRAWN_MAX]]
    texts = [
        f"{'Exceeds' if reading.exceeds else 'May exceed'} {numbers.flop(line)} "
        f"({_instrument(reading)}; {'p50' if reading.exceeds else 'p90'})."
        for line, reading in sorted(lines.items())
        if reading.may_exceed
    ]
    texts += [notice_text(notice) for notice in estimate.notices]
    below = [(line, reading) for line, reading in sorted(lines.items()) if not reading.may_exceed]
    if below and below[0][1].p90 > 0:
        line, reading = below[0]
        texts.append(
            f"Does not exceed {numbers.flop(line)} ({_instrument(reading)}): {against(reading.p90, line)} at p90."
        )
    if estimate.modification_ratio is not None:
        share = numbers.figure(estimate.modification_ratio.p90, 2)
        texts.append(f"Share of base compute {share} at p90; the threshold is 1/3.")
    return " ".join(texts), limits


def notice_text(notice: Notice) -> str:
    """When the time to notify ends, and from when it is counted: both days, as a stored estimate is read later."""
    return (
        f"To be notified by {reader.day(notice.due_on)} if this is known on {reader.day(notice.known_on)} "
        f"({notice.jurisdiction}, {notice.instrument}; {notice.days}{numbers.NBSP}days)."
    )


def _instrument(reading: ThresholdReading) -> str:
    return f"{reading.jurisdiction}, {reading.instrument}"


def _memory(found: Measures, estimate: Estimate) -> None:
    usable = estimate.memory_usable_gib
    if estimate.memory_gib_per_device is None:
        return
    if usable:
        found.memory_limits = [Limit(usable, f"{numbers.memory(usable)} usable")]
        found.memory_beside = f"of {numbers.memory(usable)}"
    if estimate.memory_fits:
        found.memory_text = "Fits."
    elif estimate.memory_fits is False:
        found.memory_text = "Does not fit at p90."
    smallest = estimate.smallest_count_that_fits
    if smallest:
        found.memory_text += f" The smallest number that fits is {numbers.count(smallest)}."


def _energy(found: Measures, estimate: Estimate) -> None:
    parts = []
    if estimate.carbon_kg is not None:
        carbon = estimate.carbon_kg
        parts.append(f"{numbers.carbon(carbon.p50)} ({numbers.carbon_range(carbon)})")
        if estimate.grid_g_kwh is not None:
            parts.append(f"{numbers.count(estimate.grid_g_kwh)}{numbers.NBSP}g/kWh")
    if estimate.pue is not None:
        parts.append(f"PUE {numbers.figure(estimate.pue)}")
    found.energy_text = ", ".join(parts) + "." if parts else ""
    if estimate.carbon_kg is None and estimate.energy_kwh is not None:
        why = _why_missing(estimate, "carbon_kg")
        unknown = f"Carbon unknown: {why}." if why else "Carbon unknown."
        found.energy_text = " ".join(part for part in (found.energy_text, unknown) if part)


def _why_missing(estimate: Estimate, *names: str) -> str:
    """The first reason that an estimate gives for one of these, or nothing."""
    reasons = {gap.what: gap.why for gap in reversed(estimate.missing)}
    return next((reasons[name].replace("`", "") for name in names if name in reasons), "")


def _part(what: str) -> str:
    return _PART_NAMES.get(what, what.replace("_", " ").capitalize())
