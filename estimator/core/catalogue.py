"""The catalogue as one frozen value: dated, sourced facts, indexed for the lookups that an estimate makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import TypeVar

from estimator.core.pricing.offers import PriceOffer, PurchasePrice, TokenPrice


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One accelerator device. Peaks are dense; the sparse multiplier stands apart and never enters a peak.

    `tpp` is total processing performance (dense tera-operations per second × bit length, the largest over data types);
    `performance_density` is TPP per applicable die area in mm2; `interconnect_gb_s` is device to device, both ways.
    """

    slug: str
    vendor: str
    name: str
    memory_gb: float
    memory_bandwidth_gb_s: float
    board_power_w: float | None
    dense_tflop_s_16bit: float | None
    dense_tflop_s_fp32: float | None
    dense_tflop_s_fp8: float | None
    dense_tera_op_s_int8: float | None
    dense_tflop_s_fp4: float | None
    generation: str
    release_year: int
    tpp: float | None
    performance_density: float | None
    vendor_hq_country: str | None
    is_matrix: bool
    source: str
    interconnect_gb_s: float | None = None

    @property
    def peak_tflop_s(self) -> float:
        """Dense peak at 16 bit, or at 32 bit for parts that have no faster 16-bit path."""
        return self.dense_tflop_s_16bit or self.dense_tflop_s_fp32 or 0.0


@dataclass(frozen=True, slots=True)
class Provider:
    slug: str
    name: str
    provider_type: str
    hq_country: str | None
    grid_key: str | None
    source: str


@dataclass(frozen=True, slots=True)
class GridIntensity:
    """Carbon intensity of electricity. `year` is None where the source gives none; such rows are used last."""

    slug: str
    scope: str
    code: str
    country: str | None
    g_co2e_per_kwh: float
    year: int | None
    basis: str
    carbon_free_share: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Facility:
    """Power usage effectiveness of a provider's facilities; `pue_low` and `pue_high` differ where a range is stated."""

    slug: str
    provider: str | None
    operator_type: str | None
    pue_low: float
    pue_high: float
    year: int
    source: str


@dataclass(frozen=True, slots=True)
class ComputeThreshold:
    """One legal line, in force from `effective_from` until, but not including, `effective_to`."""

    id: str
    jurisdiction: str
    instrument: str
    article: str
    quantity: str
    operator: str
    limit: float
    unit: str
    limit_below: float | None
    second_quantity: str | None
    second_minimum: float | None
    second_below: float | None
    consequence: str
    effective_from: date | None
    effective_to: date | None
    source: str

    def in_force_on(self, on: date) -> bool:
        """A row without a start date was never applied and is never in force."""
        return (
            self.effective_from is not None
            and self.effective_from <= on
            and (self.effective_to is None or on < self.effective_to)
        )


@dataclass(frozen=True, slots=True)
class ProhibitedUse:
    """One prohibited use of compute, from `effective_from` until, but not including, `effective_to`.

    `is_secondary_source`: the date or text was taken from reports about the law, not from the law itself.
    """

    id: str
    title: str
    description: str
    jurisdiction: str
    instrument: str
    article: str
    effective_from: date
    effective_to: date | None
    is_secondary_source: bool
    source: str

    def holds_within(self, first: date, last: date | None) -> bool:
        """Whether it is in force on any day from `first` to `last`, both included; `last` None is without end."""
        is_over = self.effective_to is not None and self.effective_to <= first
        return not is_over and (last is None or self.effective_from <= last)


@dataclass(frozen=True, slots=True)
class UtilisationPrior:
    """What is known before the run about a share of a nameplate figure, such as model FLOP utilisation."""

    slug: str
    quantity: str
    applies_to: str
    p10: float
    p50: float
    p90: float
    sample_size: int | None
    source: str


@dataclass(frozen=True)
class CatalogueSnapshot:
    """Every fact of one catalogue release. Two snapshots with one digest hold the same facts.

    Args:
        digest: SHA-256 over the canonical rows of the release, 64 hexadecimal digits.
        released_at: aware instant at which the release was published.
    """

    digest: str
    released_at: datetime
    accelerators: Mapping[str, Accelerator]
    providers: Mapping[str, Provider]
    prices: tuple[PriceOffer, ...]
    purchase_prices: tuple[PurchasePrice, ...]
    token_prices: tuple[TokenPrice, ...]
    grid: tuple[GridIntensity, ...]
    facilities: tuple[Facility, ...]
    thresholds: tuple[ComputeThreshold, ...]
    priors: tuple[UtilisationPrior, ...]
    prohibited_uses: tuple[ProhibitedUse, ...] = ()

    prices_own: tuple[PriceOffer, ...] = field(init=False, repr=False, compare=False)
    prices_by_part: Mapping[tuple[str, str], tuple[PriceOffer, ...]] = field(init=False, repr=False, compare=False)
    prices_by_place: Mapping[tuple[str, str, str], tuple[PriceOffer, ...]] = field(
        init=False, repr=False, compare=False
    )
    purchases_by_accelerator: Mapping[str, tuple[PurchasePrice, ...]] = field(init=False, repr=False, compare=False)
    tokens_by_model: Mapping[str, tuple[TokenPrice, ...]] = field(init=False, repr=False, compare=False)
    tokens_by_place: Mapping[tuple[str, str], tuple[TokenPrice, ...]] = field(init=False, repr=False, compare=False)
    grid_by_code: Mapping[str, tuple[GridIntensity, ...]] = field(init=False, repr=False, compare=False)
    grid_by_country: Mapping[str, tuple[GridIntensity, ...]] = field(init=False, repr=False, compare=False)
    priors_by_quantity: Mapping[tuple[str, str], UtilisationPrior] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = [offer for offer in self.prices if offer.is_own]
        listed = [offer for offer in self.prices if not offer.is_own]
        _set(self, "accelerators", MappingProxyType(dict(self.accelerators)))
        _set(self, "providers", MappingProxyType(dict(self.providers)))
        _set(self, "prices_by_part", _group(listed, lambda o: (o.accelerator, o.price_term)))
        _set(self, "prices_by_place", _group(listed, lambda o: (o.provider, o.accelerator, o.price_term)))
        _set(self, "prices_own", tuple(own))
        _set(self, "purchases_by_accelerator", _group(self.purchase_prices, lambda p: p.accelerator))
        _set(self, "tokens_by_model", _group(self.token_prices, lambda p: p.model))
        _set(self, "tokens_by_place", _group(self.token_prices, lambda p: (p.provider, p.model)))
        _set(self, "grid_by_code", _group(self.grid, lambda g: g.code))
        _set(self, "grid_by_country", _group((g for g in self.grid if g.country), lambda g: g.country))
        _set(self, "priors_by_quantity", {(p.quantity, p.applies_to): p for p in self.priors})

    def prior(self, quantity: str, *classes: str) -> UtilisationPrior | None:
        """The prior of the first class that has one; callers end the list with `any`."""
        for name in classes:
            found = self.priors_by_quantity.get((quantity, name))
            if found is not None:
                return found
        return None


_Row = TypeVar("_Row")
_Key = TypeVar("_Key")


def _group(rows: Iterable[_Row], key: Callable[[_Row], _Key]) -> Mapping[_Key, tuple[_Row, ...]]:
    groups: dict[_Key, list[_Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return MappingProxyType({name: tuple(members) for name, members in groups.items()})


def _set(snapshot: CatalogueSnapshot, name: str, value: object) -> None:
    object.__setattr__(snapshot, name, value)
