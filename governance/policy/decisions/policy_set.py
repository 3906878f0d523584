"""Bundles to one compiled policy set: a digest, and per date one generated function."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from governance.policy.backends.interpreter import INDETERMINATE, evaluate
from governance.policy.backends.python_backend import Evaluate, Truths, compile_rules, compile_truths
from governance.policy.bundle.bundle_model import Bundle, Rule
from governance.policy.bundle.effects import Effect, EffectKind, OnError
from governance.policy.bundle.template import Template, parse_template
from governance.policy.decisions.explain import LeafShape, leaves_of, shapes_of
from governance.policy.errors import BundleError
from governance.policy.facts.facts_schema import SCHEMA
from governance.policy.facts.schema import FactsSchema
from governance.policy.language import ir
from governance.policy.language.checker import check_condition
from governance.policy.limits import RULES_MAX

REQUIRED_FACTS = SCHEMA.required
# What a condition can trip over: a gap, or values that break the schema.
_STUMBLES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A checked rule, parameters still by name.

    Attributes:
        digest: SHA-256 of what the rule does: condition, parameters' dated values, effect, dates. Wording is apart.
        facts: facts that its condition or message looks at.
        may_be_indeterminate: an optional fact is read without `has()`.
    """

    rule: Rule
    bundle: str
    node: ir.Node
    template: Template
    digest: str
    facts: tuple[str, ...]
    may_be_indeterminate: bool
    effective_from: date | None
    effective_to: date | None

    @property
    def rule_id(self) -> str:
        return self.rule.id

    def is_effective(self, on: date) -> bool:
        """Half-open: from the first day, up to but not on the last."""
        return (self.effective_from is None or self.effective_from <= on) and (
            self.effective_to is None or on < self.effective_to
        )


@dataclass(frozen=True)
class BoundRule:
    """A rule with the parameters of one date. Plain data: what a decision shows of a rule comes from here."""

    index: int
    compiled: CompiledRule
    condition: ir.Node
    template: Template
    effect: Effect
    params: Mapping[str, Any]
    facts: tuple[str, ...]
    units: Mapping[str, str]
    schema: FactsSchema

    @cached_property
    def shapes(self) -> tuple[LeafShape, ...]:
        """The comparisons of its condition, found on first use."""
        return shapes_of(self.compiled.node, self.condition, self.units, self.schema.by_name)

    @cached_property
    def condition_digest(self) -> str:
        """SHA-256 of the condition with its parameters' values: what its fired rows are kept under."""
        return ir.digest_of(ir.canonical(self.condition))

    @cached_property
    def generated_truths(self) -> Truths:
        """What each comparison comes to, as one function of the values that the rule saw; generated on first use."""
        return compile_truths([shape.bound for shape in self.shapes])

    def truths(self, values: Mapping[str, Any]) -> tuple[bool | None, ...]:
        """The truth of each comparison, None where it cannot be judged.

        Args:
            values: every fact of the rule, None where it was absent.
        """
        try:
            return self.generated_truths(values)
        except _STUMBLES:
            # Values that break the schema: each comparison by itself.
            return tuple(leaf.truth for leaf in leaves_of(self.shapes, values))

    @property
    def rule_id(self) -> str:
        return self.compiled.rule.id

    @property
    def parent(self) -> str:
        return self.compiled.rule.parent

    @property
    def bundle(self) -> str:
        return self.compiled.bundle

    @property
    def title(self) -> str:
        return self.compiled.rule.title

    @property
    def legal_source(self) -> str | None:
        return self.compiled.rule.legal_source

    @property
    def on_error(self) -> OnError:
        return self.compiled.rule.on_error

    @property
    def kind(self) -> EffectKind:
        return self.effect.kind


@dataclass(slots=True)
class DatedRules:
    """The rules in force between two changes of any parameter or effective date.

    `memo` remembers how a combination of fired rules was combined; it belongs to `decision`. `programs` keeps what some
    of the rules compile to for columns; it belongs to `backtest`, and this module needs no NumPy for it.
    """

    rules: tuple[BoundRule, ...]
    generated: Evaluate
    memo: dict[Any, Any] = field(default_factory=dict)
    programs: dict[tuple[int, ...], Any] = field(default_factory=dict)

    def fired_mask(self, facts: Mapping[str, Any]) -> int:
        """Bit i: rule i fired. Bit i + len(rules): rule i is indeterminate.

        Args:
            facts: the values of `ValidFacts`. Where a required one is a gap, rules are judged one by one: what cannot
                be judged is indeterminate, and the rest still counts.
        """
        try:
            return self.generated(facts)
        except _STUMBLES:
            return self.careful_mask(facts)

    def careful_mask(self, facts: Mapping[str, Any]) -> int:
        """The same by the interpreter."""
        mask = 0
        for rule in self.rules:
            try:
                value = evaluate(rule.condition, facts)
            except _STUMBLES:
                # An error never decides: it is a question for a person.
                value = INDETERMINATE
            if value is INDETERMINATE:
                mask |= 1 << (rule.index + len(self.rules))
            elif value:
                mask |= 1 << rule.index
        return mask


class CompiledPolicySet:
    """A set of checked rules, ready to decide. Compiled per date on first use; safe to share between threads.

    Attributes:
        digest: pins the logic: Merkle root over the sorted rule digests and the schema's.
        rules: all rules, in the order of bundles and files.
    """

    def __init__(self, bundles: Sequence[Bundle], rules: Sequence[CompiledRule]) -> None:
        self.bundles = tuple(bundles)
        self.rules = tuple(rules)
        self.schema = bundles[0].schema if bundles else SCHEMA
        self.digest = self.digest_under(self.schema.pin(name for rule in rules for name in rule.facts))
        self.changes = _change_days(self.bundles)
        self._bundles_by_name = {bundle.name: bundle for bundle in bundles}
        self._dated: dict[int, DatedRules] = {}

    @cached_property
    def revisions(self) -> dict[str, str]:
        """Content hash of each bundle, by its name; taken on first use, since every log entry names them."""
        return {bundle.name: bundle.content_hash for bundle in self.bundles}

    def digest_under(self, schema_digest: str) -> str:
        """The digest that the same rules had while the facts schema was another one."""
        return merkle_root(sorted(rule.digest for rule in self.rules), schema_digest)

    def at(self, on: date) -> DatedRules:
        """The rules in force on a day."""
        segment = bisect_right(self.changes, on)
        dated = self._dated.get(segment)
        if dated is None:
            # Two threads may both compile; the results are equal and one wins.
            dated = self._dated[segment] = self._bind(on)
        return dated

    def _bind(self, on: date) -> DatedRules:
        bound: list[BoundRule] = []
        for compiled in self.rules:
            if not compiled.is_effective(on):
                continue
            bundle = self._bundles_by_name[compiled.bundle]
            params = bundle.param_values(on)
            bound.append(
                BoundRule(
                    index=len(bound),
                    compiled=compiled,
                    condition=ir.bind_params(compiled.node, params),
                    template=compiled.template.bound(params),
                    effect=compiled.rule.effect.resolved(params),
                    params=params,
                    facts=compiled.facts,
                    units=bundle.units(),
                    schema=self.schema,
                )
            )
        generated = compile_rules([rule.condition for rule in bound], self.schema.required)
        return DatedRules(rules=tuple(bound), generated=generated)


def compile_policy_set(bundles: Sequence[Bundle]) -> CompiledPolicySet:
    """Check and compile bundles that rule together.

    Raises:
        BundleError: a bundle name or rule id is there twice, or there are too many rules.
        PolicyError: an expression does not check.
    """
    seen: dict[str, str] = {}
    names = [bundle.name for bundle in bundles]
    for name in names:
        if names.count(name) > 1:
            raise BundleError(f"the bundle `{name}` is there twice")
    if len({bundle.schema.digest for bundle in bundles}) > 1:
        raise BundleError("the bundles are written over different facts")
    rules: list[CompiledRule] = []
    for bundle in bundles:
        own: set[str] = set()
        for rule in bundle.rules:
            # A parent's name is taken too: an exception may name a whole table.
            for name in {rule.id, rule.parent} - own:
                if name in seen:
                    raise BundleError(f"the rule `{name}` is in `{seen[name]}` and in `{bundle.name}`")
            if rule.id in own:
                raise BundleError(f"the rule `{rule.id}` is twice in `{bundle.name}`")
            own |= {rule.id, rule.parent}
            rules.append(_compile_rule(bundle, rule))
        seen |= dict.fromkeys(own, bundle.name)
    if len(rules) > RULES_MAX:
        raise BundleError(f"a policy set has at most {RULES_MAX} rules, this one {len(rules)}")
    return CompiledPolicySet(bundles, rules)


def _compile_rule(bundle: Bundle, rule: Rule) -> CompiledRule:
    scope = bundle.scope()
    checked = check_condition(rule.when, scope)
    template = parse_template(rule.message, scope, bundle.units())
    used = {*ir.param_names(checked.node), *rule.effect.param_names()}
    plain = {
        "id": rule.id,
        "when": ir.canonical(checked.node),
        "params": {
            param.name: [[dated.start.isoformat(), _exact(dated.value)] for dated in param.values]
            for param in bundle.params
            if param.name in used
        },
        "effect": rule.effect.to_json(),
        "on_error": rule.on_error.value,
        "effective": [str(bundle.effective_from), str(bundle.effective_to)],
    }
    facts = dict.fromkeys((*ir.fact_names(checked.node), *template.fact_names()))
    return CompiledRule(
        rule=rule,
        bundle=bundle.name,
        node=checked.node,
        template=template,
        digest=ir.digest_of(plain),
        facts=tuple(facts),
        may_be_indeterminate=checked.may_be_indeterminate,
        effective_from=bundle.effective_from,
        effective_to=bundle.effective_to,
    )


def _exact(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_exact(item) for item in value]
    return value.hex() if isinstance(value, float) else value


def _change_days(bundles: Sequence[Bundle]) -> list[date]:
    """Days on which some parameter or effective date changes, in order."""
    days: set[date] = set()
    for bundle in bundles:
        days.update(day for day in (bundle.effective_from, bundle.effective_to) if day)
        days.update(dated.start for param in bundle.params for dated in param.values)
    return sorted(days)


def merkle_root(leaves: Sequence[str], schema_digest: str) -> str:
    """SHA-256 tree over hexadecimal digests; an odd one is carried up. The schema's digest enters at the top."""
    level = [hashlib.sha256(b"\0" + leaf.encode()).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    root = level[0] if level else b""
    return hashlib.sha256(b"\2" + schema_digest.encode() + root).hexdigest()
