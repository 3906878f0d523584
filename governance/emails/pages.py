"""Where the one link of each mail leads. Opening any of them changes nothing."""

from __future__ import annotations

from governance.models import ApprovalStage, Budget, Grant, ProvisioningRequest


def request_page(request: ProvisioningRequest) -> str:
    return f"/requests/{request.number}/"


def decision_page(stage: ApprovalStage) -> str:
    return f"/admin/decide/{stage.pk}/"


def grant_page(grant: Grant) -> str:
    return f"/grants/{grant.number}/"


def budget_page(budget: Budget) -> str:
    return f"/budgets/{budget.slug}/"


def home_page() -> str:
    return "/"


def account_page() -> str:
    return "/account/"
