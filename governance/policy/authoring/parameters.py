"""The dated parameters of a bundle as an officer reads them: what each limits, since when, and which rules read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from governance.policy.bundle.bundle_model import Bundle, DatedValue, Param
from governance.policy.bundle.shipped import shipped_bundles
from governance.policy.decisions.plain_words import condition_in_words, effect_in_words
from governance.policy.decisions.policy_set import BoundRule, CompiledPolicySet
from governance.policy.decisions.wording import format_value
from governance.policy.language.ir import param_names


@dataclass(frozen=True, slots=True)
class Reader:
    """A rule that reads a parameter, and the parts of its sentence that do."""

    rule_id: str
    title: str
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParamRow:
    """One parameter on a day.

    Attributes:
        words: its name in words, without the unit where no other one is called the same then.
        now: the value in force on the day; None before the first.
        later: values that begin after the day.
    """

    param: Param
    words: str
    now: DatedValue | None
    later: tuple[DatedValue, ...]
    readers: tuple[Reader, ...]

    @property
    def now_in_words(self) -> str:
        return "no value yet" if self.now is None else in_words(self.param, self.now.value)


def param_rows(bundle: Bundle, policy_set: CompiledPolicySet, *, on: date) -> tuple[ParamRow, ...]:
    """Every parameter, in the order of the file."""
    bound = policy_set.at(on).rules
    short = [name_in_words(param) for param in bundle.params]
    rows = []
    for param, words in zip(bundle.params, short, strict=True):
        past = [each for each in param.values if each.start <= on]
        rows.append(
            ParamRow(
                param=param,
                words=words if short.count(words) == 1 else _spoken(param.name),
                now=past[-1] if past else None,
                later=tuple(each for each in param.values if each.start > on),
                readers=tuple(reader for rule in bound if (reader := _reader(rule, param.name)) is not None),
            )
        )
    return tuple(rows)


def _reader(rule: BoundRule, name: str) -> Reader | None:
    condition = name in param_names(rule.compiled.node)
    effect = name in rule.compiled.rule.effect.param_names()
    message = name in rule.compiled.template.param_names()
    if not (condition or effect or message):
        return None
    reads = re.compile(rf"params\.{re.escape(name)}(?![a-z0-9_])")
    phrases = [
        condition_in_words(shape.bound, rule.units, rule.schema.by_name)
        for shape in rule.shapes
        if condition and reads.search(shape.text)
    ]
    if effect:
        phrases.append(effect_in_words(rule.effect))
    if not phrases:
        phrases.append("in its message only")
    return Reader(rule.rule_id, rule.compiled.rule.title, tuple(dict.fromkeys(phrases)))


def name_in_words(param: Param) -> str:
    """`auto_allow_max_usd` as "Automatic approval limit (USD)"; without a label, the name without its unit."""
    if label := param.label or _shipped_labels().get(param.name):
        return label
    return _spoken(param.name.removesuffix(f"_{param.unit.lower()}"))


@lru_cache(maxsize=1)
def _shipped_labels() -> dict[str, str]:
    """By name: versions that were stored before parameters had labels are read with those of today."""
    return {param.name: param.label for bundle in shipped_bundles() for param in bundle.params}


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()


def in_words(param: Param, value: Any) -> str:
    return format_value(value, param.unit)


def as_typed(param: Param, value: Any) -> str:
    """A value as an author types it into a field; `edits.read_value` reads it back."""
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_plain(item)) for item in value)
    return str(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value == int(value) and abs(value) < 1e15:
            return int(value)
        return repr(value).replace("e+", "e")
    return value
