"""The cheapest other place for the same work that this organisation may use, judged before anybody is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from estimator.core.pricing.place import PriceTerm
from governance.display import numbers
from governance.display.lists import joined
from governance.display.numbers import NBSP, TIMES, percent
from governance.domain.money.money import to_units
from governance.domain.prose import capital, money_in_full
from governance.domain.requests.parse import RequestContent
from governance.selectors.people import people
from governance.selectors.register.usable_places import UsablePlace, usable_places
from governance.selectors.requests.advice.levers import is_still_the_work
from governance.selectors.requests.advice.nearest_words import role_name
from governance.selectors.requests.judgement import Assessed
from governance.selectors.requests.situations import REFUSED, Situation, rank_of

SAVING_MIN = 0.05
"""Below this share, moving the work is not worth a sentence."""
JUDGED_MAX = 8
OTHER_PART_ROOM = 1.5
"""Another part may be used that much better than the one that is requested."""
_POOLS = (PriceTerm.OWNED_POOL, PriceTerm.COMMITTED_POOL)


@dataclass(frozen=True, slots=True)
class Cheaper:
    """The same work elsewhere, for less.

    Args:
        saving: share of the assessed amount that is saved, 0 to 1.
        more: roles that would decide it there and do not decide it as it is.
    """

    content: RequestContent
    assessed: Assessed
    place: UsablePlace
    saving: float
    more: tuple[str, ...]
    title: str
    text: str

    @property
    def sentence(self) -> str:
        return f"{self.title} {self.text}"

    def to_json(self) -> dict[str, Any]:
        return {
            "provider": self.content.provider,
            "price_term": self.content.price_term,
            "accelerator": self.content.accelerator,
            "accelerator_count": self.content.accelerator_count,
            "region": self.content.region,
            "country": self.content.country,
            "assessed_usd": to_units(self.assessed.exposure_micro or 0),
            "saving": self.saving,
            "outcome": self.assessed.outcome.value,
            "more_people": list(self.more),
            "sentence": self.sentence,
        }


def cheaper(situation: Situation) -> Cheaper | None:
    """The cheapest place that needs no more people; else the cheapest that passes at all, which says who is added.

    A request for hours keeps its part, because an hour of another part is other work; a request that describes its work
    is sized anew on every part that can hold it.
    """
    content, base = situation.content, situation.assessed
    exposure = base.exposure_micro
    if exposure is None or not exposure or not _may_move(content):
        return None
    rank = rank_of(base)
    found: list[tuple[bool, int, Assessed, UsablePlace]] = []
    for place in _candidates(situation)[:JUDGED_MAX]:
        judged = situation.judge_for_real(_there(content, place, situation))
        if judged is None or judged.exposure_micro is None or not is_still_the_work(judged, base):
            continue
        if judged.exposure_micro > exposure * (1 - SAVING_MIN) or rank_of(judged) >= REFUSED:
            continue
        found.append((rank_of(judged) > rank, judged.exposure_micro, judged, place))
    if not found:
        return None
    _, _, judged, place = min(found, key=lambda each: each[:2])
    return _told(situation, judged, place)


def _may_move(content: RequestContent) -> bool:
    if (
        content.accelerator is None
        or content.workload in ("hosted_api", "purchase")
        or content.kind_of_request.may_start_in_past
    ):
        return False
    # A change of a grant stays where the grant is.
    return not content.kind_of_request.is_on_grant or content.related_grant is None


def _candidates(situation: Situation) -> list[UsablePlace]:
    """Places on the same terms, or in a pool of one's own, by what a unit of work costs there at its peak."""
    content, parts = situation.content, situation.snapshot.accelerators
    here = parts.get(content.accelerator or "")
    if here is None:
        return []
    accelerators = [here.slug]
    if content.sizing == "work":
        accelerators = [
            part.slug
            for part in parts.values()
            if part.peak_tflop_s > 0 and part.is_matrix and part.vendor == here.vendor
        ]
    places = usable_places(
        situation.snapshot,
        situation.providers.values(),
        accelerators=accelerators,
        on=max(content.start_on, situation.assessed.context.now.date()),
    )
    terms = {content.price_term, *_POOLS}
    price = situation.assessed.estimate.price
    if price is None:
        return []

    def may_be_cheaper(place: UsablePlace) -> bool:
        """By the hour on the same part; on another one by the hour of its peak, with room for how well it is used."""
        paid = price.usd_per_gpu_hour.p90
        if place.accelerator == here.slug:
            return place.usd_per_gpu_hour < paid * (1 - SAVING_MIN)
        share = parts[place.accelerator].peak_tflop_s / (here.peak_tflop_s or 1.0)
        return place.usd_per_gpu_hour < paid * share * OTHER_PART_ROOM

    moved = [
        place
        for place in places
        if place.price_term in terms
        and may_be_cheaper(place)
        and (place.provider.slug, place.price_term, place.accelerator)
        != (content.provider, content.price_term, content.accelerator)
    ]
    return sorted(moved, key=lambda place: place.usd_per_gpu_hour / (parts[place.accelerator].peak_tflop_s or 1.0))


def _there(content: RequestContent, place: UsablePlace, situation: Situation) -> RequestContent:
    """The same work in another place; as many more devices as its memory makes necessary."""
    moved = content.changed(
        provider=place.provider.slug,
        price_term=place.price_term,
        accelerator=place.accelerator,
        region=place.region,
        country=place.country,
        # A cap in hours of another part would cut the work short: the amount is then what the work takes there.
        gpu_hours_cap=content.gpu_hours_cap if place.accelerator == content.accelerator else None,
    )
    if place.accelerator == content.accelerator:
        return moved
    sized = situation.judge_for_real(moved)
    smallest = sized.estimate.smallest_count_that_fits if sized is not None else None
    return moved if not smallest or smallest <= moved.accelerator_count else moved.changed(accelerator_count=smallest)


def _told(situation: Situation, judged: Assessed, place: UsablePlace) -> Cheaper:
    base = situation.assessed
    exposure, there = base.exposure_micro or 0, judged.exposure_micro or 0
    saving = 1 - there / exposure
    labels = people.role_labels()
    now_deciding = {stage.role for stage in base.stages}
    more = tuple(sorted({stage.role for stage in judged.stages} - now_deciding))
    part = situation.snapshot.accelerators[place.accelerator]
    where = f"{numbers.count(judged.content.accelerator_count)}{NBSP}{TIMES}{NBSP}{part.name} at {place.provider.name}"
    if place.price_term != base.content.price_term:
        where += f", {place.price_term.replace('_', ' ')}"
    text = f"Assessed at {money_in_full(there)} instead of {money_in_full(exposure)}."
    if more:
        names = capital(joined(role_name(role, labels) for role in more))
        text += f" {names} would have to decide there{'' if rank_of(judged) > rank_of(base) else ' instead'}."
    return Cheaper(
        content=judged.content,
        assessed=judged,
        place=place,
        saving=saving,
        more=more,
        title=f"The same work costs {percent(saving)} less on {where}.",
        text=text,
    )
