"""What the rules decided, as an answer of the API: outcome, reasons, people, duties."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.api.fields import FactField, NumberField, choice_field, facts_field, texts_field
from governance.api.serializers import PlainSerializer
from governance.policy.bundle.effects import EffectKind, Outcome


class LeafSerializer(PlainSerializer):
    """One comparison of a rule; the last five are those of a numeric one."""

    text = serializers.CharField(help_text="As the author wrote it.")
    truth = serializers.BooleanField(allow_null=True, help_text="Null where it could not be judged.")
    facts = texts_field()
    operator = serializers.CharField(required=False)
    value = NumberField(required=False, allow_null=True)
    limit = NumberField(required=False, allow_null=True)
    unit = serializers.CharField(required=False, help_text="Of value, limit and distance.")
    distance = NumberField(required=False, allow_null=True, help_text="Value minus limit: above the limit if positive.")


class FiredRuleSerializer(serializers.Serializer[Any]):
    """A rule whose effect counted, with the values that it saw."""

    rule_id = serializers.CharField(help_text="Such as AL-2.")
    parent = serializers.CharField(help_text="The rule or table that it is part of.")  # type: ignore[assignment]
    bundle = serializers.CharField()
    title = serializers.CharField()
    effect = choice_field(EffectKind)
    code = serializers.CharField(allow_null=True)
    clause = serializers.CharField(allow_null=True, help_text="Of the acceptable-use statement.")
    legal_source = serializers.CharField(allow_null=True)
    message = serializers.CharField()
    values = facts_field()
    indeterminate = serializers.BooleanField(help_text="It could not be judged, and counts as fired.")
    leaves = LeafSerializer(many=True)


class RequirementSerializer(serializers.Serializer[Any]):
    """So many people of a role. Stages run in order; equal ones at the same time."""

    role = serializers.CharField()
    quorum = serializers.IntegerField()
    stage = serializers.IntegerField()
    due_working_days = serializers.IntegerField(allow_null=True)
    rule_ids = texts_field()


class DecisionNoticeSerializer(serializers.Serializer[Any]):
    """A flag or a warning."""

    code = serializers.CharField(allow_null=True)
    rule_id = serializers.CharField()
    message = serializers.CharField()
    notify = texts_field(help_text="Roles that are notified.")


class DutySerializer(serializers.Serializer[Any]):
    """An obligation that comes with the decision."""

    code = serializers.CharField()
    values = facts_field()
    rule_id = serializers.CharField()


class EvidenceMissingSerializer(serializers.Serializer[Any]):
    """Evidence that a required stage waits for."""

    kind = serializers.CharField()
    rule_ids = texts_field()


class AppliedExceptionSerializer(serializers.Serializer[Any]):
    """An exception that took away an effect."""

    exception_id = serializers.CharField()
    rule_id = serializers.CharField()
    reason = serializers.CharField()
    approved_by = texts_field(help_text="Ids of accounts.")
    expires_on = serializers.DateField()


class SampleSerializer(serializers.Serializer[Any]):
    """The share of such approvals that a person reviews afterwards."""

    ratio = NumberField(help_text="0 to 1.")
    due_working_days = serializers.IntegerField(allow_null=True)
    rule_ids = texts_field()


class DecisionSerializer(serializers.Serializer[Any]):
    """The answer of the rules to one set of facts."""

    outcome = choice_field(Outcome)
    policy_digest = serializers.CharField()
    fired = FiredRuleSerializer(many=True)
    requirements = RequirementSerializer(many=True)
    flags = DecisionNoticeSerializer(many=True)
    warnings = DecisionNoticeSerializer(many=True)
    obligations = DutySerializer(many=True)
    evidence_missing = EvidenceMissingSerializer(many=True)
    exceptions_applied = AppliedExceptionSerializer(many=True)
    indeterminate = texts_field(help_text="Rules that could not be judged.")
    permitted_by = texts_field(help_text="Rules that allow it.")
    sample = SampleSerializer(allow_null=True)


class FactChangeSerializer(serializers.Serializer[Any]):
    """One fact as it is and as it would have to be; null is absent."""

    fact = serializers.CharField()
    before = FactField(allow_null=True)
    after = FactField(allow_null=True)
    sentence = serializers.CharField()


class CounterfactualSerializer(serializers.Serializer[Any]):
    """Changes that together lead to a milder outcome."""

    outcome = choice_field(Outcome)
    changes = FactChangeSerializer(many=True)
