"""The static checks of a policy set on one day: each looks for one kind of slip."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from governance.display import numbers
from governance.display.lists import joined
from governance.policy.analysis.findings import Finding, Severity
from governance.policy.analysis.reasoner import Reasoner
from governance.policy.analysis.solver import MILLISECONDS_MAX, Answer
from governance.policy.bundle.bundle import check_bundle
from governance.policy.bundle.bundle_model import Bundle
from governance.policy.bundle.effects import EffectKind, OnError
from governance.policy.decisions.decision import RuleException
from governance.policy.decisions.policy_set import BoundRule, CompiledPolicySet
from governance.policy.decisions.wording import role_in_words
from governance.policy.language import ir

# Every pair of rules is looked at; past this many pairs only those tried, not those proven, are reported.
PROVEN_PAIRS_MAX = 600
UNFILLABLE = "stage_unfillable"


def check_policy_set(
    policy_set: CompiledPolicySet,
    *,
    on: date,
    exceptions: Sequence[RuleException] = (),
    base: Mapping[str, Any] | None = None,
    use_solver: bool = True,
    milliseconds: int = MILLISECONDS_MAX,
) -> tuple[Finding, ...]:
    """All findings, errors first.

    Args:
        on: the day whose parameters and effective dates hold.
        exceptions: exceptions that would be in force.
        base: the request that examples start from; the plain one when None.
        use_solver: ask z3 where the cheap checks do not know, if it is installed.
        milliseconds: longest time of one question to z3.
    """
    rules = policy_set.at(on).rules
    if not rules:
        return ()
    reasoner = Reasoner.of_rules(rules, policy_set.schema, base=base, use_solver=use_solver, milliseconds=milliseconds)
    findings = [
        *(finding for bundle in policy_set.bundles for finding in unused_parameters(bundle)),
        *reachability(rules, reasoner, _first_days(policy_set.bundles)),
        *implications(rules, reasoner),
        *allows_against_denials(rules, reasoner),
        *tables(rules, reasoner),
        *idle_exceptions(rules, reasoner, exceptions, on),
    ]
    order = list(Severity)
    return tuple(sorted(findings, key=lambda each: (order.index(each.severity), each.code, each.rules)))


def unused_parameters(bundle: Bundle) -> Iterator[Finding]:
    """Parameters that no rule, message or named expression uses; and what else the checker warns of."""
    for warning in check_bundle(bundle):
        is_param = warning.startswith("parameter ")
        code = "parameter_unused" if is_param else "expression_doubtful"
        rules = () if is_param else (warning.partition(":")[0],)
        yield Finding(code, Severity.WARNING, rules, f"{bundle.name}: {warning}.")


def _first_days(bundles: Sequence[Bundle]) -> Mapping[tuple[str, str], date]:
    """Bundle and parameter to the day on which it gets its first value."""
    return {(bundle.name, param.name): param.values[0].start for bundle in bundles for param in bundle.params}


def reachability(
    rules: Sequence[BoundRule], reasoner: Reasoner, first_days: Mapping[tuple[str, str], date]
) -> Iterator[Finding]:
    """Rules that never count, rules that always do, and rules that count only because they cannot be judged."""
    for index, rule in enumerate(rules):
        dated = list(without_value(rule, first_days))
        is_unjudged = any(each.code == "parameter_without_value" for each in dated)
        yield from dated
        if is_unjudged and rule.kind is EffectKind.ALLOW:
            continue
        if not is_unjudged:
            yield from only_unjudged(rule, reasoner.ever_true(index))
        fires = reasoner.find(true=[index])
        if fires.answer is Answer.IMPOSSIBLE:
            yield Finding("rule_never_fires", Severity.ERROR, (rule.rule_id,), f"{rule.rule_id} can never fire.")
        elif fires.answer is Answer.UNKNOWN:
            yield Finding(
                "rule_seems_never_to_fire",
                Severity.WARNING,
                (rule.rule_id,),
                f"{rule.rule_id} fired on none of {numbers.count(len(reasoner.rows))} asks around its limits.",
                is_proven=False,
            )
        elif reasoner.find(false=[index]).answer is Answer.IMPOSSIBLE and not ir.may_err(rule.condition):
            yield Finding(
                "rule_always_fires", Severity.WARNING, (rule.rule_id,), f"{rule.rule_id} fires on every request."
            )


_WHILE_UNJUDGED = {
    EffectKind.DENY: "denies",
    EffectKind.REQUIRE: "sends requests to its approvers",
    EffectKind.FLAG: "flags",
    EffectKind.WARN: "warns",
    EffectKind.ALLOW: "allows nothing and leaves requests to a person",
}


def without_value(rule: BoundRule, first_days: Mapping[tuple[str, str], date]) -> Iterator[Finding]:
    """A rule whose parameter is not in force yet cannot be judged; what the decision makes of that is not nothing."""
    named = sorted({part.name for part in ir.walk(rule.compiled.node) if isinstance(part, ir.ParamRef)})
    missing = [name for name in named if name not in rule.params]
    for name in dict.fromkeys(rule.compiled.rule.effect.param_names()):
        if name not in rule.params and name not in missing:
            begins = first_days[rule.bundle, name].isoformat()
            sentence = f"What {rule.rule_id} brings has no value until {begins}, when `params.{name}` begins."
            severity = Severity.WARNING if rule.kind is EffectKind.ALLOW else Severity.NOTE
            yield Finding("effect_without_value", severity, (rule.rule_id,), sentence)
    if not missing:
        return
    have = "its parameter has" if len(missing) == 1 else "its parameters have"
    days = ", ".join(f"`params.{name}` begins on {first_days[rule.bundle, name].isoformat()}" for name in missing)
    sentence = f"{rule.rule_id} {_does(rule)} while {have} no value: {days}."
    yield Finding("parameter_without_value", Severity.WARNING, (rule.rule_id,), sentence)


def only_unjudged(rule: BoundRule, is_ever_true: bool) -> Iterator[Finding]:
    """A rule that counts only where a fact is absent."""
    if is_ever_true or rule.kind is EffectKind.ALLOW or not ir.may_err(rule.condition):
        return
    absent = {part.name for part in ir.walk(rule.condition) if isinstance(part, ir.FactRef) and not part.is_guarded}
    facts = joined((f"`{name}`" for name in sorted(absent)), "or")
    sentence = (
        f"{rule.rule_id} was true on none of the requests that were tried; it {_does(rule)} where {facts} is absent."
    )
    yield Finding("rule_only_unjudged", Severity.WARNING, (rule.rule_id,), sentence, is_proven=False)


def _does(rule: BoundRule) -> str:
    return "denies" if rule.on_error is OnError.DENY else _WHILE_UNJUDGED[rule.kind]


def implications(rules: Sequence[BoundRule], reasoner: Reasoner) -> Iterator[Finding]:
    """A rule that only fires where another of the same kind fires too adds nothing, unless it asks for more."""
    proven = 0
    for first, second in itertools.permutations(range(len(rules)), 2):
        one, other = rules[first], rules[second]
        if one.kind is not other.kind or one.kind in (EffectKind.FLAG, EffectKind.WARN):
            continue
        if not reasoner.tried(true=[first]).any() or reasoner.tried(true=[first], false=[second]).any():
            continue
        proven += 1
        if proven > PROVEN_PAIRS_MAX or reasoner.find(true=[first], false=[second]).answer is not Answer.IMPOSSIBLE:
            continue
        if one.kind is EffectKind.REQUIRE and not _asks_no_more(one, other):
            continue
        sentence = f"{one.rule_id} only fires where {other.rule_id} fires, and asks for nothing more."
        yield Finding("rule_implied", Severity.WARNING, (one.rule_id, other.rule_id), sentence)


def _asks_no_more(one: BoundRule, other: BoundRule) -> bool:
    theirs = {demand.role: demand for demand in other.effect.roles}
    return all(
        demand.role in theirs
        and theirs[demand.role].quorum >= demand.quorum
        and theirs[demand.role].stage >= demand.stage
        for demand in one.effect.roles
    ) and set(one.effect.evidence) <= set(other.effect.evidence)


def allows_against_denials(rules: Sequence[BoundRule], reasoner: Reasoner) -> Iterator[Finding]:
    """An allow and a deny that meet: the deny wins. An allow that is always denied is an error."""
    for first, allow in enumerate(rules):
        if allow.kind is not EffectKind.ALLOW:
            continue
        for second, deny in enumerate(rules):
            if deny.kind is not EffectKind.DENY:
                continue
            outside = reasoner.find(true=[first], false=[second])
            if outside.answer is Answer.IMPOSSIBLE:
                sentence = f"Wherever {allow.rule_id} allows, {deny.rule_id} refuses: it permits nothing."
                yield Finding("allow_always_denied", Severity.ERROR, (allow.rule_id, deny.rule_id), sentence)
                continue
            meet = reasoner.find(true=[first, second])
            if meet.answer is Answer.POSSIBLE:
                sentence = f"{allow.rule_id} allows some requests that {deny.rule_id} refuses; the refusal wins."
                yield Finding("allow_meets_deny", Severity.NOTE, (allow.rule_id, deny.rule_id), sentence, meet.example)


def tables(rules: Sequence[BoundRule], reasoner: Reasoner) -> Iterator[Finding]:
    """Rows of one table that fire together, and requests on which no row fires."""
    parents: dict[str, list[int]] = {}
    for index, rule in enumerate(rules):
        if rule.parent != rule.rule_id:
            parents.setdefault(rule.parent, []).append(index)
    for parent, rows in parents.items():
        for first, second in itertools.combinations(rows, 2):
            meet = reasoner.find(true=[first, second])
            if meet.answer is Answer.POSSIBLE:
                pair = (rules[first].rule_id, rules[second].rule_id)
                sentence = (
                    f"Rows {rules[first].compiled.rule.row} and {rules[second].compiled.rule.row} of {parent} meet."
                )
                yield Finding("table_overlap", Severity.NOTE, pair, sentence, meet.example)
        gap = reasoner.find(false=rows)
        if gap.answer is Answer.POSSIBLE:
            names = tuple(rules[row].rule_id for row in rows)
            sentence = f"On some requests no row of {parent} fires."
            yield Finding("table_gap", Severity.NOTE, names, sentence, gap.example)


def idle_exceptions(
    rules: Sequence[BoundRule], reasoner: Reasoner, exceptions: Sequence[RuleException], on: date
) -> Iterator[Finding]:
    """An exception that changes nothing: its rule is not there, or an allow, or a refusal that another repeats."""
    for exception in exceptions:
        if not exception.is_active(on):
            continue
        named = [index for index, rule in enumerate(rules) if exception.names(rule)]
        rule_id = exception.rule_id
        if not named:
            sentence = f"Exception {exception.exception_id} names {rule_id}, which is not in force."
            yield Finding("exception_of_nothing", Severity.ERROR, (rule_id,), sentence)
            continue
        if all(rules[index].kind is EffectKind.ALLOW for index in named):
            sentence = f"Exception {exception.exception_id} removes the permission {rule_id}: only stricter."
            yield Finding("exception_of_allow", Severity.WARNING, (rule_id,), sentence)
        for index, (second, deny) in itertools.product(named, enumerate(rules)):
            if deny.kind is not EffectKind.DENY or second in named:
                continue
            if reasoner.find(true=[index], false=[second]).answer is Answer.IMPOSSIBLE:
                what = f"wherever {rules[index].rule_id} fires, {deny.rule_id} refuses"
                sentence = f"Exception {exception.exception_id} changes nothing: {what}."
                yield Finding("exception_still_denied", Severity.WARNING, (rule_id, deny.rule_id), sentence)


def unfillable_stages(rules: Sequence[BoundRule], eligible: Callable[[str], int]) -> Iterator[Finding]:
    """Roles that a rule asks for and too few people hold: each request that it fires on could never be approved.

    Args:
        eligible: role to how many people could fill it now.
    """
    for rule in rules:
        for demand in rule.effect.roles:
            count = eligible(demand.role)
            if count < demand.quorum:
                sentence = (
                    f"{rule.rule_id} needs {demand.quorum} × {role_in_words(demand.role)}, and {count} could fill it."
                )
                yield Finding(UNFILLABLE, Severity.ERROR, (rule.rule_id,), sentence, subject=demand.role)
