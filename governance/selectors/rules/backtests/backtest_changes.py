"""What a draft changes beside the rules of today: a heading, and each rule's sentence with its changed words marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from governance.display.lists import joined
from governance.display.numbers import counted
from governance.domain.prose import capital, decapital
from governance.models import PolicyBacktest, PolicyVersion
from governance.policy.authoring.marking import mark_difference
from governance.policy.authoring.parameters import in_words, name_in_words
from governance.policy.authoring.review import RuleChange
from governance.policy.bundle.bundle_model import Bundle, Param
from governance.policy.decisions.plain_words import rule_in_words
from governance.policy.decisions.policy_set import BoundRule
from governance.policy.language import ir
from governance.selectors.rules import policies


@dataclass(frozen=True, slots=True)
class ParamChange:
    """One parameter whose value on the day is another one."""

    param: Param
    before: Any
    after: Any

    @property
    def name(self) -> str:
        return self.param.name

    @property
    def sentence(self) -> str:
        words, after = decapital(name_in_words(self.param)), in_words(self.param, self.after)
        if self.before is None:
            return f"Set “{words}” to {after}"
        if _is_number(self.before) and _is_number(self.after):
            return f"{'Lower' if self.after < self.before else 'Raise'} “{words}” to {after}"
        return f"Change “{words}” to {after}"


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
    draft, on = backtest.version, backtest.on
    active = PolicyVersion.objects.filter(pk__in=backtest.against_ids, policy_set_id=draft.policy_set_id).first()
    before, after = policies.bundle_of(active) if active else None, policies.bundle_of(draft)
    old, new = _rules(active, on), _rules(draft, on)
    rules = tuple(_rule_changes(old, new, on))
    params = tuple(_param_changes(before, after, on))
    by_param_alone = all(
        each.kind == "changed" and _differs_by_param_alone(old[each.rule_id], new[each.rule_id], params)
        for each in rules
    )
    return Changes(
        heading=_heading(before, after, params if by_param_alone else (), rules),
        params=params,
        rules=rules,
        unchanged_count=len(set(old) & set(new)) - sum(each.kind == "changed" for each in rules),
        against_number=active.number if active else None,
        against_since=active.activated_at if active else None,
    )


def _rules(version: PolicyVersion | None, on: date) -> dict[str, BoundRule]:
    return {} if version is None else {rule.rule_id: rule for rule in policies.alone(version).at(on).rules}


def _rule_changes(old: Mapping[str, BoundRule], new: Mapping[str, BoundRule], on: date) -> Iterable[RuleChange]:
    """Rules that read or act differently on the day. One that is not there on a side has no words on it."""
    for rule_id in dict.fromkeys([*new, *old]):
        one, other = old.get(rule_id), new.get(rule_id)
        before, after = (rule_in_words(each) if each else "" for each in (one, other))
        if one and other and (before, one.effect, one.condition) == (after, other.effect, other.condition):
            continue
        kind = "removed" if other is None else "added" if one is None else "changed"
        title = (new if other else old)[rule_id].title
        yield RuleChange(rule_id, title, kind, on, *mark_difference(before, after, is_before_short=True))


def _differs_by_param_alone(old: BoundRule, new: BoundRule, params: Sequence[ParamChange]) -> bool:
    """Whether a changed rule reads one of the changed parameters, and is written as it was."""
    names = {*ir.param_names(new.compiled.node), *new.compiled.rule.effect.param_names()}
    is_as_written = ir.canonical(old.compiled.node) == ir.canonical(new.compiled.node) and (
        old.compiled.rule.effect,
        old.on_error,
    ) == (new.compiled.rule.effect, new.on_error)
    return is_as_written and any(param.name in names for param in params)


def _param_changes(before: Bundle | None, after: Bundle, on: date) -> Iterable[ParamChange]:
    if before is None:
        return
    old, new = before.param_values(on), after.param_values(on)
    for param in after.params:
        if param.name in new and old.get(param.name) != new[param.name]:
            yield ParamChange(param, old.get(param.name), new[param.name])


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
        f"{verb} {counted(number, 'rule')}"
        for verb, number in (("change", numbers["changed"]), ("add", numbers["added"]), ("remove", numbers["removed"]))
        if number
    ]
    if not said:
        return f"Reword “{after.title}”: no rule acts differently"
    return f"{capital(joined(said))} of “{after.title}”"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
