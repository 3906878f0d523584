"""Every offer of a catalogue as columns, compiled once for each release and reused by every comparison."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.pricing.offers import PriceOffer
from estimator.core.pricing.place import Place, PriceTerm
from estimator.core.sizing.energy import choose_grid, choose_pue
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.spread import Array, Spread

TERMS: tuple[str, ...] = tuple(PriceTerm)
KEPT_TABLES_MAX = 4

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class OfferTable:
    """Offers as columns of equal length; `*_index` point into the name tuples. Unknown grids are NaN.

    Days are proleptic ordinals; an own price holds from `starts` until, not including, `ends`.
    """

    offers: tuple[PriceOffer, ...]
    accelerators: tuple[str, ...]
    providers: tuple[str, ...]
    accelerator_index: Index
    provider_index: Index
    term_index: Index
    usd: Array
    as_of: Array
    is_own: NDArray[np.bool_]
    starts: Array
    ends: Array
    pue: Spread
    grid_g_kwh: Array
    countries: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.offers)


def build_table(catalogue: CatalogueSnapshot, offers: Iterable[PriceOffer]) -> OfferTable:
    """Columns of offers whose accelerator the catalogue knows, in the order given."""
    rows = [offer for offer in offers if offer.accelerator in catalogue.accelerators]
    accelerators = tuple(sorted({offer.accelerator for offer in rows}))
    providers = tuple(sorted({offer.provider or "" for offer in rows}))
    at_accelerator = {slug: index for index, slug in enumerate(accelerators)}
    at_provider = {slug: index for index, slug in enumerate(providers)}
    at_term = {term: index for index, term in enumerate(TERMS)}
    pues = [choose_pue(_place(slug, ""), catalogue, Ledger()) for slug in providers]
    grids: dict[tuple[str, str], tuple[float, str | None]] = {}
    for offer in rows:
        key = (offer.provider or "", offer.region)
        if key not in grids:
            grids[key] = _grid(*key, catalogue)
    found = [grids[offer.provider or "", offer.region] for offer in rows]
    provider_index = _index(at_provider[offer.provider or ""] for offer in rows)
    return OfferTable(
        offers=tuple(rows),
        accelerators=accelerators,
        providers=providers,
        accelerator_index=_index(at_accelerator[offer.accelerator] for offer in rows),
        provider_index=provider_index,
        term_index=_index(at_term[offer.price_term] for offer in rows),
        usd=_column(offer.usd_per_gpu_hour for offer in rows),
        as_of=_column(offer.as_of.toordinal() for offer in rows),
        is_own=np.array([offer.is_own for offer in rows], dtype=bool),
        starts=_column((offer.effective_from or offer.as_of).toordinal() for offer in rows),
        ends=_column(offer.effective_to.toordinal() if offer.effective_to else np.inf for offer in rows),
        pue=Spread.of(pues).at(provider_index),
        grid_g_kwh=_column(grid for grid, _ in found),
        countries=tuple(country for _, country in found),
    )


def table_of(catalogue: CatalogueSnapshot) -> OfferTable:
    """The table of a catalogue's own offers; kept for the last few releases, by digest."""
    found = _kept.get(catalogue.digest)
    if found is None:
        found = build_table(catalogue, catalogue.prices)
        while len(_kept) >= KEPT_TABLES_MAX:
            _kept.pop(next(iter(_kept)), None)
        _kept[catalogue.digest] = found
    return found


_kept: dict[str, OfferTable] = {}


def _place(provider: str, region: str) -> Place:
    return Place(price_term=PriceTerm.ON_DEMAND, provider=provider or None, region=region[:60] or None)


def _grid(provider: str, region: str, catalogue: CatalogueSnapshot) -> tuple[float, str | None]:
    row = choose_grid(_place(provider, region), catalogue, Ledger()) if region else None
    return (row.g_co2e_per_kwh, row.country) if row else (float("nan"), None)


def _index(values: Iterable[int]) -> Index:
    return np.fromiter(values, dtype=np.intp)


def _column(values: Iterable[Any]) -> Array:
    return np.fromiter(values, dtype=np.float64)
