"""An entry of the decision log, under the names of Open Policy Agent."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.api.fields import choice_field, facts_field, texts_field
from governance.api.rules.decision_serializers import LeafSerializer
from governance.domain.states.requests import Occasion
from governance.policy.bundle.effects import EffectKind, Outcome


class LabelsSerializer(serializers.Serializer[Any]):
    """What the entry belongs to."""

    app = serializers.CharField()
    request = serializers.CharField(help_text="Such as REQ-0123.")
    occasion = choice_field(Occasion)


class RevisionOfSerializer(serializers.Serializer[Any]):
    """Which text of a bundle it was judged by."""

    revision = serializers.CharField()


class LoggedRuleSerializer(serializers.Serializer[Any]):
    """A rule that fired; `***` stands for what quotes a sensitive fact."""

    rule_id = serializers.CharField()
    bundle = serializers.CharField()
    effect = choice_field(EffectKind)
    code = serializers.CharField(allow_null=True)
    legal_source = serializers.CharField(allow_null=True)
    indeterminate = serializers.BooleanField()
    values = facts_field()
    message = serializers.CharField()
    leaves = LeafSerializer(many=True)


class LoggedExceptionSerializer(serializers.Serializer[Any]):
    """An exception that was applied."""

    exception_id = serializers.CharField()
    rule_id = serializers.CharField()
    expires_on = serializers.DateField()


class LoggedResultSerializer(serializers.Serializer[Any]):
    """What was decided."""

    decision = choice_field(Outcome)
    roles = serializers.DictField(child=serializers.IntegerField(), help_text="Role -> quorum.")
    fired = LoggedRuleSerializer(many=True)
    flags = serializers.ListField(child=serializers.CharField(allow_null=True))
    warnings = serializers.ListField(child=serializers.CharField(allow_null=True))
    obligations = serializers.ListField(child=facts_field(), help_text="`code`, and the values beside it.")
    evidence_missing = texts_field()
    indeterminate = texts_field()
    permitted_by = texts_field()
    exceptions = LoggedExceptionSerializer(many=True)


class MetricsSerializer(serializers.Serializer[Any]):
    """How long judging took, where it was measured."""

    timer_rego_query_eval_ns = serializers.IntegerField(required=False)


class LogEntrySerializer(serializers.Serializer[Any]):
    """One decision. Sensitive facts are masked for every reader."""

    decision_id = serializers.CharField()
    labels = LabelsSerializer()
    bundles = serializers.DictField(child=RevisionOfSerializer(), help_text="Bundle -> its text.")
    path = serializers.CharField()
    input = facts_field(help_text="The facts; `***` for a sensitive one.")
    input_hash = serializers.CharField(help_text="Of the facts as they were, SHA-256.")
    result = LoggedResultSerializer()
    erased = texts_field(help_text="Paths that were left out.")
    masked = texts_field(help_text="Paths that are masked.")
    requested_by = serializers.CharField(help_text="Id of the person.")
    timestamp = serializers.DateTimeField()
    metrics = MetricsSerializer()
    trace_id = serializers.CharField()
    policy_digest = serializers.CharField()
    schema_version = serializers.IntegerField()
    engine_version = serializers.CharField()
    prev_hash = serializers.CharField()
    channel = serializers.CharField(required=False, help_text="Interface of the request, where that is known.")
    entry_hash = serializers.CharField()
