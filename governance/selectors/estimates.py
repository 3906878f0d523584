"""Sizes a workload that nobody has asked for yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from estimator.catalogue import current_snapshot
from estimator.core.errors import InputError
from estimator.core.estimate import estimate
from estimator.core.exploration import Exploration, Question, explore
from estimator.core.needs import Needs
from estimator.core.place import Place
from estimator.core.result import Estimate
from estimator.core.workload import Workload
from governance.domain.errors import InvalidInput
from governance.models import Provider


def explore_workload(
    *,
    today: date,
    workload: str,
    work: Mapping[str, Any],
    ask: str,
    price_term: str,
    provider: str | None,
    region: str | None,
    country: str | None,
    accelerator: str | None,
    accelerator_count: int,
    gpu_hours_cap: float | None,
    money_cap_usd: float | None,
    window_days: float | None,
    needs: Mapping[str, Any],
    renewable_share: float | None = None,
    hosted_model: str | None = None,
) -> Exploration:
    """The estimate with its drivers, every other offer, advice, owning, and a hosted model beside it.

    Args:
        needs: fields of `estimator.core.needs.Needs`.

    Raises:
        InvalidInput: each field that is missing, unknown or contradictory.
    """
    try:
        return explore(
            Question(
                workload=Workload.parse(workload, work, is_sized=ask == "work"),
                place=_place(price_term, provider, region, country, accelerator, accelerator_count),
                catalogue=current_snapshot(),
                on=today,
                window_hours=None if window_days is None else window_days * 24.0,
                gpu_hours_cap=gpu_hours_cap,
                money_cap_usd=money_cap_usd,
                renewable_share=renewable_share,
                needs=Needs(**needs),
                hosted_model=hosted_model,
            )
        )
    except InputError as error:
        raise InvalidInput({name: [sentence] for name, sentence in error.errors.items()}) from error


def _place(
    price_term: str,
    provider: str | None,
    region: str | None,
    country: str | None,
    accelerator: str | None,
    accelerator_count: int,
) -> Place:
    # Checked before the database is asked: what is no short name is refused by name.
    place = Place(
        price_term=price_term,
        provider=provider,
        region=region,
        country=country,
        accelerator=accelerator,
        accelerator_count=accelerator_count,
    )
    known = Provider.objects.filter(slug=provider or "").values_list("provider_type", flat=True).first()
    return replace(place, provider_type=known)


def size(
    *,
    today: date,
    workload: str,
    work: Mapping[str, Any],
    ask: str,
    price_term: str,
    provider: str | None,
    region: str | None,
    country: str | None,
    accelerator: str | None,
    accelerator_count: int,
    gpu_hours_cap: float | None,
    money_cap_usd: float | None,
    window_days: float | None,
) -> Estimate:
    """The estimate of one workload in one place, at today's catalogue.

    Raises:
        InvalidInput: each field that is missing, unknown or contradictory.
    """
    try:
        return estimate(
            Workload.parse(workload, work, is_sized=ask == "work"),
            _place(price_term, provider, region, country, accelerator, accelerator_count),
            current_snapshot(),
            on=today,
            window_hours=None if window_days is None else window_days * 24.0,
            gpu_hours_cap=gpu_hours_cap,
            money_cap_usd=money_cap_usd,
        )
    except InputError as error:
        raise InvalidInput({name: [sentence] for name, sentence in error.errors.items()}) from error
