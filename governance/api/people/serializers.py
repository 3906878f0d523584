"""API tokens without their secrets, and once with it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.api.fields import InstantField, WholeNumberField, choice_field
from governance.api.serializers import StrictSerializer
from governance.domain.people.scopes import Scope
from governance.services.people import tokens


class TokenSerializer(serializers.Serializer[Any]):
    """A token of yours, or of a service account that you answer for."""

    id = serializers.CharField(source="token_key", help_text="By which it is ended.")
    account = serializers.EmailField(source="user.email")
    scopes = serializers.ListField(child=choice_field(Scope))
    made_with = serializers.CharField(
        source="made_with.token_key", allow_null=True, help_text="The token that made it; it ends with that one."
    )
    created_at = InstantField(source="created")
    expires_at = InstantField(source="expiry")


class TokensSerializer(serializers.Serializer[Any]):
    """All of them."""

    results = TokenSerializer(many=True)


class NewTokenSerializer(TokenSerializer):
    """A token that was just made."""

    token = serializers.CharField(source="secret", help_text="The secret, in this answer and nowhere else.")


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
