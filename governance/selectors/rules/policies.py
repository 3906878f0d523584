"""The policy in force, compiled once per process and pinned by its digest; and what stands beside it in shadow."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache

from django.db.models import Q

from governance.domain.errors import NoActivePolicy
from governance.domain.states.rules import ExceptionState, VersionState
from governance.models import PolicyException, PolicyVersion, Project
from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.bundle_model import Bundle
from governance.policy.decisions.decision import RuleException
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set

Versions = tuple[tuple[int, str], ...]
"""(id, digest) of the versions that rule together, by the name of their set."""
COMPILED_SETS_MAX = 32
READ_BUNDLES_MAX = 64


@dataclass(frozen=True, slots=True)
class Beside:
    """A version in shadow, and the versions that would rule with it. Nothing is compiled until it is asked."""

    version_id: int
    versions: Versions

    def policy(self) -> CompiledPolicySet:
        return compiled(self.versions)


@dataclass(frozen=True, slots=True)
class InForce:
    """The versions that decide, and those that are only watched. Nothing is compiled until it is asked."""

    versions: Versions
    beside: tuple[Beside, ...]

    @property
    def policy(self) -> CompiledPolicySet:
        return compiled(self.versions)


def in_force() -> InForce:
    """All active versions, and those in shadow. One query.

    Raises:
        NoActivePolicy: nothing may be judged without rules.
    """
    rows = list(
        PolicyVersion.objects.filter(state__in=(VersionState.ACTIVE, VersionState.SHADOW))
        .order_by("policy_set__slug", "number")
        .values_list("pk", "digest", "state", "policy_set_id", "policy_set__slug")
    )
    active = [row for row in rows if row[2] == "active"]
    if not active:
        raise NoActivePolicy("no policy is active: import and activate one before anything can be judged")
    beside = []
    for shadow in rows:
        if shadow[2] == "shadow":
            together = sorted([*(row for row in active if row[3] != shadow[3]), shadow], key=lambda row: row[4])
            beside.append(Beside(shadow[0], tuple((row[0], row[1]) for row in together)))
    return InForce(tuple((row[0], row[1]) for row in active), tuple(beside))


def put_together(found: InForce) -> None:
    """Compile everything now: after an activation that takes a second, for which nobody should hold a lock."""
    compiled(found.versions)
    for beside in found.beside:
        # A version in shadow that cannot be compiled is recorded where it is judged, and touches no decision.
        with suppress(Exception):
            beside.policy()


def active_policy() -> CompiledPolicySet:
    """All active versions, compiled together: once per process, until an activation changes the answer.

    Raises:
        NoActivePolicy: nothing may be judged without rules.
    """
    return in_force().policy


def rules_in_force() -> frozenset[str]:
    """Ids of all rules in force, and of the tables that name all their rows."""
    return frozenset(name for rule in active_policy().rules for name in (rule.rule_id, rule.rule.parent))


def policy_with(version: PolicyVersion) -> CompiledPolicySet:
    """The whole policy as it would be with this version in the place of its set's active one. One query.

    Raises:
        PolicyError: the version does not go together with the others.
    """
    rows = (
        PolicyVersion.objects.filter(
            Q(pk=version.pk) | (Q(state=VersionState.ACTIVE) & ~Q(policy_set_id=version.policy_set_id))
        )
        .order_by("policy_set__slug")
        .values_list("pk", "digest")
    )
    return compiled(tuple(rows))


def digest_in_force() -> str:
    """Digest of the whole policy in force; empty when nothing is."""
    try:
        return active_policy().digest
    except NoActivePolicy:
        return ""


@dataclass(frozen=True, slots=True)
class _Pinned:
    """Versions, or the text of one, remembered by digest: that pins what they say, wherever it is stored."""

    digests: tuple[str, ...]
    versions: Versions = field(compare=False, default=())
    text: str = field(compare=False, default="")


def compiled(versions: Versions) -> CompiledPolicySet:
    """Stored versions as one policy, put together once per process; a text is read once, whatever stands beside it.

    Raises:
        PolicyError: they do not go together, or today's program no longer takes a text.
    """
    return _compiled(_Pinned(tuple(digest for _, digest in versions), versions))


@lru_cache(maxsize=COMPILED_SETS_MAX)
def _compiled(pinned: _Pinned) -> CompiledPolicySet:
    ids = [pk for pk, _ in pinned.versions]
    texts = dict(PolicyVersion.objects.filter(pk__in=ids).values_list("pk", "source"))
    return compile_policy_set([_bundle(_Pinned((digest,), text=texts[pk])) for pk, digest in pinned.versions])


@lru_cache(maxsize=READ_BUNDLES_MAX)
def _bundle(pinned: _Pinned) -> Bundle:
    # As it was stored: a word that is gone since must not stop every decision. Checks and activation look again.
    return load_bundle(pinned.text, vocabulary=None)


def alone(version: PolicyVersion) -> CompiledPolicySet:
    """A version as a policy of its own."""
    return compiled(((version.pk, version.digest),))


def bundle_of(version: PolicyVersion) -> Bundle:
    """The rules of a stored version."""
    return alone(version).bundles[0]


def exceptions_for(project: Project, *, now: datetime) -> list[RuleException]:
    """Approved exceptions that run now for the project or any team above it."""
    rows = PolicyException.objects.filter(
        Q(project=project) | Q(team_id__in=project.team.path_ids),
        state=ExceptionState.APPROVED,
        valid_from__lte=now,
        valid_to__gt=now,
    ).order_by("rule_id", "pk")
    return [
        RuleException(
            exception_id=str(row.pk),
            rule_id=row.rule_id,
            reason=row.reason,
            approved_by=(str(row.approved_by_id),),
            starts_on=row.valid_from.date(),
            expires_on=day_after(row.valid_to),
        )
        for row in rows
    ]


def day_after(instant: datetime) -> date:
    """When an exception no longer counts for the library, which counts whole days, half-open; queries cut exactly."""
    return instant.date() + timedelta(days=1)
