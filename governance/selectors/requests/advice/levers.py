"""What a requester can ask for otherwise: fewer hours, less money, fewer devices, a shorter window, another place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from governance.domain.requests import fields
from governance.domain.requests.checks import WINDOW_DAYS_MAX
from governance.domain.requests.parse import Evidence, RequestContent
from governance.policy.bundle.effects import EffectKind
from governance.policy.language import ir
from governance.policy.language.types import Type
from governance.selectors.register.usable_places import UsablePlace, in_other_countries, usable_places
from governance.selectors.requests.judgement import Assessed
from governance.selectors.requests.situations import Situation

EVIDENCE_URL = "https://evidence.invalid/"
"""Stands for the link that the requester has to add."""
PLACES_MAX = 200
_ROUNDING = 1 + 1e-9
_PLACE_FACTS = ("place.", "vendor.", "estimate.commitment_tail_usd")


@dataclass(frozen=True, slots=True)
class Scale:
    """A whole number of the request that can be smaller.

    Args:
        high: what it is now, rounded up; changes lie below.
        low: the smallest that still is a request, given what else was changed.
    """

    name: str
    high: int
    low: Callable[[RequestContent], int]
    apply: Callable[[RequestContent, int], RequestContent]

    def distance(self, value: int) -> float:
        """How far a change goes, 0 to 1."""
        return (self.high - value) / self.high


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is either changed or not: another place, a link to evidence, an end where there is none."""

    name: str
    apply: Callable[[RequestContent], RequestContent]
    distance: float
    place: UsablePlace | None = None


def scales(situation: Situation) -> list[Scale]:
    """Numbers of this request that could be smaller, the ones that cost least to change first."""
    content, estimate = situation.content, situation.assessed.estimate
    if content.kind_of_request.may_start_in_past or content.workload == "purchase":
        # What has run is what it was.
        return [_count(content, None)] if content.workload == "purchase" and content.accelerator_count > 1 else []
    found: list[Scale] = []
    is_hosted = content.workload == "hosted_api"
    cost = estimate.cost_usd
    if is_hosted or content.money_cap_usd is not None:
        now = content.money_cap_usd if content.money_cap_usd is not None else cost.p90 if cost else None
        least = math.ceil(cost.p50) if cost and content.sizing == "work" else 1
        if now is not None and now > 1:
            found.append(
                Scale(
                    "money_cap_usd",
                    math.ceil(now),
                    lambda _: least,
                    lambda each, value: each.changed(money_cap_usd=float(value)),
                )
            )
    if not is_hosted:
        hours = estimate.gpu_hours
        cap = content.gpu_hours_cap if content.gpu_hours_cap is not None else hours.p90 if hours else None
        fewest = math.ceil(hours.p50) if hours and content.sizing == "work" else 1
        if cap is not None and cap > 1:
            found.append(
                Scale(
                    "gpu_hours_cap",
                    math.ceil(cap),
                    lambda _: fewest,
                    lambda each, value: each.changed(gpu_hours_cap=float(value)),
                )
            )
        if content.accelerator_count > 1:
            found.append(_count(content, estimate.smallest_count_that_fits))
    days = content.window_days
    if days is not None and days > 1:
        found.append(Scale("end_on", int(days), lambda each: _days_least(each, situation.assessed), _ending))
    elif days is None:
        found.append(Scale("end_on", WINDOW_DAYS_MAX + 1, lambda each: _days_least(each, situation.assessed), _ending))
    return found


def is_still_the_work(changed: Assessed, before: Assessed) -> bool:
    """Whether a changed request could do what is asked for: it fits memory and window wherever it did before."""
    if changed.estimate.memory_fits is False and before.estimate.memory_fits is not False:
        return False
    if changed.content.sizing == "work" and changed.content.gpu_hours_cap is not None:
        hours = changed.estimate.gpu_hours
        if hours is not None and changed.content.gpu_hours_cap * _ROUNDING < hours.p50 and not _is_short(before):
            return False
    return _fits_window(changed) or not _fits_window(before)


def evidence_steps(situation: Situation) -> Iterator[Step]:
    """Links to evidence without which a rule refuses."""
    denying = {rule.rule_id for rule in situation.assessed.decision.denials}
    known, linked = fields.field("evidence").slugs, {item.kind for item in situation.content.evidence}
    wanted: dict[str, None] = {}
    for rule in situation.policy.at(situation.assessed.context.now.date()).rules:
        if rule.rule_id not in denying or rule.kind is not EffectKind.DENY:
            continue
        for part in ir.walk(rule.condition):
            if isinstance(part, ir.In) and "request.evidence_kinds" in ir.fact_names(part):
                words = [
                    each.value for each in ir.walk(part) if isinstance(each, ir.Const) and each.type is Type.STRING
                ]
                wanted.update(dict.fromkeys(word for word in words if word in known and word not in linked))
    for kind in wanted:

        def link(content: RequestContent, kind: str = kind) -> RequestContent:
            return content.changed(
                evidence=tuple(sorted((*content.evidence, Evidence(kind, EVIDENCE_URL)), key=_by_kind))
            )

        yield Step("evidence", link, 0.4)


def place_steps(situation: Situation) -> list[Step]:
    """Other places for the same part that the organisation may use, the cheapest first.

    Places are looked at where they cost less, or where a rule in the way reads something of the place.
    """
    content, assessed = situation.content, situation.assessed
    if (
        content.accelerator is None
        or content.workload in ("hosted_api", "purchase")
        or content.kind_of_request.may_start_in_past
    ):
        return []
    if content.kind_of_request.is_on_grant and content.related_grant:
        # A change of a grant stays where the grant is.
        return []
    in_the_way = [rule for rule in assessed.decision.fired if rule.effect in ("deny", "require")]
    facts_read = {name for rule in in_the_way for name in rule.values}
    reads_place = any(name.startswith(_PLACE_FACTS) for name in facts_read)
    price = assessed.estimate.price
    paid = price.usd_per_gpu_hour.p50 if price is not None else None
    places = usable_places(
        situation.snapshot,
        situation.providers.values(),
        accelerators=[content.accelerator],
        on=max(content.start_on, assessed.context.now.date()),
    )
    if facts_read & {"place.country", "place.region"}:
        places = [each for place in places for each in (place, *in_other_countries(place, situation.snapshot))]
    chosen = [
        place
        for place in places
        if _is_another(place, content) and (reads_place or paid is None or place.usd_per_gpu_hour < paid)
    ]
    here = (content.provider, content.price_term)
    chosen.sort(key=lambda place: (place.provider.slug, place.price_term) != here)
    return [_move(place, content) for place in chosen[:PLACES_MAX]]


def _move(place: UsablePlace, content: RequestContent) -> Step:
    def move(each: RequestContent) -> RequestContent:
        return each.changed(
            provider=place.provider.slug,
            price_term=place.price_term,
            region=place.region,
            country=place.country,
        )

    return Step("provider", move, 0.3 if place.provider.slug != content.provider else 0.2, place)


def _is_another(place: UsablePlace, content: RequestContent) -> bool:
    if (place.provider.slug, place.price_term) != (content.provider, content.price_term):
        return True
    return place.region is not None and (place.region, place.country) != (content.region, content.country)


def _count(content: RequestContent, smallest_that_fits: int | None) -> Scale:
    def low(each: RequestContent) -> int:
        least = smallest_that_fits or 1
        days = each.window_days
        if each.sizing == "cap" and each.gpu_hours_cap is not None and days is not None:
            least = max(least, math.ceil(each.gpu_hours_cap / (days * 24.0) / _ROUNDING))
        return max(1, least)

    return Scale(
        "accelerator_count", content.accelerator_count, low, lambda each, value: each.changed(accelerator_count=value)
    )


def _days_least(content: RequestContent, before: Assessed) -> int:
    """Days that the hours need on so many devices."""
    count = max(1, content.accelerator_count)
    if content.workload == "hosted_api":
        return 1
    if content.sizing == "cap":
        return (
            1
            if content.gpu_hours_cap is None
            else max(1, math.ceil(content.gpu_hours_cap / (count * 24.0) / _ROUNDING))
        )
    wall = before.estimate.wall_hours
    if wall is None:
        return 1
    return max(1, math.ceil(wall.p90 * max(1, before.content.accelerator_count) / count / 24.0))


def _ending(content: RequestContent, days: int) -> RequestContent:
    return content.changed(end_on=content.start_on + timedelta(days=days - 1))


def _fits_window(assessed: Assessed) -> bool:
    content, days = assessed.content, assessed.content.window_days
    if days is None or content.workload in ("hosted_api", "purchase"):
        return True
    if content.sizing == "cap":
        return (
            content.gpu_hours_cap is None
            or content.gpu_hours_cap <= days * 24.0 * content.accelerator_count * _ROUNDING
        )
    wall = assessed.estimate.wall_hours
    return wall is None or wall.p90 <= days * 24.0 * _ROUNDING


def _is_short(assessed: Assessed) -> bool:
    hours, cap = assessed.estimate.gpu_hours, assessed.content.gpu_hours_cap
    return hours is not None and cap is not None and cap < hours.p50


def _by_kind(item: Evidence) -> tuple[str, str]:
    return item.kind, item.url


def moved_to(content: RequestContent, today: date) -> RequestContent:
    """The same request with a start that has passed moved to today, and its end with it."""
    if content.start_on >= today or content.kind_of_request.may_start_in_past:
        return content
    later = today - content.start_on
    return content.changed(start_on=today, end_on=None if content.end_on is None else content.end_on + later)


def differences(before: RequestContent, after: RequestContent) -> dict[str, tuple[Any, Any]]:
    """Fields of the form that differ, by name."""
    return {
        name: (getattr(before, name), getattr(after, name))
        for name in fields.names()
        if getattr(before, name) != getattr(after, name)
    }
