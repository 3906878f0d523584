"""API tokens: hashed, expiring, with scopes. The secret is shown once, when the token is made."""

from __future__ import annotations

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.fields import WholeNumberField
from governance.api.schema import described
from governance.api.serializers import StrictSerializer
from governance.api.views import Endpoint
from governance.domain.people.scopes import Scope
from governance.models import ApiToken
from governance.services.people import tokens


class TokenInputSerializer(StrictSerializer):
    days = WholeNumberField(
        min_value=1,
        max_value=tokens.DAYS_MAX,
        required=False,
        allow_null=True,
        default=None,
        help_text="Until it expires; 90 unless told, never longer than the token that makes it.",
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[str(scope) for scope in Scope]),
        min_length=1,
        max_length=len(Scope),
        default=[str(Scope.READ)],
        help_text="What it may be used for; `read` unless told.",
    )
    account = serializers.CharField(
        max_length=200,
        default="",
        allow_blank=True,
        help_text="Address of a service account that you answer for; empty for your own.",
    )


def _shown(request: Request) -> ApiToken | None:
    """The token with which the call came; None for somebody who is signed in."""
    return cast(ApiToken | None, request.auth)


def token_row(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.token_key,
        "account": token.user.email,
        "scopes": token.scopes,
        "made_with": token.made_with.token_key if token.made_with else None,
        "created_at": token.created,
        "expires_at": token.expiry,
    }


class TokenList(Endpoint):
    @described("tokens_list", 200)
    def get(self, request: Request) -> Response:
        """Your tokens and those of your service accounts, without their secrets."""
        return Response({"results": [token_row(token) for token in tokens.tokens_of(self.actor)]})

    @described("tokens_create", 201, 400, 403, request=TokenInputSerializer)
    def post(self, request: Request) -> Response:
        """Make a token. Its secret is in this answer and nowhere else."""
        data = self.body(TokenInputSerializer)
        token, secret = tokens.make_token(actor=self.actor, through=_shown(request), now=timezone.now(), **data)
        return Response(token_row(token) | {"token": secret}, status=201)


class TokenDetail(Endpoint):
    @extend_schema(operation_id="tokens_delete", responses={204: None, 404: OpenApiTypes.OBJECT})
    def delete(self, request: Request, token_key: str) -> Response:
        """End a token at once, and those that were made with it."""
        # A NUL is in no key, and the database cannot even look for it.
        key = token_key.replace("\0", " ")
        tokens.end_token(actor=self.actor, token_key=key, through=_shown(request), now=timezone.now())
        return Response(status=204)
