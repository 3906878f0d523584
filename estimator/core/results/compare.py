"""The same work on every offer at once: cost, time and carbon as columns, what may not be used, and the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.errors import WorkloadError
from estimator.core.pricing.cost import COMMITTED_YEARS
from estimator.core.pricing.fleet import Fit, fit_all
from estimator.core.pricing.offer_table import TERMS, OfferTable, build_table, table_of
from estimator.core.pricing.offers import PriceOffer
from estimator.core.pricing.pareto import pareto_front
from estimator.core.pricing.place import PriceTerm
from estimator.core.quantities import HOURS_PER_YEAR, Interval
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.sizing import HOURLESS_KINDS
from estimator.core.sizing.spread import Array, Spread
from estimator.core.sizing.uncertainty import AGE_YEARS_MAX, DAYS_PER_YEAR
from estimator.core.workload.needs import Needs
from estimator.core.workload.shape import model_shape
from estimator.core.workload.workload import Workload

LINES_DEFAULT = 20
REASONS = (
    "does not fit in memory, or its hours are not known",
    "misses the deadline",
    "the provider is not approved, or not on the list",
    "the country is not on the list, or not known",
    "the price term is not on the list",
    "a listed chip for this destination",
    "the software does not run on it",
    "the interconnect is too slow, or not known",
    "not delivered this way",
    "the price is too old, not yet in force, or ended",
    "the first token comes too late",
)
"""Why an offer does not count; an offer may fail several. Bit i of `Comparison.failed` is reason i."""


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One offer with the work on it. `carbon_kg` is location-based, None where the grid is not known."""

    offer: PriceOffer
    devices: int
    gpu_hours: Interval
    wall_hours: Interval
    cost_usd: Interval
    energy_kwh: Interval | None
    carbon_kg: Interval | None
    price_age_days: int
    is_on_front: bool

    def to_json(self) -> dict[str, Any]:
        def plain(interval: Interval | None) -> dict[str, float] | None:
            return None if interval is None else interval.to_json()

        return {
            "offer": self.offer.slug,
            "provider": self.offer.provider,
            "accelerator": self.offer.accelerator,
            "price_term": self.offer.price_term,
            "region": self.offer.region,
            "usd_per_gpu_hour": self.offer.usd_per_gpu_hour,
            "as_of": self.offer.as_of.isoformat(),
            "price_age_days": self.price_age_days,
            "is_own": self.offer.is_own,
            "source": self.offer.source,
            "devices": self.devices,
            "gpu_hours": self.gpu_hours.to_json(),
            "wall_hours": self.wall_hours.to_json(),
            "cost_usd": self.cost_usd.to_json(),
            "energy_kwh": plain(self.energy_kwh),
            "carbon_kg": plain(self.carbon_kg),
            "is_on_front": self.is_on_front,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Columns over all offers of a table. NaN is unknown; `failed` is 0 for an offer that counts.

    `ranking` lists the offers that count, cheapest at the median first; `front` those that nothing beats on cost, time
    and carbon together (an unknown carbon beats nothing).
    """

    table: OfferTable
    devices: Array
    gpu_hours: Spread
    cost: Spread
    energy: Spread
    carbon: Spread
    age_days: Array
    failed: NDArray[np.int64]
    ranking: NDArray[np.intp]
    front: NDArray[np.intp]
    catalogue_digest: str

    def __len__(self) -> int:
        return len(self.table)

    def lines(self, limit: int = LINES_DEFAULT) -> list[OfferLine]:
        """The cheapest offers that count, and the whole front, cheapest first."""
        shown = {*self.ranking[:limit].tolist(), *self.front[:limit].tolist()}
        return [line for row in self.ranking.tolist() if row in shown and (line := self.line(row)) is not None]

    def line(self, row: int) -> OfferLine | None:
        """One offer by its position, or None where the work cannot be sized on it."""
        hours, cost = self.gpu_hours.interval(row), self.cost.interval(row)
        devices = int(self.devices[row])
        if hours is None or cost is None or devices < 1:
            return None
        return OfferLine(
            offer=self.table.offers[row],
            devices=devices,
            gpu_hours=hours,
            wall_hours=hours.scaled(1.0 / devices),
            cost_usd=cost,
            energy_kwh=self.energy.interval(row),
            carbon_kg=self.carbon.interval(row),
            price_age_days=int(self.age_days[row]),
            is_on_front=row in set(self.front.tolist()),
        )

    def why_not(self) -> dict[str, int]:
        """How many offers each reason rules out."""
        counts = {reason: int(((self.failed >> bit) & 1).sum()) for bit, reason in enumerate(REASONS)}
        return {reason: count for reason, count in counts.items() if count}

    def to_json(self, limit: int = LINES_DEFAULT) -> dict[str, Any]:
        return {
            "offers": len(self),
            "counted": len(self.ranking),
            "front": [self.table.offers[row].slug for row in self.front.tolist()],
            "ruled_out": self.why_not(),
            "lines": [line.to_json() for line in self.lines(limit)],
            "catalogue_digest": self.catalogue_digest,
        }


def compare_offers(
    workload: Workload,
    catalogue: CatalogueSnapshot,
    *,
    on: date,
    count: int = 1,
    window_hours: float | None = None,
    country: str | None = None,
    needs: Needs | None = None,
    offers: Sequence[PriceOffer] | None = None,
) -> Comparison:
    """Put the same work on every offer.

    Args:
        count: devices that are asked for at least.
        country: where an offer runs whose region the catalogue does not know.
        offers: what to compare instead of the catalogue's own offers.

    Raises:
        WorkloadError: a kind that has no device-hours: a purchase or a hosted model.
    """
    if workload.kind in HOURLESS_KINDS:
        raise WorkloadError({"workload": f"`{workload.kind}` has no device-hours that offers could be compared by"})
    needs = needs or Needs()
    table = table_of(catalogue) if offers is None else build_table(catalogue, offers)
    fits = fit_all(
        workload,
        model_shape(workload),
        table.accelerators,
        catalogue,
        on=on,
        count=count,
        window_hours=window_hours,
        deadline_hours=needs.deadline_hours,
    )
    at = table.accelerator_index
    hours = Spread.of([fit.gpu_hours for fit in fits]).at(at)
    devices = np.array([float(fit.devices) for fit in fits]).take(at) if fits else np.zeros(0)
    age_days = np.where(table.is_own, 0.0, on.toordinal() - table.as_of)
    price = _price(table, age_days, catalogue)
    cost = _cost(table, hours, devices, price, catalogue)
    energy = hours.times(Spread.of([fit.power_kw for fit in fits]).at(at)).times(table.pue)
    grid = np.where(np.isnan(table.grid_g_kwh), _grid_of(country, catalogue), table.grid_g_kwh)
    carbon = energy.scaled(grid / 1000.0)
    failed = _failed(table, fits, hours, devices, age_days, workload, needs, catalogue, on, country)
    counts = np.flatnonzero((failed == 0) & np.isfinite(cost.middle))
    ranking = counts[np.argsort(cost.middle[counts], kind="stable")]
    wall = hours.middle / np.maximum(devices, 1.0)
    dirty = np.where(np.isfinite(carbon.middle), carbon.middle, np.inf)
    front = ranking[pareto_front(np.stack([cost.middle, wall, dirty], axis=1)[ranking])]
    return Comparison(table, devices, hours, cost, energy, carbon, age_days, failed, ranking, front, catalogue.digest)


def _price(table: OfferTable, age_days: Array, catalogue: CatalogueSnapshot) -> Spread:
    """List prices aged as in `uncertainty.aged`; own prices are exact."""
    years = np.clip(age_days, 0.0, AGE_YEARS_MAX * DAYS_PER_YEAR) / DAYS_PER_YEAR
    is_spot = table.term_index == TERMS.index(PriceTerm.SPOT)
    ledger = Ledger()
    drifts = [ledger.prior(catalogue, "price_drift_year", "Change of a list price", name) for name in ("any", "spot")]
    drift = Spread.of(drifts).at(is_spot.astype(np.intp))
    return Spread(table.usd, drift.lower_squared * years, drift.upper_squared * years)


def _cost(table: OfferTable, hours: Spread, devices: Array, price: Spread, catalogue: CatalogueSnapshot) -> Spread:
    """Hours times price; spot repeats what interruptions lose, a reservation is paid whole, idle hours too."""
    rework = Ledger().prior(catalogue, "spot_rework", "Hours repeated after interruptions")
    is_spot = (table.term_index == TERMS.index(PriceTerm.SPOT)).astype(np.intp)
    billed = hours.times(Spread.of([Interval.exact(1.0), rework]).at(is_spot))
    for term, years in COMMITTED_YEARS.items():
        committed = years * HOURS_PER_YEAR * devices
        is_whole = (table.term_index == TERMS.index(term)) & (committed >= billed.middle)
        billed = Spread(
            np.where(is_whole, committed, billed.middle),
            np.where(is_whole, 0.0, billed.lower_squared),
            np.where(is_whole, 0.0, billed.upper_squared),
        )
    return billed.times(price)


def _failed(
    table: OfferTable,
    fits: Sequence[Fit],
    hours: Spread,
    devices: Array,
    age_days: Array,
    workload: Workload,
    needs: Needs,
    catalogue: CatalogueSnapshot,
    on: date,
    country: str | None,
) -> NDArray[np.int64]:
    """One bit for each reason of `REASONS`, by row."""
    parts = [catalogue.accelerators[slug] for slug in table.accelerators]
    providers = [catalogue.providers.get(slug) for slug in table.providers]
    at, by = table.accelerator_index, table.provider_index
    today = on.toordinal()
    target = workload.number("latency_target_ms")
    too_old = age_days > (np.inf if needs.price_age_days_max is None else needs.price_age_days_max)
    checks: list[NDArray[np.bool_]] = [
        ~np.isfinite(hours.middle) | (devices < 1),
        _past(hours.middle / np.maximum(devices, 1.0), needs.deadline_hours),
        _flags([not _in(slug, needs.providers) for slug in table.providers]).take(by),
        _flags([not _in(where or country, needs.countries) for where in table.countries])
        if needs.countries is not None
        else np.zeros(len(table), dtype=bool),
        _flags([not _in(term, needs.terms) for term in TERMS]).take(table.term_index),
        _flags([needs.is_export_controlled and fit.is_listed_chip for fit in fits]).take(at),
        _flags([not needs.allows_software(part.vendor) for part in parts]).take(at),
        _flags([(part.interconnect_gb_s or 0.0) < (needs.interconnect_gb_s or 0.0) for part in parts]).take(at),
        _flags([not needs.allows_delivery(seller.provider_type if seller else None) for seller in providers]).take(by),
        too_old | (table.as_of > today) | (table.is_own & ((table.starts > today) | (table.ends <= today))),
        _flags([target is not None and (fit.first_token_ms or 0.0) > target for fit in fits]).take(at),
    ]
    failed = np.zeros(len(table), dtype=np.int64)
    for bit, check in enumerate(checks):
        failed |= check.astype(np.int64) << bit
    return failed


def _past(wall: Array, deadline_hours: float | None) -> NDArray[np.bool_]:
    if deadline_hours is None:
        return np.zeros(len(wall), dtype=bool)
    return wall > deadline_hours * (1 + 1e-9)


def _flags(values: Sequence[bool]) -> NDArray[np.bool_]:
    return np.array(values, dtype=bool)


def _in(value: str | None, allowed: Any) -> bool:
    return allowed is None or value in allowed


def _grid_of(country: str | None, catalogue: CatalogueSnapshot) -> float:
    """Grid intensity of a country, newest year first, or NaN."""
    rows = catalogue.grid_by_code.get(country or "", ())
    return max(rows, key=lambda row: (row.year or 0, row.slug)).g_co2e_per_kwh if rows else float("nan")
