"""Run the cases that a bundle carries, and say which of them a rule still lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from governance.policy.bundle.bundle_model import Bundle, CaseKind, RuleTest
from governance.policy.decisions.decision import Decision, decide
from governance.policy.decisions.plain_words import facts_in_words, people_in_words
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.valid_facts import ValidFacts

# Cases that do not say a day are judged on this one, so that a result never depends on when it is run.
DEFAULT_DAY = date(2026, 11, 25)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: passed, or the sentences that say what was expected and what came.

    Attributes:
        given: of a case that failed, the request as half a sentence: `the request's exposure is 2,500.01 USD`.
    """

    test: RuleTest
    failures: tuple[str, ...]
    given: str = ""

    @property
    def passed(self) -> bool:
        return not self.failures


def run_bundle_tests(bundle: Bundle, policy_set: CompiledPolicySet | None = None) -> tuple[CaseResult, ...]:
    """Judge every case of a bundle under that bundle alone.

    Args:
        policy_set: a set to judge under instead, e.g. a changed copy of the bundle.
    """
    compiled = policy_set or compile_policy_set([bundle])
    return tuple(_run(bundle, test, compiled) for test in bundle.tests)


def _run(bundle: Bundle, test: RuleTest, compiled: CompiledPolicySet) -> CaseResult:
    facts = ValidFacts.with_gaps(ask_of(bundle, test.facts, test.absent), compiled.schema)
    decision = decide(compiled, facts, on=day_of(bundle, test))
    failures = tuple(_compare(test, decision))
    given = facts_in_words({**bundle.fixture, **test.facts}, test.absent, bundle.schema.by_name) if failures else ""
    return CaseResult(test=test, failures=failures, given=given)


def ask_of(bundle: Bundle, facts: Mapping[str, Any], absent: Iterable[str] = ()) -> dict[str, Any]:
    """The bundle's plain request with some facts in the place of its own, and some taken away."""
    whole = {**plain_facts(), **bundle.fixture, **facts}
    for name in absent:
        whole.pop(name, None)
    return whole


def day_of(bundle: Bundle, test: RuleTest) -> date:
    """The day a case is judged on: its own, else a fixed one on which the bundle rules and its parameters hold."""
    if test.on is not None:
        return test.on
    starts = [param.values[0].start for param in bundle.params]
    day = max([DEFAULT_DAY, *starts, *([bundle.effective_from] if bundle.effective_from else [])])
    return min(day, bundle.effective_to - timedelta(days=1)) if bundle.effective_to else day


def _compare(test: RuleTest, decision: Decision) -> list[str]:
    failures: list[str] = []
    fires = any(fired.rule_id == test.rule for fired in decision.fired)
    if fires is not test.fires:
        failures.append(f"`{test.rule}` {'fired and should not' if fires else 'did not fire and should'}")
    if test.outcome is not None and decision.outcome.value != test.outcome:
        failures.append(f"the outcome is {decision.outcome.value}, expected {test.outcome}")
    if test.requires is not None:
        required = {each.role: each.quorum for each in decision.requirements}
        if required != dict(test.requires):
            failures.append(f"{people_in_words(required)} must agree, expected {people_in_words(test.requires)}")
    return failures


def missing_cases(bundle: Bundle) -> dict[str, tuple[CaseKind, ...]]:
    """What activation still wants: per row a firing and a non-firing case, per rule one at the line and one absent."""
    missing: dict[str, tuple[CaseKind, ...]] = {}
    for rule in bundle.rules:
        own = {test.case for test in bundle.tests if test.rule == rule.id}
        fires = {test.fires for test in bundle.tests if test.rule == rule.id}
        of_parent = _cases_of_parent(bundle, rule.parent)
        lacking = [case for case, want in ((CaseKind.FIRING, True), (CaseKind.NON_FIRING, False)) if want not in fires]
        lacking += [case for case in (CaseKind.AT_LINE, CaseKind.ABSENT) if case not in of_parent | own]
        if lacking:
            missing[rule.id] = tuple(lacking)
    return missing


def _cases_of_parent(bundle: Bundle, parent: str) -> set[CaseKind]:
    members = {rule.id for rule in bundle.rules if rule.parent == parent}
    return {test.case for test in bundle.tests if test.rule in members}


def failures_of(results: Sequence[CaseResult]) -> list[str]:
    """One line per failed case: its name, what came instead, and of which ask."""
    return [
        f"{result.test.name}: {'; '.join(result.failures)}, where {result.given}"
        for result in results
        if not result.passed
    ]
