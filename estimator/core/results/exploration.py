"""One request seen from all sides: the estimate, its drivers, every other offer, advice, owning, and a hosted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.pricing.fleet import power_kw
from estimator.core.pricing.offers import PriceOffer
from estimator.core.pricing.ownership import HybridChoice, Ownership, OwnershipTerms, choose_hybrid, own, service_load
from estimator.core.pricing.place import Place, PriceTerm
from estimator.core.pricing.prices import choose_purchase_price, choose_token_price
from estimator.core.quantities import HOURS_PER_YEAR, MILLION
from estimator.core.results.advice import Advice, advise
from estimator.core.results.compare import LINES_DEFAULT, Comparison, compare_offers
from estimator.core.results.drivers import Driver, find_drivers
from estimator.core.results.estimate import estimate
from estimator.core.results.result import Estimate, LineageCompute
from estimator.core.sizing.duration import serving
from estimator.core.sizing.flop import token_load
from estimator.core.sizing.hosting import HostingChoice, choose_hosting
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.sizing import HOURLESS_KINDS
from estimator.core.workload.extras import Extras
from estimator.core.workload.needs import Needs
from estimator.core.workload.shape import model_shape
from estimator.core.workload.workload import Workload, WorkloadKind

MONTH_DAYS = 30.0
BURST_TERMS = frozenset({PriceTerm.ON_DEMAND, PriceTerm.SPOT})
"""Terms under which devices come and go by the hour, as a burst needs."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is explored. All fields mean what they mean to `estimate` and `compare_offers`."""

    workload: Workload
    place: Place
    catalogue: CatalogueSnapshot
    on: date
    window_hours: float | None = None
    gpu_hours_cap: float | None = None
    money_cap_usd: float | None = None
    prices_own: Sequence[PriceOffer] = ()
    lineage: LineageCompute | None = None
    renewable_share: float | None = None
    extras: Extras | None = None
    needs: Needs = field(default_factory=Needs)
    hosted_model: str | None = None

    def size(self, ledger: Ledger | None = None) -> Estimate:
        return estimate(
            self.workload,
            self.place,
            self.catalogue,
            on=self.on,
            window_hours=self.window_hours,
            gpu_hours_cap=self.gpu_hours_cap,
            money_cap_usd=self.money_cap_usd,
            prices_own=self.prices_own,
            lineage=self.lineage,
            renewable_share=self.renewable_share,
            providers_allowed=self.needs.providers,
            extras=self.extras,
            ledger=ledger,
        )


@dataclass(frozen=True, slots=True)
class Exploration:
    """The answers. `comparison` is None for a kind without device-hours, `ownership` without a purchase price.

    `hybrid` is None where nothing is owned to compare with, or the price is not one by the hour.
    """

    estimate: Estimate
    drivers: tuple[Driver, ...]
    advice: tuple[Advice, ...]
    comparison: Comparison | None
    ownership: Ownership | None
    break_even_utilisation: float | None
    hosting: HostingChoice | None
    hybrid: HybridChoice | None = None

    def to_json(self, limit: int = LINES_DEFAULT) -> dict[str, Any]:
        hosting = self.hosting
        return {
            "estimate": self.estimate.to_json(),
            "drivers": [driver.to_json() for driver in self.drivers],
            "advice": [each.to_json() for each in self.advice],
            "comparison": self.comparison.to_json(limit) if self.comparison else None,
            "ownership": self.ownership.to_json() | {"break_even_utilisation": self.break_even_utilisation}
            if self.ownership
            else None,
            "hybrid": self.hybrid.to_json() if self.hybrid else None,
            "hosting": {name: getattr(hosting, name) for name in hosting.__slots__} if hosting else None,
        }


def explore(question: Question) -> Exploration:
    """Size a request, and everything beside it.

    Raises:
        InputError: as `estimate` does.
    """
    found = question.size()

    def size_other(workload: Workload, place: Place) -> Estimate:
        return replace(question, workload=workload, place=place).size()

    quantity = "cost_usd" if found.cost_usd else "gpu_hours"
    owned, share = _own(question, found)
    return Exploration(
        estimate=found,
        drivers=find_drivers(question.size, quantity),
        advice=advise(question.workload, question.place, found, size_other),
        comparison=compare_question(question),
        ownership=owned,
        break_even_utilisation=share,
        hosting=_host(question, found),
        hybrid=_mix(question, found, owned),
    )


def compare_question(question: Question) -> Comparison | None:
    """The comparison alone: the catalogue's offers, or with own prices that the question brings, those too."""
    if question.workload.kind in HOURLESS_KINDS:
        return None
    offers = [*question.catalogue.prices, *question.prices_own] if question.prices_own else None
    return compare_offers(
        question.workload,
        question.catalogue,
        on=question.on,
        count=question.place.accelerator_count,
        window_hours=question.window_hours,
        country=question.place.country,
        needs=question.needs,
        offers=offers,
    )


def _own(question: Question, found: Estimate) -> tuple[Ownership | None, float | None]:
    """The same devices owned, and the utilisation from which that beats the price of this estimate."""
    slug, catalogue = question.place.accelerator, question.catalogue
    part = catalogue.accelerators.get(slug or "")
    if slug is None or part is None or question.workload.kind in HOURLESS_KINDS:
        return None, None
    priced = choose_purchase_price(slug, catalogue, question.on, Ledger())
    power = power_kw(part, catalogue)
    if priced is None or power is None:
        return None, None
    pue = found.pue or OwnershipTerms().pue
    owned = own(priced[0].p50, question.place.accelerator_count, power.p50, OwnershipTerms(pue=pue))
    rent = found.price.usd_per_gpu_hour.p50 if found.price else 0.0
    return owned, owned.break_even_utilisation(rent)


def _mix(question: Question, found: Estimate, owned: Ownership | None) -> HybridChoice | None:
    """An owned base with the rest rented at this price, over a year of this load."""
    rate, hours = found.price, found.gpu_hours
    if owned is None or rate is None or hours is None or rate.term not in BURST_TERMS or hours.p50 <= 0:
        return None
    if question.workload.kind is WorkloadKind.INFERENCE_ONLINE and found.wall_hours is not None:
        # A service that runs for less than a year is weighed as if it went on.
        peak = max(1, round(hours.p50 / found.wall_hours.p50))
        load = service_load(peak, question.workload.number("peak_to_mean") or 1.0)
    else:
        count = question.place.accelerator_count
        load = [(count, min(hours.p50 / count, HOURS_PER_YEAR))]
    return choose_hybrid(load, owned.usd_year / owned.devices, rate.usd_per_gpu_hour.p50)


def _host(question: Question, found: Estimate) -> HostingChoice | None:
    """Own replicas beside a hosted model, for an online service whose price is known."""
    workload, place, catalogue = question.workload, question.place, question.catalogue
    part, shape = catalogue.accelerators.get(place.accelerator or ""), model_shape(workload)
    if (
        question.hosted_model is None
        or workload.kind is not WorkloadKind.INFERENCE_ONLINE
        or part is None
        or shape is None
        or found.price is None
    ):
        return None
    sellers = [None] if question.needs.providers is None else sorted(question.needs.providers)
    prices = [choose_token_price(question.hosted_model, seller, catalogue, question.on, Ledger()) for seller in sellers]
    hosted = max((price for price in prices if price), key=lambda price: (price.as_of, price.slug), default=None)
    load = token_load(workload, MONTH_DAYS)
    replica = serving(workload, shape, load, part, catalogue, Ledger())
    if hosted is None or replica is None:
        return None
    return choose_hosting(
        input_million_month=load.prefill_tokens / MILLION,
        output_million_month=load.decode_tokens / MILLION,
        replica=replica,
        usd_per_gpu_hour=found.price.usd_per_gpu_hour.p50,
        hosted=hosted,
        utilisation=1.0 / (workload.number("peak_to_mean") or 1.0),
    )
