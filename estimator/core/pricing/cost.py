"""Money: what work costs, what its cap can cost, what runs per month, what stays owed, and the cheapest equivalent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from estimator.core.catalogue import Accelerator, CatalogueSnapshot
from estimator.core.pricing.offers import PriceOffer, PriceUsed, TokenPrice, newest_offers
from estimator.core.pricing.place import Place, PriceTerm
from estimator.core.quantities import HOURS_PER_MONTH, HOURS_PER_YEAR, Interval
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.uncertainty import multiply
from estimator.core.workload.workload import Workload

USD_DECIMALS = 6
"""Micro-dollars: arithmetic noise of floats ends here, so that 400 hours at 2.50 are 1,000.00 and not a cent more."""
COMMITTED_YEARS = {PriceTerm.RESERVED_1Y: 1.0, PriceTerm.RESERVED_3Y: 3.0}
PREPAID_TERMS = frozenset({PriceTerm.CAPACITY_BLOCK, PriceTerm.RESERVED_1Y, PriceTerm.RESERVED_3Y, PriceTerm.PURCHASE})
SAME_MEMORY_SHARE = 0.999


@dataclass(frozen=True, slots=True)
class Money:
    """USD of one request; `cost` is None where there is no price, never zero."""

    cost: Interval | None = None
    cap_usd: float | None = None
    run_rate_month: Interval | None = None
    tail_usd: float = 0.0


def cost_by_hours(
    place: Place,
    hours: Interval | None,
    devices: float,
    price: PriceUsed | None,
    catalogue: CatalogueSnapshot,
    gpu_hours_cap: float | None,
    money_cap_usd: float | None,
    ledger: Ledger,
) -> Money:
    """Cost of work that is billed by the accelerator-hour.

    A reservation is paid whether used or not; a spot machine repeats what interruptions lose; a pool is charged at its
    internal rate for the hours used.
    """
    if price is None:
        return Money(cap_usd=money_cap_usd)
    rate = price.usd_per_gpu_hour
    run_rate = rate.scaled(devices * HOURS_PER_MONTH)
    if price.term in COMMITTED_YEARS:
        return _committed_cost(place, hours, price, run_rate, ledger)
    if hours is None:
        cap = _cap_usd(rate, gpu_hours_cap, money_cap_usd)
        return Money(cap_usd=cap, run_rate_month=_micro(run_rate))
    billed = hours
    if price.term == PriceTerm.SPOT and gpu_hours_cap is None:
        billed = multiply(hours, ledger.prior(catalogue, "spot_rework", "Hours repeated after interruptions"))
    cost = _micro(multiply(billed, rate))
    cap = _cap_usd(rate, gpu_hours_cap, money_cap_usd)
    tail = (cap if cap is not None else cost.p90) if price.term in PREPAID_TERMS else 0.0
    return Money(cost, cap, _micro(run_rate), tail)


def cost_by_tokens(
    workload: Workload, price: TokenPrice, months: float, drift: Interval, money_cap_usd: float | None
) -> Money:
    """Cost of a hosted model: fresh and cached input, output, and the share that takes the batch price.

    Args:
        drift: the price of today over the listed one, from its age.
    """
    cached = (workload.number("cached_percent") or 0.0) / 100.0
    batch = (workload.number("batch_percent") or 0.0) / 100.0
    into = workload.number("input_tokens_million_month") or 0.0
    out = workload.number("output_tokens_million_month") or 0.0
    cache_read = price.usd_per_million_cache_read
    input_rate = price.usd_per_million_input
    if cache_read is not None:
        input_rate = input_rate * (1.0 - cached) + cache_read * cached
    batch_input, batch_output = price.usd_per_million_batch_input, price.usd_per_million_batch_output
    output_rate = price.usd_per_million_output
    if batch_input is not None:
        # A cached token is cheap already: the batch price takes the place of the fresh part alone.
        fresh_batch = min(batch_input, input_rate)
        input_rate = input_rate * (1.0 - batch) + fresh_batch * batch
    if batch_output is not None:
        output_rate = output_rate * (1.0 - batch) + batch_output * batch
    monthly = multiply(Interval.exact(into * input_rate + out * output_rate), drift)
    return Money(_micro(monthly.scaled(months)), money_cap_usd, _micro(monthly))


def cost_of_purchase(unit: Interval, count: int, money_cap_usd: float | None) -> Money:
    """Capital of a purchase: all of it owed once ordered."""
    cost = _micro(unit.scaled(count))
    cap = None if money_cap_usd is None else min(cost.p90, money_cap_usd)
    return Money(cost, cap, None, cost.p90 if cap is None else cap)


def cheapest_ratio(
    place: Place,
    accelerator: Accelerator,
    price: PriceUsed,
    catalogue: CatalogueSnapshot,
    own: Collection[PriceOffer],
    on: date,
    *,
    is_work: bool,
    providers_allowed: Collection[str] | None,
) -> tuple[float, str] | None:
    """How much dearer this offer is than the cheapest equivalent, and which one that is; at least 1.

    Equivalent means the same price term and, for a request as hours, the same accelerator. For one as work it means
    any accelerator with as much memory, compared by USD per dense peak FLOP.
    """
    term, paid = place.price_term, price.usd_per_gpu_hour.p50
    peak = accelerator.peak_tflop_s
    if is_work:
        fitting = {
            slug: part.peak_tflop_s / peak
            for slug, part in catalogue.accelerators.items()
            if part.peak_tflop_s > 0 and part.is_matrix and part.memory_gb >= accelerator.memory_gb * SAME_MEMORY_SHARE
        }
    else:
        fitting = {accelerator.slug: 1.0}
    listed = (
        offer
        for slug in fitting
        for offer in catalogue.prices_by_part.get((slug, term), ())
        if providers_allowed is None or offer.provider in providers_allowed
    )
    candidates = newest_offers(listed, on, lambda offer: (offer.provider, offer.accelerator))
    candidates += [
        offer
        for offer in own
        if offer.price_term == term
        and offer.accelerator in fitting
        and offer.holds_on(on)
        and (providers_allowed is None or not offer.provider or offer.provider in providers_allowed)
    ]
    if not candidates:
        return None
    per_work = {offer.slug: offer.usd_per_gpu_hour / fitting[offer.accelerator] for offer in candidates}
    cheapest = min(per_work, key=lambda slug: (per_work[slug], slug))
    return max(1.0, paid / per_work[cheapest]), cheapest


def _committed_cost(
    place: Place, hours: Interval | None, price: PriceUsed, run_rate: Interval, ledger: Ledger
) -> Money:
    """A new reservation: every committed hour is owed, and hours beyond it are bought at the same rate."""
    years = COMMITTED_YEARS[PriceTerm(price.term)]
    committed = years * HOURS_PER_YEAR * place.accelerator_count
    ledger.assume("committed_hours", "A reservation is paid for whole, idle hours too", committed, "accelerator-hours")
    billed = Interval.exact(committed) if hours is None else hours.at_least(committed)
    cost = _micro(multiply(billed, price.usd_per_gpu_hour))
    return Money(cost, cost.p90, _micro(run_rate), cost.p90)


def _cap_usd(rate: Interval, gpu_hours_cap: float | None, money_cap_usd: float | None) -> float | None:
    caps = [] if gpu_hours_cap is None else [round(gpu_hours_cap * rate.p90, USD_DECIMALS)]
    if money_cap_usd is not None:
        caps.append(money_cap_usd)
    return min(caps) if caps else None


def _micro(interval: Interval) -> Interval:
    return interval.rounded(USD_DECIMALS)
