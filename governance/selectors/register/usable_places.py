"""Where this organisation may run work: approved providers with a price that holds, for one kind of part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.conf import settings

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.pricing.offers import PriceOffer
from estimator.core.pricing.place import PriceTerm
from governance.models import Provider

HOURLY_TERMS = frozenset(
    {
        PriceTerm.OWNED_POOL,
        PriceTerm.COMMITTED_POOL,
        PriceTerm.ON_DEMAND,
        PriceTerm.SPOT,
        PriceTerm.CAPACITY_BLOCK,
        PriceTerm.RESERVED_1Y,
        PriceTerm.RESERVED_3Y,
    }
)


@dataclass(frozen=True, slots=True)
class UsablePlace:
    """One provider, term and part at a price that holds on a day. A region of "" means any of the provider's."""

    provider: Provider
    price_term: str
    accelerator: str
    region: str | None
    country: str | None
    usd_per_gpu_hour: float
    is_own: bool
    offer: str


def usable_places(
    snapshot: CatalogueSnapshot, providers: Iterable[Provider], *, accelerators: Iterable[str], on: date
) -> list[UsablePlace]:
    """Every approved place for these parts, the cheapest first: own prices in force, and list prices that are not old.

    Args:
        providers: those that the organisation knows; the ones that it has not approved are passed over.
        on: the day on which the work starts.
    """
    approved = {provider.slug: provider for provider in providers if provider.is_approved}
    wanted = set(accelerators)
    found: dict[tuple[str, str, str, str], PriceOffer] = {}
    for offer in snapshot.prices_own:
        if offer.provider in approved and offer.accelerator in wanted and offer.holds_on(on):
            _keep(found, offer)
    oldest = on - timedelta(days=settings.LIST_PRICE_DAYS_MAX)
    own = {(slug, part, term) for slug, part, term, _ in found}
    for part in wanted:
        for term in HOURLY_TERMS:
            for offer in snapshot.prices_by_part.get((part, term), ()):
                key = (offer.provider or "", part, term)
                # An own price is what the estimate takes; a list price beside it is no other place.
                if offer.provider in approved and oldest <= offer.as_of <= on and key not in own:
                    _keep(found, offer)
    places = [_place(offer, approved[offer.provider or ""], snapshot) for offer in found.values()]
    return sorted(places, key=lambda place: (place.usd_per_gpu_hour, place.offer))


def _keep(found: dict[tuple[str, str, str, str], PriceOffer], offer: PriceOffer) -> None:
    """The newest of each place."""
    key = (offer.provider or "", offer.accelerator, offer.price_term, offer.region if offer.is_own else "")
    held = found.get(key)
    if held is None or (offer.effective_from or offer.as_of, offer.slug) > (
        held.effective_from or held.as_of,
        held.slug,
    ):
        found[key] = offer


def _place(offer: PriceOffer, provider: Provider, snapshot: CatalogueSnapshot) -> UsablePlace:
    region = (offer.region if offer.is_own else "") or None
    return UsablePlace(
        provider=provider,
        price_term=offer.price_term,
        accelerator=offer.accelerator,
        region=region,
        country=machine_country(provider, region, snapshot),
        usd_per_gpu_hour=offer.usd_per_gpu_hour,
        is_own=offer.is_own,
        offer=offer.slug,
    )


def in_other_countries(place: UsablePlace, snapshot: CatalogueSnapshot) -> list[UsablePlace]:
    """The same place in one region of every country in which the catalogue knows the provider."""
    found: dict[str, UsablePlace] = {}
    for region in regions_of(place.provider.slug, snapshot):
        country = machine_country(place.provider, region, snapshot)
        if country is not None and country != place.country:
            found.setdefault(country, replace(place, region=region, country=country))
    return list(found.values())


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
