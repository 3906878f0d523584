"""What a draft changes beside the rules of today: a heading, and each rule's sentence with its changed words marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from governance.models import PolicyBacktest, PolicyVersion
from governance.policy import ir
from governance.policy.bundle import load_bundle
from governance.policy.bundle_model import Bundle
from governance.policy.plain_words import rule_in_words
from governance.policy.policy_set import BoundRule, compile_policy_set
from governance.policy.wording import format_value

WORDS_KEPT = 7
"""Words that stay readable on each side of a change; longer stretches that are the same are left out."""
_UNIT_ENDINGS = re.compile(r"_(usd|usd_month|kwh|kg|days|hours|ratio)$")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words, and whether they are the same on both sides. `tail`: the comma or stop that follows them."""

    text: str
    is_changed: bool
    tail: str = ""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule of the set that reads or acts differently. An added rule has no words before, a removed one none after.

    Attributes:
        kind: "changed", "added" or "removed".
    """

    rule_id: str
    title: str
    kind: str
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ParamChange:
    """One parameter whose value on the day is another one."""

    name: str
    unit: str
    before: Any
    after: Any

    @property
    def words(self) -> str:
        return _UNIT_ENDINGS.sub("", self.name).replace("_", " ")

    @property
    def sentence(self) -> str:
        after = format_value(self.after, self.unit)
        if self.before is None:
            return f"Set “{self.words}” to {after}"
        if _is_number(self.before) and _is_number(self.after):
            return f"{'Lower' if self.after < self.before else 'Raise'} “{self.words}” to {after}"
        return f"Change “{self.words}” to {after}"


@dataclass(frozen=True, slots=True)
class Changes:
    """What the version changes in its set."""

    heading: str
    params: tuple[ParamChange, ...]
    rules: tuple[RuleChange, ...]
    unchanged_count: int
    against_number: int | None
    against_since: datetime | None


def changes_of(backtest: PolicyBacktest) -> Changes:
    """The changes of a run's version against the version of its set that was in force when it was asked for."""
    active = (
        PolicyVersion.objects.filter(pk__in=backtest.against_ids, policy_set_id=backtest.version.policy_set_id)
        .values_list("number", "source", "activated_at")
        .first()
    )
    draft = backtest.version
    found = _compared(draft.digest, draft.source, active[1] if active else None, backtest.on)
    return Changes(
        *found,
        against_number=active[0] if active else None,
        against_since=active[2] if active else None,
    )


@lru_cache(maxsize=32)
def _compared(
    digest: str, source: str, against: str | None, on: date
) -> tuple[str, tuple[ParamChange, ...], tuple[RuleChange, ...], int]:
    after = load_bundle(source)
    before = load_bundle(against) if against is not None else None
    old, new = _rules(before, on), _rules(after, on)
    rules = tuple(_rule_changes(old, new))
    params = tuple(_param_changes(before, after, on))
    unchanged = len(set(old) & set(new)) - sum(each.kind == "changed" for each in rules)
    by_param_alone = all(
        each.kind == "changed" and _differs_by_param_alone(old[each.rule_id], new[each.rule_id], params)
        for each in rules
    )
    return _heading(before, after, params if by_param_alone else (), rules), params, rules, unchanged


def _rules(bundle: Bundle | None, on: date) -> dict[str, BoundRule]:
    return {} if bundle is None else {rule.rule_id: rule for rule in compile_policy_set([bundle]).at(on).rules}


def _rule_changes(old: Mapping[str, BoundRule], new: Mapping[str, BoundRule]) -> Iterable[RuleChange]:
    for rule_id in dict.fromkeys([*new, *old]):
        one, other = old.get(rule_id), new.get(rule_id)
        if one is None and other is not None:
            yield RuleChange(rule_id, other.title, "added", (), (Piece(rule_in_words(other), True),))
        elif other is None and one is not None:
            yield RuleChange(rule_id, one.title, "removed", (Piece(rule_in_words(one), True),), ())
        elif one is not None and other is not None:
            before, after = rule_in_words(one), rule_in_words(other)
            if before != after or one.effect != other.effect or one.condition != other.condition:
                yield RuleChange(rule_id, other.title, "changed", *marked(before, after))


def _differs_by_param_alone(old: BoundRule, new: BoundRule, params: Sequence[ParamChange]) -> bool:
    """Whether a changed rule reads one of the changed parameters, and is written as it was."""
    names = {*ir.param_names(new.compiled.node), *new.compiled.rule.effect.param_names()}
    is_as_written = ir.canonical(old.compiled.node) == ir.canonical(new.compiled.node) and (
        old.compiled.rule.effect,
        old.on_error,
    ) == (new.compiled.rule.effect, new.on_error)
    return is_as_written and any(param.name in names for param in params)


def marked(before: str, after: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both sentences in pieces; what is only in one of them is marked, long stretches that are in both are cut."""
    # A no-break space holds a number and its unit together, so they change as one.
    one, other = before.split(" "), after.split(" ")
    left: list[Piece] = []
    right: list[Piece] = []
    for kind, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            is_first, is_last = i == 0, j == len(one)
            left.append(Piece(_cut(one[i:j], is_first=is_first, is_last=is_last), False))
            right.append(Piece(_cut(other[k:m], is_first=is_first, is_last=is_last), False))
        else:
            left += [_changed(one[i:j])] if i < j else []
            right += [_changed(other[k:m])] if k < m else []
    return tuple(left), tuple(right)


def _changed(words: Sequence[str]) -> Piece:
    text = " ".join(words)
    bare = text.rstrip(",.;)")
    return Piece(bare, True, text[len(bare) :])


def _cut(words: Sequence[str], *, is_first: bool, is_last: bool) -> str:
    kept = WORDS_KEPT * (1 if is_first or is_last else 2)
    if len(words) <= kept + 3:
        return " ".join(words)
    if is_first:
        return " ".join(("…", *words[-WORDS_KEPT:]))
    if is_last:
        return " ".join((*words[:WORDS_KEPT], "…"))
    return " ".join((*words[:WORDS_KEPT], "…", *words[-WORDS_KEPT:]))


def _param_changes(before: Bundle | None, after: Bundle, on: date) -> Iterable[ParamChange]:
    old = before.param_values(on) if before is not None else {}
    units = after.units()
    for name, value in after.param_values(on).items():
        if before is not None and old.get(name) != value:
            yield ParamChange(name, units.get(name, ""), old.get(name), value)


def _heading(before: Bundle | None, after: Bundle, params: Sequence[ParamChange], rules: Sequence[RuleChange]) -> str:
    """What the version does, in a line.

    Args:
        params: those whose other values are all that changes; empty where a rule is written differently as well.
    """
    if before is None:
        return f"Put “{after.title}” in force for the first time"
    numbers = {kind: sum(each.kind == kind for each in rules) for kind in ("changed", "added", "removed")}
    if len(params) == 1:
        return params[0].sentence
    if params:
        return f"Change {len(params)} parameters of “{after.title}”"
    said = [
        f"{verb} {number} {'rule' if number == 1 else 'rules'}"
        for verb, number in (("change", numbers["changed"]), ("add", numbers["added"]), ("remove", numbers["removed"]))
        if number
    ]
    if not said:
        return f"Reword “{after.title}”: no rule acts differently"
    text = " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)
    return f"{text[:1].upper()}{text[1:]} of “{after.title}”"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
