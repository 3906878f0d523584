"""Grants: how much, where, until when."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from estimator.core.pricing.place import PriceTerm
from governance.api.fields import InstantField, NumberField, choice_field
from governance.api.serializers import MoneySerializer, example
from governance.domain.states.grants import GrantState


@example(
    reference="G-0108", number=108, state=GrantState.ACTIVE.value, title="Ten hours for the pilot", request="REQ-0123",
    project="long-context", provider="northlight-lulea", region="", price_term="owned_pool",
    accelerator="h100-sxm5-80gb", accelerator_count=8, gpu_hours_cap=10.0,
    cost_cap={"micro": 14_500_000, "units": 14.5, "currency": "USD"},
    starts_at="2026-11-21T00:00:00Z", ends_at="2026-11-25T00:00:00Z",
)  # fmt: skip
class GrantSerializer(serializers.Serializer[Any]):
    """A permission to use compute. Needs `project` and `provisioning_request` joined."""

    reference = serializers.CharField(help_text="Such as G-0108.")
    number = serializers.IntegerField()
    state = choice_field(GrantState)
    title = serializers.CharField()
    request = serializers.CharField(source="provisioning_request.reference", help_text="Such as REQ-0123.")
    project = serializers.CharField(source="project.slug")
    provider = serializers.CharField()
    region = serializers.CharField(help_text="Empty where any will do.")
    price_term = choice_field(PriceTerm)
    accelerator = serializers.CharField(help_text="Empty for a hosted API.")
    accelerator_count = serializers.IntegerField()
    gpu_hours_cap = NumberField(allow_null=True, help_text="Device-hours; null where only the cost is capped.")
    cost_cap = MoneySerializer(source="cost_cap_micro")
    starts_at = InstantField()
    ends_at = InstantField(help_text="The first instant after it.")
