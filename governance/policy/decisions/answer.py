"""The answer to one set of facts: outcome, reasons, people, duties. Values only; made by `decision.decide`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from governance.policy.bundle.effects import EffectKind, Outcome
from governance.policy.decisions.fired import FiredRule


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
        permitted_by: allow rules that fired. REVIEW with no requirement and none of these: nothing permits the request.
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
        """A person looks only because no rule permits the request."""
        return self.outcome is Outcome.REVIEW and not self.requirements and not self.permitted_by

    def to_json(self) -> dict[str, Any]:
        """Plain values; sentences included."""
        return decision_to_json(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Decision:
        """Read what `to_json` wrote."""
        return decision_from_json(plain)


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
