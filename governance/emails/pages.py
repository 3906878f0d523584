"""Where the one link of each mail leads. Opening any of them changes nothing."""

from __future__ import annotations

from django.urls import reverse

from governance.models import ApprovalStage, Budget, Grant, PolicyVersion, ProvisioningRequest


def request_page(request: ProvisioningRequest) -> str:
    return reverse("web:request_detail", args=[request.number])


def decision_page(stage: ApprovalStage) -> str:
    return reverse("admin:decide", args=[stage.pk])


def grant_page(grant: Grant) -> str:
    return reverse("web:grant_detail", args=[grant.number])


def budget_page(budget: Budget) -> str:
    return reverse("web:budget_detail", args=[budget.slug])


def version_page(version: PolicyVersion) -> str:
    return reverse("admin:governance_policyversion_change", args=[version.pk])


def activations_page() -> str:
    return reverse("admin:governance_policyactivation_changelist")


def home_page() -> str:
    return reverse("web:home")


def notifications_page() -> str:
    return reverse("web:notifications")
