"""Where two policies give the same answer with other consequences: people, deadlines, duties, flags, reasons.

A decision that stays "review" may still go to other people, by another day. Each consequence of a decision is an atom,
with the rules that bring it; only atoms whose rules differ between the two policies are looked at, so a draft that
changes one rule costs a few operations on bits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from governance.display import numbers
from governance.policy.backends.bitmaps import Bits, RuleBits
from governance.policy.backtest.backtest import OutcomeBits, counted_rows
from governance.policy.bundle.effects import EffectKind
from governance.policy.decisions.answer import Decision, Outcome
from governance.policy.decisions.policy_set import BoundRule
from governance.policy.decisions.wording import duty_in_words, role_in_words

KINDS = ("approvers", "quorum", "stages", "deadlines", "evidence", "obligations", "flags", "refusals", "sample")
"""What may differ; the number of a kind is its bit in a stored change."""

_OF_AN_APPROVER = frozenset({"quorum", "stages", "deadlines"})

# What one rule adds to a decision: the kind of consequence, and which one. Sums, maxima and minima are taken apart into
# "at least" and "at most", so that a decision has an atom exactly when some counted rule brings it.
Atom = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EffectChanges:
    """Rows with the same outcome and another consequence, by kind, and in any."""

    by_kind: Mapping[str, Bits]
    any: Bits


@dataclass(frozen=True, slots=True)
class Side:
    """One policy's judgement of a part."""

    rules: Sequence[BoundRule]
    bits: Sequence[RuleBits]
    outcomes: OutcomeBits


@dataclass(frozen=True, slots=True)
class _Lines:
    """Every deadline and share that some rule names: what "at most" and "at least" are asked of."""

    days: tuple[int, ...]
    ratios: tuple[float, ...]
    sample_days: tuple[int, ...]


def effect_changes(today: Side, draft: Side, excepted: Mapping[str, Bits], size: int) -> EffectChanges:
    """Compare what two policies bring to each row, where their outcome is the same."""
    same = {outcome: today.outcomes.by_outcome[outcome] & draft.outcomes.by_outcome[outcome] for outcome in Outcome}
    anywhere = same[Outcome.ALLOW] | same[Outcome.REVIEW] | same[Outcome.DENY]
    within = {
        **dict.fromkeys(("approvers", "quorum", "stages", "deadlines", "evidence"), same[Outcome.REVIEW]),
        "obligations": same[Outcome.ALLOW] | same[Outcome.REVIEW],
        "flags": anywhere,
        "refusals": same[Outcome.DENY],
        "sample": same[Outcome.ALLOW],
    }
    effects = [rule.effect for side in (today, draft) for rule in side.rules]
    lines = _Lines(
        days=tuple({each.due_working_days for each in effects if each.due_working_days is not None}),
        ratios=tuple({each.sample_ratio for each in effects if isinstance(each.sample_ratio, float)}),
        sample_days=tuple({d for each in effects if (d := each.sample_due_working_days) is not None}),
    )
    before, after = _sources(today.rules, lines), _sources(draft.rules, lines)
    found: dict[str, Bits] = {}
    for atom in {*before, *after}:
        one, other = before.get(atom, {}), after.get(atom, {})
        if one.keys() == other.keys():
            # The same rules under the same conditions bring it on both sides: the same rows.
            continue
        rows = _rows(today, one.values(), excepted, size) ^ _rows(draft, other.values(), excepted, size)
        rows &= within[atom[0]]
        if atom[0] in _OF_AN_APPROVER and rows.any():
            # Of an approver who comes or goes it is said that they do, and no more.
            for side, sources in ((today, before), (draft, after)):
                rows &= _rows(side, sources.get(("approvers", atom[1]), {}).values(), excepted, size)
        if rows.any():
            found[atom[0]] = found[atom[0]] | rows if atom[0] in found else rows
    together = np.zeros(size, np.uint8)
    for rows in found.values():
        together |= rows
    return EffectChanges(found, together)


def _sources(rules: Sequence[BoundRule], lines: _Lines) -> Mapping[Atom, Mapping[tuple[str, ...], int]]:
    """Per atom the rules that bring it, by what decides on which rows they count, to their places."""
    found: dict[Atom, dict[tuple[str, ...], int]] = defaultdict(dict)
    for place, rule in enumerate(rules):
        identity = (rule.rule_id, rule.parent, rule.kind.value, rule.condition_digest)
        for atom in _atoms(rule, lines):
            found[atom][identity] = place
    return found


def _atoms(rule: BoundRule, lines: _Lines) -> Iterator[Atom]:
    effect = rule.effect
    for demand in effect.roles:
        yield ("approvers", demand.role)
        yield from (("quorum", demand.role, str(least)) for least in range(2, demand.quorum + 1))
        yield from (("stages", demand.role, str(least)) for least in range(2, demand.stage + 1))
        if (due := effect.due_working_days) is not None:
            yield from (("deadlines", demand.role, str(most)) for most in lines.days if due <= most)
    yield from (("evidence", kind) for kind in effect.evidence)
    yield from (("obligations", each.code, repr(each.values)) for each in effect.obligations)
    if rule.kind in (EffectKind.FLAG, EffectKind.WARN):
        code = effect.code or rule.parent.lower()
        yield ("flags", rule.kind.value, code)
        yield from (("flags", rule.kind.value, code, role) for role in effect.notify)
    if rule.kind is EffectKind.DENY:
        yield ("refusals", effect.code or rule.rule_id, effect.clause or "")
    if rule.kind is EffectKind.ALLOW and isinstance(effect.sample_ratio, float) and effect.sample_ratio > 0:
        own, due = effect.sample_ratio, effect.sample_due_working_days
        yield from (("sample", "share", least.hex()) for least in lines.ratios if 0 < least <= own)
        if due is not None:
            yield from (("sample", "due", str(most)) for most in lines.sample_days if due <= most)


def _rows(side: Side, places: Iterable[int], excepted: Mapping[str, Bits], size: int) -> Bits:
    together = np.zeros(size, np.uint8)
    for place in places:
        together |= counted_rows(side.rules[place], side.bits[place], excepted, size)
    return together


def unfillable_rows(
    demanded: Mapping[str, Sequence[Bits]], waits: Bits, seats: Callable[[str], int]
) -> dict[str, Bits]:
    """Role to the rows that would wait for more people of it than could fill the stage.

    Args:
        demanded: per role the rows where at least one, at least two, … people are required.
        waits: rows that would go to people.
        seats: role to how many people could fill it.
    """
    found: dict[str, Bits] = {}
    for role, levels in demanded.items():
        count = seats(role)
        if count < len(levels) and (rows := levels[count] & waits).any():
            found[role] = rows
    return found


def changed_in_words(now: Decision, after: Decision) -> str:
    """What differs in two decisions with the same outcome: `also 3 × safety board; 2 × executive, not 1`."""
    return "; ".join([*_people(now, after), *_rest(now, after)])


def _people(now: Decision, after: Decision) -> Iterator[str]:
    one, other = ({each.role: each for each in decision.requirements} for decision in (now, after))
    for role in dict.fromkeys((*one, *other)):
        old, new, name = one.get(role), other.get(role), role_in_words(role)
        if new is None:
            yield f"no longer {name}"
        elif old is None:
            yield f"also {new.quorum} × {name}"
        else:
            if new.quorum != old.quorum:
                yield f"{new.quorum} × {name}, not {old.quorum}"
            if new.stage != old.stage:
                yield f"{name} in stage {new.stage}, not {old.stage}"
            if new.due_working_days != old.due_working_days:
                days = [
                    f"{due} working days" if due else "no deadline"
                    for due in (new.due_working_days, old.due_working_days)
                ]
                yield f"{name}: {days[0]}, not {days[1]}"


def _rest(now: Decision, after: Decision) -> Iterator[str]:
    for what, of in _CONSEQUENCES:
        before, then = set(of(now)), set(of(after))
        yield from (f"{what} added: {each}" for each in sorted(then - before))
        yield from (f"{what} gone: {each}" for each in sorted(before - then))
    if (one := _sampled(now)) != (other := _sampled(after)):
        yield f"sampled for review: {other}, not {one}"


def _sampled(decision: Decision) -> str:
    sample = decision.sample
    if sample is None:
        return "none"
    due = f" within {sample.due_working_days} working days" if sample.due_working_days else ""
    return f"{numbers.exact_percent(sample.ratio)}{due}"


_CONSEQUENCES: tuple[tuple[str, Callable[[Decision], list[str]]], ...] = (
    ("evidence", lambda decision: [each.kind.replace("_", " ") for each in decision.evidence_missing]),
    ("obligation", lambda decision: [_duty(each.code, each.values) for each in decision.obligations]),
    ("flag", lambda decision: [_notice(each.code, each.notify) for each in decision.flags]),
    ("warning", lambda decision: [_notice(each.code, each.notify) for each in decision.warnings]),
    ("reason", lambda decision: [(each.code or each.rule_id).replace("_", " ") for each in decision.denials]),
)


def _duty(code: str, values: Mapping[str, object]) -> str:
    told = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in values.items())
    return f"{duty_in_words(code)} ({told})" if told else duty_in_words(code)


def _notice(code: str, notify: Sequence[str]) -> str:
    told = ", ".join(role_in_words(role) for role in notify)
    return f"{code.replace('_', ' ')} for {told}" if told else code.replace("_", " ")
