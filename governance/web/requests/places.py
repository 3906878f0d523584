"""Places that a request can choose from: the organisation's own prices first, each sized for this very workload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.errors import InputError
from estimator.core.pricing.cost import SAME_MEMORY_SHARE
from estimator.core.pricing.offers import PriceOffer
from estimator.core.pricing.place import Place
from estimator.core.quantities import Interval
from estimator.core.results.estimate import estimate
from estimator.core.workload.workload import Workload
from governance.display import numbers, reader
from governance.display.countries import name_of
from governance.display.vocabulary import TERM_NAMES
from governance.models import Provider
from governance.selectors.register.usable_places import machine_country
from governance.web.requests.answers import KNOWN_PLACE_SEPARATOR

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
    hours_factor: float = 1.0
    """Hours that the same work takes on this part, for each hour on the part that is requested."""
    is_too_small: bool = False
    """The part has less memory than the one that is requested: nobody knows whether it holds the work."""

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
        parts = [f"{numbers.rate(self.usd_per_gpu_hour)}{numbers.NBSP}USD/h since {reader.day(self.since)}"]
        if self.tail_usd > 0:
            parts.append(f"{numbers.money(self.tail_usd)}{numbers.NBSP}USD of it remains payable after the work")
        if self.provider.provider_type == "owned":
            parts.append("Owned")
        elif not self.provider.has_data_processing_agreement:
            parts.append("No data-processing agreement")
        if self.is_too_small:
            parts.append("Less memory than the part you chose")
        elif self.hours_factor != 1.0:
            hours = numbers.figure(self.hours_factor, 2)
            parts.append(f"The same work takes about {hours}{numbers.NBSP}{numbers.TIMES} the hours on this part")
        if self.grid_g_kwh is not None:
            parts.append(f"{numbers.count(self.grid_g_kwh)}{numbers.NBSP}g CO2e/kWh")
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
    """Own prices that hold on the day at approved providers, this accelerator's first, pools before terms."""
    by_slug = {provider.slug: provider for provider in providers if provider.is_approved}
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


def _sized(
    content: Mapping[str, Any], offer: PriceOffer, provider: Provider, snapshot: CatalogueSnapshot, on: date
) -> KnownPlace:
    """The place with the cost of this workload there; without a cost when the workload is not known well enough."""
    cost = grid = None
    tail, factor = 0.0, 1.0
    here, there = snapshot.accelerators.get(str(content.get("accelerator"))), snapshot.accelerators[offer.accelerator]
    is_too_small = here is not None and there.memory_gb < here.memory_gb * SAME_MEMORY_SHARE
    if here is not None and content.get("sizing") != "work" and here.peak_tflop_s and there.peak_tflop_s:
        # An hour of another part is other work: the hours are those of the same FLOP at the same utilisation.
        factor = here.peak_tflop_s / there.peak_tflop_s
    country = machine_country(provider, None, snapshot)
    count = content.get("accelerator_count")
    cap = _number(content.get("gpu_hours_cap"))
    if isinstance(count, int) and count > 0 and content.get("workload") and not is_too_small:
        try:
            is_sized = content.get("sizing") == "work"
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
                gpu_hours_cap=None if cap is None else cap * factor,
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
        hours_factor=factor,
        is_too_small=is_too_small,
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
