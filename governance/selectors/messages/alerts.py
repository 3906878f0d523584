"""What a mail about a request reads, at the moment when it leaves; and how the outbox is doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Count, Max, Min, Q

from estimator.catalogue import NoCatalogue, current_snapshot
from estimator.core.results.result import Estimate
from governance.domain.requests.parse import RequestContent
from governance.domain.states.approvals import StageState, Verdict
from governance.domain.states.messages import ALERT_UNSENT, AlertState
from governance.domain.states.requests import State
from governance.models import (
    Alert,
    ApprovalDecision,
    ApprovalStage,
    Assessment,
    Budget,
    Grant,
    Person,
    Project,
    Provider,
    ProvisioningRequest,
    RequestRevision,
    RoleAssignment,
)
from governance.policy.decisions.decision import Decision
from governance.selectors.approvals import authority
from governance.selectors.approvals.authority import Authority, Holder
from governance.selectors.people import people

LATE_AFTER = timedelta(minutes=5)
INFRASTRUCTURE_ROLE = "infra_lead"
"""Told of every grant: they make the machines ready."""


class Case:
    """One revision of a request with everything that a mail may say about it, each read when it is first needed."""

    def __init__(self, request_id: int, revision_number: int | None = None) -> None:
        self.request = ProvisioningRequest.objects.select_related(
            "project__team", "requester__person", "lineage", "related_grant"
        ).get(pk=request_id)
        self.number = revision_number or self.request.revision_count

    @property
    def is_current(self) -> bool:
        """The request still asks for what this revision asks for."""
        return self.number == self.request.revision_count and self.request.state != State.DRAFT

    @cached_property
    def revision(self) -> RequestRevision:
        return RequestRevision.objects.get(provisioning_request=self.request, number=self.number)

    @cached_property
    def content(self) -> RequestContent:
        return RequestContent.parse(self.revision.content)

    @cached_property
    def assessment(self) -> Assessment:
        return Assessment.objects.filter(revision=self.revision).latest("assessed_at", "pk")

    @cached_property
    def estimate(self) -> Estimate:
        return Estimate.from_json(self.assessment.estimate)

    @cached_property
    def decision(self) -> Decision:
        return Decision.from_json(self.assessment.decision)

    @cached_property
    def provider_name(self) -> str:
        return provider_name(self.content.provider)

    @cached_property
    def accelerator_name(self) -> str:
        return accelerator_name(self.content.accelerator)

    @cached_property
    def budgets(self) -> list[Budget]:
        """The budget that holds the money and its ancestors, leaf first; empty when nothing is held."""
        hold = self.request.holds.select_related("budget").order_by("-placed_at").first()
        if hold is None:
            return []
        rows = {budget.pk: budget for budget in Budget.objects.filter(pk__in=hold.budget.path_ids)}
        return [rows[pk] for pk in reversed(hold.budget.path_ids)]

    def stages(self) -> list[ApprovalStage]:
        """The stages of this revision in order, with their roles."""
        rows = ApprovalStage.objects.filter(revision=self.revision).select_related("role")
        return list(rows.order_by("order", "pk"))


def stage_holders(
    stages: Sequence[ApprovalStage], request: ProvisioningRequest, *, now: datetime
) -> dict[int, list[Holder]]:
    """Who may still decide each stage of one revision, stand-ins included: the people whom a mail about it is for.

    Args:
        stages: at least one; all of the same revision.
        request: with its project, team, requester and lineage.

    Returns:
        By stage id, in order of name.
    """
    may = Authority({stage.role_id for stage in stages}, now=now, project=request.project)
    busy = authority.people_who_decided(stages[0].revision_id)
    return {stage.pk: may.holders(stage, request, busy=busy) for stage in stages}


def standing_in(stage: ApprovalStage, request: ProvisioningRequest, *, now: datetime) -> set[int]:
    """Person ids of the role that stands in for a stage's: whom its escalation is for. Never who asked or benefits.

    Args:
        stage: with `role.fallback`.
    """
    fallback, case = stage.role.fallback, authority.Case.of(stage, request)
    if fallback is None or case is None:
        return set()
    holding = Authority([fallback.pk], now=now, project=request.project, with_delegations=False)
    return set(holding.in_role(replace(case, role_id=fallback.pk)))


def has_way_in(person: Person) -> bool:
    """Whether a mail's link is of any use to a person: active, and not left with closed accounts only.

    Somebody without any account may still be told: they get one when they first sign in.
    """
    accounts = list(person.users.filter(is_service_account=False).values_list("is_active", flat=True))
    return person.is_active and (not accounts or any(accounts))


def role_holders(role_slug: str, project: Project, *, now: datetime) -> set[int]:
    """Person ids that hold a role for a project, through its team or one above.

    Args:
        project: with its team.
    """
    rows = RoleAssignment.objects.in_force(now).filter(
        people.scope_of(project), role__slug=role_slug, user__is_service_account=False
    )
    return set(rows.values_list("user__person_id", flat=True))


def yeses(revision_id: int) -> list[ApprovalDecision]:
    """Every approval of a revision that counted, in order of time, with person and role."""
    rows = ApprovalDecision.objects.filter(stage__revision_id=revision_id, verdict=Verdict.APPROVE, lapse__isnull=True)
    return list(rows.select_related("person", "stage__role").order_by("decided_at", "pk"))


def open_stage(stage_id: int, *, opened_at: str) -> ApprovalStage | None:
    """The stage, if it is open and was not reopened since; else there is nothing left to say about it."""
    stage = ApprovalStage.objects.select_related("role__fallback").filter(pk=stage_id, state=StageState.OPEN).first()
    if stage is None or stage.opened_at is None or stage.opened_at.isoformat() != opened_at:
        return None
    return stage


def grant_of(grant_id: int) -> Grant:
    return Grant.objects.select_related("project__team", "owner", "provisioning_request").get(pk=grant_id)


def provider_name(slug: str | None) -> str:
    return Provider.objects.filter(slug=slug or "").values_list("name", flat=True).first() or slug or ""


def accelerator_name(slug: str | None) -> str:
    """The catalogue's name for an accelerator, short enough for a subject; its slug where the catalogue is silent."""
    try:
        found = current_snapshot().accelerators.get(slug or "")
    except NoCatalogue:
        found = None
    return found.name.split(" ")[0] if found else slug or ""


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How delivery is doing.

    Args:
        late_count: promised more than five minutes ago and not sent.
        dead_count: given up; each can be queued again.
        oldest_at: when the oldest unsent mail was promised.
        sent_at: when the last mail left.
    """

    waiting_count: int
    late_count: int
    dead_count: int
    oldest_at: datetime | None
    sent_at: datetime | None


def outbox_state(*, now: datetime) -> OutboxState:
    """Counts for the health page. Two queries, on indexes."""
    unsent = Alert.objects.filter(state__in=ALERT_UNSENT).aggregate(
        waiting=Count("pk"), late=Count("pk", filter=Q(created_at__lt=now - LATE_AFTER)), oldest=Min("created_at")
    )
    done = Alert.objects.aggregate(dead=Count("pk", filter=Q(state=AlertState.DEAD)), sent=Max("sent_at"))
    return OutboxState(unsent["waiting"], unsent["late"], done["dead"], unsent["oldest"], done["sent"])
