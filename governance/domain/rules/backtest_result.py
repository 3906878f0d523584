"""From the counts of a backtest and what the office measured to the figures that an officer reads. Pure.

Nothing is invented: each figure carries the number of decisions that it rests on, and where they are too few it is
None, which a page reads out as "not enough decisions".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FORMAT = 2
"""Of figures and results; months that were judged in another form are judged again."""
SAMPLE_MIN = 20
"""Fewer measured decisions than this say nothing."""
DEFAULT_MINUTES = (5.0, 15.0, 40.0)
"""Low, middle and high minutes for a decision where too few were measured. An assumption, and shown as one."""
DAYS_PER_MONTH = 365.25 / 12
SPAN_DAYS_MIN = 28
"""A shorter history is not stretched to a month."""
WILSON_Z = 1.2816
"""80 % of such intervals hold the true share: the same width as p10 to p90."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What was measured: how often, and low, middle and high of it."""

    count: int
    low: float
    middle: float
    high: float

    def to_json(self) -> dict[str, float]:
        return {"count": self.count, "low": self.low, "middle": self.middle, "high": self.high}


@dataclass(frozen=True, slots=True)
class Wait:
    """How long one request waited for people: working hours and calendar days, and for which roles together."""

    roles: str
    working_hours: float
    days: float


@dataclass(frozen=True, slots=True)
class Office:
    """What approvers did in the period.

    Attributes:
        minutes: of each decision that was made in one sitting with the one before, or right after it came in.
        waits: of requests that people answered.
        verdicts: roles that decided together -> (how many they answered, how many of these they refused).
    """

    minutes: Sequence[float]
    waits: Sequence[Wait]
    verdicts: Mapping[str, tuple[int, int]]


def result_of(
    figures: Mapping[str, Any], office: Office, *, first_at: datetime | None, until: datetime
) -> dict[str, Any]:
    """The finished result as plain values.

    Args:
        figures: of all months together, as `policy.tally` counts them.
        first_at: the first decision, or the start of the period if that is later; None when there is none.
    """
    span_days = max(0.0, (until - first_at).total_seconds() / 86_400) if first_at else 0.0
    pairs = figures.get("pairs", {})
    newly = figures.get("newly_waiting", {})
    is_measured = len(office.minutes) >= SAMPLE_MIN
    minutes = spread(office.minutes, 0.25, 0.75) if is_measured else None
    used = minutes or Spread(0, *DEFAULT_MINUTES)
    return {
        "format": FORMAT,
        "rows": figures.get("rows", 0),
        "span_days": round(span_days, 2),
        "flipped": _sum(pairs, "count", is_changed=True),
        "already": _sum(pairs, "already", is_changed=True),
        "by_draft": sum(count for name, count in figures.get("by_draft", {}).items() if is_change(name)),
        # Same outcome as under the rules of today, and other people, deadlines, duties, flags or reasons.
        "effects": figures.get("effects", {}),
        "effect_rows": figures.get("effect_rows", 0),
        "effect_pairs": figures.get("effect_pairs", {}),
        "unfillable": figures.get("unfillable", {}),
        "unfillable_rows": figures.get("unfillable_rows", 0),
        "pairs": pairs,
        "cost_micro": figures.get("cost_micro", 0),
        "unpriced": figures.get("unpriced", 0),
        "excepted": figures.get("excepted", 0),
        "money": {name: _money(pairs, wanted) for name, wanted in MONEY.items()},
        "teams": figures.get("teams", {}),
        "rules": {
            name: counts for name, counts in figures.get("rules", {}).items() if counts["newly"] or counts["no_longer"]
        },
        "minutes": {**used.to_json(), "is_measured": is_measured, "measured": len(office.minutes)},
        "roles": _roles(figures, used, span_days),
        "newly_waiting": newly,
        "wait": _wait(newly, office.waits),
        "held": _held(pairs, newly, office.waits, span_days),
        "refused": _refused(newly, office.verdicts),
    }


MONEY: dict[str, frozenset[str]] = {
    "waits": frozenset({"allow>review"}),
    "refused": frozenset({"allow>deny", "review>deny"}),
    "allowed": frozenset({"review>allow", "deny>allow"}),
    "reopened": frozenset({"deny>review"}),
}
"""What changes: a decision newly waits for a person, is refused, is allowed, or is no longer refused outright."""


CHANGES: tuple[tuple[str, str], ...] = (
    ("deny>allow", "that {was} denied would be approved automatically"),
    ("deny>review", "would be reviewed instead of denied"),
    ("review>allow", "would be approved automatically"),
    ("allow>review", "would need a review"),
    ("review>deny", "would be denied instead of reviewed"),
    ("allow>deny", "that {was} approved automatically would be denied"),
)
"""Each change in words, loosest first: what would no longer be stopped has to be seen before anything else."""


def changes_in_words(pairs: Mapping[str, int]) -> list[tuple[str, int, str]]:
    """The changes that there are, loosest first: which one, how many decisions, and what becomes of them.

    Args:
        pairs: how many decisions of each pair, such as `allow>review`.
    """
    return [
        (pair, pairs[pair], words.format(was="was" if pairs[pair] == 1 else "were"))
        for pair, words in CHANGES
        if pairs.get(pair)
    ]


EFFECTS: Mapping[str, str] = {
    "approvers": "would need other approvers",
    "quorum": "would need another number of approvers",
    "stages": "would be approved in another order",
    "deadlines": "would have another deadline",
    "evidence": "would need other evidence",
    "obligations": "would bring other obligations",
    "flags": "would be flagged otherwise",
    "refusals": "would be denied for another reason",
    "sample": "would be sampled for review otherwise",
}
"""What may change where the outcome stays, as half a sentence after a number of decisions."""


def effects_in_words(effects: Mapping[str, int]) -> list[tuple[str, int, str]]:
    """The consequences that change where the outcome stays: which kind, how many decisions, what becomes of them."""
    return [(kind, effects[kind], words) for kind, words in EFFECTS.items() if effects.get(kind)]


def is_unchanged(result: Mapping[str, Any]) -> bool:
    """Whether nothing would have come out differently: no outcome, no approver, no deadline, no duty, no flag."""
    return not (result.get("flipped") or result.get("by_draft") or result.get("effect_rows"))


def nothing_newly(pairs: Mapping[str, int]) -> str:
    """What an officer is glad to read: that nothing newly is refused, and nothing newly allowed; else empty."""
    refused = pairs.get("allow>deny", 0) + pairs.get("review>deny", 0)
    allowed = pairs.get("deny>allow", 0) + pairs.get("review>allow", 0)
    said = [word for number, word in ((refused, "newly be denied"), (allowed, "newly be allowed")) if not number]
    return f"None would {', and none '.join(said)}." if said else ""


def is_change(pair: str) -> bool:
    old, _, new = pair.partition(">")
    return old != new


def spread(values: Sequence[float], low: float, high: float) -> Spread:
    """Two quantiles and the median, interpolated."""
    ordered = sorted(values)
    return Spread(len(ordered), quantile(ordered, low), quantile(ordered, 0.5), quantile(ordered, high))


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share of them lies; `ordered` is ascending and not empty."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def share_interval(hits: int, count: int) -> tuple[float, float]:
    """Wilson's interval of a share, 80 %."""
    share, z2 = hits / count, WILSON_Z**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = WILSON_Z * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def _sum(pairs: Mapping[str, Any], name: str, *, is_changed: bool) -> int:
    return sum(int(each.get(name, 0)) for pair, each in pairs.items() if is_change(pair) is is_changed)


def _money(pairs: Mapping[str, Any], wanted: frozenset[str]) -> dict[str, int]:
    chosen = [each for pair, each in pairs.items() if pair in wanted]
    return {
        name: sum(int(each[name]) for each in chosen) for name in ("count", "cost_micro", "exposure_micro", "unpriced")
    }


def _roles(figures: Mapping[str, Any], minutes: Spread, span_days: float) -> dict[str, Any]:
    """Decisions of each role in the period, and hours a month where the period is long enough to say so."""
    then, after = figures.get("roles_then", {}), figures.get("roles_after", {})
    per_month = DAYS_PER_MONTH / span_days if span_days >= SPAN_DAYS_MIN else None

    def hours(decisions: float, minutes_each: float) -> float | None:
        return None if per_month is None else decisions * minutes_each / 60 * per_month

    found = {}
    for role in sorted({*then, *after}):
        one, other = then.get(role, 0), after.get(role, 0)
        change = other - one
        ends = [hours(change, minutes.low), hours(change, minutes.high)]
        found[role] = {
            "then": one,
            "after": other,
            "hours_then": hours(one, minutes.middle),
            "hours_after": hours(other, minutes.middle),
            "change": hours(change, minutes.middle),
            "change_low": None if ends[0] is None or ends[1] is None else min(ends[0], ends[1]),
            "change_high": None if ends[0] is None or ends[1] is None else max(ends[0], ends[1]),
        }
    return found


def _like(newly: Mapping[str, int], waits: Sequence[Wait]) -> list[tuple[Wait, float]]:
    """Measured waits with the weight of the decisions that they stand for.

    A decision that would newly wait is measured by requests that waited for the same roles, where there are enough of
    them, else by all. Empty when even those are too few.
    """
    if len(waits) < SAMPLE_MIN:
        return []
    by_roles: dict[str, list[Wait]] = {}
    for wait in waits:
        by_roles.setdefault(wait.roles, []).append(wait)
    found: list[tuple[Wait, float]] = []
    for roles, number in newly.items():
        same = by_roles.get(roles, [])
        chosen: Sequence[Wait] = same if len(same) >= SAMPLE_MIN else waits
        found += [(wait, number / len(chosen)) for wait in chosen]
    return found


def weighted(values: Sequence[tuple[float, float]], share: float) -> float:
    """The value below which that share of the weight lies."""
    ordered = sorted(values)
    wanted, reached = share * sum(weight for _, weight in ordered), 0.0
    for value, weight in ordered:
        reached += weight
        if reached >= wanted:
            return value
    return ordered[-1][0]


def _wait(newly: Mapping[str, int], waits: Sequence[Wait]) -> dict[str, Any] | None:
    """Working hours that a newly waiting decision would wait; None when nobody can say."""
    like = [(wait.working_hours, weight) for wait, weight in _like(newly, waits)]
    if not like:
        return None
    return Spread(len(like), *(round(weighted(like, share), 2) for share in (0.1, 0.5, 0.9))).to_json()


def _held(
    pairs: Mapping[str, Any], newly: Mapping[str, int], waits: Sequence[Wait], span_days: float
) -> dict[str, Any] | None:
    """Micro-units held more on a usual day: what newly waits, times how long, over the length of the period."""
    like = [(wait.days, weight) for wait, weight in _like(newly, waits)]
    if not like or span_days < SPAN_DAYS_MIN:
        return None
    exposure = sum(int(each["exposure_micro"]) for pair, each in pairs.items() if pair in MONEY["waits"])
    low, middle, high = (round(exposure * weighted(like, share) / span_days) for share in (0.1, 0.5, 0.9))
    return {"count": len(like), "low": low, "middle": middle, "high": high}


def _refused(newly: Mapping[str, int], verdicts: Mapping[str, tuple[int, int]]) -> dict[str, Any] | None:
    """How many of the newly waiting would be refused if people decided as the same roles did; None when unknown."""
    low = high = 0.0
    rests_on = 0
    for roles, number in newly.items():
        answered, refused = verdicts.get(roles, (0, 0))
        if answered < SAMPLE_MIN:
            return None
        ends = share_interval(refused, answered)
        low, high, rests_on = low + number * ends[0], high + number * ends[1], rests_on + answered
    return {"count": rests_on, "low": math.floor(low), "high": math.ceil(high)} if newly else None
