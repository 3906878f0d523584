"""A bundle as values: rules, dated parameters, named expressions and test cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from governance.policy.bundle.effects import DEFAULT_ON_ERROR, Effect, OnError
from governance.policy.facts.facts import facts_to_json
from governance.policy.facts.facts_schema import SCHEMA
from governance.policy.facts.schema import FactsSchema
from governance.policy.facts.vocabulary import Vocabulary
from governance.policy.language import ir
from governance.policy.language.parser import parse
from governance.policy.language.printer import print_expression
from governance.policy.language.scope import ParamInfo, Scope
from governance.policy.language.types import PARAM_TYPES

API_VERSION = "comptroller.policy/v1"
KIND = "PolicyBundle"


@dataclass(frozen=True, slots=True)
class DatedValue:
    """A parameter's value from a day on, and where it comes from."""

    value: Any
    start: date
    source: str


@dataclass(frozen=True, slots=True)
class Param:
    """One number or list of the organisation's own, dated.

    Attributes:
        values: in the order of their days.
        label: what an officer calls it, such as `Automatic approval limit (USD)`.
    """

    name: str
    type: str
    values: tuple[DatedValue, ...]
    unit: str = ""
    help: str = ""
    label: str = ""

    def at(self, on: date) -> Any:
        """The value in force on a day, or None before the first."""
        found = None
        for dated in self.values:
            if dated.start <= on:
                found = dated.value
        return found


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition and its effect.

    Attributes:
        id: unique in a policy set; for a row of a table `PARENT.row`.
        parent: the rule that people speak of ("ES-2"); the id itself when the rule has no rows.
        parent_title: title of the table, "" when there is none.
        when: the condition, as written.
        message: the sentence of a firing, with `{fact}` in it.
    """

    id: str
    parent: str
    title: str
    when: str
    effect: Effect
    message: str
    on_error: OnError
    parent_title: str = ""
    legal_source: str | None = None

    @property
    def row(self) -> str:
        """Name of the row in its table, or ""."""
        return self.id[len(self.parent) + 1 :]

    @property
    def has_default_on_error(self) -> bool:
        return self.on_error is DEFAULT_ON_ERROR[self.effect.kind]


class CaseKind(StrEnum):
    FIRING = "firing"
    NON_FIRING = "non_firing"
    AT_LINE = "at_line"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One case of a bundle's own tests, over the plain request and the bundle's fixture.

    Attributes:
        rule: id of the rule that is watched.
        facts: facts that differ; `absent`: facts that are taken away.
        fires: whether the rule counts as fired (indeterminate included).
        outcome: what the bundle alone answers, when the case says.
        requires: role to quorum of the bundle alone, when the case says.
        on: the day, when it matters.
    """

    name: str
    rule: str
    case: CaseKind
    fires: bool
    facts: Mapping[str, Any] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    outcome: str | None = None
    requires: Mapping[str, int] | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rules that belong together, as one file in git or one version in the database.

    Attributes:
        words: words of the bundle's own, by closed set, that the checker cannot know.
        vocabulary: the closed sets that it is checked with; None for a stored text, which is taken as it stands.
        notes: other names that were read as the words they mean.
    """

    name: str
    title: str
    summary: str
    owner: str
    rules: tuple[Rule, ...]
    params: tuple[Param, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    fixture: Mapping[str, Any] = field(default_factory=dict)
    tests: tuple[RuleTest, ...] = ()
    effective_from: date | None = None
    effective_to: date | None = None
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    schema: FactsSchema = field(default=SCHEMA, compare=False, repr=False)
    vocabulary: Vocabulary | None = field(default=None, compare=False, repr=False)
    notes: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def scope(self) -> Scope:
        """What names mean in this bundle's expressions."""
        infos = {
            param.name: ParamInfo(PARAM_TYPES[param.type], tuple(dated.value for dated in param.values), param.unit)
            for param in self.params
        }
        own = self.vocabulary.with_words(self.words) if self.vocabulary is not None else None
        return Scope(params=infos, variables=self.variables, facts=self.schema.by_name, vocabulary=own)

    def units(self) -> dict[str, str]:
        return {param.name: param.unit for param in self.params}

    def param_values(self, on: date) -> dict[str, Any]:
        """Every parameter that has a value on the day."""
        values = {param.name: param.at(on) for param in self.params}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def content_hash(self) -> str:
        """SHA-256 of everything the bundle says; spacing, comments and quoting of the YAML do not enter."""
        return ir.digest_of(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Plain values, expressions in their canonical spelling."""
        # Left out where there are none, so that the hash of what says nothing of it stays.
        own = {"words": {name: sorted(words) for name, words in sorted(self.words.items())}} if self.words else {}
        return own | {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "owner": self.owner,
            "effective": [_day(self.effective_from), _day(self.effective_to)],
            "params": [_param_json(param) for param in self.params],
            "variables": {name: canonical_text(text) for name, text in sorted(self.variables.items())},
            "rules": [_rule_json(rule) for rule in self.rules],
            "fixture": facts_to_json(self.fixture),
            "tests": [_test_json(test) for test in self.tests],
        }


@lru_cache(maxsize=2_048)
def canonical_text(expression: str) -> str:
    """Remembered, because a hash is taken over all rules whenever one changes."""
    return print_expression(parse(expression))


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _param_json(param: Param) -> dict[str, Any]:
    # Left out where there is none, as `words` are.
    label = {"label": param.label} if param.label else {}
    return label | {
        "name": param.name,
        "type": param.type,
        "unit": param.unit,
        "help": param.help,
        "values": [
            {
                "value": list(dated.value) if isinstance(dated.value, tuple) else dated.value,
                "from": dated.start.isoformat(),
                "source": dated.source,
            }
            for dated in param.values
        ],
    }


def _rule_json(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "parent": rule.parent,
        "title": rule.title,
        "parent_title": rule.parent_title,
        "when": canonical_text(rule.when),
        "effect": rule.effect.to_json(),
        "message": rule.message,
        "on_error": rule.on_error.value,
        "legal_source": rule.legal_source,
    }


def _test_json(test: RuleTest) -> dict[str, Any]:
    return {
        "name": test.name,
        "rule": test.rule,
        "case": test.case.value,
        "fires": test.fires,
        "facts": facts_to_json(test.facts),
        "absent": list(test.absent),
        "outcome": test.outcome,
        "requires": dict(test.requires) if test.requires is not None else None,
        "on": _day(test.on),
    }
