"""Stages and decisions, to read. A stage is decided on its own page, by whoever holds its role."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from governance.admin.records import StateAdmin
from governance.admin.requests.provisioning import OfRequest, of_visible_requests
from governance.models import ApprovalDecision, ApprovalStage, Visibility


@admin.register(ApprovalStage)
class StageAdmin(OfRequest):
    lead = "One role whose approval a revision needs."
    list_display = ("__str__", "provisioning_request", "state", "order", "quorum", "opened_at", "due_at", "closed_at")
    list_filter = ("state", "role")
    list_select_related = ("provisioning_request", "role", "revision")
    search_fields = ("=provisioning_request__number",)

    def links(self, request: HttpRequest, row: models.Model) -> list[tuple[str, str]]:
        return [("Decision page", reverse("admin:decide", args=[row.pk]))]


@admin.register(ApprovalDecision)
class DecisionAdmin(StateAdmin):
    lead = "Decisions with their reasons, each bound to the revision that was reviewed."
    list_display = ("__str__", "request_of", "role_of", "verdict", "for_person", "decided_at")
    list_filter = ("verdict", "stage__role")
    list_select_related = ("stage__role", "stage__provisioning_request", "person", "for_person")
    search_fields = ("=stage__provisioning_request__number", "person__name", "reason")

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return of_visible_requests(rows, visibility, "stage__provisioning_request")

    @admin.display(description="request")
    def request_of(self, row: ApprovalDecision) -> str:
        return row.stage.provisioning_request.reference

    @admin.display(description="as")
    def role_of(self, row: ApprovalDecision) -> str:
        return row.stage.role.name
