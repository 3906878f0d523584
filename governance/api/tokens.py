"""API tokens: hashed, expiring, several per account. The token is shown once, when it is made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from knox.models import get_token_model
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.schema import described
from governance.api.serializers import StrictSerializer
from governance.api.views import Endpoint

DAYS_MAX = 365
TOKENS_PER_USER_MAX = 20


class TokenInputSerializer(StrictSerializer):
    days = serializers.IntegerField(min_value=1, max_value=DAYS_MAX, default=90, help_text="Until it expires.")


def token_row(token: Any) -> dict[str, Any]:
    return {"id": token.token_key, "created_at": token.created, "expires_at": token.expiry}


class TokenList(Endpoint):
    @described("tokens_list", 200)
    def get(self, request: Request) -> Response:
        """Your tokens, without their secrets."""
        rows = get_token_model().objects.filter(user=self.actor).order_by("-created")
        return Response({"results": [token_row(token) for token in rows]})

    @described("tokens_create", 201, 400, request=TokenInputSerializer)
    def post(self, request: Request) -> Response:
        """Make a token. Its secret is in this answer and nowhere else."""
        data = self.body(TokenInputSerializer)
        model = get_token_model()
        if model.objects.filter(user=self.actor).count() >= TOKENS_PER_USER_MAX:
            raise serializers.ValidationError({"days": [f"an account has at most {TOKENS_PER_USER_MAX} tokens"]})
        token, secret = model.objects.create(user=self.actor, expiry=timedelta(days=data["days"]))
        return Response(token_row(token) | {"token": secret}, status=201)


class TokenDetail(Endpoint):
    @extend_schema(operation_id="tokens_delete", responses={204: None, 404: OpenApiTypes.OBJECT})
    def delete(self, request: Request, token_key: str) -> Response:
        """End a token at once."""
        deleted, _ = get_token_model().objects.filter(user=self.actor, token_key=token_key[:40]).delete()
        if not deleted:
            raise NotFound("there is nothing here, or it is not yours to see")
        return Response(status=204)
