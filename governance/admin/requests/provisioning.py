"""Requests, their revisions and their conversation, to read. Only the services of their life cycle write them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from governance.admin.records import StateAdmin
from governance.admin.wording import moment, usd
from governance.models import ProvisioningRequest, RequestComment, RequestRevision, Visibility


def of_visible_requests(
    rows: models.QuerySet[Any], visibility: Visibility, path: str = "provisioning_request"
) -> models.QuerySet[Any]:
    """Rows of requests that this person sees: their own, and those of their teams and projects."""
    return rows.filter(
        models.Q(**{f"{path}__requester__person_id": visibility.person_id})
        | models.Q(**{f"{path}__project_id__in": visibility.project_ids})
    )


@admin.register(ProvisioningRequest)
class RequestAdmin(StateAdmin):
    lead = "Every request, from draft to decision. Its status changes only by submitting, deciding and granting."
    list_display = ("reference", "title", "state", "project", "asked_by", "counts_as", "submitted")
    list_display_links = ("reference", "title")
    list_filter = ("state", "kind", "is_demonstration")
    search_fields = ("title", "=number")
    list_select_related = ("project", "requester__person")
    sections = (
        ("", ("number", "title", "state", "kind", "project", "requester", "beneficiary", "lineage", "related_grant")),
        ("Money and time", ("exposure_micro", "created_at", "submitted_at", "answered_at", "changed_at")),
        ("Draft", ("revision_count", "draft_version", "draft")),
    )

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.visible_to(visibility)

    def links(self, request: HttpRequest, row: models.Model) -> list[tuple[str, str]]:
        lists = (
            ("Revisions", "requestrevision", "provisioning_request__id__exact"),
            ("Stages", "approvalstage", "provisioning_request__id__exact"),
            ("Assessments", "assessment", "revision__provisioning_request__id__exact"),
            ("Holds", "budgethold", "provisioning_request__id__exact"),
            ("Conversation", "requestcomment", "provisioning_request__id__exact"),
        )
        return [
            (words, f"{reverse(f'admin:governance_{model}_changelist')}?{lookup}={row.pk}")
            for words, model, lookup in lists
        ]

    @admin.display(description="request", ordering="number")
    def reference(self, row: ProvisioningRequest) -> str:
        return row.reference

    @admin.display(description="requested by")
    def asked_by(self, row: ProvisioningRequest) -> str:
        return row.requester.person.name

    @admin.display(description="assessed at", ordering="exposure_micro")
    def counts_as(self, row: ProvisioningRequest) -> str:
        return usd(row.exposure_micro)

    @admin.display(description="submitted", ordering="submitted_at")
    def submitted(self, row: ProvisioningRequest) -> str:
        return moment(row.submitted_at)


class OfRequest(StateAdmin):
    """Rows that belong to one request, are seen by whoever sees it, and are listed by it."""

    request_path = "provisioning_request"
    linked = ("provisioning_request__id__exact",)

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return of_visible_requests(rows, visibility, self.request_path)


@admin.register(RequestRevision)
class RevisionAdmin(OfRequest):
    lead = "Submitted content, frozen. Decisions refer to a revision by its digest."
    list_display = ("__str__", "provisioning_request", "number", "created_by", "created_at")
    list_select_related = ("provisioning_request", "created_by")
    search_fields = ("=provisioning_request__number", "digest")


@admin.register(RequestComment)
class CommentAdmin(OfRequest):
    lead = "Comments on requests."
    list_display = ("__str__", "provisioning_request", "author", "created_at")
    list_select_related = ("provisioning_request", "author")
    search_fields = ("=provisioning_request__number", "text")
