"""A change of a request in words: what to request instead, what that promises, and why nothing helps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from governance.display import numbers
from governance.display.dates import full_day
from governance.display.lists import joined
from governance.display.numbers import NBSP
from governance.domain.prose import capital, money_in_full, within
from governance.domain.requests.parse import RequestContent
from governance.policy.bundle.effects import Outcome
from governance.policy.decisions.fired import FiredRule
from governance.policy.decisions.wording import evidence_in_words, role_in_words
from governance.selectors.requests.advice.levers import differences
from governance.selectors.requests.judgement import Assessed
from governance.selectors.requests.situations import Situation

REASONS_MAX = 2


@dataclass(frozen=True, slots=True)
class Change:
    """One field as it is and as it would have to be."""

    field: str
    before: Any
    after: Any
    sentence: str

    def to_json(self) -> dict[str, Any]:
        return {
            "field": self.field,
            "before": plain(self.before),
            "after": plain(self.after),
            "sentence": self.sentence,
        }


def title(changes: Sequence[Change]) -> str:
    """What to request, as a sentence."""
    if not changes:
        return "Submit it again as it is."
    return f"Request {joined([change.sentence for change in changes])}."


def promise(
    judged: Assessed,
    deciders: Sequence[str],
    dropped: Sequence[str],
    labels: Mapping[str, str],
    base: Assessed,
) -> str:
    """What a changed request counts as, who decides it, and who would not have to.

    Args:
        judged, base: the changed request, and the one as it is.
        labels: role names by slug.
    """
    parts = []
    if judged.exposure_micro is not None:
        parts.append(f"Assessed at {money_in_full(judged.exposure_micro)}.")
    if judged.outcome is Outcome.ALLOW:
        parts.append("Nobody has to decide: it is approved automatically.")
    else:
        seats = {stage.role: stage.quorum for stage in judged.stages}
        names = joined([_seats(role, seats[role], labels) for role in deciders])
        parts.append(f"{capital(names)} {'decides' if sum(seats.values()) == 1 else 'decide'}.")
        if dropped:
            parts.append(f"{capital(joined([role_name(role, labels) for role in dropped]))} would not have to decide.")
    if judged.context.similar_count and judged.exposure_micro != base.exposure_micro:
        parts.append("Your requests of the last 30 days count towards the limit.")
    return " ".join(parts)


_PLACE_FIELDS = ("provider", "price_term", "region", "country")


def changes(before: RequestContent, after: RequestContent, situation: Situation) -> Iterable[Change]:
    """Every field that differs; those of the place are one sentence, said with the first of them."""
    moved = differences(before, after)
    place = [name for name in _PLACE_FIELDS if name in moved]
    for name in [*(name for name in moved if name not in _PLACE_FIELDS), *place]:
        was, now = moved[name]
        is_told = name in place[1:]
        yield Change(name, was, now, "" if is_told else _sentence(name, was, now, before, after, situation))


def _sentence(
    name: str, was: Any, now: Any, before: RequestContent, after: RequestContent, situation: Situation
) -> str:
    match name:
        case "gpu_hours_cap":
            instead = f" instead of {numbers.in_full(was)}" if was is not None else ""
            return f"at most {numbers.count(now)}{NBSP}GPU-hours{instead}"
        case "money_cap_usd":
            instead = f" instead of {numbers.exact(was)}{NBSP}USD" if was is not None else ""
            return f"at most {numbers.exact(now)}{NBSP}USD{instead}"
        case "accelerator_count":
            return f"{numbers.counted(now, 'accelerator')} instead of {numbers.count(was)}"
        case "start_on":
            return f"a start on {full_day(now)} or later instead of {full_day(was)}"
        case "end_on":
            length = numbers.counted(int(after.window_days or 0), "day")
            instead = f" instead of {full_day(was)}" if was is not None else ""
            return f"an end on {full_day(now)} ({length}){instead}"
        case "provider" | "price_term" | "region" | "country":
            provider = situation.providers[after.provider or ""].name
            where = ", ".join(part for part in (after.region, after.country) if part)
            return f"{provider}, {after.price_term.replace('_', ' ')}" + (f" ({where})" if where else "")
        case "evidence":
            added = [evidence_in_words(item.kind) for item in after.evidence if item not in before.evidence]
            return f"it with a link to the {joined(added)}"
    return f"{name.replace('_', ' ')} {now} instead of {was}"


def why_none(base: Assessed, least: Assessed) -> str:
    """What stands against a request however small it is, and who can do something about it.

    Args:
        base, least: the request as it is, and at the least that still is a request.
    """
    staying = {rule.rule_id for rule in least.decision.fired}
    rules = [rule for rule in base.decision.fired if rule.effect in ("deny", "require") and rule.rule_id in staying]
    rules.sort(key=lambda rule: rule.effect != "deny")
    if not rules:
        why = base.held_back or "No rule approves this automatically, however small it is."
        return f"{why} No change to this request helps."
    messages = list(dict.fromkeys(rule.message.rstrip(".") for rule in rules))[:REASONS_MAX]
    return f"{'. '.join(messages)}. No change to this request helps{_who_could(rules)}."


_WHO: tuple[tuple[str, str], ...] = (
    ("people.aup_current", "accept the acceptable-use statement first"),
    ("request.evidence_kinds", "link the evidence that it asks for"),
    ("budget.", "ask the budget owner"),
    ("people.screening_state", "ask the export officer"),
    ("vendor.", "ask the vendor manager"),
    ("history.", "ask the people who decide it"),
)


def _who_could(rules: Iterable[FiredRule]) -> str:
    for prefix, words in _WHO:
        if any(name.startswith(prefix) for rule in rules for leaf in rule.leaves if leaf.truth for name in leaf.facts):
            return f"; {words}"
    return ""


def role_name(slug: str, labels: Mapping[str, str]) -> str:
    """A role within a sentence, as the organisation calls it."""
    return within(labels[slug]) if slug in labels else role_in_words(slug)


def _seats(role: str, quorum: int, labels: Mapping[str, str]) -> str:
    return role_name(role, labels) if quorum == 1 else f"{quorum} of {role_name(role, labels)}"


def plain(value: Any) -> Any:
    """One value of a request as JSON holds it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [{"kind": item.kind, "url": item.url} for item in value]
    return value
