"""The cleanest other place that sells the same accelerator on the same terms."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from estimator.core.catalogue import Accelerator, CatalogueSnapshot
from estimator.core.pricing.offers import PriceOffer, PriceUsed, newest_offers
from estimator.core.pricing.place import REGION_LENGTH_MAX, Place
from estimator.core.results.result import CleanerPlace
from estimator.core.sizing.energy import choose_grid
from estimator.core.sizing.priors import Ledger


def find_cleaner_place(
    place: Place,
    accelerator: Accelerator,
    price: PriceUsed,
    grid_g_kwh: float,
    catalogue: CatalogueSnapshot,
    own: Collection[PriceOffer],
    on: date,
    *,
    providers_allowed: Collection[str] | None,
) -> CleanerPlace | None:
    """The offer on the cleanest grid, the cheapest of several; None where no place is known to be cleaner than here.

    Args:
        grid_g_kwh: of the place that is asked for.
        own: prices of the organisation's own, which do not age.
        providers_allowed: None allows everybody.
    """
    listed = catalogue.prices_by_part.get((accelerator.slug, place.price_term), ())
    usable = [
        *newest_offers((offer for offer in listed if offer.region), on, lambda offer: (offer.provider, offer.region)),
        *(
            offer
            for offer in own
            if offer.region
            and offer.accelerator == accelerator.slug
            and offer.price_term == place.price_term
            and offer.holds_on(on)
        ),
    ]
    found = []
    for offer in usable:
        if providers_allowed is not None and offer.provider not in providers_allowed:
            continue
        there = replace(place, provider=offer.provider, region=offer.region[:REGION_LENGTH_MAX], country=None)
        grid = choose_grid(there, catalogue, Ledger())
        if grid is not None and grid.g_co2e_per_kwh < grid_g_kwh:
            ratio = offer.usd_per_gpu_hour / price.usd_per_gpu_hour.p50
            found.append(
                CleanerPlace(offer.slug, offer.provider, offer.region, grid.country, grid.g_co2e_per_kwh, ratio)
            )
    return min(found, key=lambda each: (each.grid_g_kwh, each.cost_ratio, each.offer), default=None)
