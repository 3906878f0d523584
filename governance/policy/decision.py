"""Fired rules to one answer. Deny wins, else people are required, else an allow permits; else a person looks.

The order of rules never matters. An indeterminate deny, require, flag or warn counts as fired, an indeterminate allow
never does, and with anything indeterminate the answer is at least REVIEW.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from governance.policy.effects import EffectKind, Obligation, OnError
from governance.policy.fired import FiredRule
from governance.policy.limits import COMBINED_MEMO_MAX
from governance.policy.policy_set import BoundRule, CompiledPolicySet, DatedRules

EVIDENCE_FACT = "request.evidence_kinds"


class Outcome(StrEnum):
    """ALLOW < REVIEW < DENY; the strictest wins."""

    ALLOW = "allow"
    REVIEW = "review"
    DENY = "deny"

    @property
    def strictness(self) -> int:
        return {"allow": 0, "review": 1, "deny": 2}[self.value]


@dataclass(frozen=True, slots=True)
class Requirement:
    """So many distinct people of a role. Stages run in order; equal ones at the same time."""

    role: str
    quorum: int
    stage: int
    due_working_days: int | None
    rule_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A flag or a warning: it tells people and stops nothing. Its sentence is that of the rule."""

    code: str
    rule: FiredRule
    notify: tuple[str, ...] = ()

    @property
    def rule_id(self) -> str:
        return self.rule.rule_id

    @property
    def message(self) -> str:
        return self.rule.message


@dataclass(frozen=True, slots=True)
class Duty:
    """An obligation that the decision brings with it, and the rule that wants it."""

    code: str
    values: Mapping[str, Any]
    rule_id: str


@dataclass(frozen=True, slots=True)
class MissingEvidence:
    """Evidence that a required stage waits for."""

    kind: str
    rule_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """Share of allowed asks that a person looks at afterwards. Who is drawn is decided outside, from the request."""

    ratio: float
    due_working_days: int | None
    rule_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleException:
    """An approved exception: it removes exactly the named rule's effect, while it lasts.

    Attributes:
        rule_id: a rule, or the parent of a table to name all its rows.
        starts_on, expires_on: half-open; it no longer counts on the day it expires.

    Whether the ask is within the exception's scope (project, team) is checked by whoever passes it in.
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
class AppliedException:
    """An exception that took away an effect in this decision."""

    exception_id: str
    rule_id: str
    reason: str
    approved_by: tuple[str, ...]
    expires_on: date


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one set of facts under one policy set on one day.

    Attributes:
        outcome: ALLOW, REVIEW or DENY.
        fired: rules whose effect counted, indeterminate ones included; without those that an exception removed.
        requirements: per role the largest quorum, the latest stage and the nearest due date. Empty unless REVIEW.
        flags, warnings: notices of fired rules.
        obligations: what a grant or a person then has to do.
        evidence_missing: evidence that required stages wait for and the request does not have.
        exceptions_applied: which exception removed which rule's effect.
        indeterminate: rules that could not be judged, allows included.
        permitted_by: allow rules that fired. REVIEW with no requirement and none of these: nothing permits the ask.
        sample: share of such allowed asks to look at afterwards; None unless ALLOW.
        policy_digest: the policy set's digest.
    """

    outcome: Outcome
    fired: tuple[FiredRule, ...]
    requirements: tuple[Requirement, ...]
    flags: tuple[Notice, ...]
    warnings: tuple[Notice, ...]
    obligations: tuple[Duty, ...]
    evidence_missing: tuple[MissingEvidence, ...]
    exceptions_applied: tuple[AppliedException, ...]
    indeterminate: tuple[str, ...]
    permitted_by: tuple[str, ...]
    sample: Sample | None
    policy_digest: str

    @property
    def denials(self) -> tuple[FiredRule, ...]:
        """The rules that refuse."""
        return tuple(rule for rule in self.fired if rule.effect == EffectKind.DENY.value)

    @property
    def is_unpermitted(self) -> bool:
        """A person looks only because no rule permits the ask."""
        return self.outcome is Outcome.REVIEW and not self.requirements and not self.permitted_by

    def to_json(self) -> dict[str, Any]:
        """Plain values; sentences included."""
        return decision_to_json(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Decision:
        """Read what `to_json` wrote."""
        return decision_from_json(plain)


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
        facts: a mapping that passed `validate_facts`. A required fact that is missing all the same makes the rules
            that read it indeterminate, never quietly false.
        on: the day whose parameters and effective dates hold.
        exceptions: exceptions whose scope covers the ask; inactive ones are passed over.
    """
    dated = policy_set.at(on)
    mask = dated.fired_mask(facts)
    removed = 0
    applied: tuple[AppliedException, ...] = ()
    if exceptions:
        removed, applied = _apply_exceptions(dated, mask, exceptions, on)
    combined = dated.memo.get((mask, removed))
    if combined is None:
        combined = _combine(dated, mask, removed)
        if len(dated.memo) >= COMBINED_MEMO_MAX:
            dated.memo.clear()
        dated.memo[(mask, removed)] = combined
    get = facts.get
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
        evidence_missing=_missing(combined.evidence, facts) if combined.evidence else (),
        exceptions_applied=applied,
        indeterminate=combined.indeterminate,
        permitted_by=combined.permitted_by,
        sample=combined.sample,
        policy_digest=policy_set.digest,
    )


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


# -- plain values


def decision_to_json(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome.value,
        "policy_digest": decision.policy_digest,
        "fired": [rule.to_json() for rule in decision.fired],
        "requirements": [
            {
                "role": each.role,
                "quorum": each.quorum,
                "stage": each.stage,
                "due_working_days": each.due_working_days,
                "rule_ids": list(each.rule_ids),
            }
            for each in decision.requirements
        ],
        "flags": [_notice_json(each) for each in decision.flags],
        "warnings": [_notice_json(each) for each in decision.warnings],
        "obligations": [
            {"code": each.code, "values": dict(each.values), "rule_id": each.rule_id} for each in decision.obligations
        ],
        "evidence_missing": [
            {"kind": each.kind, "rule_ids": list(each.rule_ids)} for each in decision.evidence_missing
        ],
        "exceptions_applied": [
            {
                "exception_id": each.exception_id,
                "rule_id": each.rule_id,
                "reason": each.reason,
                "approved_by": list(each.approved_by),
                "expires_on": each.expires_on.isoformat(),
            }
            for each in decision.exceptions_applied
        ],
        "indeterminate": list(decision.indeterminate),
        "permitted_by": list(decision.permitted_by),
        "sample": {
            "ratio": decision.sample.ratio,
            "due_working_days": decision.sample.due_working_days,
            "rule_ids": list(decision.sample.rule_ids),
        }
        if decision.sample
        else None,
    }


def _notice_json(notice: Notice) -> dict[str, Any]:
    return {
        "code": notice.code,
        "rule_id": notice.rule_id,
        "message": notice.message,
        "notify": list(notice.notify),
    }


def _notice_from(plain: Mapping[str, Any], fired: Mapping[str, FiredRule]) -> Notice:
    return Notice(plain["code"], fired[plain["rule_id"]], tuple(plain["notify"]))


def decision_from_json(plain: Mapping[str, Any]) -> Decision:
    sample = plain["sample"]
    fired = tuple(FiredRule.from_json(each) for each in plain["fired"])
    by_id = {rule.rule_id: rule for rule in fired}
    return Decision(
        outcome=Outcome(plain["outcome"]),
        fired=fired,
        requirements=tuple(
            Requirement(each["role"], each["quorum"], each["stage"], each["due_working_days"], tuple(each["rule_ids"]))
            for each in plain["requirements"]
        ),
        flags=tuple(_notice_from(each, by_id) for each in plain["flags"]),
        warnings=tuple(_notice_from(each, by_id) for each in plain["warnings"]),
        obligations=tuple(Duty(each["code"], each["values"], each["rule_id"]) for each in plain["obligations"]),
        evidence_missing=tuple(
            MissingEvidence(each["kind"], tuple(each["rule_ids"])) for each in plain["evidence_missing"]
        ),
        exceptions_applied=tuple(
            AppliedException(
                each["exception_id"],
                each["rule_id"],
                each["reason"],
                tuple(each["approved_by"]),
                date.fromisoformat(each["expires_on"]),
            )
            for each in plain["exceptions_applied"]
        ),
        indeterminate=tuple(plain["indeterminate"]),
        permitted_by=tuple(plain["permitted_by"]),
        sample=Sample(sample["ratio"], sample["due_working_days"], tuple(sample["rule_ids"])) if sample else None,
        policy_digest=plain["policy_digest"],
    )


__all__ = [
    "AppliedException",
    "Decision",
    "Duty",
    "FiredRule",
    "MissingEvidence",
    "Notice",
    "Obligation",
    "Outcome",
    "Requirement",
    "RuleException",
    "Sample",
    "decide",
]
