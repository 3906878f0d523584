"""Sizes a workload that nobody has asked for yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from estimator.catalogue import current_snapshot
from estimator.core.errors import InputError
from estimator.core.estimate import estimate
from estimator.core.place import Place
from estimator.core.result import Estimate
from estimator.core.workload import Workload
from governance.domain.errors import InvalidInput
from governance.models import Provider


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
    known = Provider.objects.filter(slug=provider or "").values_list("provider_type", flat=True).first()
    try:
        return estimate(
            Workload.parse(workload, work, is_sized=ask == "work"),
            Place(
                price_term=price_term,
                provider=provider,
                provider_type=known,
                region=region,
                country=country,
                accelerator=accelerator,
                accelerator_count=accelerator_count,
            ),
            current_snapshot(),
            on=today,
            window_hours=None if window_days is None else window_days * 24.0,
            gpu_hours_cap=gpu_hours_cap,
            money_cap_usd=money_cap_usd,
        )
    except InputError as error:
        raise InvalidInput({name: [sentence] for name, sentence in error.errors.items()}) from error
