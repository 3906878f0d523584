"""Tokens of the API: hashed, with scopes and an end, each under the token that made it."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from knox.models import AbstractAuthToken, AuthTokenManager

from governance.domain.people.scopes import Scope


class ApiTokenManager(AuthTokenManager):
    """Tokens with their account and its person: both are looked at on every call."""

    def get_queryset(self) -> models.QuerySet[ApiToken]:
        return super().get_queryset().select_related("user__person")


class ApiToken(AbstractAuthToken):
    """What a program shows instead of a password. Its secret is told once; here is its hash.

    Invariant: it has an end and at least one scope; a token made with another one ends with it.
    """

    scopes = ArrayField(models.CharField(max_length=20))
    made_with = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="made")

    objects = ApiTokenManager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(expiry__isnull=False), name="api_token_ends"),
            models.CheckConstraint(
                condition=Q(scopes__contained_by=[str(scope) for scope in Scope]) & ~Q(scopes=[]),
                name="api_token_scopes_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Its first characters, by which people and the log know it; far too few to guess the rest."""
        return self.token_key[:8]
