"""What changed from one revision of a request to the next, field by field, in words. Pure: it reads no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from estimator.core.results.result import Estimate
from governance.display import numbers
from governance.domain.money.money import to_units
from governance.domain.requests import fields
from governance.domain.requests.said import is_empty, say, say_work
from governance.domain.requests.spelling import in_present_names
from governance.policy.decisions.wording import format_value


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs."""

    label: str
    was: str
    now: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two revisions side by side."""

    was_number: int
    now_number: int
    changes: tuple[Change, ...]
    same_count: int


def compare_contents(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[list[Change], int]:
    """Fields that differ, in the order of the form, and how many say the same.

    Args:
        was, now: contents of two revisions, as `RequestContent.to_content` wrote them then.
    """
    was, now = in_present_names(was), in_present_names(now)
    changes: list[Change] = []
    same = 0
    for row in fields.FIELDS:
        if row.type is fields.FieldType.WORK:
            continue
        before, after = was.get(row.name), now.get(row.name)
        if before == after or (is_empty(before) and is_empty(after)):
            same += not is_empty(after)
        else:
            changes.append(Change(row.label, say(row, before), say(row, after)))
    was_work, now_work = was.get("work") or {}, now.get("work") or {}
    for name in sorted({*was_work, *now_work}):
        before, after = was_work.get(name), now_work.get(name)
        if before == after:
            same += 1
        else:
            label = name.replace("_", " ").capitalize()
            changes.append(Change(label, say_work(before), say_work(after)))
    return changes, same


def compare_estimates(
    was: Estimate | None, now: Estimate | None, *, was_exposure: int | None, now_exposure: int | None
) -> list[Change]:
    """What follows from the change: the amount that counts, and carbon."""
    changes: list[Change] = []
    if was_exposure != now_exposure:
        changes.append(
            Change("Counts as", _usd(was_exposure), _usd(now_exposure), _difference(was_exposure, now_exposure))
        )
    before = was.carbon_kg.p50 if was and was.carbon_kg else None
    after = now.carbon_kg.p50 if now and now.carbon_kg else None
    if before is not None and after is not None and abs(before - after) > 0.02 * max(before, after):
        changes.append(
            Change("Carbon, p50", format_value(round(before), "kg CO2e"), format_value(round(after), "kg CO2e"))
        )
    return changes


def _usd(amount_micro: int | None) -> str:
    return "unknown" if amount_micro is None else format_value(to_units(amount_micro), "USD")


def _difference(was: int | None, now: int | None) -> str:
    if not was or now is None:
        return ""
    return numbers.signed(now - was, numbers.percent(abs(now - was) / was))
