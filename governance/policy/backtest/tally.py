"""What one part of history comes to under a draft: counts, money and people, as plain numbers that add up over parts.

Three answers stand beside each other for every decision: what was decided then, what the rules of today would say of
the same facts, and what the draft would say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from governance.policy.backends.bitmaps import Bits, RuleBits, count_bits, full
from governance.policy.backends.columns import Column, Columns
from governance.policy.backtest.backtest import (
    OUTCOME_COLUMN,
    Backtest,
    OutcomeBits,
    combine,
    counted_rows,
    outcomes_of,
    removed_rows,
)
from governance.policy.backtest.effects_changed import KINDS as EFFECT_KINDS
from governance.policy.backtest.effects_changed import EffectChanges, Side, effect_changes, unfillable_rows
from governance.policy.bundle.effects import EffectKind, Outcome
from governance.policy.decisions.policy_set import BoundRule

# Beside the facts: who was required then as texts `role:quorum`, when it was decided, of which project, and its id.
NEEDS_COLUMN = "decision.needs"
AT_COLUMN = "decision.at"
PROJECT_COLUMN = "decision.project"
ID_COLUMN = "decision.id"
COST_FACT = "estimate.cost_p50_usd"
EXPOSURE_FACT = "request.exposure_usd"
TEAM_FACT = "people.team_path"
BESIDE = (OUTCOME_COLUMN, NEEDS_COLUMN, AT_COLUMN, PROJECT_COLUMN, ID_COLUMN)
"""What every part carries that no rule looks at."""
TALLY_FACTS = (COST_FACT, EXPOSURE_FACT, TEAM_FACT)

WORDS = ("allow", "review", "deny")
"""By strictness: the code of an outcome is its place."""
PAIRS = tuple(f"{old}>{new}" for old in WORDS for new in WORDS)
UNKNOWN_TEAM = "unknown"
_MICRO = 1_000_000

Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Tally:
    """One part's share.

    Attributes:
        figures: nested mappings of whole numbers; `added` puts two together.
        flips: the decisions that come out differently than then, or differ beside the rules of today: id, instant, the
            three answers, the kinds of consequence that differ as bits, and whether a stage of it could not be filled.
    """

    figures: dict[str, Any]
    flips: Columns


def tally(
    part: str,
    columns: Columns,
    *,
    draft: Backtest,
    today: Backtest,
    excepted: Mapping[str, Bits],
    kept: NDArray[np.bool_] | None = None,
    default_role: str,
    seats: Callable[[str], int] | None = None,
) -> Tally:
    """Judge one part under both policies and count.

    Args:
        part: the digest under which fired rows are kept.
        excepted: rule or table to the rows where an exception held at the time.
        kept: which rows count; all when None.
        default_role: who looks at a request when the rules want a person without saying which.
        seats: role to how many people could fill a stage of it; nothing is said of stages when None.
    """
    count = columns.count
    size = (count + 7) // 8
    unpriced = unpriced_rows(columns)
    today_bits, draft_bits = today.rule_bits(part, columns), draft.rule_bits(part, columns)
    now = held_back(combine(today.rules, today_bits, count, excepted), unpriced)
    after = held_back(combine(draft.rules, draft_bits, count, excepted), unpriced)
    then = outcomes_of(columns.columns[OUTCOME_COLUMN], count)
    codes = [codes_of(each) for each in (then, now, after)]
    counts = np.ones(count, np.bool_) if kept is None else kept
    kept_bits = full(count) if kept is None else np.packbits(kept)
    waits = after.by_outcome[_OUTCOME["review"]] & kept_bits
    figures: dict[str, Any] = {
        **_money(columns, codes, counts),
        "teams": _teams(columns, codes, counts),
        "rules": _rules(today, today_bits, draft, draft_bits, excepted, kept_bits, size),
        "roles_then": _roles_then(columns, codes[0], counts, default_role),
    }
    demanded = demands(draft.rules, draft_bits, excepted, size)
    figures["roles_after"] = _roles_after(demanded, waits, default_role)
    newly = waits & then.by_outcome[_OUTCOME["allow"]]
    figures["newly_waiting"] = _role_sets(demanded, newly, count, default_role)
    figures["excepted"] = _excepted(draft.rules, draft_bits, excepted, kept_bits, size)
    changes = effect_changes(Side(today.rules, today_bits, now), Side(draft.rules, draft_bits, after), excepted, size)
    effects = _effect_codes(changes, count)
    empty = _empty_stages(demanded, waits, seats, count) if seats is not None else {}
    figures |= _effects(codes, effects, counts)
    changed = counts & ((codes[0] != codes[2]) | (codes[1] != codes[2]) | (effects != 0))
    figures["unfillable"] = {
        role: int((rows & changed).sum()) for role, rows in empty.items() if (rows & changed).any()
    }
    nobody = np.logical_or.reduce([np.zeros(count, np.bool_), *empty.values()])
    figures["unfillable_rows"] = int((nobody & changed).sum())
    return Tally(figures, _flips(columns, codes, changed, effects, nobody))


def held_back(outcomes: OutcomeBits, unpriced: Bits) -> OutcomeBits:
    """Invariant: what nobody can price is never granted without a person, whatever the rules permit."""
    by = dict(outcomes.by_outcome)
    allow, review = _OUTCOME["allow"], _OUTCOME["review"]
    by[review] = by[review] | (by[allow] & unpriced)
    by[allow] = by[allow] & ~unpriced
    return replace(outcomes, by_outcome=by)


def unpriced_rows(columns: Columns) -> Bits:
    """Rows whose request nobody could price."""
    column = columns.columns.get(EXPOSURE_FACT)
    if column is None:
        return full(columns.count)
    return np.zeros((columns.count + 7) // 8, np.uint8) if column.present is None else np.packbits(~column.present)


def codes_of(outcomes: OutcomeBits) -> Codes:
    """The outcome of each row as its place in `WORDS`."""
    count = outcomes.count
    review = np.unpackbits(outcomes.by_outcome[_OUTCOME["review"]], count=count)
    deny = np.unpackbits(outcomes.by_outcome[_OUTCOME["deny"]], count=count)
    return review + 2 * deny


def demands(
    rules: Sequence[BoundRule], bits: Sequence[RuleBits], excepted: Mapping[str, Bits], size: int
) -> dict[str, list[Bits]]:
    """Per role the rows where at least one, at least two, … people of it are required."""
    found: dict[str, list[Bits]] = {}
    for rule, own in zip(rules, bits, strict=True):
        if rule.kind is not EffectKind.REQUIRE:
            continue
        counted = counted_rows(rule, own, excepted, size)
        for demand in rule.effect.roles:
            levels = found.setdefault(demand.role, [])
            while len(levels) < demand.quorum:
                levels.append(np.zeros(size, np.uint8))
            for level in levels[: demand.quorum]:
                level |= counted
    return found


def added(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of several parts together."""
    total: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if isinstance(value, Mapping):
                total[name] = added([total.get(name, {}), value])
            else:
                total[name] = total.get(name, 0) + value
    return total


_OUTCOME = {outcome.value: outcome for outcome in Outcome}


def _micro(column: Column | None, count: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """An amount in USD as whole micro-units, 0 where it is absent; and where it is known."""
    if column is None:
        return np.zeros(count, np.int64), np.zeros(count, np.bool_)
    known = np.ones(count, np.bool_) if column.present is None else column.present
    return np.where(known, np.rint(column.values * _MICRO), 0).astype(np.int64), known


def _total(micro: NDArray[np.int64]) -> int:
    """The sum as a Python number: whole units and the rest apart, so that no large part overflows."""
    whole, rest = np.divmod(micro, _MICRO)
    return int(whole.sum()) * _MICRO + int(rest.sum())


def _money(columns: Columns, codes: Sequence[Codes], counts: NDArray[np.bool_]) -> dict[str, Any]:
    """Decisions from each old to each new answer, and the money in those that change."""
    then, now, after = codes
    cost, known = _micro(columns.columns.get(COST_FACT), columns.count)
    exposure, _ = _micro(columns.columns.get(EXPOSURE_FACT), columns.count)
    # One number per row and kind of change; rows that do not count have one of their own.
    pair = np.where(counts, then * np.uint8(3) + after, np.uint8(9))
    numbers = np.bincount(pair, minlength=10)[:9]
    pairs: dict[str, Any] = {}
    for code, name in enumerate(PAIRS):
        if not numbers[code]:
            continue
        pairs[name] = {"count": int(numbers[code])}
        if code // 3 == code % 3:
            continue
        rows = pair == code
        pairs[name] |= {
            "cost_micro": _total(cost[rows]),
            "exposure_micro": _total(exposure[rows]),
            "unpriced": int((~known[rows]).sum()),
            "already": int((now[rows] == after[rows]).sum()),
        }
    # What only the draft changes, whatever was decided then.
    by_draft = np.bincount(np.where(counts, now * np.uint8(3) + after, np.uint8(9)), minlength=10)[:9]
    return {
        "rows": int(counts.sum()),
        "cost_micro": _total(cost[counts]),
        "unpriced": int((~known[counts]).sum()),
        "pairs": pairs,
        "by_draft": {name: int(by_draft[code]) for code, name in enumerate(PAIRS) if by_draft[code]},
    }


def _teams(columns: Columns, codes: Sequence[Codes], counts: NDArray[np.bool_]) -> dict[str, Any]:
    """Per team: its decisions, and those that change."""
    column = columns.columns.get(TEAM_FACT)
    if column is None or not column.dictionary:
        return {}
    slugs = [path[-1] if path else UNKNOWN_TEAM for path in column.dictionary]
    pair = codes[0].astype(np.int64) * 3 + codes[2]
    keys = column.values.astype(np.int64) * 9 + pair
    table = np.bincount(keys[counts], minlength=9 * len(slugs)).reshape(-1, 9)
    found: dict[str, Any] = {}
    for slug, row in zip(slugs, table, strict=False):
        if row.sum():
            found[slug] = added([found.get(slug, {}), {name: int(row[i]) for i, name in enumerate(PAIRS) if row[i]}])
    return found


def _rules(
    today: Backtest, today_bits: Sequence[RuleBits], draft: Backtest, draft_bits: Sequence[RuleBits],
    excepted: Mapping[str, Bits], kept: Bits, size: int,
) -> dict[str, Any]:  # fmt: skip
    """Per rule how often it counts today and with the draft, and where it begins or ends to."""
    before = {
        rule.rule_id: counted_rows(rule, own, excepted, size) & kept
        for rule, own in zip(today.rules, today_bits, strict=True)
    }
    after = {
        rule.rule_id: counted_rows(rule, own, excepted, size) & kept
        for rule, own in zip(draft.rules, draft_bits, strict=True)
    }
    nowhere = np.zeros(size, np.uint8)
    found = {}
    for name in dict.fromkeys([*before, *after]):
        one, other = before.get(name, nowhere), after.get(name, nowhere)
        found[name] = {
            "today": count_bits(one),
            "draft": count_bits(other),
            "newly": count_bits(other & ~one),
            "no_longer": count_bits(one & ~other),
        }
    return found


def _roles_then(columns: Columns, then: Codes, counts: NDArray[np.bool_], default_role: str) -> dict[str, int]:
    """Decisions by people that each role had to make, as it was required then."""
    column = columns.columns.get(NEEDS_COLUMN)
    waited = counts & (then == WORDS.index("review"))
    if column is None or not column.dictionary:
        return {default_role: int(waited.sum())} if waited.any() else {}
    found: dict[str, int] = {}
    numbers = np.bincount(column.values[waited], minlength=len(column.dictionary))
    for needs, number in zip(column.dictionary, numbers, strict=False):
        if not number:
            continue
        for need in needs or (f"{default_role}:1",):
            role, _, quorum = need.partition(":")
            found[role] = found.get(role, 0) + int(quorum) * int(number)
    return found


def _roles_after(demanded: Mapping[str, Sequence[Bits]], waits: Bits, default_role: str) -> dict[str, int]:
    """Decisions by people that each role would have to make."""
    found: dict[str, int] = {}
    nobody_named = waits.copy()
    for role, levels in demanded.items():
        number = sum(count_bits(level & waits) for level in levels)
        if number:
            found[role] = number
        nobody_named &= ~levels[0]
    left = count_bits(nobody_named)
    if left:
        found[default_role] = found.get(default_role, 0) + left
    return found


def _role_sets(demanded: Mapping[str, Sequence[Bits]], rows: Bits, count: int, default_role: str) -> dict[str, int]:
    """How many of some rows would go to which roles together, as `infra_lead+team_lead`."""
    picked = np.flatnonzero(np.unpackbits(rows, count=count))
    if not len(picked):
        return {}
    names = sorted(role for role, levels in demanded.items() if (levels[0] & rows).any())
    asked = np.zeros((len(picked), len(names)), np.bool_)
    for place, role in enumerate(names):
        asked[:, place] = np.unpackbits(demanded[role][0], count=count)[picked]
    found: dict[str, int] = {}
    patterns, numbers = np.unique(asked, axis=0, return_counts=True)
    for pattern, number in zip(patterns, numbers, strict=True):
        key = "+".join(name for name, is_asked in zip(names, pattern, strict=True) if is_asked) or default_role
        found[key] = found.get(key, 0) + int(number)
    return found


def _excepted(
    rules: Sequence[BoundRule], bits: Sequence[RuleBits], excepted: Mapping[str, Bits], kept: Bits, size: int
) -> int:
    """Decisions in which an exception took some effect away."""
    touched = np.zeros(size, np.uint8)
    if excepted:
        for rule, own in zip(rules, bits, strict=True):
            counts = own.fired if own.unsure is None else own.fired | own.unsure
            touched |= counts & removed_rows(rule, excepted, size)
    return count_bits(touched & kept)


def _effect_codes(changes: EffectChanges, count: int) -> NDArray[np.uint16]:
    """Per row one bit for each kind of consequence that differs beside the rules of today."""
    found = np.zeros(count, np.uint16)
    for kind, rows in changes.by_kind.items():
        found |= np.unpackbits(rows, count=count).astype(np.uint16) << np.uint16(EFFECT_KINDS.index(kind))
    return found


def _effects(codes: Sequence[Codes], effects: NDArray[np.uint16], counts: NDArray[np.bool_]) -> dict[str, Any]:
    """How many decisions keep their outcome beside the rules of today and change in something else, and in what."""
    differs = counts & (effects != 0)
    pair = codes[0][differs] * np.uint8(3) + codes[2][differs]
    numbers = np.bincount(pair, minlength=9)
    kinds = (
        (kind, int((differs & (effects & np.uint16(1 << bit) != 0)).sum())) for bit, kind in enumerate(EFFECT_KINDS)
    )
    return {
        "effects": {kind: number for kind, number in kinds if number},
        "effect_rows": int(differs.sum()),
        "effect_pairs": {name: int(numbers[code]) for code, name in enumerate(PAIRS) if numbers[code]},
    }


def _empty_stages(
    demanded: Mapping[str, Sequence[Bits]], waits: Bits, seats: Callable[[str], int], count: int
) -> dict[str, NDArray[np.bool_]]:
    found = unfillable_rows(demanded, waits, seats)
    return {role: np.unpackbits(rows, count=count).astype(np.bool_) for role, rows in found.items()}


def _flips(
    columns: Columns, codes: Sequence[Codes], changed: NDArray[np.bool_], effects: NDArray[np.uint16],
    nobody: NDArray[np.bool_],
) -> Columns:  # fmt: skip
    then, now, after = codes
    rows = np.flatnonzero(changed)
    answers = {
        name: Column(each[rows], None, WORDS) for name, each in (("then", then), ("today", now), ("draft", after))
    }
    plain = {name: columns.columns[name].values[rows] for name in (ID_COLUMN, AT_COLUMN)}
    more = {"effects": Column(effects[rows].astype(np.int64)), "unfillable": Column(nobody[rows])}
    return Columns(len(rows), {**{name: Column(values) for name, values in plain.items()}, **answers, **more})
