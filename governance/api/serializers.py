"""Shapes of the API: what comes in is checked for shape only, what goes out is plain and documented."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from estimator.core.pricing.place import PriceTerm
from estimator.core.workload.needs import Delivery, Software
from governance.api.fields import InstantField, NumberField, WholeNumberField
from governance.domain.money.money import CURRENCY, to_units
from governance.domain.requests.registers import gaps_in_words
from governance.models import (
    ApprovalDecision,
    ApprovalStage,
    Assessment,
    Budget,
    Grant,
    ProvisioningRequest,
    RequestComment,
)
from governance.selectors.requests.assessments import Assessed


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt or read-only field never vanishes silently."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    {str(name)[:80]: ["is not a field that can be given here"] for name in unknown[:10]}
                )
        return super().to_internal_value(data)


class ContentSerializer(StrictSerializer):
    """A request's content; its fields are checked by the same reader that checks the form."""

    content = serializers.DictField(help_text="Revision content, version 1: docs/api.md.")
    submit = serializers.BooleanField(default=False, help_text="Submit at once.")


class DraftSerializer(StrictSerializer):
    content = serializers.DictField(help_text="Revision content, version 1.")
    draft_version = WholeNumberField(
        required=False, min_value=0, max_value=2**31 - 1, help_text="The version that you read; refuses to overwrite."
    )


class SubmitSerializer(StrictSerializer):
    draft_version = WholeNumberField(
        required=False, min_value=0, max_value=2**31 - 1, help_text="The version that you read; no other is submitted."
    )


class PreviewSerializer(StrictSerializer):
    content = serializers.DictField(help_text="Revision content, version 1.")


class ReasonSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=4000, allow_blank=True, default="")


class CommentInputSerializer(StrictSerializer):
    text = serializers.CharField(max_length=4000)


class DecisionInputSerializer(StrictSerializer):
    verdict = serializers.ChoiceField(choices=["approve", "reject", "changes"])
    reason = serializers.CharField(max_length=4000)
    revision_digest = serializers.RegexField(r"^[0-9a-f]{64}$", help_text="Of the revision that you read.")


class BacktestInputSerializer(StrictSerializer):
    """A stored policy version on stored decisions."""

    version = WholeNumberField(min_value=1, max_value=2**63 - 1, help_text="Id of the policy version.")
    since = InstantField(
        required=False, allow_null=True, default=None, help_text="Decisions from this instant on; all without it."
    )


class EstimateInputSerializer(StrictSerializer):
    """One workload in one place; nothing is stored."""

    workload = serializers.CharField(max_length=40)
    work = serializers.DictField(default=dict)
    ask = serializers.ChoiceField(choices=["cap", "work"], default="work")
    provider = serializers.CharField(max_length=80, required=False, allow_null=True, default=None)
    region = serializers.CharField(max_length=80, required=False, allow_null=True, default=None)
    country = serializers.RegexField(r"^[A-Z]{2}$", required=False, allow_null=True, default=None)
    price_term = serializers.CharField(max_length=20, default="on_demand")
    accelerator = serializers.CharField(max_length=80, required=False, allow_null=True, default=None)
    accelerator_count = WholeNumberField(min_value=1, max_value=1_000_000, default=1)
    gpu_hours_cap = NumberField(required=False, allow_null=True, default=None, min_value=0, max_value=1e9)
    money_cap_usd = NumberField(required=False, allow_null=True, default=None, min_value=0, max_value=1e9)
    window_days = NumberField(required=False, allow_null=True, default=None, min_value=0, max_value=1830)


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


def money(amount_micro: int | None) -> dict[str, Any] | None:
    """An amount as an API value: exact micro-units, and currency units to read."""
    if amount_micro is None:
        return None
    return {"micro": amount_micro, "units": to_units(amount_micro), "currency": CURRENCY}


def request_row(request: ProvisioningRequest) -> dict[str, Any]:
    """A request in a list. Needs `requester__person` and `project` joined."""
    return {
        "reference": request.reference,
        "number": request.number,
        "title": request.title,
        "state": request.state,
        "kind": request.kind,
        "project": request.project.slug if request.project else None,
        "requester": {"id": request.requester.person_id, "name": request.requester.person.name},
        "exposure": money(request.exposure_micro),
        "created_at": request.created_at,
        "submitted_at": request.submitted_at,
        "answered_at": request.answered_at,
    }


def request_detail(request: ProvisioningRequest, assessment: Assessment | None) -> dict[str, Any]:
    """One request with its content, its stages and what its latest assessment found."""
    revision = assessment.revision if assessment else None
    return request_row(request) | {
        "content": request.draft,
        "draft_version": request.draft_version,
        "revision": {"number": revision.number, "digest": revision.digest} if revision else None,
        "assessment": stored_assessment(assessment) if assessment else None,
        "stages": [stage_row(stage) for stage in request.stages.all()],
    }


def stored_assessment(assessment: Assessment) -> dict[str, Any]:
    return {
        "id": assessment.pk,
        "assessed_at": assessment.assessed_at,
        "occasion": assessment.occasion,
        "outcome": assessment.outcome,
        "exposure": money(assessment.exposure_micro),
        "decision": assessment.decision,
        "unread": gaps_in_words(assessment.gaps),
        "estimate": assessment.estimate,
        "pins": {
            "facts": assessment.facts_digest,
            "policy": assessment.policy_digest,
            "catalogue": assessment.catalogue_digest,
            "engine": assessment.engine_version,
            "schema": assessment.schema_version,
        },
    }


def assessed(found: Assessed) -> dict[str, Any]:
    """A preview: the same shape as a stored assessment, and who would decide."""
    return {
        "outcome": found.outcome.value,
        "exposure": money(found.exposure_micro),
        "decision": found.decision.to_json(),
        "unread": gaps_in_words(found.facts.gaps),
        "estimate": found.estimate.to_json(),
        "headroom": [
            {"budget": level.slug, "before": money(level.before_micro), "after_micro": level.after_micro}
            for level in found.levels
        ],
        "stages": [
            {"role": plan.role, "quorum": plan.quorum, "order": plan.order, "eligible_count": len(plan.eligible)}
            for plan in found.stages
        ],
        "unfillable": found.unfillable.message if found.unfillable else None,
        "pins": {"facts": found.facts_digest, "policy": found.policy_digest, "catalogue": found.catalogue_digest},
    }


def stage_row(stage: ApprovalStage) -> dict[str, Any]:
    return {
        "id": stage.pk,
        "role": stage.role.slug,
        "quorum": stage.quorum,
        "order": stage.order,
        "state": stage.state,
        "rules": stage.rule_ids,
        "opened_at": stage.opened_at,
        "due_at": stage.due_at,
        "decisions": [decision_row(decision) for decision in stage.decisions.all()],
    }


def decision_row(decision: ApprovalDecision) -> dict[str, Any]:
    return {
        "id": decision.pk,
        "person": decision.person_id,
        "for_person": decision.for_person_id,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "revision_digest": decision.revision_digest,
        "decided_at": decision.decided_at,
    }


def comment_row(comment: RequestComment) -> dict[str, Any]:
    return {
        "id": comment.pk,
        "author": comment.author.person_id,
        "text": comment.text,
        "created_at": comment.created_at,
    }


def grant_row(grant: Grant) -> dict[str, Any]:
    return {
        "reference": grant.reference,
        "number": grant.number,
        "state": grant.state,
        "title": grant.title,
        "request": grant.provisioning_request_id and f"REQ-{grant.provisioning_request.number:04d}",
        "project": grant.project.slug,
        "provider": grant.provider,
        "region": grant.region,
        "price_term": grant.price_term,
        "accelerator": grant.accelerator,
        "accelerator_count": grant.accelerator_count,
        "gpu_hours_cap": grant.gpu_hours_cap,
        "cost_cap": money(grant.cost_cap_micro),
        "starts_at": grant.starts_at,
        "ends_at": grant.ends_at,
    }


def budget_row(budget: Budget) -> dict[str, Any]:
    return {
        "slug": budget.slug,
        "name": budget.name,
        "parent": budget.parent.slug if budget.parent else None,
        "period_start": budget.period_start,
        "period_end": budget.period_end,
        "limit": money(budget.limit_micro),
        "held": money(budget.held_micro),
        "committed": money(budget.committed_micro),
        "spent": money(budget.spent_micro),
        "headroom": money(budget.headroom_micro),
    }
