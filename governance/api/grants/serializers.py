"""Grants: how much, where, until when."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from estimator.core.pricing.place import PriceTerm
from governance.api.fields import InstantField, NumberField, choice_field
from governance.api.serializers import MoneySerializer
from governance.domain.states.grants import GrantState


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
