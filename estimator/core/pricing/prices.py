"""Choosing the price that an estimate rests on: the organisation's own first, else the newest list price, aged."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from datetime import date

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.pricing.offers import PriceOffer, PriceUsed, PurchasePrice, TokenPrice
from estimator.core.pricing.place import Place, PriceTerm
from estimator.core.quantities import Interval
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.uncertainty import aged, spread

POOL_TERMS = frozenset({PriceTerm.OWNED_POOL, PriceTerm.COMMITTED_POOL})
MARKET_DAYS_MAX = 540
"""Where no provider is chosen, only prices of the last year and a half describe the market."""
PURCHASE_DAYS_MAX = 730


def choose_price(
    place: Place, catalogue: CatalogueSnapshot, prices_own: Sequence[PriceOffer], on: date, ledger: Ledger
) -> PriceUsed | None:
    """The price of one accelerator-hour in a place on a day, or None with the reason in the ledger."""
    if place.accelerator is None:
        ledger.lack("price", "no accelerator is chosen")
        return None
    own = choose_own_price(place, (*prices_own, *catalogue.prices_own), on)
    if own is not None:
        return own
    if place.price_term in POOL_TERMS:
        ledger.lack("price", f"no internal rate is recorded for `{place.accelerator}` in this pool on {on}")
        return None
    if place.provider is None:
        return _market_price(place, catalogue, on, ledger)
    rows = [
        offer
        for offer in catalogue.prices_by_place.get((place.provider, place.accelerator, place.price_term), ())
        if offer.as_of <= on
    ]
    if not rows:
        ledger.lack(
            "price",
            f"the catalogue has no dated price of `{place.accelerator}` at `{place.provider}` "
            f"for {place.price_term.replace('_', ' ')} on or before {on}",
        )
        return None
    return _list_price(place, rows, catalogue, on, ledger)


def choose_own_price(place: Place, offers: Iterable[PriceOffer], on: date) -> PriceUsed | None:
    """The organisation's own price that holds on a day; one for the region before one for all, then the latest."""
    held = [
        offer
        for offer in offers
        if offer.accelerator == place.accelerator
        and offer.price_term == place.price_term
        and (place.provider is None or offer.provider in (None, "", place.provider))
        and (not offer.region or offer.region == place.region)
        and offer.holds_on(on)
    ]
    if not held:
        return None
    chosen = max(held, key=lambda offer: (bool(offer.region), offer.effective_from or offer.as_of, offer.slug))
    since = offer_date(chosen)
    return PriceUsed(
        offer=chosen.slug,
        usd_per_gpu_hour=Interval.exact(chosen.usd_per_gpu_hour),
        as_of=since,
        # An agreed price does not age: it holds until it ends.
        age_days=0,
        source=chosen.source,
        provider=chosen.provider,
        region=chosen.region,
        term=chosen.price_term,
        is_own=True,
        ends_on=chosen.effective_to,
    )


def offer_date(offer: PriceOffer) -> date:
    return offer.effective_from or offer.as_of


def choose_token_price(
    model: str, provider: str | None, catalogue: CatalogueSnapshot, on: date, ledger: Ledger
) -> TokenPrice | None:
    """The newest list price of a hosted model, or None with the reason in the ledger."""
    known = (
        catalogue.tokens_by_place.get((provider, model), ()) if provider else catalogue.tokens_by_model.get(model, ())
    )
    rows = [row for row in known if row.as_of <= on]
    if not rows:
        where = f" at `{provider}`" if provider else ""
        ledger.lack("price", f"the catalogue has no dated price of the model `{model}`{where} on or before {on}")
        return None
    return max(rows, key=lambda row: (row.as_of, row.slug))


def choose_purchase_price(
    accelerator: str, catalogue: CatalogueSnapshot, on: date, ledger: Ledger
) -> tuple[Interval, PurchasePrice] | None:
    """What one accelerator costs to buy: the spread of two years of prices, aged, and the newest row behind it."""
    rows = [row for row in catalogue.purchases_by_accelerator.get(accelerator, ()) if row.as_of <= on]
    if not rows:
        ledger.lack("price", f"the catalogue has no dated purchase price of `{accelerator}` on or before {on}")
        return None
    newest = max(rows, key=lambda row: (row.as_of, row.slug))
    recent = [row.usd_per_device for row in rows if (newest.as_of - row.as_of).days <= PURCHASE_DAYS_MAX]
    drift = ledger.prior(catalogue, "price_drift_year", "Change of a list price within a year")
    return aged(spread(recent), (on - newest.as_of).days, drift), newest


def _list_price(
    place: Place, rows: list[PriceOffer], catalogue: CatalogueSnapshot, on: date, ledger: Ledger
) -> PriceUsed:
    """The newest list price of one seller; several sizes of one day give a spread around their median."""
    regional = [offer for offer in rows if place.region and _same_region(offer.region, place.region)]
    if place.region and not regional:
        ledger.assume("price_region", "No price for this region: prices of the seller's other regions", place.region)
    candidates = regional or rows
    newest_day = max(offer.as_of for offer in candidates)
    newest = sorted(
        (offer for offer in candidates if offer.as_of == newest_day),
        key=lambda offer: (offer.usd_per_gpu_hour, offer.slug),
    )
    amounts = [offer.usd_per_gpu_hour for offer in newest]
    interval = Interval(amounts[0], statistics.median(amounts), amounts[-1])
    return _used(newest[len(newest) // 2], interval, catalogue, on, ledger)


def _market_price(place: Place, catalogue: CatalogueSnapshot, on: date, ledger: Ledger) -> PriceUsed | None:
    """Where no provider is chosen: the spread of every seller's newest price."""
    newest: dict[str | None, PriceOffer] = {}
    for offer in catalogue.prices_by_part.get((place.accelerator or "", place.price_term), ()):
        if offer.as_of <= on and (on - offer.as_of).days <= MARKET_DAYS_MAX:
            held = newest.get(offer.provider)
            if held is None or (offer.as_of, -offer.usd_per_gpu_hour) > (held.as_of, -held.usd_per_gpu_hour):
                newest[offer.provider] = offer
    if not newest:
        ledger.lack(
            "price",
            f"no provider is chosen, and no price of `{place.accelerator}` for "
            f"{place.price_term.replace('_', ' ')} is younger than {MARKET_DAYS_MAX} days on {on}",
        )
        return None
    offers = sorted(newest.values(), key=lambda offer: (offer.usd_per_gpu_hour, offer.slug))
    ledger.assume("market", "No provider is chosen: the spread over sellers", float(len(offers)), "sellers")
    interval = spread([offer.usd_per_gpu_hour for offer in offers])
    oldest = min(offers, key=lambda offer: (offer.as_of, offer.slug))
    return _used(oldest, interval, catalogue, on, ledger)


def _used(offer: PriceOffer, interval: Interval, catalogue: CatalogueSnapshot, on: date, ledger: Ledger) -> PriceUsed:
    age_days = (on - offer.as_of).days
    drift_class = "spot" if offer.price_term == PriceTerm.SPOT else "any"
    drift = ledger.prior(catalogue, "price_drift_year", "Change of a list price within a year", drift_class)
    return PriceUsed(
        offer=offer.slug,
        usd_per_gpu_hour=aged(interval, age_days, drift),
        as_of=offer.as_of,
        age_days=age_days,
        source=offer.source,
        provider=offer.provider,
        region=offer.region,
        term=offer.price_term,
    )


def _same_region(printed: str, asked: str) -> bool:
    """Whether a printed region is the one asked for, whatever its spelling: `East US` and `eastus`, or a code in it."""
    plain, wanted = _letters(printed), _letters(asked)
    return bool(plain) and (plain == wanted or asked.strip().lower() in printed.lower())


def _letters(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
