"""The nearest change under which a stored decision would have been milder: found on reading, from what was stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from governance.domain.errors import NoActivePolicy
from governance.models import Assessment, PolicyVersion
from governance.policy.answer import Outcome
from governance.policy.counterfactual import Change, nearest_allowed
from governance.policy.errors import PolicyError
from governance.policy.facts_schema import FACTS_BY_NAME, facts_from_json
from governance.policy.policy_set import CompiledPolicySet
from governance.policy.replay import exceptions_of
from governance.policy.wording import format_value
from governance.selectors import policies
from governance.selectors.policy_history import PolicyHistory

TRIES_MAX = 800
"""Decisions tried for one reading: some milliseconds."""
KEPT_MAX = 256
SETS_KEPT_MAX = 16
_known: dict[str, CompiledPolicySet] = {}
"""Policies by their digest, which pins what they do: putting one together takes a good part of a second."""
_gone: dict[str, int] = {}
"""Digests whose rules are not stored, with how many versions were looked through: a further one is looked at again."""

_EXPOSURE, _SIMILAR, _HEADROOM = (
    "request.exposure_usd",
    "history.similar_exposure_30d_usd",
    "budget.headroom_after_usd",
)
_WHAT = {
    _EXPOSURE: "amount that counts",
    "request.accelerator_count": "accelerators",
    "request.gpu_hours_cap": "GPU-hours",
    "request.window_days": "window",
    "request.data_class": "data class",
    "request.customer_data": "customer data",
    "request.evidence_kinds": "evidence",
    "place.provider_type": "kind of provider",
    "place.country": "country",
    "place.price_term": "price term",
    "estimate.commitment_tail_usd": "a commitment after cancelling of",
    "estimate.run_flop_p90": "FLOP of the run (p90)",
    "estimate.energy_p90_kwh": "energy (p90)",
    "estimate.carbon_p50_kg": "carbon (p50)",
}
_COUNTS = {"request.accelerator_count", "request.gpu_hours_cap"}


@dataclass(frozen=True, slots=True)
class NearestChange:
    """Fewest facts, then the shortest way. Of the stored facts; prices and budgets of today do not enter."""

    outcome: Outcome
    changes: tuple[Change, ...]

    @property
    def title(self) -> str:
        return (
            "It would have been allowed with" if self.outcome is Outcome.ALLOW else "People would have decided it with"
        )

    @property
    def text(self) -> str:
        """What would have had to be different, as a sentence."""
        return f"{'; '.join(_words(change) for change in self.changes)}."

    def to_json(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome.value,
            "changes": [change.to_json() | {"sentence": _words(change)} for change in self.changes],
        }


def nearest_change(assessment: Assessment | None) -> NearestChange | None:
    """For a refused or reviewed assessment; None when it was allowed, or nothing that was tried is milder.

    The rules are those that it was judged by, found by their digest, whatever is in force now. The answer of an
    assessment never changes, so a process keeps it.
    """
    if assessment is None or assessment.outcome == Outcome.ALLOW.value:
        return None
    rules = rules_of(assessment)
    if rules is None:
        return None
    return _nearest(_Key(assessment, rules, (assessment.pk, assessment.facts_digest, assessment.policy_digest)))


@dataclass(frozen=True, slots=True)
class _Key:
    """An assessment, remembered by what it rests on."""

    assessment: Assessment
    rules: CompiledPolicySet
    pins: tuple[int, str, str]

    def __hash__(self) -> int:
        return hash(self.pins)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.pins == self.pins


@lru_cache(maxsize=KEPT_MAX)
def _nearest(key: _Key) -> NearestChange | None:
    assessment = key.assessment
    try:
        facts = facts_from_json(assessment.facts)
        on = assessment.assessed_at.date()
        found = nearest_allowed(
            key.rules,
            facts,
            on=on,
            exceptions=exceptions_of(assessment.decision, on=on),
            complete=lambda changed: _follow(facts, changed),
            decisions_max=TRIES_MAX,
        )
    except (PolicyError, KeyError, TypeError, ValueError):
        # Facts or a decision that an older version wrote in another shape: there is nothing to say.
        return None
    return NearestChange(found.outcome, found.changes) if found is not None else None


def rules_of(assessment: Assessment) -> CompiledPolicySet | None:
    """The rules that an assessment was judged by; None when they are not stored any more. No query, mostly."""
    digest = assessment.policy_digest
    found = _known.get(digest)
    if found is not None:
        return found
    stored = PolicyVersion.objects.count()
    if _gone.get(digest) == stored:
        return None
    found = _find(digest, assessment)
    kept: dict[str, Any] = _gone if found is None else _known
    if len(kept) >= SETS_KEPT_MAX:
        kept.clear()
    kept[digest] = stored if found is None else found
    return found


def _find(digest: str, assessment: Assessment) -> CompiledPolicySet | None:
    try:
        in_force = policies.active_policy()
    except NoActivePolicy:
        in_force = None
    if in_force is not None and in_force.digest == digest:
        return in_force
    return PolicyHistory().rules(digest, at=assessment.assessed_at)


def _follow(facts: Mapping[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """A smaller ask also counts less beside its like, and leaves more in the budget."""
    before, after = facts.get(_EXPOSURE), changed.get(_EXPOSURE)
    if isinstance(before, int | float) and isinstance(after, int | float) and after != before:
        for name, sign in ((_SIMILAR, 1.0), (_HEADROOM, -1.0)):
            value = facts.get(name)
            if isinstance(value, int | float):
                changed[name] = value + sign * (after - before)
    return changed


def _words(change: Change) -> str:
    """As it stands after "It would have been allowed with"."""
    fact = FACTS_BY_NAME.get(change.fact)
    what = _WHAT.get(change.fact, change.fact)
    if change.fact == "request.evidence_kinds":
        missing = [each for each in change.after if each not in (change.before or ())]
        return f"{_join([each.replace('_', ' ') for each in missing])} as {what}"
    if change.fact in _COUNTS:
        return f"{_value(change.after, '')} {what} instead of {_value(change.before, '')}"
    unit = fact.unit if fact else ""
    if isinstance(change.after, int | float) and not isinstance(change.after, bool):
        return f"{_value(change.after, unit)} instead of {_value(change.before, unit)} as the {what}"
    return f"{what} {_value(change.after, unit)} instead of {_value(change.before, unit)}"


def _value(value: Any, unit: str) -> str:
    return "not said" if value is None else format_value(value, unit).replace("_", " ")


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
