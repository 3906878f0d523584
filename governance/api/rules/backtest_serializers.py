"""A backtest: how far it is, and what it found. Amounts are micro-units of USD."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.api.fields import (
    INTEGER_MAX,
    IdField,
    InstantField,
    NumberField,
    WholeNumberField,
    choice_field,
    counts_field,
)
from governance.api.serializers import PlainSerializer, StrictSerializer
from governance.domain.states.rules import BacktestState

# A result that was kept in an earlier form lacks what was added since: nothing of it is required.


class PairSerializer(PlainSerializer):
    """Decisions with one outcome then and one under the draft; without money where the outcome stays."""

    count = serializers.IntegerField(required=False)
    cost_micro = IdField(required=False)
    exposure_micro = IdField(required=False)
    unpriced = serializers.IntegerField(required=False, help_text="Decisions whose cost nobody knew.")
    already = serializers.IntegerField(required=False, help_text="Those that today's rules would answer so already.")


class ConsequencesSerializer(PlainSerializer):
    """How many decisions of one kind change, and the money in them."""

    count = serializers.IntegerField(required=False)
    cost_micro = IdField(required=False)
    exposure_micro = IdField(required=False)
    unpriced = serializers.IntegerField(required=False)


class MoneyByChangeSerializer(PlainSerializer):
    """Decisions that newly wait for a person, are refused, are allowed, or are no longer refused outright."""

    waits = ConsequencesSerializer(required=False)
    refused = ConsequencesSerializer(required=False)
    allowed = ConsequencesSerializer(required=False)
    reopened = ConsequencesSerializer(required=False)


class RuleCountsSerializer(PlainSerializer):
    """How often a rule counts today and with the draft, and where it begins or ends to."""

    today = serializers.IntegerField(required=False)
    draft = serializers.IntegerField(required=False)
    newly = serializers.IntegerField(required=False)
    no_longer = serializers.IntegerField(required=False)


class SpreadSerializer(PlainSerializer):
    """Low, middle and high of what was measured `count` times."""

    count = serializers.IntegerField(required=False)
    low = NumberField(required=False)
    middle = NumberField(required=False)
    high = NumberField(required=False)


class MinutesSerializer(SpreadSerializer):
    """Minutes of a decision by a person."""

    is_measured = serializers.BooleanField(required=False, help_text="False: too few were measured, and it is assumed.")
    measured = serializers.IntegerField(required=False)


class RangeSerializer(PlainSerializer):
    """Low and high of what rests on `count` decisions."""

    count = serializers.IntegerField(required=False)
    low = serializers.IntegerField(required=False)
    high = serializers.IntegerField(required=False)


class RoleLoadSerializer(PlainSerializer):
    """Decisions of a role then and with the draft; hours a month, null where the period is too short to say."""

    then = serializers.IntegerField(required=False)
    after = serializers.IntegerField(required=False)
    hours_then = NumberField(required=False, allow_null=True)
    hours_after = NumberField(required=False, allow_null=True)
    change = NumberField(required=False, allow_null=True)
    change_low = NumberField(required=False, allow_null=True)
    change_high = NumberField(required=False, allow_null=True)


def _by_name(child: serializers.Field[Any, Any, Any, Any], **options: Any) -> serializers.DictField:
    return serializers.DictField(child=child, required=False, **options)


class ResultSerializer(PlainSerializer):
    """What a backtest found."""

    format = serializers.IntegerField(required=False)
    rows = serializers.IntegerField(required=False, help_text="Decisions that were judged.")
    span_days = NumberField(required=False)
    flipped = serializers.IntegerField(required=False, help_text="Another outcome than then.")
    already = serializers.IntegerField(required=False, help_text="Of these, as today's rules would answer.")
    by_draft = serializers.IntegerField(required=False, help_text="Another outcome than under today's rules.")
    effects = counts_field(required=False, help_text="Same outcome, other consequences: kind -> decisions.")
    effect_rows = serializers.IntegerField(required=False)
    effect_pairs = counts_field(required=False)
    unfillable = counts_field(required=False, help_text="Role -> decisions whose stage nobody could fill.")
    unfillable_rows = serializers.IntegerField(required=False)
    pairs = _by_name(PairSerializer(), help_text="`allow>review` and so on.")
    cost_micro = IdField(required=False)
    unpriced = serializers.IntegerField(required=False)
    excepted = serializers.IntegerField(required=False, help_text="Decisions in which an exception counted.")
    money = MoneyByChangeSerializer(required=False)
    teams = _by_name(counts_field(), help_text="Team -> `allow>review` and so on -> decisions.")
    rules = _by_name(RuleCountsSerializer())
    minutes = MinutesSerializer(required=False)
    roles = _by_name(RoleLoadSerializer())
    newly_waiting = counts_field(required=False, help_text="Roles that decide together -> decisions.")
    wait = SpreadSerializer(required=False, allow_null=True, help_text="Working hours.")
    held = SpreadSerializer(required=False, allow_null=True, help_text="Micro-units held more on a usual day.")
    refused = RangeSerializer(required=False, allow_null=True, help_text="Of the newly waiting, probably refused.")


class BacktestVersionSerializer(serializers.Serializer[Any]):
    """The version that is judged."""

    id = IdField(source="pk")
    set = serializers.CharField(source="policy_set.slug")
    number = serializers.IntegerField()


class BacktestSerializer(serializers.Serializer[Any]):
    """A backtest in a list. Needs `version__policy_set` joined."""

    id = IdField(source="pk")
    version = BacktestVersionSerializer()
    state = choice_field(BacktestState)
    on = serializers.DateField(help_text="Day whose parameters hold for every decision.")
    since = InstantField(allow_null=True)
    until = InstantField()
    requested_at = InstantField(source="asked_at")
    started_at = InstantField(allow_null=True)
    finished_at = InstantField(allow_null=True)
    seen_at = InstantField(allow_null=True)
    error = serializers.CharField(help_text="Why it failed; else empty.")
    flipped = serializers.IntegerField(source="result.flipped", allow_null=True)
    effects = counts_field(source="result.effects", allow_null=True)
    unfillable = serializers.IntegerField(source="result.unfillable_rows", allow_null=True)


class ProgressSerializer(serializers.Serializer[Any]):
    """How far it is: months, how many of them are judged, and their decisions."""

    months = serializers.IntegerField()
    judged = serializers.IntegerField()
    decisions = serializers.IntegerField(source="rows")


class DigestsSerializer(serializers.Serializer[Any]):
    """The policies that were compared."""

    draft = serializers.CharField(source="draft_digest")
    against = serializers.CharField(source="against_digest")
    version = serializers.CharField(source="version.digest")


class BacktestDetailSerializer(BacktestSerializer):
    """One backtest with its progress, its pins and its result."""

    progress = ProgressSerializer()
    digests = DigestsSerializer(source="*")
    result = ResultSerializer(allow_null=True, help_text="Null until it is done.")


class BacktestInputSerializer(StrictSerializer):
    """A stored policy version on stored decisions."""

    version = WholeNumberField(min_value=1, max_value=INTEGER_MAX, help_text="Id of the policy version.")
    since = InstantField(
        required=False, allow_null=True, default=None, help_text="Decisions from this instant on; all without it."
    )
