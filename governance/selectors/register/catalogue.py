"""The catalogue as people look things up in it: accelerators, dated prices, thresholds, providers, the release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from estimator.catalogue import NoCatalogue as CatalogueIsEmpty
from estimator.catalogue import current_snapshot
from estimator.core.catalogue import CatalogueSnapshot
from governance.domain.errors import NoCatalogue
from governance.models import Provider

SECTIONS = ("accelerators", "prices", "thresholds", "providers")
WORDS_MAX = 6


@dataclass(frozen=True, slots=True)
class Shelf:
    """One section of the catalogue, narrowed by words."""

    section: str
    rows: Sequence[Any]
    snapshot: CatalogueSnapshot
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A dated price with the names of what it prices; `is_own` prices are the organisation's."""

    accelerator: str
    provider: str
    term: str
    usd_per_gpu_hour: float
    as_of: date
    age_days: int
    until: date | None
    region: str
    source: str
    is_own: bool


def shelf(section: str, words: str = "", *, on: date) -> Shelf:
    """The rows of a section in which every word occurs. One query when this process holds the release.

    Args:
        section: one of `SECTIONS`; anything else is the first.

    Raises:
        NoCatalogue: nothing is loaded.
    """
    try:
        snapshot = current_snapshot()
    except CatalogueIsEmpty as error:
        raise NoCatalogue(str(error)) from error
    section = section if section in SECTIONS else SECTIONS[0]
    wanted = words.lower().split()[:WORDS_MAX]
    rows = [row for row in _ROWS[section](snapshot, on) if _has(row, wanted)]
    counts = {
        "accelerators": len(snapshot.accelerators),
        "prices": len(snapshot.prices),
        "thresholds": len(snapshot.thresholds),
    }
    return Shelf(section, rows, snapshot, counts)


def _has(row: Any, words: Sequence[str]) -> bool:
    if not words:
        return True
    names = row.__slots__ if hasattr(row, "__slots__") else [field.name for field in row._meta.fields]
    text = " ".join(str(getattr(row, name)) for name in names).lower().replace("_", " ")
    return all(word in text for word in words)


def _accelerators(snapshot: CatalogueSnapshot, on: date) -> list[Any]:
    return sorted(snapshot.accelerators.values(), key=lambda part: (part.vendor.lower(), -part.release_year, part.name))


def _prices(snapshot: CatalogueSnapshot, on: date) -> list[Any]:
    """Own prices first, then the newest."""
    rows = [
        PriceRow(
            accelerator=snapshot.accelerators[price.accelerator].name
            if price.accelerator in snapshot.accelerators
            else price.accelerator,
            provider=_provider_name(snapshot, price.provider),
            term=price.price_term,
            usd_per_gpu_hour=float(price.usd_per_gpu_hour),
            as_of=price.effective_from or price.as_of,
            age_days=max(0, (on - price.as_of).days),
            until=price.effective_to,
            region=price.region,
            source=price.source,
            is_own=price.is_own,
        )
        for price in snapshot.prices
    ]
    return sorted(rows, key=lambda row: (not row.is_own, -row.as_of.toordinal(), row.accelerator, row.provider))


def _provider_name(snapshot: CatalogueSnapshot, slug: str | None) -> str:
    if slug is None:
        return "any provider"
    provider = snapshot.providers.get(slug)
    return provider.name if provider else slug


def _thresholds(snapshot: CatalogueSnapshot, on: date) -> list[Any]:
    return sorted(snapshot.thresholds, key=lambda line: (not line.in_force_on(on), line.jurisdiction, line.limit))


def _providers(snapshot: CatalogueSnapshot, on: date) -> list[Any]:
    return list(Provider.objects.order_by("name"))


_ROWS: dict[str, Callable[[CatalogueSnapshot, date], list[Any]]] = {
    "accelerators": _accelerators,
    "prices": _prices,
    "thresholds": _thresholds,
    "providers": _providers,
}
