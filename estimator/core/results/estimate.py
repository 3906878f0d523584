"""One call that sizes a workload in a place: hours, FLOP, memory, cost, energy, carbon and thresholds."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

from estimator.core.catalogue import Accelerator, CatalogueSnapshot
from estimator.core.errors import InputError, PlaceError
from estimator.core.pricing import cost as costing
from estimator.core.pricing.cost import Money
from estimator.core.pricing.offers import LIST_PRICE_DAYS_MAX, PriceOffer, PriceUsed
from estimator.core.pricing.place import Place, PriceTerm
from estimator.core.pricing.prices import choose_price, choose_purchase_price, choose_token_price
from estimator.core.quantities import HOURS_PER_MONTH, TERA, ZERO, Interval
from estimator.core.results.cleaner import find_cleaner_place
from estimator.core.results.result import Assumption, CleanerPlace, Estimate, LineageCompute, Missing, ThresholdReading
from estimator.core.results.thresholds import read_chip_thresholds, read_notices, read_thresholds, sum_lineage
from estimator.core.sizing.energy import size_footprint
from estimator.core.sizing.memory import MemoryNeed, size_memory
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.sizing import BY_HOURS_KINDS, HOURLESS_KINDS, Size, SizingRequest, size_request
from estimator.core.sizing.uncertainty import aged
from estimator.core.workload.extras import Extras, break_down
from estimator.core.workload.fields import WorkloadKind
from estimator.core.workload.shape import ModelShape, model_shape
from estimator.core.workload.workload import Workload
from governance.display import numbers

__all__ = [
    "ESTIMATOR_VERSION",
    "Assumption",
    "Estimate",
    "LineageCompute",
    "Missing",
    "ThresholdReading",
    "check_limits",
    "estimate",
]

ESTIMATOR_VERSION = "1.4.0"

HOURS_MAX = 1e9
USD_MAX = 1e12


def estimate(
    workload: Workload,
    place: Place,
    catalogue: CatalogueSnapshot,
    *,
    on: date,
    window_hours: float | None = None,
    gpu_hours_cap: float | None = None,
    money_cap_usd: float | None = None,
    prices_own: Sequence[PriceOffer] = (),
    lineage: LineageCompute | None = None,
    providers_allowed: Collection[str] | None = None,
    renewable_share: float | None = None,
    extras: Extras | None = None,
    ledger: Ledger | None = None,
    list_price_days_max: int = LIST_PRICE_DAYS_MAX,
) -> Estimate:
    """Size a workload in a place on a day. The same arguments give the same answer, for ever.

    Args:
        on: the day at which prices and thresholds are read.
        window_hours: length of the window asked for, in hours; None for an open-ended ask.
        gpu_hours_cap: enforced limit on device-hours; for a request as cap these are the hours.
        money_cap_usd: enforced limit on cost, in USD.
        prices_own: the organisation's own prices; one that holds on the day wins over every list price.
        lineage: compute that the model's lineage already holds, this request not included.
        providers_allowed: provider slugs that may count as a cheaper equivalent; None allows all.
        renewable_share: share of the electricity that a contract covers, 0 to 1; it makes the market-based carbon.
        extras: what comes on top of the hours; then `cost_usd` is the total and `cost_lines` its parts.
        ledger: where assumptions are written, with factors that it pins; None makes a fresh one.
        list_price_days_max: a list price that is older is warned of.

    Raises:
        InputError: a number out of range, or an accelerator that the catalogue does not know. Gaps in the catalogue
            are not errors: the quantity is None and `missing` says why.
    """
    check_limits(window_hours=window_hours, gpu_hours_cap=gpu_hours_cap, money_cap_usd=money_cap_usd)
    if renewable_share is not None and not 0 <= renewable_share <= 1:
        raise InputError({"renewable_share": "use a share from 0 to 1"})
    ledger = ledger or Ledger()
    request = SizingRequest(
        workload=workload,
        place=place,
        catalogue=catalogue,
        on=on,
        window_hours=window_hours,
        gpu_hours_cap=gpu_hours_cap,
        money_cap_usd=money_cap_usd,
        prices_own=prices_own,
        accelerator=_find_accelerator(place, catalogue),
        ledger=ledger,
    )
    shape = model_shape(workload)
    if shape is not None and shape.is_derived:
        ledger.assume("shape", "Layers derived from the parameters", round(shape.layers, 1), "layers", "Kaplan 2020")
        ledger.assume("shape", "Width derived from the parameters", round(shape.hidden_size), "values", "Kaplan 2020")
    price = _choose(request)
    memory = _size_memory(request, shape)
    size = size_request(request, shape, price, memory)
    money, price = _charge(request, size, price)
    _warn_of_price(request, price, list_price_days_max)
    lines: Mapping[str, Interval] = {}
    if extras is not None and not extras.is_empty and money.cost is not None:
        parts = break_down(money.cost, size.wall_hours, extras)
        lines, money = parts.lines, replace(money, cost=parts.total)
        if parts.shortfall > 0:
            ledger.assume("minimum_spend", "The minimum spend is owed beyond the use", parts.shortfall, "USD")
    footprint = size_footprint(place, request.accelerator, size.gpu_hours, catalogue, ledger, renewable_share)
    peak = _cluster_peak_flop_s(request)
    training = size.training or ZERO
    sums = sum_lineage(training, size.generation, lineage)
    in_force = [row for row in catalogue.thresholds if row.in_force_on(on)]
    readings = read_thresholds(sums, lineage, peak, in_force)
    is_adding = training.p90 + size.generation.p90 > 0
    cheapest = _cheapest(request, price, providers_allowed)
    if money.cost is None and money.cap_usd is None:
        ledger.lack("cost_usd", "the catalogue has no price for this")
    part = request.accelerator
    return Estimate(
        gpu_hours=size.gpu_hours,
        wall_hours=size.wall_hours,
        run_flop=size.run_flop,
        run_flop_training=size.training,
        training_flop_direct=sums.direct,
        training_flop_cumulative=sums.cumulative,
        modification_ratio=sums.ratio,
        memory_gib_per_device=memory.gib_per_device if memory else None,
        memory_usable_gib=memory.usable_gib if memory else None,
        memory_fits=memory.fits if memory else None,
        smallest_count_that_fits=memory.smallest_count if memory else None,
        cost_usd=money.cost,
        cost_cap_usd=money.cap_usd,
        run_rate_usd_month=money.run_rate_month,
        commitment_tail_usd=money.tail_usd,
        cost_over_cheapest_ratio=cheapest[0] if cheapest else None,
        cheapest_offer=cheapest[1] if cheapest else None,
        price=price,
        energy_kwh=footprint.energy_kwh,
        carbon_kg=footprint.carbon_kg,
        carbon_market_kg=footprint.carbon_market_kg,
        grid_g_kwh=footprint.grid_g_kwh,
        pue=footprint.pue,
        cluster_peak_flop_s=peak,
        chip_tpp=part.tpp if part else None,
        chip_density=part.performance_density if part else None,
        chip_vendor_hq_country=part.vendor_hq_country if part else None,
        thresholds=readings,
        chip_thresholds=read_chip_thresholds(part, in_force) if part else (),
        assumptions=_distinct(ledger.assumptions),
        missing=_distinct(ledger.missing),
        warnings=_distinct(ledger.warnings),
        catalogue_digest=catalogue.digest,
        estimator_version=ESTIMATOR_VERSION,
        cost_lines=tuple(lines.items()),
        embodied_kg=footprint.embodied_kg,
        water_l=footprint.water_l,
        first_token_ms=size.first_token_ms,
        notices=read_notices(readings, in_force, on) if is_adding else (),
        cleaner_place=_cleaner(request, price, footprint.grid_g_kwh, providers_allowed),
    )


def check_limits(**limits: float | None) -> None:
    """Refuse a window or a cap that is not a plain positive number, naming each."""
    errors = {}
    for name, value in limits.items():
        ceiling = USD_MAX if name.endswith("_usd") else HOURS_MAX
        if value is not None and not (math.isfinite(value) and 0 < value <= ceiling):
            errors[name] = f"use a value above 0 and at most {numbers.count(ceiling)}"
    if errors:
        raise InputError(errors)


def _find_accelerator(place: Place, catalogue: CatalogueSnapshot) -> Accelerator | None:
    if place.accelerator is None:
        return None
    found = catalogue.accelerators.get(place.accelerator)
    if found is None:
        raise PlaceError({"accelerator": f"`{place.accelerator}` is not in the catalogue"})
    return found


def _choose(request: SizingRequest) -> PriceUsed | None:
    """The price of an hour; tokens and purchases find theirs in `_charge`."""
    if request.workload.kind in HOURLESS_KINDS or request.place.price_term == PriceTerm.PURCHASE:
        return None
    price = choose_price(request.place, request.catalogue, request.prices_own, request.on, request.ledger)
    if price is None:
        return None
    rate = request.ledger.factor("price", "Price of an accelerator-hour", price.usd_per_gpu_hour)
    return replace(price, usd_per_gpu_hour=rate)


def _charge(request: SizingRequest, size: Size, price: PriceUsed | None) -> tuple[Money, PriceUsed | None]:
    """The money of a request, and the price behind it."""
    if request.workload.kind is WorkloadKind.HOSTED_API:
        return _charge_tokens(request)
    if request.workload.kind is WorkloadKind.PURCHASE or request.place.price_term == PriceTerm.PURCHASE:
        return _charge_purchase(request)
    money = costing.cost_by_hours(
        request.place,
        size.gpu_hours,
        size.devices,
        price,
        request.catalogue,
        request.gpu_hours_cap,
        request.money_cap_usd,
        request.ledger,
    )
    return money, price


def _warn_of_price(request: SizingRequest, price: PriceUsed | None, days_max: int) -> None:
    """Say so where a list price is old, or an agreed one ends before the work does."""
    if price is None:
        return
    if not price.is_own and price.age_days > days_max:
        where = f" at `{price.provider}`" if price.provider else ""
        request.ledger.warn(
            f"the list price{where} is of {price.as_of}, {price.age_days} days old: ask what it costs today, or have "
            "an agreed price recorded"
        )
    if price.ends_on is None:
        return
    hours_agreed = 24.0 * (price.ends_on - request.on).days
    if request.window_hours is None or hours_agreed < request.window_hours:
        request.ledger.warn(f"the agreed price ends on {price.ends_on}: later days are priced as if it went on")


def _charge_tokens(request: SizingRequest) -> tuple[Money, PriceUsed | None]:
    workload, place, on = request.workload, request.place, request.on
    if not workload.is_stated("api_model"):
        request.ledger.lack("price", "no hosted model is named")
        return _capped_money(request), None
    found = choose_token_price(workload.text("api_model"), place.provider, request.catalogue, on, request.ledger)
    if found is None:
        return Money(cap_usd=request.money_cap_usd), None
    age_days = (on - found.as_of).days
    yearly = request.ledger.prior(
        request.catalogue, "price_drift_year", "Change of a list price within a year", "per_token"
    )
    drift = request.ledger.factor(
        "price", "Price of today over the listed one", aged(Interval.exact(1.0), age_days, yearly)
    )
    months = workload.number("months") or request.service_hours / HOURS_PER_MONTH
    request.ledger.assume("months", "Months that are paid for", months, "months of 30 days")
    money = costing.cost_by_tokens(workload, found, months, drift, request.money_cap_usd)
    into = workload.number("input_tokens_million_month") or 0.0
    out = workload.number("output_tokens_million_month") or 0.0
    if money.run_rate_month is None or into + out <= 0:
        return _capped_money(request), None
    price = PriceUsed(
        offer=found.slug,
        usd_per_gpu_hour=money.run_rate_month.scaled(1.0 / (into + out)),
        as_of=found.as_of,
        age_days=age_days,
        source=found.source,
        provider=found.provider,
        region="",
        term=PriceTerm.PER_TOKEN,
        unit="USD per million tokens of this mix",
    )
    return money, price


def _capped_money(request: SizingRequest) -> Money:
    """A request for money alone: the cap is what it costs."""
    if request.money_cap_usd is None:
        return Money()
    request.ledger.assume("money_cap", "The cap is spent whole", request.money_cap_usd, "USD")
    return Money(Interval.exact(request.money_cap_usd), request.money_cap_usd)


def _charge_purchase(request: SizingRequest) -> tuple[Money, PriceUsed | None]:
    place = request.place
    quoted = request.workload.number("unit_price_usd") if request.workload.kind is WorkloadKind.PURCHASE else None
    if quoted is not None:
        unit = Interval.exact(quoted)
        request.ledger.assume("unit_price_usd", "Price as quoted by the requester", quoted, "USD per accelerator")
        money = costing.cost_of_purchase(unit, place.accelerator_count, request.money_cap_usd)
        return money, _purchase_used(place, unit, "quoted", request.on, 0, "quoted in the request")
    if place.accelerator is None:
        request.ledger.lack("price", "no accelerator is chosen")
        return Money(cap_usd=request.money_cap_usd), None
    found = choose_purchase_price(place.accelerator, request.catalogue, request.on, request.ledger)
    if found is None:
        return Money(cap_usd=request.money_cap_usd), None
    unit, row = found
    unit = request.ledger.factor("price", "Price of one accelerator", unit)
    request.ledger.assume("purchase_scope", "Servers and network beyond the listed unit are not included")
    money = costing.cost_of_purchase(unit, place.accelerator_count, request.money_cap_usd)
    return money, _purchase_used(place, unit, row.slug, row.as_of, (request.on - row.as_of).days, row.source)


def _purchase_used(place: Place, unit: Interval, offer: str, as_of: date, age_days: int, source: str) -> PriceUsed:
    return PriceUsed(
        offer=offer,
        usd_per_gpu_hour=unit,
        as_of=as_of,
        age_days=age_days,
        source=source,
        provider=place.provider,
        region=place.region or "",
        term=PriceTerm.PURCHASE,
        unit="USD per accelerator",
    )


def _size_memory(request: SizingRequest, shape: ModelShape | None) -> MemoryNeed | None:
    if request.accelerator is None:
        request.ledger.lack("memory_fits", "no accelerator is chosen")
        return None
    if shape is None:
        request.ledger.lack("memory_fits", "the parameters of the model are not stated")
        return None
    need = size_memory(request.workload, shape, request.accelerator.memory_gb, request.place.accelerator_count)
    if not need.fits:
        smallest = "no number of" if need.smallest_count is None else numbers.count(need.smallest_count)
        request.ledger.warn(
            f"each device would need about {numbers.memory(need.gib_per_device.p50)} and has "
            f"{numbers.memory(need.usable_gib)}; {smallest} devices would hold it"
        )
    return need


def _cluster_peak_flop_s(request: SizingRequest) -> float | None:
    """Dense peak at 16 bit of all devices asked for, in FLOP/s."""
    if request.accelerator is None:
        return None
    return request.accelerator.peak_tflop_s * TERA * request.place.accelerator_count


def _cheapest(
    request: SizingRequest, price: PriceUsed | None, providers_allowed: Collection[str] | None
) -> tuple[float, str] | None:
    if price is None or request.accelerator is None or price.term in (PriceTerm.PER_TOKEN, PriceTerm.PURCHASE):
        return None
    own = (*request.prices_own, *request.catalogue.prices_own)
    is_work = request.workload.is_sized and request.workload.kind not in BY_HOURS_KINDS
    return costing.cheapest_ratio(
        request.place,
        request.accelerator,
        price,
        request.catalogue,
        own,
        request.on,
        is_work=is_work,
        providers_allowed=providers_allowed,
    )


def _cleaner(
    request: SizingRequest, price: PriceUsed | None, grid_g_kwh: float | None, providers_allowed: Collection[str] | None
) -> CleanerPlace | None:
    is_by_hour = price is not None and price.term not in (PriceTerm.PER_TOKEN, PriceTerm.PURCHASE)
    if price is None or not is_by_hour or request.accelerator is None or grid_g_kwh is None:
        return None
    return find_cleaner_place(
        request.place,
        request.accelerator,
        price,
        grid_g_kwh,
        request.catalogue,
        (*request.prices_own, *request.catalogue.prices_own),
        request.on,
        providers_allowed=providers_allowed,
    )


_Item = TypeVar("_Item")


def _distinct(items: Iterable[_Item]) -> tuple[_Item, ...]:
    """Each once, in the order of first mention."""
    return tuple(dict.fromkeys(items))
