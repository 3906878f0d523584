"""How django-allauth acts here: our sentences, addresses that the proxy vouches for, no mail past the outbox."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest

from governance.models import User
from governance.web.people import throttle

WRONG = "No account has this address and password. Check both; capital letters matter in the password."


class AccountAdapter(DefaultAccountAdapter):
    """Named in `ACCOUNT_ADAPTER`."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": WRONG,
        "enter_current_password": "This is not your current password.",
        "invalid_password_reset": "This link has expired: request another one.",
    }

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        self._login_failed_rl_usage = throttle.count_sign_in(request, str(credentials.get("email", "")))

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that the proxy saw; without one, the one that connected; all count as one where none is known."""
        try:
            return str(super().get_client_ip(request))
        except (PermissionDenied, ImproperlyConfigured):
            return "unknown"

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> Any:
        response = super().post_login(request, user, **options)
        throttle.remember(request, response, user)
        return response

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **options: Any) -> None:
        """The pages say what happened; nothing is said twice."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        raise ImproperlyConfigured(f"mail `{template_prefix}` would leave past the outbox")
