"""The words of `manage.py policy` that change nothing: each takes options and returns an exit code and plain values."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import DatabaseError
from django.utils import timezone

from governance.display import numbers
from governance.domain.errors import NoActivePolicy
from governance.domain.rules.backtest_result import effects_in_words
from governance.management.policy import sources
from governance.management.policy.sources import NoSource, load_all, read_sources
from governance.management.policy.word_lists import plain_of
from governance.policy.analysis.checks import check_policy_set, unfillable_stages
from governance.policy.analysis.differences import differences
from governance.policy.analysis.findings import Finding, Severity
from governance.policy.analysis.solver import is_installed
from governance.policy.authoring.review import example_in_words
from governance.policy.bundle.bundle_model import Bundle
from governance.policy.bundle.testing import failures_of, missing_cases, run_bundle_tests
from governance.policy.decisions.answer import Decision
from governance.policy.decisions.counterfactual import nearest_allowed
from governance.policy.decisions.decision import decide
from governance.policy.decisions.explain import explain_leaf
from governance.policy.decisions.plain_words import rule_in_words, waiting_in_words
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set
from governance.policy.decisions.wording import role_in_words
from governance.policy.errors import PolicyError
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts_schema import facts_from_json, validate_facts
from governance.policy.facts.units import KNOWN_UNITS
from governance.policy.facts.waiting import waiting_of
from governance.selectors.record import replay
from governance.selectors.rules import policies, policy_checks
from governance.selectors.rules.backtests import backtests
from governance.selectors.rules.policy_checks import StoredFinding
from governance.selectors.rules.role_seats import has_holders, seats_by_role

# What a shell sees: everything in order, something found, could not be done.
FINE, FOUND, UNUSABLE = 0, 1, 2
FACTS_BYTES_MAX = 1_000_000
DIFFERENCES_SHOWN_MAX = 20


@dataclass(slots=True)
class Report:
    """What a word has to say, for people and for programs."""

    code: int = FINE
    lines: list[str] = field(default_factory=list)
    plain: dict[str, Any] = field(default_factory=dict)


def _refused(errors: Sequence[PolicyError]) -> Report:
    return Report(FOUND, [str(error) for error in errors], {"errors": [error.to_json() for error in errors]})


def _compiled(
    places: list[str], *, is_check: bool = False
) -> tuple[list[Bundle], CompiledPolicySet | None, list[PolicyError]]:
    bundles, errors = load_all(read_sources(places), is_check=is_check)
    if errors:
        return bundles, None, errors
    try:
        return bundles, compile_policy_set(bundles), []
    except PolicyError as error:
        return bundles, None, [error]


def check(places: list[str], *, on: date, strict: bool) -> Report:
    """Everything that can be known without a single ask: types, words, units, guards, contradictions, empty stages."""
    bundles, policy_set, errors = _compiled(places, is_check=True)
    if policy_set is None:
        return _refused(errors)
    findings = [*check_policy_set(policy_set, on=on)]
    unsaid = _empty_stages(policy_set, places, findings, on=on)
    counted = [each for each in findings if each.severity is not Severity.NOTE]
    is_bad = any(each.severity is Severity.ERROR for each in counted) or (strict and bool(counted))
    solver = "with z3" if is_installed() else "without z3 (install the extra `analysis` for deeper ones)"
    lines = [f"{each.severity.value}: {each.sentence} [{each.code}]" for each in counted]
    waiting = {rule.rule_id: found for rule in policy_set.at(on).rules if (found := waiting_of(rule)) is not None}
    lines += [f"waiting: {rule_id}: {waiting_in_words(found)}" for rule_id, found in waiting.items()]
    notes = len(findings) - len(counted)
    rules = sum(len(bundle.rules) for bundle in bundles)
    lines += [f"note: {unsaid}"] if unsaid else []
    lines.append(f"{len(bundles)} bundles, {rules} rules, {len(counted)} findings and {notes} notes, {solver}.")
    return Report(
        FOUND if is_bad else FINE,
        lines,
        {
            "digest": policy_set.digest,
            "bundles": {bundle.name: bundle.content_hash for bundle in bundles},
            "findings": [each.to_json() for each in findings],
            "waiting": [
                {"rule": rule_id, "facts": [fact.name for fact in found.facts], "whole": found.is_whole}
                for rule_id, found in waiting.items()
            ],
            "solver": is_installed(),
            "errors": [],
        },
    )


def _empty_stages(policy_set: CompiledPolicySet, places: list[str], findings: list[Finding], *, on: date) -> str:
    """Put stages that nobody could fill before the other findings, those apart that an exception lets stand.

    Returns:
        why nothing can be said of stages; empty when it can.
    """
    now = timezone.now()
    try:
        if not has_holders(now=now):
            return "nobody holds a role that decides yet, so whether each stage could be filled was not looked at"
        versions = [source.version_id for source in read_sources(places) if source.version_id is not None]
        excused = policy_checks.excused_stages(versions, now=now)
        found = unfillable_stages(policy_set.at(on).rules, seats_by_role(now=now))
    except (DatabaseError, RuntimeError):
        return "no database answers: words are checked with what comes with the product, stages are not looked at"
    findings[:0] = [each for each in dict.fromkeys(found) if StoredFinding.of(each).key not in excused]
    return ""


def known_words() -> Report:
    """The closed sets of this installation."""
    vocabulary, is_own = sources.known_words()
    lines = [f"{name}: {', '.join(sorted(each.words)) or 'none'}" for name, each in sorted(vocabulary.sets.items())]
    if not is_own:
        lines.insert(0, "No database answers: these come with the product.")
    return Report(FINE, [*lines, f"unit: {', '.join(KNOWN_UNITS)}"], {"words": plain_of(vocabulary), "errors": []})


def test(places: list[str]) -> Report:
    """The cases that the bundles carry, and which ones they lack."""
    bundles, _, errors = _compiled(places)
    if errors:
        return _refused(errors)
    report = Report()
    plain: list[dict[str, Any]] = []
    for bundle in bundles:
        results = run_bundle_tests(bundle)
        failures = failures_of(results)
        lacking = {rule: [case.value for case in cases] for rule, cases in missing_cases(bundle).items()}
        report.lines += [f"{bundle.name}: {failure}" for failure in failures]
        report.lines += [f"{bundle.name}: {rule} has no case {', '.join(cases)}" for rule, cases in lacking.items()]
        report.lines.append(f"{bundle.name}: {len(results) - len(failures)} of {len(results)} cases pass.")
        plain.append({"name": bundle.name, "cases": len(results), "failures": failures, "missing": lacking})
        if failures or lacking:
            report.code = FOUND
    report.plain = {"bundles": plain, "errors": []}
    return report


def diff(old: list[str], new: list[str], *, on: date) -> Report:
    """What changes from one to the other, each with a request that shows it."""
    _, before, errors = _compiled(old)
    _, after, more = _compiled(new)
    if before is None or after is None:
        return _refused([*errors, *more])
    found = differences(before, after, on=on)
    lines: list[str] = []
    for each in found:
        lines.append(f"{each.rule_id}: {each.change}" + (", means the same" if each.is_same_everywhere else ""))
        lines += [f"  - {each.before}"] if each.before else []
        lines += [f"  + {each.after}"] if each.after else []
        if each.example is not None and each.outcomes is not None:
            facts = example_in_words(each.example, after.schema.by_name)
            lines.append(f"  {each.outcomes[0]} becomes {each.outcomes[1]} on {facts}")
    lines.append(f"{len(found)} differences." if found else "The rules are the same.")
    plain = {"differences": [each.to_json() for each in found], "same": before.digest == after.digest, "errors": []}
    return Report(FOUND if found else FINE, lines, plain)


def explain(places: list[str], *, facts_file: str | None, on: date) -> Report:
    """The rules in plain words; with facts, the decision and its reasons."""
    _, policy_set, errors = _compiled(places)
    if policy_set is None:
        return _refused(errors)
    if facts_file is None:
        words = {rule.rule_id: rule_in_words(rule) for rule in policy_set.at(on).rules}
        return Report(FINE, [f"{rule_id}: {text}" for rule_id, text in words.items()], {"rules": words, "errors": []})
    try:
        given = {**plain_facts(), **facts_from_json(_read_facts(facts_file))}
        facts = validate_facts({name: value for name, value in given.items() if value is not None})
    except PolicyError as error:
        return _refused([error])
    decision = decide(policy_set, facts, on=on)
    nearest = nearest_allowed(policy_set, facts, on=on)
    lines = [f"{decision.outcome.value}: {len(decision.fired)} rules fired.", *_reasons(decision)]
    if nearest is not None:
        changes = "; ".join(change.sentence for change in nearest.changes)
        lines.append(f"Nearest change to {nearest.outcome.value}: {changes}.")
    plain: dict[str, Any] = {
        "decision": decision.to_json(),
        "nearest": nearest.to_json() if nearest else None,
        "errors": [],
    }
    return Report(FINE, lines, plain)


def _reasons(decision: Decision) -> list[str]:
    lines: list[str] = []
    for fired in decision.fired:
        lines.append(f"{fired.rule_id} ({fired.effect}): {fired.message}")
        lines += [f"    {explain_leaf(leaf)}" for leaf in fired.leaves]
    lines += [f"needs {each.quorum} × {each.role} in stage {each.stage}" for each in decision.requirements]
    return lines


def _read_facts(name: str) -> dict[str, Any]:
    """Facts as JSON from a file or, with `-`, from standard input; over the plain request, null takes one away."""
    try:
        text = sys.stdin.read(FACTS_BYTES_MAX) if name == "-" else Path(name).read_text(encoding="utf-8")
        plain = json.loads(text)
    except (OSError, ValueError) as error:
        raise NoSource(f"`{name}` holds no facts: {error}") from error
    if not isinstance(plain, dict):
        raise NoSource(f"`{name}` holds no facts: a JSON object is expected")
    return plain


def replay_stored(*, limit: int | None) -> Report:
    """Stored decisions judged again under the rules of their day."""
    total, differing, unknown = 0, [], 0
    for each in replay.replay(limit=limit):
        total += 1
        if each.differences is None:
            unknown += 1
        elif each.differences:
            differing.append(each)
    lines = [
        f"decision {each.assessment_id}: {', '.join(each.differences or {})} came out differently"
        for each in differing[:DIFFERENCES_SHOWN_MAX]
    ]
    lost = f"{unknown} with rules that are not stored"
    lines.append(f"{total} decisions judged again, {len(differing)} differences, {lost}.")
    plain = {
        "replayed": total,
        "differences": [{"id": each.assessment_id, "fields": sorted(each.differences or {})} for each in differing],
        "unknown_rules": unknown,
        "errors": [],
    }
    return Report(FOUND if differing or unknown else FINE, lines, plain)


def backtest(places: list[str], *, on: date, now: datetime) -> Report:
    """A draft against every stored decision: what would have come out, and what flips. Exceptions hold as they did."""
    _, policy_set, errors = _compiled(places)
    if policy_set is None:
        return _refused(errors)
    try:
        today = policies.active_policy()
    except NoActivePolicy:
        today = None
    compared = backtests.compared_with(policy_set, today=today, on=on, until=now)
    matrix = compared.matrix
    rows = matrix.rows()
    empty = sorted(compared.unfillable.items(), key=lambda each: -each[1])
    lines = [
        f"{numbers.count(count)} would wait for {role_in_words(role)}: more people than hold the role"
        for role, count in empty
    ]
    lines += [f"{old.value:>6} to {new.value:<6} {numbers.count(count):>12}" for old, new, count in rows if count]
    lines += [
        f"{numbers.count(count)} {words}, beside the rules in force"
        for _, count, words in effects_in_words(compared.effects)
    ]
    others = (
        f", {numbers.count(compared.effect_rows)} more would change beside their outcome"
        if compared.effect_rows
        else ""
    )
    lines.append(
        f"{numbers.count(matrix.total)} stored decisions, {numbers.count(matrix.flipped)} would have come out "
        f"differently{others}."
    )
    plain = {
        "total": matrix.total,
        "flipped": matrix.flipped,
        "effects": compared.effects,
        "effect_rows": compared.effect_rows,
        "unfillable": compared.unfillable,
        "matrix": [{"old": old.value, "new": new.value, "count": count} for old, new, count in rows],
        "errors": [],
    }
    return Report(FINE, lines, plain)
