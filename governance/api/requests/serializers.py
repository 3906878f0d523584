"""Requests, what was assessed of them, advice, and comments."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from estimator.core.pricing.place import PriceTerm
from governance.api.approvals.serializers import StageSerializer
from governance.api.fields import (
    IdField,
    InstantField,
    JsonField,
    NumberField,
    WholeNumberField,
    choice_field,
    texts_field,
)
from governance.api.requests.content import ContentField
from governance.api.requests.estimate_serializers import EstimateSerializer
from governance.api.rules.decision_serializers import DecisionSerializer
from governance.api.serializers import MoneySerializer, StrictSerializer, example
from governance.domain.requests import kinds
from governance.domain.requests.registers import gaps_in_words
from governance.domain.states.requests import Occasion, State
from governance.policy.bundle.effects import Outcome


class RequesterSerializer(serializers.Serializer[Any]):
    """Who made the request."""

    id = IdField(source="person_id")
    name = serializers.CharField(source="person.name")


class RequestSerializer(serializers.Serializer[Any]):
    """A request in a list. Needs `requester__person` and `project` joined."""

    reference = serializers.CharField(help_text="Such as REQ-0123.")
    number = serializers.IntegerField()
    title = serializers.CharField()
    state = choice_field(State)
    kind = choice_field(kinds.SLUGS)
    project = serializers.CharField(source="project.slug", allow_null=True)
    requester = RequesterSerializer()
    exposure = MoneySerializer(
        source="exposure_micro", allow_null=True, help_text="The assessed amount; null where nobody knows it."
    )
    created_at = InstantField()
    submitted_at = InstantField(allow_null=True)
    answered_at = InstantField(allow_null=True)


class RevisionSerializer(serializers.Serializer[Any]):
    """What was submitted, and what a decision is bound to."""

    number = serializers.IntegerField()
    digest = serializers.CharField(help_text="SHA-256 of the canonical content as it is stored.")


class GapsField(serializers.ListField):
    """What a register holds and the rules cannot read, one sentence each."""

    child = serializers.CharField()

    def to_representation(self, gaps: Any) -> list[str]:
        return super().to_representation(gaps_in_words(gaps))


class PinsSerializer(serializers.Serializer[Any]):
    """The exact inputs of an assessment, by their digests."""

    facts = serializers.CharField(source="facts_digest")
    policy = serializers.CharField(source="policy_digest")
    catalogue = serializers.CharField(source="catalogue_digest")


class StoredPinsSerializer(PinsSerializer):
    """The same with the versions of the program that assessed it."""

    engine = serializers.CharField(source="engine_version")
    schema = serializers.IntegerField(source="schema_version", help_text="Of the facts.")


class AssessmentSerializer(serializers.Serializer[Any]):
    """What was found when the request was submitted, or last when it was granted."""

    id = IdField(source="pk")
    assessed_at = InstantField()
    occasion = choice_field(Occasion)
    outcome = choice_field(Outcome)
    exposure = MoneySerializer(source="exposure_micro", allow_null=True)
    decision = DecisionSerializer()
    unread = GapsField(source="gaps")
    estimate = EstimateSerializer()
    pins = StoredPinsSerializer(source="*")


class RequestDetailSerializer(RequestSerializer):
    """One request with its content, its stages and what its latest assessment found."""

    content = serializers.DictField(
        child=JsonField(allow_null=True), help_text="As it was sent, its fields under their present names."
    )
    draft_version = serializers.IntegerField(help_text="Counts saves.")
    revision = RevisionSerializer(allow_null=True, help_text="Null until it is submitted.")
    assessment = AssessmentSerializer(allow_null=True, help_text="The latest; null until it is submitted.")
    stages = StageSerializer(source="stages.all", many=True)


# ------------------------------------------------------------------------------ advice


class FieldChangeSerializer(serializers.Serializer[Any]):
    """One field of the content as it is and as it would have to be."""

    field = serializers.CharField()
    before = JsonField(allow_null=True)
    after = JsonField(allow_null=True)
    sentence = serializers.CharField(help_text="Empty where the sentence of another field says it.")


class NearerSerializer(serializers.Serializer[Any]):
    """A changed request, judged as it stands."""

    outcome = choice_field(Outcome)
    changes = FieldChangeSerializer(many=True)
    content = serializers.DictField(child=JsonField(allow_null=True), help_text="The changed fields.")
    assessed_usd = NumberField(allow_null=True)
    deciders = texts_field(help_text="Roles that would decide it.")
    no_longer = texts_field(help_text="Roles that would not decide it any more.")
    sentence = serializers.CharField()


class CheaperSerializer(serializers.Serializer[Any]):
    """The same work elsewhere, for less."""

    provider = serializers.CharField()
    price_term = choice_field(PriceTerm)
    accelerator = serializers.CharField()
    accelerator_count = serializers.IntegerField()
    region = serializers.CharField(allow_null=True)
    country = serializers.CharField(allow_null=True)
    assessed_usd = NumberField()
    saving = NumberField(help_text="Share of the assessed amount, 0 to 1.")
    outcome = choice_field(Outcome)
    more_people = texts_field(help_text="Roles that would have to decide there, and do not here.")
    sentence = serializers.CharField()


class AdviceFields(serializers.Serializer[Any]):
    """What to request instead, judged as if it were submitted now."""

    nearest = NearerSerializer(allow_null=True, help_text="The fewest changes that need fewer people, or pass at all.")
    nearest_automatic = NearerSerializer(allow_null=True, help_text="The nearest that nobody has to decide.")
    nearest_why_none = serializers.CharField(help_text="What stands against it where nothing helps; else empty.")
    cheaper = CheaperSerializer(allow_null=True)


class RequestReadSerializer(RequestDetailSerializer, AdviceFields):
    """One request with advice on it."""


class HeadroomSerializer(serializers.Serializer[Any]):
    """What is left of a budget on the path before this request, and after it."""

    budget = serializers.CharField(source="slug")
    before = MoneySerializer(source="before_micro")
    after_micro = IdField()


class PlannedStageSerializer(serializers.Serializer[Any]):
    """Who would decide it."""

    role = serializers.CharField()
    quorum = serializers.IntegerField()
    order = serializers.IntegerField()
    eligible_count = serializers.IntegerField()


class PreviewSerializer(AdviceFields):
    """What would be found of a request that is not stored, and who would decide it."""

    outcome = choice_field(Outcome)
    exposure = MoneySerializer(source="exposure_micro", allow_null=True)
    decision = DecisionSerializer()
    unread = GapsField(source="gaps")
    estimate = EstimateSerializer()
    headroom = HeadroomSerializer(source="levels", many=True)
    stages = PlannedStageSerializer(many=True)
    unfillable = serializers.CharField(
        source="unfillable.message", allow_null=True, help_text="Why nobody could decide it; else null."
    )
    pins = PinsSerializer(source="*")


@example(id=5, author=7, text="Is the pilot over?", created_at="2026-11-20T09:00:00Z")
class CommentSerializer(serializers.Serializer[Any]):
    """A remark on a request."""

    id = IdField(source="pk")
    author = IdField(source="author.person_id", help_text="Id of the person.")
    text = serializers.CharField()
    created_at = InstantField()


class CommentsSerializer(serializers.Serializer[Any]):
    """The conversation, oldest first."""

    results = CommentSerializer(many=True)


# ------------------------------------------------------------------------------ input


class ContentSerializer(StrictSerializer):
    """A request's content; its fields are checked by the same reader that checks the form."""

    content = ContentField(help_text="Content of a request: docs/fields.md.")
    submit = serializers.BooleanField(default=False, help_text="Submit at once.")


class DraftSerializer(StrictSerializer):
    content = ContentField(help_text="Content of a request.")
    draft_version = WholeNumberField(
        required=False, min_value=0, max_value=2**31 - 1, help_text="The version that you read; refuses to overwrite."
    )


class SubmitSerializer(StrictSerializer):
    draft_version = WholeNumberField(
        required=False, min_value=0, max_value=2**31 - 1, help_text="The version that you read; no other is submitted."
    )


class PreviewInputSerializer(StrictSerializer):
    content = ContentField(help_text="Content of a request.")


class ReasonSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=4000, allow_blank=True, default="")


class CommentInputSerializer(StrictSerializer):
    text = serializers.CharField(max_length=4000)
