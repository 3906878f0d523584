"""What a workload needs of a place beside hours: software, interconnect, delivery, region, deadline, export control."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from estimator.core.pricing.place import ProviderType


class Software(StrEnum):
    """The stack that the workload is written for."""

    ANY = "any"
    CUDA = "cuda"
    ROCM = "rocm"
    JAX_XLA = "jax_xla"
    NEURON = "neuron"


class Delivery(StrEnum):
    """How machines are handed over."""

    ANY = "any"
    DEDICATED = "dedicated"
    CONTAINER = "container"
    BATCH = "batch"


SOFTWARE_BY_VENDOR: dict[str, frozenset[str]] = {
    "NVIDIA": frozenset({Software.CUDA, Software.JAX_XLA}),
    "AMD": frozenset({Software.ROCM, Software.JAX_XLA}),
    "Google": frozenset({Software.JAX_XLA}),
    "AWS": frozenset({Software.NEURON, Software.JAX_XLA}),
}
"""Stacks that a vendor's parts run; other vendors bring one of their own, so only `any` fits them.

Source: JAX installation guide, supported platforms; AWS Neuron SDK documentation; AMD ROCm documentation.
"""
DELIVERY_BY_PROVIDER_TYPE: dict[str, frozenset[str]] = {
    ProviderType.OWNED: frozenset({Delivery.DEDICATED, Delivery.CONTAINER, Delivery.BATCH}),
    ProviderType.HYPERSCALER: frozenset({Delivery.DEDICATED, Delivery.BATCH}),
    ProviderType.SPECIALIST: frozenset({Delivery.DEDICATED, Delivery.CONTAINER, Delivery.BATCH}),
    ProviderType.MARKETPLACE: frozenset({Delivery.CONTAINER, Delivery.BATCH}),
}
"""Source: a16z, Navigating the High Cost of AI Compute 2023, compute delivery model: large clouds offer instances with
dedicated devices, specialised ones also containers and batch jobs. Large clouds have batch services on instances."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What an offer must have to count. None and `any` ask for nothing.

    Args:
        deadline_hours: wall time that the work may take at its median.
        countries: ISO codes of machine rooms that are allowed; an offer of unknown country then does not count.
        interconnect_gb_s: bandwidth between devices.
        is_export_controlled: whether the destination is one that needs a licence for listed chips.
        price_age_days_max: older list prices are no offer that anyone could take.
    """

    deadline_hours: float | None = None
    providers: Collection[str] | None = None
    countries: Collection[str] | None = None
    terms: Collection[str] | None = None
    software: str = Software.ANY
    delivery: str = Delivery.ANY
    interconnect_gb_s: float | None = None
    is_export_controlled: bool = False
    price_age_days_max: int | None = None

    def allows_software(self, vendor: str) -> bool:
        return self.software == Software.ANY or self.software in SOFTWARE_BY_VENDOR.get(vendor, frozenset())

    def allows_delivery(self, provider_type: str | None) -> bool:
        if self.delivery == Delivery.ANY:
            return True
        return self.delivery in DELIVERY_BY_PROVIDER_TYPE.get(provider_type or "", frozenset())
