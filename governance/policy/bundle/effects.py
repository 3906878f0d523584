"""What a rule does when it fires: deny, require people, flag, warn or allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# A value in an obligation that names a dated parameter instead of being one.
PARAM_PREFIX = "params."

QUORUM_MAX = 20
STAGE_MAX = 9
DUE_WORKING_DAYS_MAX = 60


class EffectKind(StrEnum):
    DENY = "deny"
    REQUIRE = "require"
    FLAG = "flag"
    WARN = "warn"
    ALLOW = "allow"


class Outcome(StrEnum):
    """ALLOW < REVIEW < DENY; the strictest wins."""

    ALLOW = "allow"
    REVIEW = "review"
    DENY = "deny"

    @property
    def strictness(self) -> int:
        return _STRICTNESS[self]

    @property
    def label(self) -> str:
        """What people read."""
        return _OUTCOME_LABELS[self]


_STRICTNESS = {outcome: place for place, outcome in enumerate(Outcome)}
_OUTCOME_LABELS = {Outcome.ALLOW: "Allowed", Outcome.REVIEW: "Review", Outcome.DENY: "Denied"}


class OnError(StrEnum):
    """What an indeterminate rule counts as. It may only make the default stricter.

    FIRE: as if its condition were true (never for an allow). REVIEW: not fired, a person looks. DENY: a refusal.
    """

    FIRE = "fire"
    REVIEW = "review"
    DENY = "deny"


DEFAULT_ON_ERROR = dict.fromkeys(EffectKind, OnError.FIRE) | {EffectKind.ALLOW: OnError.REVIEW}

# An indeterminate deny already refuses; an allow may not fire; anything may become a refusal.
ALLOWED_ON_ERROR = {
    EffectKind.DENY: (OnError.FIRE, OnError.DENY),
    EffectKind.REQUIRE: (OnError.FIRE, OnError.DENY),
    EffectKind.FLAG: (OnError.FIRE, OnError.DENY),
    EffectKind.WARN: (OnError.FIRE, OnError.DENY),
    EffectKind.ALLOW: (OnError.REVIEW, OnError.DENY),
}


@dataclass(frozen=True, slots=True)
class RoleDemand:
    """So many distinct people of a role, in a stage. Stages run in order; equal ones at the same time."""

    role: str
    quorum: int
    stage: int


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something that a grant or a person then has to do: a code, and plain values or `params.x` by name."""

    code: str
    values: tuple[tuple[str, Any], ...] = ()

    def resolved(self, params: Mapping[str, Any]) -> Obligation:
        """The same with the parameters' values of one date."""
        return Obligation(
            code=self.code,
            values=tuple(
                (key, params.get(value.removeprefix(PARAM_PREFIX)) if is_param(value) else value)
                for key, value in self.values
            ),
        )

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, **dict(self.values)}


def is_param(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(PARAM_PREFIX)


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect.

    Attributes:
        code: stable snake_case name of a refusal, flag or warning.
        clause: clause of the acceptable-use statement that is applied.
        roles: who has to say yes (REQUIRE only).
        due_working_days: until when they are expected to.
        evidence: kinds of evidence that the stage waits for.
        notify: roles that it is flagged for (FLAG and WARN).
        obligations: what the decision brings with it.
        sample_ratio: share of allowed asks that a person looks at afterwards (ALLOW only).
        sample_due_working_days: within how many working days.
    """

    kind: EffectKind
    code: str | None = None
    clause: str | None = None
    roles: tuple[RoleDemand, ...] = ()
    due_working_days: int | None = None
    evidence: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    sample_ratio: float | str | None = None
    sample_due_working_days: int | None = None

    def resolved(self, params: Mapping[str, Any]) -> Effect:
        """The same with the parameters' values of one date."""
        ratio = self.sample_ratio
        return Effect(
            kind=self.kind,
            code=self.code,
            clause=self.clause,
            roles=self.roles,
            due_working_days=self.due_working_days,
            evidence=self.evidence,
            notify=self.notify,
            obligations=tuple(obligation.resolved(params) for obligation in self.obligations),
            sample_ratio=params.get(str(ratio).removeprefix(PARAM_PREFIX)) if is_param(ratio) else ratio,
            sample_due_working_days=self.sample_due_working_days,
        )

    def param_names(self) -> tuple[str, ...]:
        """Parameters that the effect names."""
        named = [value for obligation in self.obligations for _, value in obligation.values]
        return tuple(str(value).removeprefix(PARAM_PREFIX) for value in [*named, self.sample_ratio] if is_param(value))

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is not said is left out."""
        plain: dict[str, Any] = {
            "kind": self.kind.value,
            "code": self.code,
            "clause": self.clause,
            "roles": [{"role": each.role, "quorum": each.quorum, "stage": each.stage} for each in self.roles],
            "due_working_days": self.due_working_days,
            "evidence": list(self.evidence),
            "notify": list(self.notify),
            "obligations": [each.to_json() for each in self.obligations],
            "sample_ratio": self.sample_ratio,
            "sample_due_working_days": self.sample_due_working_days,
        }
        return {key: value for key, value in plain.items() if value not in (None, [])}
