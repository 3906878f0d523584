"""Which accelerators somebody chooses from: the organisation's own first, then by class, each with its price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from estimator.core.catalogue import Accelerator, CatalogueSnapshot
from estimator.core.pricing.offers import PriceOffer, newest_offers
from estimator.core.pricing.place import PriceTerm
from governance.models import Provider


@dataclass(frozen=True, slots=True)
class PricedAccelerator:
    """One part with the cheapest price that the organisation can have it for; None where none is known.

    An own price holds today, on any term; a list price is on demand, at an approved provider.
    """

    part: Accelerator
    offer: PriceOffer | None


@dataclass(frozen=True, slots=True)
class AcceleratorClass:
    """Parts of one vendor and generation, the newest first; the organisation's own where `vendor` is empty."""

    vendor: str
    generation: str
    members: tuple[PricedAccelerator, ...]

    @property
    def is_own(self) -> bool:
        return not self.vendor


def by_class(snapshot: CatalogueSnapshot, providers: Iterable[Provider], *, on: date) -> list[AcceleratorClass]:
    """Every part of the catalogue once: those owned or under an agreed price first, then by class, the newest first.

    Args:
        providers: those that the organisation knows; prices of the ones that it has not approved are passed over.
        on: the day on which prices are read.
    """
    approved = {provider.slug for provider in providers if provider.is_approved}
    own: dict[str, PriceOffer] = {}
    for offer in snapshot.prices_own:
        is_usable = not offer.provider or offer.provider in approved
        if is_usable and offer.accelerator in snapshot.accelerators and offer.holds_on(on):
            own[offer.accelerator] = min(offer, own.get(offer.accelerator, offer), key=_cheapest)
    groups: dict[tuple[str, str], list[PricedAccelerator]] = {}
    for part in sorted(snapshot.accelerators.values(), key=lambda part: (-part.release_year, part.name)):
        held = own.get(part.slug)
        key = ("", "") if held else (part.vendor, part.generation)
        groups.setdefault(key, []).append(PricedAccelerator(part, held or _listed(snapshot, part.slug, approved, on)))
    # Parts are sorted by year, so classes stand in the order of their newest member.
    ordered = sorted(groups.items(), key=lambda group: bool(group[0][0]))
    return [AcceleratorClass(vendor, generation, tuple(members)) for (vendor, generation), members in ordered]


def _listed(snapshot: CatalogueSnapshot, slug: str, approved: set[str], on: date) -> PriceOffer | None:
    offers = snapshot.prices_by_part.get((slug, PriceTerm.ON_DEMAND), ())
    at_approved = (offer for offer in offers if offer.provider in approved)
    return min(newest_offers(at_approved, on, key=lambda offer: offer.provider), key=_cheapest, default=None)


def _cheapest(offer: PriceOffer) -> tuple[float, str]:
    return offer.usd_per_gpu_hour, offer.slug
