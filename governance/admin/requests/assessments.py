"""What was found out about revisions: facts, estimate, decision and pins, to read and to replay."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from governance.admin.requests.provisioning import OfRequest
from governance.admin.wording import usd
from governance.models import Assessment


@admin.register(Assessment)
class AssessmentAdmin(OfRequest):
    lead = "Each estimate and policy decision, with the digests of policy, catalogue and facts needed to replay it."
    list_display = ("__str__", "occasion", "outcome", "counts_as", "assessed_at")
    request_path = "revision__provisioning_request"
    linked = ("revision__provisioning_request__id__exact",)
    list_filter = ("outcome", "occasion")
    list_select_related = ("revision__provisioning_request",)
    search_fields = ("=revision__provisioning_request__number", "facts_digest", "policy_digest")
    sections = (
        ("", ("revision", "occasion", "outcome", "exposure_micro", "assessed_at")),
        (
            "Pins",
            ("facts_digest", "policy_digest", "catalogue_digest", "engine_version", "schema_version"),
        ),
        ("Facts", ("facts",)),
        ("Decision", ("decision",)),
        ("Estimate", ("estimate",)),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        # The list shows none of the three large documents.
        is_list = request.resolver_match is not None and (request.resolver_match.url_name or "").endswith("changelist")
        return rows.defer("facts", "estimate", "decision", "revision__content") if is_list else rows

    @admin.display(description="assessed at", ordering="exposure_micro")
    def counts_as(self, row: Assessment) -> str:
        return usd(row.exposure_micro)
