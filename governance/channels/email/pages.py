"""Where the one link of each mail leads. Opening any of them changes nothing."""

from __future__ import annotations

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.http import int_to_base36

from governance.models import (
    AcceptableUsePublication,
    ApprovalStage,
    Budget,
    Grant,
    PolicyException,
    PolicyVersion,
    ProvisioningRequest,
    User,
)


def request_page(request: ProvisioningRequest) -> str:
    return reverse("web:request_detail", args=[request.number])


def comment_on(request: ProvisioningRequest, comment_id: int) -> str:
    return f"{request_page(request)}#comment-{comment_id}"


def decision_page(stage: ApprovalStage) -> str:
    return reverse("admin:decide", args=[stage.pk])


def grant_page(grant: Grant) -> str:
    return reverse("web:grant_detail", args=[grant.number])


def budget_page(budget: Budget) -> str:
    return reverse("web:budget_detail", args=[budget.slug])


def version_page(version: PolicyVersion) -> str:
    return reverse("admin:governance_policyversion_change", args=[version.pk])


def exception_page(exception: PolicyException) -> str:
    return reverse("admin:governance_policyexception_change", args=[exception.pk])


def publication_page(publication: AcceptableUsePublication) -> str:
    return reverse("admin:governance_acceptableusepublication_change", args=[publication.pk])


def acceptable_use_page() -> str:
    return reverse("web:acceptable_use")


def activations_page() -> str:
    return reverse("admin:governance_policyactivation_changelist")


def home_page() -> str:
    return reverse("web:home")


def notifications_page() -> str:
    return reverse("web:notifications")


def sign_in_page() -> str:
    return reverse("account_login")


def account_page() -> str:
    return reverse("account_page")


def forgotten_page() -> str:
    return reverse("account_reset_password")


def password_link(user: User) -> str:
    """Where the account's password is set, with a key of its own: for the account's owner only."""
    key = default_token_generator.make_token(user)
    return reverse("account_reset_password_from_key", kwargs={"uidb36": int_to_base36(user.pk), "key": key})


def address_link(wanted: EmailAddress) -> str:
    """Where a new address is confirmed, with a key of its own: for whoever reads mail at that address only."""
    return reverse("account_confirm_email", kwargs={"key": EmailConfirmationHMAC(wanted).key})
