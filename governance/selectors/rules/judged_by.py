"""The rules that a stored assessment was judged by, found by their digest, whatever is in force now."""

from __future__ import annotations

from typing import Any

from governance.domain.errors import NoActivePolicy
from governance.models import Assessment, PolicyVersion
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.selectors.rules import policies
from governance.selectors.rules.policy_history import PolicyHistory

SETS_KEPT_MAX = 16
_known: dict[str, CompiledPolicySet] = {}
"""Policies by their digest, which pins what they do: putting one together takes a good part of a second."""
_gone: dict[str, int] = {}
"""Digests whose rules are not stored, with how many versions were looked through: a further one is looked at again."""


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
