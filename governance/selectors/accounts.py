"""Accounts that a demonstration offers on its sign-in page."""

from __future__ import annotations

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from governance.models import ProvisioningRequest, User
from governance.selectors.people import SYSTEM_EMAIL

ACCOUNTS_MAX = 60


def demonstration_accounts() -> list[User]:
    """Accounts that somebody can sign in with, by name; none unless the demonstration is loaded. Two queries."""
    if not ProvisioningRequest.objects.filter(is_demonstration=True).exists():
        return []
    return list(
        User.objects.filter(is_active=True, person__is_active=True, is_service_account=False)
        .exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)
        .exclude(password="")
        .exclude(email=SYSTEM_EMAIL)
        .select_related("person__team")
        .order_by("person__name")[:ACCOUNTS_MAX]
    )
