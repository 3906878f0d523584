"""Fired rules to one answer. Deny wins, else people are required, else an allow permits; else a person looks.

The order of rules never matters. An indeterminate deny, require, flag or warn counts as fired, an indeterminate allow
never does, and with anything indeterminate the answer is at least REVIEW.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from governance.policy.bundle.effects import EffectKind, OnError
from governance.policy.decisions.answer import (
    AppliedException,
    Decision,
    Duty,
    MissingEvidence,
    Notice,
    Outcome,
    Requirement,
    Sample,
)
from governance.policy.decisions.fired import FiredRule
from governance.policy.decisions.policy_set import BoundRule, CompiledPolicySet, DatedRules
from governance.policy.facts.valid_facts import ValidFacts
from governance.policy.limits import COMBINED_MEMO_MAX

__all__ = [
    "AppliedException",
    "Decision",
    "Duty",
    "FiredRule",
    "MissingEvidence",
    "Notice",
    "Outcome",
    "Requirement",
    "RuleException",
    "Sample",
    "decide",
    "outcome_of",
]

EVIDENCE_FACT = "request.evidence_kinds"


@dataclass(frozen=True, slots=True)
class RuleException:
    """An approved exception: it removes exactly the named rule's effect, while it lasts.

    Attributes:
        rule_id: a rule, or the parent of a table to name all its rows.
        starts_on, expires_on: half-open; it no longer counts on the day it expires.

    Whether the request is within the exception's scope (project, team) is checked by whoever passes it in.
    """

    exception_id: str
    rule_id: str
    reason: str
    approved_by: tuple[str, ...]
    starts_on: date
    expires_on: date

    def is_active(self, on: date) -> bool:
        return self.starts_on <= on < self.expires_on

    def names(self, rule: BoundRule) -> bool:
        return self.rule_id in (rule.rule_id, rule.parent)


@dataclass(frozen=True, slots=True)
class _Combined:
    """What one combination of fired rules comes to, whatever the values were."""

    outcome: Outcome
    counted: tuple[tuple[BoundRule, bool], ...]
    requirements: tuple[Requirement, ...]
    evidence: tuple[MissingEvidence, ...]
    obligations: tuple[Duty, ...]
    has_notices: bool
    indeterminate: tuple[str, ...]
    permitted_by: tuple[str, ...]
    sample: Sample | None


def decide(
    policy_set: CompiledPolicySet,
    facts: Mapping[str, Any],
    *,
    on: date,
    exceptions: Sequence[RuleException] = (),
) -> Decision:
    """Judge facts under a policy set.

    Args:
        facts: what `validate_facts` made; any other mapping is checked first, under the set's own schema. A gap makes
            the rules that read it indeterminate, never quietly false, and the answer at least REVIEW.
        on: the day whose parameters and effective dates hold.
        exceptions: exceptions whose scope covers the request; inactive ones are passed over.

    Raises:
        FactError: the facts are not those of the schema.
    """
    valid = facts if type(facts) is ValidFacts and facts.schema is policy_set.schema else _checked(policy_set, facts)
    known = valid._known
    combined, applied = _judge(policy_set.at(on), known, exceptions, on)
    if valid.gaps and combined.outcome is Outcome.ALLOW:
        # Invariant: what could not be read never lets a request pass without a person, even if no rule looks at it.
        combined = replace(combined, outcome=Outcome.REVIEW, sample=None)
    get = known.get
    fired = tuple(
        [FiredRule(rule, {name: get(name) for name in rule.facts}, unsure) for rule, unsure in combined.counted]
    )
    flags, warnings = _notices(fired, combined) if combined.has_notices else ((), ())
    return Decision(
        outcome=combined.outcome,
        fired=fired,
        requirements=combined.requirements,
        flags=flags,
        warnings=warnings,
        obligations=combined.obligations,
        evidence_missing=_missing(combined.evidence, known) if combined.evidence else (),
        exceptions_applied=applied,
        indeterminate=combined.indeterminate,
        permitted_by=combined.permitted_by,
        sample=combined.sample,
        policy_digest=policy_set.digest,
    )


def outcome_of(
    policy_set: CompiledPolicySet,
    facts: Mapping[str, Any],
    *,
    on: date,
    exceptions: Sequence[RuleException] = (),
) -> Outcome:
    """Only what `decide` comes to, for whoever asks hundreds of times: no reasons are gathered.

    Raises:
        FactError: as `decide`.
    """
    valid = facts if type(facts) is ValidFacts and facts.schema is policy_set.schema else _checked(policy_set, facts)
    outcome = _judge(policy_set.at(on), valid._known, exceptions, on)[0].outcome
    return Outcome.REVIEW if valid.gaps and outcome is Outcome.ALLOW else outcome


def _checked(policy_set: CompiledPolicySet, facts: Mapping[str, Any]) -> ValidFacts:
    """Facts that nobody has checked under this schema yet. A gap of facts that were stays one."""
    if type(facts) is ValidFacts:
        return ValidFacts.with_gaps(facts, policy_set.schema)
    return ValidFacts(facts, policy_set.schema)


def _judge(
    dated: DatedRules, facts: Mapping[str, Any], exceptions: Sequence[RuleException], on: date
) -> tuple[_Combined, tuple[AppliedException, ...]]:
    mask = dated.fired_mask(facts)
    removed, applied = _apply_exceptions(dated, mask, exceptions, on) if exceptions else (0, ())
    combined: _Combined | None = dated.memo.get((mask, removed))
    if combined is None:
        combined = _combine(dated, mask, removed)
        if len(dated.memo) >= COMBINED_MEMO_MAX:
            dated.memo.clear()
        dated.memo[(mask, removed)] = combined
    return combined, applied


def _apply_exceptions(
    dated: DatedRules, mask: int, exceptions: Sequence[RuleException], on: date
) -> tuple[int, tuple[AppliedException, ...]]:
    """Bits of the rules whose effect is taken away, and by what. Only rules that would have counted are listed."""
    removed = 0
    applied: list[AppliedException] = []
    for exception in sorted(exceptions, key=lambda each: each.exception_id):
        if not exception.is_active(on):
            continue
        for rule in dated.rules:
            is_counted = mask >> rule.index & 1 or mask >> (rule.index + len(dated.rules)) & 1
            if is_counted and exception.names(rule) and not removed >> rule.index & 1:
                removed |= 1 << rule.index
                applied.append(
                    AppliedException(
                        exception_id=exception.exception_id,
                        rule_id=rule.rule_id,
                        reason=exception.reason,
                        approved_by=exception.approved_by,
                        expires_on=exception.expires_on,
                    )
                )
    return removed, tuple(applied)


def _combine(dated: DatedRules, mask: int, removed: int) -> _Combined:
    counted: list[tuple[BoundRule, bool]] = []
    unsure_ids: list[str] = []
    is_refused_by_error = False
    for rule in dated.rules:
        is_unsure = bool(mask >> (rule.index + len(dated.rules)) & 1)
        if is_unsure:
            unsure_ids.append(rule.rule_id)
        if removed >> rule.index & 1:
            continue
        if mask >> rule.index & 1 or (is_unsure and rule.kind is not EffectKind.ALLOW):
            counted.append((rule, is_unsure))
        if is_unsure and rule.on_error is OnError.DENY:
            is_refused_by_error = True
            if rule.kind is EffectKind.ALLOW:
                # Listed, so that the refusal names its rule; it permits nothing.
                counted.append((rule, True))
    counted.sort(key=lambda pair: pair[0].rule_id)
    rules = [rule for rule, _ in counted]
    permitted_by = tuple(rule.rule_id for rule, unsure in counted if rule.kind is EffectKind.ALLOW and not unsure)
    requirements = _requirements(rules)
    # Strictest first. Deny wins; then people; then whatever could not be judged; then whether anything permits.
    if is_refused_by_error or any(rule.kind is EffectKind.DENY for rule in rules):
        outcome = Outcome.DENY
    elif requirements or unsure_ids or not permitted_by:
        outcome = Outcome.REVIEW
    else:
        outcome = Outcome.ALLOW
    return _Combined(
        outcome=outcome,
        counted=tuple(counted),
        requirements=requirements if outcome is Outcome.REVIEW else (),
        evidence=_evidence(rules) if outcome is Outcome.REVIEW else (),
        obligations=tuple(
            Duty(obligation.code, dict(obligation.values), rule.rule_id)
            for rule in rules
            for obligation in rule.effect.obligations
        )
        if outcome is not Outcome.DENY
        else (),
        has_notices=any(rule.kind in (EffectKind.FLAG, EffectKind.WARN) for rule in rules),
        indeterminate=tuple(sorted(unsure_ids)),
        permitted_by=permitted_by,
        sample=_sample(rules) if outcome is Outcome.ALLOW else None,
    )


def _requirements(rules: Iterable[BoundRule]) -> tuple[Requirement, ...]:
    """Union over the rules: per role the largest quorum, the latest stage, the nearest due date."""
    merged: dict[str, Requirement] = {}
    for rule in rules:
        due = rule.effect.due_working_days
        for demand in rule.effect.roles:
            before = merged.get(demand.role)
            if before is None:
                merged[demand.role] = Requirement(demand.role, demand.quorum, demand.stage, due, (rule.rule_id,))
                continue
            dues = [days for days in (before.due_working_days, due) if days is not None]
            merged[demand.role] = Requirement(
                role=demand.role,
                quorum=max(before.quorum, demand.quorum),
                stage=max(before.stage, demand.stage),
                due_working_days=min(dues) if dues else None,
                rule_ids=(*before.rule_ids, rule.rule_id),
            )
    return tuple(sorted(merged.values(), key=lambda each: (each.stage, each.role)))


def _evidence(rules: Iterable[BoundRule]) -> tuple[MissingEvidence, ...]:
    """Every kind of evidence that some rule waits for, present or not."""
    wanted: dict[str, list[str]] = {}
    for rule in rules:
        for kind in rule.effect.evidence:
            wanted.setdefault(kind, []).append(rule.rule_id)
    return tuple(MissingEvidence(kind, tuple(ids)) for kind, ids in sorted(wanted.items()))


def _missing(wanted: tuple[MissingEvidence, ...], facts: Mapping[str, Any]) -> tuple[MissingEvidence, ...]:
    linked = facts.get(EVIDENCE_FACT) or ()
    return tuple(each for each in wanted if each.kind not in linked)


def _sample(rules: Iterable[BoundRule]) -> Sample | None:
    """The largest share that any permitting rule asks for."""
    sampling = [rule for rule in rules if isinstance(rule.effect.sample_ratio, float) and rule.effect.sample_ratio > 0]
    if not sampling:
        return None
    dues = [days for rule in sampling if (days := rule.effect.sample_due_working_days) is not None]
    return Sample(
        ratio=max(float(rule.effect.sample_ratio or 0) for rule in sampling),
        due_working_days=min(dues) if dues else None,
        rule_ids=tuple(rule.rule_id for rule in sampling),
    )


def _notices(fired: tuple[FiredRule, ...], combined: _Combined) -> tuple[tuple[Notice, ...], tuple[Notice, ...]]:
    flags: list[Notice] = []
    warnings: list[Notice] = []
    for (rule, _), fired_rule in zip(combined.counted, fired, strict=True):
        if rule.kind in (EffectKind.FLAG, EffectKind.WARN):
            notice = Notice(rule.effect.code or rule.parent.lower(), fired_rule, rule.effect.notify)
            (flags if rule.kind is EffectKind.FLAG else warnings).append(notice)
    return tuple(flags), tuple(warnings)
