"""The policy in force, compiled once per process and pinned by its digest."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from django.db.models import Q

from governance.domain.errors import NoActivePolicy
from governance.models import PolicyException, PolicyVersion, Project
from governance.policy.bundle import load_bundle
from governance.policy.decision import RuleException
from governance.policy.policy_set import CompiledPolicySet, compile_policy_set


def active_policy() -> CompiledPolicySet:
    """All active versions, compiled together.

    One query per call; compiling happens when an activation changed the answer.

    Raises:
        NoActivePolicy: nothing may be judged without rules.
    """
    versions = tuple(
        PolicyVersion.objects.filter(state="active").order_by("policy_set__slug").values_list("pk", "digest")
    )
    if not versions:
        raise NoActivePolicy("no policy is active: import and activate one before anything can be judged")
    return _compiled(versions)


@lru_cache(maxsize=8)
def _compiled(versions: tuple[tuple[int, str], ...]) -> CompiledPolicySet:
    sources = PolicyVersion.objects.filter(pk__in=[pk for pk, _ in versions]).order_by("policy_set__slug")
    return compile_policy_set([load_bundle(version.source) for version in sources])


def exceptions_for(project: Project, *, now: datetime) -> list[RuleException]:
    """Exceptions in force for the project or any team above it."""
    rows = PolicyException.objects.filter(
        Q(project=project) | Q(team_id__in=project.team.path_ids), valid_from__lte=now, valid_to__gt=now
    ).order_by("rule_id", "pk")
    return [
        RuleException(
            exception_id=str(row.pk),
            rule_id=row.rule_id,
            reason=row.reason,
            approved_by=(str(row.approved_by_id),),
            starts_on=row.valid_from.date(),
            # The query has cut at the instant; the library counts whole days, half-open.
            expires_on=row.valid_to.date() + timedelta(days=1),
        )
        for row in rows
    ]
