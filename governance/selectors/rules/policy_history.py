"""Which policy versions ruled together, and when: how the rules of a stored decision are found again."""

from __future__ import annotations

from datetime import datetime

from governance.models import AuditEvent, PolicyVersion
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.policy.errors import PolicyError
from governance.policy.facts.facts_schema import SCHEMA_DIGESTS
from governance.selectors.rules import policies

SETS_TRIED_MAX = 200
SUBJECT = "policyversion"

Together = tuple[int, ...]
"""Ids of versions that were in force at the same time, ascending."""


class PolicyHistory:
    """Every set of versions that ruled, from the audit log; read once, asked about many decisions.

    The log keeps every activation. A version's own columns forget the first one when it is put in force again.
    """

    def __init__(self) -> None:
        rows = list(PolicyVersion.objects.values_list("pk", "digest", "policy_set_id"))
        self._digests = {version: digest for version, digest, _ in rows}
        sets = {version: policy_set for version, _, policy_set in rows}
        ruling: dict[int, int] = {}
        self._ruled: list[tuple[datetime, Together]] = []
        activations = AuditEvent.objects.filter(subject_type=SUBJECT, subject_id__in=sets, action="policy.activated")
        for at, version in activations.order_by("seq").values_list("at", "subject_id"):
            ruling[sets[version]] = version
            self._ruled.append((at, tuple(sorted(ruling.values()))))
        self._refused: set[Together] = set()
        self._unknown: set[str] = set()

    def rules(self, digest: str, *, at: datetime) -> CompiledPolicySet | None:
        """The rules with this digest, in the words that they had at an instant; None when they are not stored.

        The digest pins what the rules do, under the facts schema of their day; between two wordings of the same rules
        the time decides.
        """
        if digest in self._unknown:
            return None
        for together in self._likely(at)[:SETS_TRIED_MAX]:
            policy = self._policy(together)
            if policy is not None and any(policy.digest_under(schema) == digest for schema in SCHEMA_DIGESTS.values()):
                return policy
        self._unknown.add(digest)
        return None

    def _likely(self, at: datetime) -> list[Together]:
        """What was in force at an instant, then what was before, then what came: decisions may be older than the
        moment their rules were stored."""
        before = [together for when, together in self._ruled if when <= at]
        after = [together for when, together in self._ruled if when > at]
        return list(dict.fromkeys([*reversed(before), *after]))

    def _policy(self, together: Together) -> CompiledPolicySet | None:
        if together in self._refused:
            return None
        try:
            return policies.compiled(tuple((version, self._digests[version]) for version in together))
        except PolicyError:
            # A text that today's program no longer takes, such as one about a fact that is gone.
            self._refused.add(together)
            return None
