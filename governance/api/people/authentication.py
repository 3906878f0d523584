"""Who calls: the account of a token, looked at anew on every call."""

from __future__ import annotations

import re
from typing import Any

from allauth.core.internal import ratelimit
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from governance.models import ApiToken, User
from governance.selectors.people.duties import is_system

FAILED = "30/m/ip"
"""Wrong tokens from one address on the network; a right one is never refused for them."""
WAIT_SECONDS = 60
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{16,200}")


class AccountToken(TokenAuthentication):
    """Knox's tokens, of active accounts of active people."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        try:
            return super().authenticate(request)
        except AuthenticationFailed:
            counted = ratelimit.consume(
                request._request, app="comptroller", action="token", config={"token": FAILED}, limit_get=True
            )
            if counted is None:
                raise Throttled(WAIT_SECONDS, "too many wrong tokens from your address") from None
            raise

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        if not _TOKEN.fullmatch(token):
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)

    def validate_user(self, auth_token: Any) -> tuple[User, ApiToken]:
        user = auth_token.user
        if not user.is_active or not user.person.is_active or is_system(user):
            raise AuthenticationFailed("The account is not active.")
        return user, auth_token


class AccountTokenScheme(OpenApiAuthenticationExtension):
    """How the published schema names it."""

    target_class = AccountToken
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Token")  # noqa: S106
