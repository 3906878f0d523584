"""Budgets with what is left of them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.api.fields import InstantField
from governance.api.serializers import MoneySerializer, example


@example(
    slug="long-context", name="Long context", parent="research",
    period_start="2026-01-01T00:00:00Z", period_end="2027-01-01T00:00:00Z",
    limit={"micro": 20_000_000_000, "units": 20_000.0, "currency": "USD"},
    held={"micro": 0, "units": 0.0, "currency": "USD"},
    committed={"micro": 1_000_000_000, "units": 1_000.0, "currency": "USD"},
    spent={"micro": 14_500_000, "units": 14.5, "currency": "USD"},
    headroom={"micro": 18_985_500_000, "units": 18_985.5, "currency": "USD"},
)  # fmt: skip
class BudgetSerializer(serializers.Serializer[Any]):
    """A budget of a team or project over a half-open period. Needs `parent` joined."""

    slug = serializers.CharField()
    name = serializers.CharField()
    parent = serializers.CharField(  # type: ignore[assignment]
        source="parent.slug", allow_null=True, help_text="The budget that it is part of."
    )
    period_start = InstantField()
    period_end = InstantField(help_text="The first instant after it.")
    limit = MoneySerializer(source="limit_micro")
    held = MoneySerializer(source="held_micro", help_text="For requests that wait for a decision.")
    committed = MoneySerializer(source="committed_micro", help_text="To grants.")
    spent = MoneySerializer(source="spent_micro")
    headroom = MoneySerializer(source="headroom_micro", help_text="What is left; negative once more is spent.")
