"""Where a workload runs: provider, region, price term, accelerator and how many."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from estimator.core.errors import PlaceError
from governance.display import numbers

ACCELERATOR_COUNT_MAX = 1_000_000
SLUG_LENGTH_MAX = 80
REGION_LENGTH_MAX = 60

_SLUG = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}")


class ProviderType(StrEnum):
    OWNED = "owned"
    HYPERSCALER = "hyperscaler"
    SPECIALIST = "specialist"
    MARKETPLACE = "marketplace"
    HOSTED_API = "hosted_api"


class PriceTerm(StrEnum):
    OWNED_POOL = "owned_pool"
    COMMITTED_POOL = "committed_pool"
    ON_DEMAND = "on_demand"
    RESERVED_1Y = "reserved_1y"
    RESERVED_3Y = "reserved_3y"
    CAPACITY_BLOCK = "capacity_block"
    SPOT = "spot"
    PER_TOKEN = "per_token"  # noqa: S105 (a unit of hosted models, not a secret)
    PURCHASE = "purchase"


@dataclass(frozen=True, slots=True)
class Place:
    """A place as asked for. `None` means not chosen yet, which a preview allows.

    `provider` and `accelerator` are catalogue slugs; `country` is ISO 3166-1 alpha-2 of the machine room.
    """

    price_term: str
    provider: str | None = None
    provider_type: str | None = None
    region: str | None = None
    country: str | None = None
    accelerator: str | None = None
    accelerator_count: int = 1

    def __post_init__(self) -> None:
        errors: dict[str, str] = {}
        if self.price_term not in tuple(PriceTerm):
            errors["price_term"] = f"choose one of {', '.join(PriceTerm)}"
        if self.provider_type is not None and self.provider_type not in tuple(ProviderType):
            errors["provider_type"] = f"choose one of {', '.join(ProviderType)}"
        for name in ("provider", "accelerator"):
            slug = getattr(self, name)
            if slug is not None and not _is_slug(slug):
                errors[name] = "use the short name of the catalogue, such as `h100-sxm5-80gb`"
        if self.region is not None and (
            not isinstance(self.region, str) or len(self.region) > REGION_LENGTH_MAX or not self.region.isprintable()
        ):
            errors["region"] = f"use at most {REGION_LENGTH_MAX} printable characters"
        if self.country is not None and (not isinstance(self.country, str) or not _COUNTRY.fullmatch(self.country)):
            errors["country"] = "use the two-letter ISO 3166-1 code, such as `SE`"
        count = self.accelerator_count
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= ACCELERATOR_COUNT_MAX:
            errors["accelerator_count"] = f"use a whole number from 1 to {numbers.count(ACCELERATOR_COUNT_MAX)}"
        if errors:
            raise PlaceError(errors)

    def to_json(self) -> dict[str, Any]:
        return {
            "price_term": str(self.price_term),
            "provider": self.provider,
            "provider_type": None if self.provider_type is None else str(self.provider_type),
            "region": self.region,
            "country": self.country,
            "accelerator": self.accelerator,
            "accelerator_count": self.accelerator_count,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Place:
        return cls(**{name: data[name] for name in cls.__slots__ if name in data})


def _is_slug(value: object) -> bool:
    return isinstance(value, str) and len(value) <= SLUG_LENGTH_MAX and _SLUG.fullmatch(value) is not None
