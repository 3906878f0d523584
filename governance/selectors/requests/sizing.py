"""Sizes a request in its place, and ahead of the locks under which it is judged."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings

from estimator.catalogue import NoCatalogue as CatalogueIsEmpty
from estimator.catalogue import Release, current_release, current_snapshot
from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.errors import InputError
from estimator.core.pricing.place import Place
from estimator.core.quantities import QuantityError
from estimator.core.results.estimate import ESTIMATOR_VERSION, estimate
from estimator.core.results.result import Estimate, LineageCompute
from estimator.core.workload.workload import Workload
from governance.domain.errors import GovernanceError, InvalidRequest, NoCatalogue
from governance.domain.requests import fields
from governance.domain.requests.parse import RequestContent
from governance.models import ModelLineage, Provider
from governance.selectors.requests import facts, references
from governance.selectors.rules import policies

ENGINE_VERSION = f"estimator {ESTIMATOR_VERSION}"[:20]
log = logging.getLogger(__name__)
NOT_SIZED = "cannot be sized with these figures together: change one of them"


class Moved(Exception):
    """What an estimate was made from, or the rules, changed since: size again, without the locks."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything that an estimate is made from, and the versions of policy that judge it.

    Args:
        today: UTC; prices are those of the start, or of this day if the start has passed.
    """

    content: RequestContent
    today: date
    provider_type: str
    providers_allowed: frozenset[str] | None
    lineage: LineageCompute | None
    release: Release
    versions: policies.Versions


@dataclass(frozen=True, slots=True)
class Ahead:
    """An estimate that was made without any lock. It stands for as long as its basis reads the same."""

    basis: Basis
    estimate: Estimate


def size_ahead(content: RequestContent, *, now: datetime) -> Ahead | None:
    """Size a request while nothing is locked, and make the rules and the catalogue of the moment ready in this process.

    Returns:
        None where it cannot be sized; `assess` says why.
    """
    providers = references.known_providers()
    provider = providers.get(content.provider or "")
    lineage = ModelLineage.objects.filter(slug=content.lineage).first() if content.lineage else None
    if provider is None:
        return None
    try:
        in_force = policies.in_force()
        basis = basis_of(
            content, now=now, provider=provider, allowed=facts.allowed_of(providers), lineage=lineage,
            versions=in_force.versions,
        )  # fmt: skip
        policies.put_together(in_force)
        return Ahead(basis, estimate_of(basis))
    except GovernanceError:
        return None


def basis_of(
    content: RequestContent,
    *,
    now: datetime,
    provider: Provider,
    allowed: frozenset[str] | None,
    lineage: ModelLineage | None,
    versions: policies.Versions,
    release: Release | None = None,
) -> Basis:
    try:
        release = release or current_release()
    except CatalogueIsEmpty as error:
        raise NoCatalogue(str(error)) from error
    held = facts.lineage_compute(lineage)
    return Basis(content, now.date(), provider.provider_type, allowed, held, release, versions)


def estimate_of(basis: Basis) -> Estimate:
    return size(
        basis.content,
        today=basis.today,
        provider_type=basis.provider_type,
        providers_allowed=basis.providers_allowed,
        lineage=basis.lineage,
        snapshot=current_snapshot(basis.release),
    )


def size(
    content: RequestContent,
    *,
    today: date,
    provider_type: str,
    providers_allowed: frozenset[str] | None,
    lineage: LineageCompute | None,
    snapshot: CatalogueSnapshot,
) -> Estimate:
    """The estimate of one request in its place.

    Args:
        today: UTC; prices are those of the start, or of this day if the start has passed.
        provider_type: of the request's provider.
        providers_allowed: where else it may be advised to go; None for anywhere.
        lineage: what its lineage holds already.

    Raises:
        InvalidRequest: each field of the workload or place that is wrong.
    """
    try:
        workload = Workload.parse(content.workload, content.work, is_sized=content.sizing == "work")
        place = Place(
            price_term=content.price_term,
            provider=content.provider,
            provider_type=provider_type,
            region=content.region,
            country=content.country,
            accelerator=content.accelerator,
            accelerator_count=max(1, content.accelerator_count),
        )
        return estimate(
            workload,
            place,
            snapshot,
            on=content.start_on if content.kind_of_request.may_start_in_past else max(content.start_on, today),
            window_hours=None if content.window_days is None else content.window_days * 24.0,
            gpu_hours_cap=content.gpu_hours_cap,
            money_cap_usd=content.money_cap_usd,
            list_price_days_max=settings.LIST_PRICE_DAYS_MAX,
            # Another region of the provider that is asked for is no other provider.
            providers_allowed=None if providers_allowed is None else {*providers_allowed, content.provider or ""},
            lineage=lineage,
        )
    except InputError as error:
        raise InvalidRequest({_field(name): [sentence] for name, sentence in error.errors.items()}) from error
    except (QuantityError, ArithmeticError) as error:
        log.exception("a request could not be sized")
        raise InvalidRequest({"work": [NOT_SIZED]}) from error


def _field(name: str) -> str:
    return name if name in fields.names() else f"work.{name}"
