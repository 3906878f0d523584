"""What the estimator's tests share: the shipped catalogue without a database, a day, and places."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from estimator.catalogue import snapshot_of_rows
from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.pricing.offers import PriceOffer
from estimator.core.pricing.place import Place
from estimator.core.results.estimate import Estimate, estimate
from estimator.core.workload.workload import Workload
from estimator.loader import Rows, read_catalogue

ON = date(2026, 11, 21)
H100 = Place(price_term="on_demand", provider="lambda", country="SE", accelerator="h100-sxm5-80gb", accelerator_count=8)
H100_POOL = replace(H100, price_term="owned_pool", provider=None)


@cache
def shipped_rows() -> Rows:
    return read_catalogue()


@cache
def shipped() -> CatalogueSnapshot:
    return snapshot_of_rows(shipped_rows(), released_at=datetime(2026, 11, 21, tzinfo=UTC))


def own_price(usd: float, **changes: Any) -> PriceOffer:
    offer = PriceOffer(
        slug="own",
        provider=None,
        accelerator="h100-sxm5-80gb",
        price_term="on_demand",
        usd_per_gpu_hour=usd,
        as_of=date(2026, 2, 1),
        source="contract",
        is_own=True,
        effective_from=date(2026, 2, 1),
    )
    return replace(offer, **changes)


def size(kind: str, work: dict[str, Any] | None = None, place: Place = H100, **options: Any) -> Estimate:
    """An estimate of a workload on the shipped catalogue."""
    workload = Workload.parse(kind, work or {}, is_sized=options.pop("is_sized", True))
    on = options.pop("on", ON)
    catalogue = options.pop("catalogue", None) or shipped()
    return estimate(workload, place, catalogue, on=on, **options)
