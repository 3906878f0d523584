"""Sizes a workload that nobody has asked for yet."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

from django.conf import settings

from estimator.catalogue import current_snapshot
from estimator.core.errors import InputError
from estimator.core.pricing.place import Place
from estimator.core.quantities import QuantityError
from estimator.core.results.exploration import Exploration, Question, explore
from estimator.core.results.result import Estimate
from estimator.core.workload.needs import Needs
from estimator.core.workload.workload import Workload
from governance.domain.errors import InvalidInput
from governance.models import Provider
from governance.selectors.requests.sizing import NOT_SIZED

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What is sized, and where. Fields mean what they mean in a request; `needs`: `estimator.core.workload.needs`."""

    workload: str
    work: Mapping[str, Any]
    sizing: str
    price_term: str
    provider: str | None
    country: str | None
    accelerator: str | None
    accelerator_count: int
    window_days: float | None
    region: str | None = None
    gpu_hours_cap: float | None = None
    money_cap_usd: float | None = None
    needs: Mapping[str, Any] = field(default_factory=dict)
    renewable_share: float | None = None
    hosted_model: str | None = None

    def question(self, *, today: date) -> Question:
        """The question with its needs: of other offers only those of approved providers, at prices that are not old."""
        approved = set(Provider.objects.filter(is_approved=True).values_list("slug", flat=True))
        wanted = self.needs.get("providers")
        oldest = self.needs.get("price_age_days_max")
        needs = dict(self.needs) | {
            "providers": sorted(approved if wanted is None else approved & set(wanted)),
            "price_age_days_max": settings.LIST_PRICE_DAYS_MAX
            if oldest is None
            else min(oldest, settings.LIST_PRICE_DAYS_MAX),
        }
        return Question(
            workload=Workload.parse(self.workload, self.work, is_sized=self.sizing == "work"),
            place=self.place(),
            catalogue=current_snapshot(),
            on=today,
            window_hours=None if self.window_days is None else self.window_days * 24.0,
            gpu_hours_cap=self.gpu_hours_cap,
            money_cap_usd=self.money_cap_usd,
            renewable_share=self.renewable_share,
            needs=Needs(**needs),
            hosted_model=self.hosted_model,
        )

    def place(self) -> Place:
        # Checked before the database is asked: what is no short name is refused by name.
        place = Place(
            price_term=self.price_term,
            provider=self.provider,
            region=self.region,
            country=self.country,
            accelerator=self.accelerator,
            accelerator_count=self.accelerator_count,
        )
        known = Provider.objects.filter(slug=self.provider or "").values_list("provider_type", flat=True).first()
        return replace(place, provider_type=known)


def explore_workload(inputs: Inputs, *, today: date) -> Exploration:
    """The estimate with its drivers, every other offer, advice, owning, and a hosted model beside it.

    Raises:
        InvalidInput: each field that is missing, unknown or contradictory.
    """
    return _answer(explore, inputs, today)


def size(inputs: Inputs, *, today: date) -> Estimate:
    """The estimate of one workload in one place, at today's catalogue.

    Raises:
        InvalidInput: each field that is missing, unknown or contradictory.
    """
    return _answer(Question.size, inputs, today)


def _answer(ask: Callable[[Question], Answer], inputs: Inputs, today: date) -> Answer:
    try:
        return ask(inputs.question(today=today))
    except InputError as error:
        raise InvalidInput({name: [sentence] for name, sentence in error.errors.items()}) from error
    except (QuantityError, ArithmeticError) as error:
        log.exception("a workload could not be sized")
        raise InvalidInput({"work": [NOT_SIZED]}) from error
