"""Stages and decisions of people."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.api.fields import IdField, InstantField, choice_field, texts_field
from governance.api.serializers import StrictSerializer, example
from governance.domain.states.approvals import StageState, Verdict


@example(
    id=9, person=8, for_person=None, verdict=Verdict.APPROVE.value, reason="Within the plan.",
    revision_digest="ab" * 32, decided_at="2026-11-20T10:00:00Z",
)  # fmt: skip
class ApprovalDecisionSerializer(serializers.Serializer[Any]):
    """One person's decision on one stage."""

    id = IdField(source="pk")
    person = IdField(source="person_id", help_text="Who decided.")
    for_person = IdField(source="for_person_id", allow_null=True, help_text="For whom, as a delegate.")
    verdict = choice_field(Verdict)
    reason = serializers.CharField()
    revision_digest = serializers.CharField(help_text="Of the revision that was read.")
    decided_at = InstantField()


class StageSerializer(serializers.Serializer[Any]):
    """One role that has to approve one revision. Stages with the same `order` are open together."""

    id = IdField(source="pk")
    role = serializers.CharField(source="role.slug")
    quorum = serializers.IntegerField(help_text="How many people have to approve.")
    order = serializers.IntegerField()
    state = choice_field(StageState)
    rules = texts_field(source="rule_ids", help_text="Rules that require it.")
    opened_at = InstantField(allow_null=True)
    due_at = InstantField(allow_null=True)
    decisions = ApprovalDecisionSerializer(many=True)


class DecisionInputSerializer(StrictSerializer):
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    reason = serializers.CharField(max_length=4000)
    revision_digest = serializers.RegexField(r"^[0-9a-f]{64}$", help_text="Of the revision that you read.")
