"""A workload file: one YAML document that states the work, the place, and the limits of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.errors import InputError
from estimator.core.pricing.offers import PriceOffer
from estimator.core.pricing.place import Place, PriceTerm
from estimator.core.results.estimate import check_limits
from estimator.core.results.exploration import Question
from estimator.core.results.result import LineageCompute
from estimator.core.workload.extras import Extras
from estimator.core.workload.needs import Delivery, Needs, Software
from estimator.core.workload.workload import Workload
from governance.display import numbers

FILE_CHARACTERS_MAX = 100_000
LIMITS = ("window_hours", "gpu_hours_cap", "money_cap_usd")
PLACE_FIELDS = ("provider", "provider_type", "region", "country", "price_term", "accelerator", "accelerator_count")
LINEAGE_FIELDS = (
    "direct_p50",
    "direct_p90",
    "cumulative_p50",
    "cumulative_p90",
    "base_model_flop",
    "base_model_systemic",
)
NEED_NUMBERS = ("deadline_hours", "interconnect_gb_s", "price_age_days_max")
NEED_LISTS = ("providers", "countries", "terms")
NEED_CHOICES = {"software": tuple(Software), "delivery": tuple(Delivery)}
NEED_FIELDS = (*NEED_NUMBERS, *NEED_LISTS, *NEED_CHOICES, "is_export_controlled")
EXTRA_FIELDS = tuple(Extras.__slots__)
KEYS = (
    "workload",
    "sizing",
    "work",
    "place",
    "day",
    "own_price_usd_per_hour",
    "lineage",
    "renewable_share",
    "extras",
    "needs",
    "hosted_model",
    *LIMITS,
)

EARLIER_NAMES = {"ask": "sizing"}
"""Keys of files from before 1.0 that are still read."""


@dataclass(frozen=True, slots=True)
class WorkFile:
    """The arguments of one estimate, as a file states them; `on` is None where the file leaves the day open."""

    workload: Workload
    place: Place
    on: date | None
    limits: dict[str, float | None]
    own_price_usd_per_hour: float | None
    lineage: LineageCompute | None
    renewable_share: float | None = None
    extras: Extras | None = None
    needs: Needs = field(default_factory=Needs)
    hosted_model: str | None = None

    def question(self, catalogue: CatalogueSnapshot, on: date) -> Question:
        """The file as one question to the estimator."""
        return Question(
            workload=self.workload,
            place=self.place,
            catalogue=catalogue,
            on=on,
            prices_own=self.own_prices(on),
            lineage=self.lineage,
            renewable_share=self.renewable_share,
            extras=self.extras,
            needs=self.needs,
            hosted_model=self.hosted_model,
            **self.limits,
        )

    def own_prices(self, on: date) -> tuple[PriceOffer, ...]:
        """The price that the file states for its own place, if it states one."""
        if self.own_price_usd_per_hour is None or self.place.accelerator is None:
            return ()
        return (
            PriceOffer(
                slug="own-price",
                provider=self.place.provider,
                accelerator=self.place.accelerator,
                price_term=self.place.price_term,
                usd_per_gpu_hour=self.own_price_usd_per_hour,
                as_of=on,
                source="stated in the workload file",
                is_own=True,
                effective_from=on,
            ),
        )


def read_work_file(text: str) -> WorkFile:
    """Parse a workload file.

    Raises:
        InputError: a sentence for each key that is unknown, missing or out of range.
    """
    data = _load(text)
    errors = {str(key)[:40]: f"this is not one of {', '.join(KEYS)}" for key in data if key not in KEYS}
    sizing = data.get("sizing", "work")
    if sizing not in ("work", "cap"):
        errors["sizing"] = "choose work or cap"
    workload = place = lineage = None
    try:
        workload = Workload.parse(str(data.get("workload", "")), _mapping(data, "work"), is_sized=sizing == "work")
    except InputError as error:
        errors |= error.errors
    try:
        place = _place(_mapping(data, "place"))
    except InputError as error:
        errors |= error.errors
    limits = {name: _number(data, name, errors) for name in LIMITS}
    try:
        check_limits(**limits)
    except InputError as error:
        errors |= error.errors
    own_price = _number(data, "own_price_usd_per_hour", errors)
    if own_price is not None and not 0 < own_price <= 100_000:
        errors["own_price_usd_per_hour"] = "use a value above 0 and at most 100,000"
    lineage = _lineage(data, errors)
    extras, needs = _extras(data, errors), _needs(data, errors)
    renewable = _number(data, "renewable_share", errors)
    if renewable is not None and not 0 <= renewable <= 1:
        errors["renewable_share"] = "use a share from 0 to 1"
    hosted = data.get("hosted_model")
    if hosted is not None and not isinstance(hosted, str):
        errors["hosted_model"] = "use a name of the price list"
    # Not `on`: YAML 1.1 reads that key as true.
    on = data.get("day")
    if on is not None and type(on) is not date:
        errors["day"] = "use a day such as 2026-11-21"
    if errors or workload is None or place is None:
        raise InputError(errors)
    return WorkFile(workload, place, on, limits, own_price, lineage, renewable, extras, needs, hosted)


def _load(text: str) -> Mapping[str, Any]:
    if len(text) > FILE_CHARACTERS_MAX:
        raise InputError({"file": f"use at most {numbers.count(FILE_CHARACTERS_MAX)} characters"})
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError({"file": f"is not valid YAML ({str(error).splitlines()[0][:120]})"}) from None
    if not isinstance(data, Mapping):
        raise InputError({"file": "state the workload as keys and values"})
    for earlier, name in EARLIER_NAMES.items():
        if earlier in data:
            if name in data:
                raise InputError({earlier: f"is the earlier name of {name}: give only {name}"})
            data = {name if key == earlier else key: value for key, value in data.items()}
    return data


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError({name: "state it as keys and values"})
    return value


def _place(values: Mapping[str, Any]) -> Place:
    unknown = {
        str(key)[:40]: f"this is not one of {', '.join(PLACE_FIELDS)}" for key in values if key not in PLACE_FIELDS
    }
    if unknown:
        raise InputError(unknown)
    return Place(**{"price_term": PriceTerm.ON_DEMAND.value, **values})


def _lineage(data: Mapping[str, Any], errors: dict[str, str]) -> LineageCompute | None:
    try:
        values = _mapping(data, "lineage")
    except InputError as error:
        errors |= error.errors
        return None
    if not values:
        return None
    for key in values:
        if key not in LINEAGE_FIELDS:
            errors[str(key)[:40]] = f"this is not one of {', '.join(LINEAGE_FIELDS)}"
    is_systemic = values.get("base_model_systemic")
    if is_systemic is not None and not isinstance(is_systemic, bool):
        errors["base_model_systemic"] = "use true or false"
    numbers = {name: _number(values, name, errors) for name in LINEAGE_FIELDS[:-1]}
    if any(number is not None and not 0 <= number <= 1e32 for number in numbers.values()):
        errors["lineage"] = "use FLOP from 0 to 1e32"
    if errors:
        return None
    base = numbers.pop("base_model_flop")
    stated = {name: number for name, number in numbers.items() if number is not None}
    return LineageCompute(**stated, base_model_flop=base or None, base_model_systemic=is_systemic)


def _extras(data: Mapping[str, Any], errors: dict[str, str]) -> Extras | None:
    values = _known(data, "extras", EXTRA_FIELDS, errors)
    amounts = {name: _number(values, name, errors) for name in values if name in EXTRA_FIELDS}
    try:
        return Extras(**{name: amount for name, amount in amounts.items() if amount is not None}) if values else None
    except InputError as error:
        errors |= error.errors
        return None


def _needs(data: Mapping[str, Any], errors: dict[str, str]) -> Needs:
    values = _known(data, "needs", NEED_FIELDS, errors)
    stated: dict[str, Any] = {name: _number(values, name, errors) for name in NEED_NUMBERS}
    if stated["price_age_days_max"] is not None:
        stated["price_age_days_max"] = int(stated["price_age_days_max"])
    for name in NEED_LISTS:
        listed = values.get(name)
        if listed is not None and (not isinstance(listed, list) or not all(isinstance(item, str) for item in listed)):
            errors[name] = "use a list of names"
        else:
            stated[name] = None if listed is None else frozenset(listed)
    for name, allowed in NEED_CHOICES.items():
        stated[name] = values.get(name, "any")
        if stated[name] not in allowed:
            errors[name] = f"choose one of {', '.join(allowed)}"
    stated["is_export_controlled"] = values.get("is_export_controlled", False)
    if not isinstance(stated["is_export_controlled"], bool):
        errors["is_export_controlled"] = "use true or false"
    deadline = stated["deadline_hours"]
    if deadline is not None and deadline <= 0:
        errors["deadline_hours"] = "use hours above 0"
    return Needs() if errors else Needs(**stated)


def _known(data: Mapping[str, Any], name: str, fields: tuple[str, ...], errors: dict[str, str]) -> Mapping[str, Any]:
    """A mapping of known keys; unknown ones are named."""
    try:
        values = _mapping(data, name)
    except InputError as error:
        errors |= error.errors
        return {}
    for key in values:
        if key not in fields:
            errors[str(key)[:40]] = f"this is not one of {', '.join(fields)}"
    return values


def _number(data: Mapping[str, Any], name: str, errors: dict[str, str]) -> float | None:
    value = data.get(name)
    if value is None:
        return None
    try:
        # YAML 1.1 reads 1e25 as text, so plain numerals in text count as numbers.
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        number = float(value)
        if number - number != 0:
            raise ValueError
    except (ValueError, OverflowError):
        errors[name] = "state a plain number"
        return None
    return number
