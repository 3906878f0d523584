"""What a change of a bundle means, before it is stored: sentences before and after, cases, findings, limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any

from governance.policy.analysis.checks import check_policy_set
from governance.policy.analysis.findings import Finding
from governance.policy.authoring.boundaries import propose_cases
from governance.policy.authoring.marking import Marked, Piece, mark_difference
from governance.policy.bundle.bundle_model import Bundle, RuleTest
from governance.policy.bundle.testing import CaseResult, day_of, run_bundle_tests
from governance.policy.decisions.plain_words import rule_in_words
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set
from governance.policy.decisions.wording import format_value
from governance.policy.facts.examples import plain_facts

FOUND_BUNDLES_MAX = 16


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule that means something else, or says it otherwise.

    Attributes:
        kind: "changed", "added", "removed" or "wording".
        since: the first day on which the two differ.
        before, after: its sentence then and now, with marks; () where there is none.
        example: a request that shows it, where one was looked for and found; `outcomes`: what it comes to then and now.
    """

    rule_id: str
    title: str
    kind: str
    since: date
    before: Marked
    after: Marked
    example: str = ""
    outcomes: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class FailingCase:
    """A case that does not come out as it says.

    Attributes:
        given: the request as half a sentence.
        was_failing: it did not before either.
    """

    case: RuleTest
    failures: tuple[str, ...]
    given: str
    was_failing: bool


@dataclass(frozen=True, slots=True)
class Review:
    """Everything that an author looks at before a draft is stored.

    Attributes:
        stays: how many rules are as they were.
        passing: cases that come out as they say; `failing` the others, new failures first.
        findings: static findings that the change brings; `settled`: those that it does away with.
        proposed: boundary cases that the bundle lacks.
    """

    changes: tuple[RuleChange, ...]
    stays: int
    passing: int
    failing: tuple[FailingCase, ...]
    findings: tuple[Finding, ...]
    settled: tuple[Finding, ...]
    proposed: tuple[RuleTest, ...]
    on: date

    @property
    def newly_failing(self) -> tuple[FailingCase, ...]:
        return tuple(each for each in self.failing if not each.was_failing)


def review_change(
    old: Bundle, new: Bundle, *, on: date, params: frozenset[str] | None = None, is_dated: bool = False
) -> Review:
    """Compare two bundles of one set.

    Args:
        on: the day from which the change is meant.
        params: parameters that were changed; boundary cases are proposed for their limits. None: for those of every
            rule that changed.
        is_dated: the change begins on `on`; cases without a day of their own are then judged on it.
    """
    # What is stored is read as it stands: a word that is gone since is what the author is about to mend.
    old = replace(old, vocabulary=None)
    before, after = compile_policy_set([old]), compile_policy_set([new])
    changes = rule_changes(before, after, on=on)
    touched = frozenset(change.rule_id for change in changes if change.kind in ("changed", "added"))
    then = _failures(old, before, on if is_dated else None)
    results = run_bundle_tests(_on_day(new, on if is_dated else None), after)
    # Cases are told by the bundle's own ones, not by the copies that were judged on another day.
    failing = [
        FailingCase(case, result.failures, result.given, (case.rule, case.name) in then)
        for case, result in zip(new.tests, results, strict=True)
        if not result.passed
    ]
    old_findings, new_findings = (findings_of(each, on=on) for each in (old, new))
    return Review(
        changes=changes,
        stays=len(after.rules) - len(touched),
        passing=len(results) - len(failing),
        failing=tuple(sorted(failing, key=lambda each: each.was_failing)),
        findings=tuple(each for each in new_findings if each not in old_findings),
        settled=tuple(each for each in old_findings if each not in new_findings),
        proposed=propose_cases(new, after, on=on, params=params, rules=touched) if touched else (),
        on=on,
    )


def findings_of(bundle: Bundle, *, on: date) -> tuple[Finding, ...]:
    """What the checks without the solver find in one bundle alone on a day.

    Remembered by content: an editor asks about the same stored bundle with every key that is pressed.

    Raises:
        PolicyError: the bundle does not compile.
    """
    return _found(_Asked(bundle.content_hash, on, bundle))


@dataclass(frozen=True, slots=True)
class _Asked:
    content_hash: str
    on: date
    bundle: Bundle = field(compare=False)


@lru_cache(maxsize=FOUND_BUNDLES_MAX)
def _found(asked: _Asked) -> tuple[Finding, ...]:
    return check_policy_set(compile_policy_set([asked.bundle]), on=asked.on, use_solver=False)


def _on_day(bundle: Bundle, day: date | None) -> Bundle:
    """The bundle with its undated cases on a day, where that is later than their own."""
    if day is None:
        return bundle
    tests = tuple(each if each.on else replace(each, on=max(day, day_of(bundle, each))) for each in bundle.tests)
    return replace(bundle, tests=tests)


def _failures(bundle: Bundle, policy_set: CompiledPolicySet, day: date | None) -> set[tuple[str, str]]:
    results: Sequence[CaseResult] = run_bundle_tests(_on_day(bundle, day), policy_set)
    return {(each.test.rule, each.test.name) for each in results if not each.passed}


def rule_changes(before: CompiledPolicySet, after: CompiledPolicySet, *, on: date) -> tuple[RuleChange, ...]:
    """Rules that differ, in the order of the new bundle, those that are gone last."""
    olds = {rule.rule_id: rule for rule in before.rules}
    news = {rule.rule_id: rule for rule in after.rules}
    days = sorted({on, *(day for day in (*before.changes, *after.changes) if day > on)})
    found: list[RuleChange] = []
    for rule_id, rule in news.items():
        old = olds.get(rule_id)
        if old is None:
            said = _sentence(after, rule_id, days)
            found.append(RuleChange(rule_id, rule.rule.title, "added", on, (), (Piece(said, "new"),)))
        elif old.digest != rule.digest:
            found.append(_changed(before, after, rule_id, days))
        elif (old.rule.message, old.rule.title) != (rule.rule.message, rule.rule.title):
            one, other = (f"{each.rule.title}: “{each.rule.message}”" for each in (old, rule))
            found.append(RuleChange(rule_id, rule.rule.title, "wording", on, *mark_difference(one, other)))
    for rule_id, old in olds.items():
        if rule_id not in news:
            said = _sentence(before, rule_id, days)
            found.append(RuleChange(rule_id, old.rule.title, "removed", on, (Piece(said, "gone"),), ()))
    return tuple(found)


def _changed(before: CompiledPolicySet, after: CompiledPolicySet, rule_id: str, days: Sequence[date]) -> RuleChange:
    """The first day on which the two read differently; the first day when no sentence shows it."""
    title = next(rule.rule.title for rule in after.rules if rule.rule_id == rule_id)
    for day in days:
        one, other = _sentence(before, rule_id, [day]), _sentence(after, rule_id, [day])
        if one != other:
            return RuleChange(rule_id, title, "changed", day, *mark_difference(one, other))
    said = _sentence(after, rule_id, days)
    return RuleChange(rule_id, title, "changed", days[0], (Piece(said),), (Piece("written otherwise; reads the same"),))


def _sentence(policy_set: CompiledPolicySet, rule_id: str, days: Iterable[date]) -> str:
    for day in days:
        for rule in policy_set.at(day).rules:
            if rule.rule_id == rule_id:
                return rule_in_words(rule)
    return "not in force"


def example_in_words(
    example: Mapping[str, Any], facts: Mapping[str, Any], base: Mapping[str, Any] | None = None
) -> str:
    """A request by what sets it apart from the plain one: “exposure usd 25,000.01 USD, window days absent”.

    Args:
        facts: the schema's facts by name.
        base: what it is told apart from; the plain request when None.
    """
    ground = plain_facts() if base is None else base
    parts = []
    for name in [*example, *(name for name in ground if name not in example)]:
        if name not in facts or (name in example and name in ground and example[name] == ground[name]):
            continue
        said = format_value(example[name], facts[name].unit) if name in example else "unknown"
        parts.append(f"{name} {said}")
    return ", ".join(parts) or "the plain request"
