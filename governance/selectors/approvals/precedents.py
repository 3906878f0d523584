"""How similar requests ended: the same lineage, or the same workload in the project, with what it took in the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from governance.domain.states.grants import GrantState
from governance.domain.states.requests import Occasion, State
from governance.models import Assessment, FactRow, ProvisioningRequest

PRECEDENTS_MAX = 5
LOOKED_AT_MAX = 300
"""Answered requests of the project and lineage that are looked at, newest first: older ones say little about today."""

_ANSWERED = (State.GRANTED, State.REJECTED, State.DENIED, State.WITHDRAWN, State.EXPIRED)


@dataclass(frozen=True, slots=True)
class Precedent:
    """One past request of the same kind of work. Hours are device-hours; None is unknown, never 0."""

    number: int
    title: str
    answered_at: datetime | None
    state: str
    exposure_micro: int | None
    gpu_hours_p50: float | None
    gpu_hours_used: float | None
    grant_state: str

    @property
    def reference(self) -> str:
        return f"REQ-{self.number:04d}"

    @property
    def ratio(self) -> float | None:
        """Actual over estimated hours, once the grant has ended and both are known."""
        if not self.gpu_hours_p50 or self.gpu_hours_used is None or self.grant_state == GrantState.ACTIVE:
            return None
        return self.gpu_hours_used / self.gpu_hours_p50


def similar(request: ProvisioningRequest, assessment: Assessment | None) -> list[Precedent]:
    """The newest answered requests of the lineage, or of the project with the same workload. Two queries.

    Args:
        request: with its project; the request itself is left out.
        assessment: of its current revision, which names the workload.
    """
    workload = assessment.facts.get("request.workload") if assessment else None
    if not workload or request.project_id is None:
        return []
    near, alike = Q(project_id=request.project_id), Q(request_workload=workload)
    if request.lineage_id is not None:
        near |= Q(lineage_id=request.lineage_id)
        alike |= Q(assessment__revision__provisioning_request__lineage_id=request.lineage_id)
    ids = list(
        ProvisioningRequest.objects.filter(near, state__in=[state.value for state in _ANSWERED])
        .exclude(pk=request.pk)
        .order_by("-number")
        .values_list("pk", flat=True)[:LOOKED_AT_MAX]
    )
    if not ids:
        return []
    rows = (
        FactRow.objects.filter(
            alike,
            assessment__revision__provisioning_request_id__in=ids,
            assessment__occasion=Occasion.SUBMIT,
        )
        .order_by("-assessment__revision__provisioning_request__number", "-assessment__assessed_at")
        .values_list(
            "assessment__revision__provisioning_request__number",
            "assessment__revision__provisioning_request__title",
            "assessment__revision__provisioning_request__answered_at",
            "assessment__revision__provisioning_request__state",
            "assessment__revision__provisioning_request__exposure_micro",
            "estimate_gpu_hours_p50",
            "assessment__revision__provisioning_request__grant__gpu_hours_used",
            "assessment__revision__provisioning_request__grant__state",
        )[: 4 * PRECEDENTS_MAX]
    )
    found: dict[int, Precedent] = {}
    for number, title, answered_at, state, exposure, p50, used, grant_state in rows:
        # A request with several revisions stands once, as its last one.
        found.setdefault(number, Precedent(number, title, answered_at, state, exposure, p50, used, grant_state or ""))
    return list(found.values())[:PRECEDENTS_MAX]
