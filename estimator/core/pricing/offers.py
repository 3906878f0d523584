"""Prices as values: accelerators by the hour, accelerators to own, and hosted models by the token."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from estimator.core.quantities import Interval

OFFER_DAYS_MAX = 400
"""List prices older than this are no alternative that anyone could buy."""
LIST_PRICE_DAYS_MAX = 180
"""A list price older than this is shown with a warning, and nobody should rely on it alone."""


@dataclass(frozen=True, slots=True)
class PriceOffer:
    """One dated price of one accelerator for one hour.

    A list price is known as of a day and grows uncertain with age. A price of the organisation's own
    (`is_own`: negotiated, or the internal rate of an owned or committed pool) holds exactly from
    `effective_from` until, but not including, `effective_to`.
    """

    slug: str
    provider: str | None
    accelerator: str
    price_term: str
    usd_per_gpu_hour: float
    as_of: date
    source: str
    region: str = ""
    instance: str = ""
    licence: str = ""
    is_own: bool = False
    effective_from: date | None = None
    effective_to: date | None = None

    def holds_on(self, on: date) -> bool:
        """Whether this price may be used for work on the day `on`."""
        starts = self.effective_from or self.as_of
        return starts <= on and (self.effective_to is None or on < self.effective_to)


def newest_offers(offers: Iterable[PriceOffer], on: date, key: Callable[[PriceOffer], Hashable]) -> list[PriceOffer]:
    """The newest list price of each key, the cheapest of one day; none of the future, none too old to be bought."""
    newest: dict[Hashable, PriceOffer] = {}
    oldest = on - timedelta(days=OFFER_DAYS_MAX)
    for offer in offers:
        if not oldest <= offer.as_of <= on:
            continue
        name = key(offer)
        held = newest.get(name)
        if held is None or (offer.as_of, -offer.usd_per_gpu_hour) > (held.as_of, -held.usd_per_gpu_hour):
            newest[name] = offer
    return [*newest.values()]


@dataclass(frozen=True, slots=True)
class PurchasePrice:
    """What one accelerator cost to buy, as of a day; a node's price is stated per accelerator."""

    slug: str
    accelerator: str
    usd_per_device: float
    devices_in_unit: int
    as_of: date
    source: str


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """What a hosted model costs, in USD per million tokens, as of a day."""

    slug: str
    provider: str
    model: str
    usd_per_million_input: float
    usd_per_million_output: float
    usd_per_million_cache_read: float | None
    usd_per_million_batch_input: float | None
    usd_per_million_batch_output: float | None
    as_of: date
    source: str


@dataclass(frozen=True, slots=True)
class PriceUsed:
    """The price that an estimate rests on, so that a reader can check it.

    `ends_on` is the first day on which an agreed price no longer holds; None where no end is agreed.
    """

    offer: str
    usd_per_gpu_hour: Interval
    as_of: date
    age_days: int
    source: str
    provider: str | None
    region: str
    term: str
    is_own: bool = False
    unit: str = "USD per accelerator-hour"
    ends_on: date | None = None
