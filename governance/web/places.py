"""Places that an ask can choose from: the organisation's own prices first, each sized for this very workload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.errors import InputError
from estimator.core.estimate import estimate
from estimator.core.offers import PriceOffer
from estimator.core.place import Place
from estimator.core.quantities import Interval
from estimator.core.workload import Workload
from governance.models import Provider
from governance.web import numbers
from governance.web.answers import KNOWN_PLACE_SEPARATOR
from governance.web.countries import name_of
from governance.web.vocabulary import TERM_NAMES

PLACES_MAX = 8
_POOLS = ("owned_pool", "committed_pool")


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """A provider, term and accelerator for which the organisation has a price of its own."""

    provider: Provider
    term: str
    accelerator: str
    accelerator_name: str
    usd_per_gpu_hour: float
    since: date
    cost_usd: Interval | None = None
    grid_g_kwh: float | None = None
    country: str | None = None
    tail_usd: float = 0.0
    """What the price's commitment costs beyond this work."""

    @property
    def key(self) -> str:
        return KNOWN_PLACE_SEPARATOR.join((self.provider.slug, self.term, self.accelerator))

    def label(self, count: int | None) -> str:
        """`Luleå pool, 32 × H100`."""
        many = f"{count}{numbers.NBSP}{numbers.TIMES}{numbers.NBSP}" if count else ""
        term = "" if self.term == "owned_pool" else f", {TERM_NAMES.get(self.term, self.term)}"
        return f"{self.provider.name}, {many}{self.accelerator_name}{term}"

    @property
    def aside(self) -> str:
        if self.cost_usd is None:
            return ""
        return f"{numbers.money_range(self.cost_usd.p10, self.cost_usd.p90)}{numbers.NBSP}USD"

    @property
    def sentence(self) -> str:
        parts = [f"{numbers.rate(self.usd_per_gpu_hour)}{numbers.NBSP}USD/h since {numbers.day(self.since)}"]
        if self.tail_usd > 0:
            parts.append(f"{numbers.money(self.tail_usd)}{numbers.NBSP}USD of it stay owed after the work")
        if self.provider.provider_type == "owned":
            parts.append("Owned")
        elif not self.provider.is_approved:
            parts.append("Not an approved provider")
        elif not self.provider.has_data_processing_agreement:
            parts.append("No data-processing agreement")
        if self.grid_g_kwh is not None:
            parts.append(f"{self.grid_g_kwh:.0f}{numbers.NBSP}g CO2e/kWh")
        if self.country:
            parts.append(name_of(self.country))
        return ". ".join(parts) + "."


def known_places(
    content: Mapping[str, Any],
    snapshot: CatalogueSnapshot,
    providers: Iterable[Provider],
    *,
    on: date,
    limit: int = PLACES_MAX,
) -> list[KnownPlace]:
    """Own prices that hold on the day, this accelerator's first, pools before terms, cheapest first."""
    by_slug = {provider.slug: provider for provider in providers}
    wanted = content.get("accelerator")
    latest: dict[tuple[str, str, str], PriceOffer] = {}
    for offer in snapshot.prices_own:
        if offer.provider in by_slug and offer.accelerator in snapshot.accelerators and offer.holds_on(on):
            key = (offer.provider or "", offer.price_term, offer.accelerator)
            before = latest.get(key)
            if before is None or (offer.effective_from or offer.as_of) > (before.effective_from or before.as_of):
                latest[key] = offer
    ordered = sorted(
        latest.values(),
        key=lambda offer: (
            offer.accelerator != wanted,
            offer.price_term not in _POOLS,
            by_slug[offer.provider or ""].provider_type == "marketplace",
            offer.usd_per_gpu_hour,
            offer.slug,
        ),
    )
    return [_sized(content, offer, by_slug[offer.provider or ""], snapshot, on) for offer in ordered[:limit]]


def machine_country(provider: Provider | None, region: str | None, snapshot: CatalogueSnapshot) -> str | None:
    """The country of a region, where it is known: the catalogue's cloud regions, and one's own machine rooms."""
    if provider is None:
        return None
    listed = snapshot.providers.get(provider.slug)
    if region and listed and listed.grid_key:
        rows = snapshot.grid_by_code.get(f"{listed.grid_key}:{region.strip().lower()}", ())
        if rows:
            return rows[0].country
    return provider.hq_country if provider.provider_type == "owned" else None


def regions_of(provider: str | None, snapshot: CatalogueSnapshot) -> list[str]:
    """Region names that the catalogue knows for a provider."""
    listed = snapshot.providers.get(provider or "")
    if listed is None or not listed.grid_key:
        return []
    prefix = f"{listed.grid_key}:"
    return sorted(code.removeprefix(prefix) for code in snapshot.grid_by_code if code.startswith(prefix))


def _sized(
    content: Mapping[str, Any], offer: PriceOffer, provider: Provider, snapshot: CatalogueSnapshot, on: date
) -> KnownPlace:
    """The place with the cost of this workload there; without a cost when the workload is not known well enough."""
    cost = grid = None
    tail = 0.0
    country = machine_country(provider, None, snapshot)
    count = content.get("accelerator_count")
    if isinstance(count, int) and count > 0 and content.get("workload"):
        try:
            is_sized = content.get("ask") == "work"
            found = estimate(
                Workload.parse(str(content["workload"]), content.get("work") or {}, is_sized=is_sized),
                Place(
                    price_term=offer.price_term,
                    provider=provider.slug,
                    provider_type=provider.provider_type,
                    country=country,
                    accelerator=offer.accelerator,
                    accelerator_count=count,
                ),
                snapshot,
                on=on,
                window_hours=window_hours(content),
                gpu_hours_cap=_number(content.get("gpu_hours_cap")),
                money_cap_usd=_number(content.get("money_cap_usd")),
            )
            cost, grid, tail = found.cost_usd, found.grid_g_kwh, found.commitment_tail_usd
        except InputError:
            pass
    return KnownPlace(
        provider=provider,
        term=offer.price_term,
        accelerator=offer.accelerator,
        accelerator_name=snapshot.accelerators[offer.accelerator].name,
        usd_per_gpu_hour=offer.usd_per_gpu_hour,
        since=offer.effective_from or offer.as_of,
        cost_usd=cost,
        grid_g_kwh=grid,
        country=country,
        tail_usd=tail,
    )


def window_hours(content: Mapping[str, Any]) -> float | None:
    """Hours from the first to the last day, both included; None while either is unknown or they are out of order."""
    try:
        start, end = date.fromisoformat(str(content.get("start_on"))), date.fromisoformat(str(content.get("end_on")))
    except ValueError:
        return None
    days = (end - start).days + 1
    return days * 24.0 if days > 0 else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
