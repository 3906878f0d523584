"""Reads stored assessments: the latest of a request, and those that a person may see."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from governance.models import Assessment, ProvisioningRequest, Visibility


def latest_of(request: ProvisioningRequest) -> Assessment | None:
    """The newest assessment of the newest revision, or None for a draft that was never submitted."""
    return (
        Assessment.objects.filter(revision__provisioning_request=request)
        .select_related("revision")
        .order_by("-revision__number", "-assessed_at", "-pk")
        .first()
    )


def visible_to(visibility: Visibility) -> QuerySet[Assessment]:
    """Assessments of requests that this person sees, with request and revision joined."""
    rows = Assessment.objects.select_related("revision__provisioning_request")
    if visibility.sees_all:
        return rows
    return rows.filter(
        Q(revision__provisioning_request__requester__person_id=visibility.person_id)
        | Q(revision__provisioning_request__project_id__in=visibility.project_ids)
    )
