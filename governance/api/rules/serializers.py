"""Policy versions, their checks and activations, and what is asked of the rules."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.api.fields import (
    INTEGER_MAX,
    IdField,
    InstantField,
    WholeNumberField,
    choice_field,
    facts_field,
    texts_field,
)
from governance.api.rules.decision_serializers import CounterfactualSerializer, DecisionSerializer
from governance.api.serializers import StrictSerializer
from governance.domain.states.rules import ActivationState, VersionState
from governance.policy.analysis.findings import Severity
from governance.policy.bundle.bundle_model import CaseKind
from governance.policy.bundle.effects import Outcome
from governance.policy.limits import BUNDLE_BYTES_MAX
from governance.selectors.rules.activations import BacktestStanding
from governance.services.rules import activations

REPLAYED_MAX = 500


class VersionSerializer(serializers.Serializer[Any]):
    """One version of a policy set, without its text."""

    id = IdField(source="pk")
    set = serializers.CharField(source="policy_set.slug")
    number = serializers.IntegerField()
    state = choice_field(VersionState)
    digest = serializers.CharField(help_text="SHA-256 of the canonical rules.")
    reason = serializers.CharField(help_text="Why it was written.")
    created_by = IdField(source="created_by_id", help_text="Id of the account.")
    created_at = InstantField()
    tested_at = InstantField(allow_null=True)
    shadow_since = InstantField(allow_null=True)
    activated_by = IdField(source="activated_by_id", allow_null=True)
    activated_at = InstantField(allow_null=True)
    retired_at = InstantField(allow_null=True)


class ActivationSerializer(serializers.Serializer[Any]):
    """One officer's request to put a version in force, and the answer of another."""

    id = IdField(source="pk")
    version = IdField(source="version_id")
    state = choice_field(ActivationState)
    requested_by = IdField(source="asked_by_id")
    requested_at = InstantField(source="asked_at")
    reason = serializers.CharField()
    effective_at = InstantField(help_text="When it takes effect.")
    backtest = IdField(source="backtest_id", allow_null=True)
    answered_by = IdField(source="answered_by_id", allow_null=True)
    answered_at = InstantField(allow_null=True)
    answer_reason = serializers.CharField()


class FindingSerializer(serializers.Serializer[Any]):
    """What a static check found."""

    key = serializers.CharField(help_text="What an explanation names.")
    severity = choice_field(Severity)
    sentence = serializers.CharField()
    explanation = serializers.CharField(allow_null=True, help_text="Why it stands; null until an officer says so.")


def _cases_field(**options: Any) -> serializers.DictField:
    return serializers.DictField(child=serializers.ListField(child=choice_field(CaseKind)), **options)


class ChecksSerializer(serializers.Serializer[Any]):
    """The last run of a version's cases and checks."""

    policy_digest = serializers.CharField(help_text="Of the whole policy with the version in place; else empty.")
    refusal = serializers.CharField(help_text="Why it does not go together with the rules in force; else empty.")
    cases = serializers.IntegerField()
    failed = serializers.IntegerField()
    failures = texts_field(help_text="One sentence each, for the first fifty.")
    missing = _cases_field(help_text="Rule -> kinds of case that it has to have and has not.")
    proposed = _cases_field(help_text="Rule -> kinds of case that would be good to have.")
    findings = FindingSerializer(many=True)


class FlipSerializer(serializers.Serializer[Any]):
    """Decisions that go from one outcome to another."""

    count = serializers.IntegerField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of Python.
        return {"from": choice_field(Outcome), "to": choice_field(Outcome), **super().get_fields()}


class ShadowSerializer(serializers.Serializer[Any]):
    """What the version said beside the decisions that were made meanwhile."""

    judged = serializers.IntegerField()
    flipped = serializers.IntegerField(help_text="Another outcome.")
    otherwise = serializers.IntegerField(help_text="Any difference.")
    errors = serializers.IntegerField(help_text="Could not be judged.")  # type: ignore[assignment]
    flips = FlipSerializer(many=True)
    since = InstantField(allow_null=True)


class VersionDetailSerializer(VersionSerializer):
    """A version with its text, its last run, what the shadow said and what is still in the way."""

    bundle = serializers.CharField(source="source", help_text="The text as YAML.")
    checks = ChecksSerializer(allow_null=True, help_text="Null until its cases have been run.")
    shadow = ShadowSerializer()
    backtest = choice_field(BacktestStanding)
    activation = ActivationSerializer(allow_null=True)
    missing = texts_field(help_text="What is in the way of its activation, one sentence each.")


class RuleDifferenceSerializer(serializers.Serializer[Any]):
    """How one rule differs."""

    rule_id = serializers.CharField()
    change = serializers.ChoiceField(choices=["added", "removed", "condition", "effect", "wording"])
    before = serializers.CharField(help_text="Condition or effect; empty where there is none.")
    after = serializers.CharField(help_text="Condition or effect; empty where there is none.")
    example = facts_field(allow_null=True, help_text="Facts on which only one of the two fires.")
    outcomes = serializers.ListField(
        child=choice_field(Outcome), allow_null=True, help_text="Of the whole policies on the example: before, after."
    )
    is_same_everywhere = serializers.BooleanField(help_text="Proven: written differently, it means the same.")


class DiffSerializer(serializers.Serializer[Any]):
    """What a version changes in the policy in force."""

    same = serializers.BooleanField()
    from_digest = serializers.CharField()
    to_digest = serializers.CharField()
    differences = RuleDifferenceSerializer(many=True)


class ReasonForSerializer(serializers.Serializer[Any]):
    """A rule that fired, and each of its comparisons in words."""

    rule_id = serializers.CharField()
    message = serializers.CharField()
    because = texts_field()


class JudgementSerializer(serializers.Serializer[Any]):
    """What would be decided on some facts."""

    policy_digest = serializers.CharField()
    decision = DecisionSerializer()
    reasons = ReasonForSerializer(many=True)
    nearest = CounterfactualSerializer(allow_null=True, help_text="The nearest change with a milder outcome.")


class ReplayDifferenceSerializer(serializers.Serializer[Any]):
    """A decision that comes out differently."""

    id = IdField()
    fields = texts_field(help_text="What of it differs.")  # type: ignore[assignment]


class ReplaySerializer(serializers.Serializer[Any]):
    """Stored decisions judged again under the rules of their day."""

    replayed = serializers.IntegerField()
    unknown_rules = serializers.IntegerField(help_text="Decisions whose rules are not stored any more.")
    differences = ReplayDifferenceSerializer(many=True)


# ------------------------------------------------------------------------------ input


class ImportSerializer(StrictSerializer):
    bundle = serializers.CharField(max_length=BUNDLE_BYTES_MAX, trim_whitespace=False, help_text="The text as YAML.")
    reason = serializers.CharField(max_length=4000, allow_blank=True, default="", help_text="Why it was written.")


class ExplainSerializer(StrictSerializer):
    finding = serializers.CharField(max_length=200, help_text="Its key, as the last run names it.")
    explanation = serializers.CharField(max_length=4000)
    until = serializers.DateField(
        required=False, allow_null=True, default=None,
        help_text="Of a stage that nobody could fill: the last day on which it may stand. Null for other findings.",
    )  # fmt: skip


class ActivationInputSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=4000)
    effective_at = InstantField(
        required=False, allow_null=True, default=None, help_text="From when it rules; null for as soon as it is agreed."
    )


class AnswerSerializer(StrictSerializer):
    answer = serializers.ChoiceField(choices=list(activations.ANSWERS))
    reason = serializers.CharField(max_length=4000, allow_blank=True, default="", help_text="A refusal says why.")


class WithdrawSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=4000)


class JudgeSerializer(StrictSerializer):
    facts = facts_field(help_text="Facts by name, laid over a plain request; null takes one away.")
    version = WholeNumberField(
        min_value=1, max_value=INTEGER_MAX, required=False, allow_null=True, default=None,
        help_text="A version to judge by in the place of its set's active one.",
    )  # fmt: skip


class ReplayInputSerializer(StrictSerializer):
    limit = WholeNumberField(min_value=1, max_value=REPLAYED_MAX, default=100, help_text="The newest so many.")
