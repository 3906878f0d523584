"""What an estimate and a comparison say. Units are in the names; null is unknown, never 0."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from estimator.core.pricing.ownership import Ownership
from estimator.core.pricing.place import PriceTerm
from estimator.core.results.advice import Advice
from estimator.core.results.drivers import Driver
from estimator.core.results.result import Estimate
from estimator.core.sizing.hosting import HostingChoice
from estimator.core.workload.needs import Delivery, Software
from governance.api.fields import (
    FactField,
    IdField,
    InstantField,
    NumberField,
    WholeNumberField,
    choice_field,
    counts_field,
    texts_field,
)
from governance.api.serializers import IntervalSerializer, StrictSerializer, serializer_of
from governance.domain.requests import fields


class CostLineField(serializers.Field[Any, Any, Any, Any]):
    """A part of the cost: its name, and the amount in USD."""

    def to_representation(self, value: Any) -> Any:
        name, amount = value
        return [name, IntervalSerializer(amount).data]


INTERVAL = {"type": "object", "properties": {name: {"type": "number"} for name in ("p10", "p50", "p90")}}
extend_schema_field(
    {
        "type": "array",
        "items": {"anyOf": [{"type": "string"}, {**INTERVAL, "required": [*INTERVAL["properties"]]}]},
        "minItems": 2,
        "maxItems": 2,
    }
)(CostLineField)

EstimateSerializer = serializer_of(
    Estimate,
    cost_lines=serializers.ListField(
        child=CostLineField(), required=False, help_text="Parts of the cost: name, and amount in USD."
    ),
)
DriverSerializer = serializer_of(Driver)
SavingSerializer = serializer_of(Advice)
HostingSerializer = serializer_of(HostingChoice)
OwnershipSerializer = serializer_of(
    Ownership,
    usd_year=NumberField(help_text="All lines together."),
    break_even_utilisation=NumberField(
        allow_null=True, help_text="Share of the year's hours from which owning is cheaper; null where it never is."
    ),
)


class HybridSerializer(serializers.Serializer[Any]):
    """An owned base with the rest rented, over a year of this load."""

    owned_devices = IdField()
    rented_device_hours = NumberField()
    usd_year = NumberField()
    peak_devices = IdField()
    all_owned_usd_year = NumberField()
    all_rented_usd_year = NumberField()


class OfferSerializer(serializers.Serializer[Any]):
    """One offer with the work on it."""

    offer = serializers.CharField()
    provider = serializers.CharField(allow_null=True)
    accelerator = serializers.CharField()
    price_term = choice_field(PriceTerm)
    region = serializers.CharField()
    usd_per_gpu_hour = NumberField()
    as_of = serializers.DateField(help_text="Day of the price.")
    price_age_days = serializers.IntegerField()
    is_own = serializers.BooleanField(help_text="A price that the organisation has recorded itself.")
    source = serializers.CharField()  # type: ignore[assignment]
    devices = IdField()
    gpu_hours = IntervalSerializer()
    wall_hours = IntervalSerializer()
    cost_usd = IntervalSerializer()
    energy_kwh = IntervalSerializer(allow_null=True)
    carbon_kg = IntervalSerializer(allow_null=True)
    is_on_front = serializers.BooleanField(help_text="No other offer beats it on cost, time and carbon together.")


class ComparisonSerializer(serializers.Serializer[Any]):
    """The work on every offer: how many there are, how many count, and the best, cheapest first."""

    offers = serializers.IntegerField()
    counted = serializers.IntegerField()
    front = texts_field(help_text="Offers that no other beats on cost, time and carbon together.")
    ruled_out = counts_field(help_text="Reason -> how many offers it rules out; an offer may fail several.")
    lines = OfferSerializer(many=True)
    catalogue_digest = serializers.CharField()


class ExplorationSerializer(serializers.Serializer[Any]):
    """One workload seen from all sides."""

    estimate = EstimateSerializer()
    drivers = DriverSerializer(many=True)
    advice = SavingSerializer(many=True)
    comparison = ComparisonSerializer(allow_null=True)
    ownership = OwnershipSerializer(allow_null=True)
    hybrid = HybridSerializer(allow_null=True)
    hosting = HostingSerializer(allow_null=True)


class StoredEstimateSerializer(serializers.Serializer[Any]):
    """An estimate that was stored with a request, with the release of the catalogue that it rests on."""

    id = IdField(source="pk")
    request = serializers.CharField(source="revision.provisioning_request.reference", help_text="Such as REQ-0123.")
    revision = serializers.IntegerField(source="revision.number")
    assessed_at = InstantField()
    estimate = EstimateSerializer()
    catalogue = serializers.CharField(source="catalogue_digest")


SIZINGS = fields.field("sizing").slugs


@extend_schema_serializer(deprecate_fields=["ask"])
class EstimateInputSerializer(StrictSerializer):
    """One workload in one place; nothing is stored."""

    workload = serializers.CharField(max_length=40)
    work = serializers.DictField(child=FactField(allow_null=True), default=dict)
    sizing = serializers.ChoiceField(choices=SIZINGS, default="work")
    ask = serializers.ChoiceField(
        choices=SIZINGS,
        required=False,
        help_text="The earlier name of `sizing`, read until 1.0.",
    )
    provider = serializers.CharField(max_length=80, required=False, allow_null=True, default=None)
    region = serializers.CharField(max_length=80, required=False, allow_null=True, default=None)
    country = serializers.RegexField(r"^[A-Z]{2}$", required=False, allow_null=True, default=None)
    price_term = serializers.CharField(max_length=20, default="on_demand")
    accelerator = serializers.CharField(max_length=80, required=False, allow_null=True, default=None)
    accelerator_count = WholeNumberField(min_value=1, max_value=1_000_000, default=1)
    gpu_hours_cap = NumberField(required=False, allow_null=True, default=None, min_value=0, max_value=1e9)
    money_cap_usd = NumberField(required=False, allow_null=True, default=None, min_value=0, max_value=1e9)
    window_days = NumberField(required=False, allow_null=True, default=None, min_value=0, max_value=1830)

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        if "ask" in values:
            if "sizing" in data:
                raise serializers.ValidationError({"ask": "is the earlier name of `sizing`: give only `sizing`"})
            values["sizing"] = values.pop("ask")
        return values


@extend_schema_serializer(deprecate_fields=["ask"])
class CompareInputSerializer(EstimateInputSerializer):
    """The same workload on every offer of the catalogue; nothing is stored."""

    deadline_hours = NumberField(required=False, allow_null=True, default=None, min_value=0.01, max_value=1e6)
    providers = serializers.ListField(
        child=serializers.CharField(max_length=80), required=False, allow_null=True, default=None, max_length=200
    )
    countries = serializers.ListField(
        child=serializers.RegexField(r"^[A-Z]{2}$"), required=False, allow_null=True, default=None, max_length=250
    )
    terms = serializers.ListField(
        child=serializers.ChoiceField(choices=list(PriceTerm)), required=False, allow_null=True, default=None
    )
    software = serializers.ChoiceField(choices=list(Software), default="any")
    delivery = serializers.ChoiceField(choices=list(Delivery), default="any")
    interconnect_gb_s = NumberField(required=False, allow_null=True, default=None, min_value=0, max_value=1e6)
    is_export_controlled = serializers.BooleanField(default=False, help_text="Leave out chips that need a licence.")
    price_age_days_max = WholeNumberField(required=False, allow_null=True, default=540, min_value=0, max_value=10_000)
    renewable_share = NumberField(required=False, allow_null=True, default=None, min_value=0, max_value=1)
    hosted_model = serializers.CharField(max_length=200, required=False, allow_null=True, default=None)
    limit = WholeNumberField(default=20, min_value=1, max_value=200)
