"""API tokens: hashed, expiring, with scopes. The secret is shown once, when the token is made."""

from __future__ import annotations

from typing import cast

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.endpoints import Endpoint
from governance.api.people.serializers import NewTokenSerializer, TokenInputSerializer, TokensSerializer
from governance.api.schema import described
from governance.api.serializers import Beside
from governance.models import ApiToken
from governance.services.people import tokens


def _shown(request: Request) -> ApiToken | None:
    """The token with which the call came; None for somebody who is signed in."""
    return cast(ApiToken | None, request.auth)


class TokenList(Endpoint):
    @described("tokens_list", TokensSerializer)
    def get(self, request: Request) -> Response:
        """Your tokens and those of your service accounts, without their secrets."""
        return Response(TokensSerializer({"results": tokens.tokens_of(self.actor)}).data)

    @described("tokens_create", NewTokenSerializer, status=201, request=TokenInputSerializer)
    def post(self, request: Request) -> Response:
        """Make a token. Its secret is in this answer and nowhere else."""
        data = self.body(TokenInputSerializer)
        token, secret = tokens.make_token(actor=self.actor, through=_shown(request), now=timezone.now(), **data)
        return Response(NewTokenSerializer(Beside(token, secret=secret)).data, status=201)


class TokenDetail(Endpoint):
    @described("tokens_delete", None, status=204)
    def delete(self, request: Request, token_key: str) -> Response:
        """End a token at once, and those that were made with it."""
        # A NUL is in no key, and the database cannot even look for it.
        key = token_key.replace("\0", " ")
        tokens.end_token(actor=self.actor, token_key=key, through=_shown(request), now=timezone.now())
        return Response(status=204)
