"""Endpoints for the life of policy versions: list, read, import, test, explain, shadow, ask, answer, withdraw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.fields import InstantField
from governance.api.idempotency import once
from governance.api.schema import KEY, PAGE, REFUSALS, described
from governance.api.serializers import StrictSerializer
from governance.api.views import Endpoint
from governance.domain.errors import InvalidInput, NotAllowed
from governance.models import PolicyActivation, PolicyVersion
from governance.models.rules.policies import VERSION_STATES
from governance.policy.limits import BUNDLE_BYTES_MAX
from governance.selectors.rules.activations import standing_of
from governance.selectors.rules.policy_checks import Checks
from governance.services.rules import activations, policies, policy_checks, shadow

ID_MAX = 2**63 - 1


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


class AskSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=4000)
    effective_at = InstantField(
        required=False, allow_null=True, default=None, help_text="From when it rules; null for as soon as it is agreed."
    )


class AnswerSerializer(StrictSerializer):
    answer = serializers.ChoiceField(choices=list(activations.ANSWERS))
    reason = serializers.CharField(max_length=4000, allow_blank=True, default="", help_text="A refusal says why.")


class WithdrawSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=4000)


def version_row(version: PolicyVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "set": version.policy_set.slug,
        "number": version.number,
        "state": version.state,
        "digest": version.digest,
        "reason": version.reason,
        "created_by": version.created_by_id,
        "created_at": version.created_at,
        "tested_at": version.tested_at,
        "shadow_since": version.shadow_since,
        "activated_by": version.activated_by_id,
        "activated_at": version.activated_at,
        "retired_at": version.retired_at,
    }


def activation_row(activation: PolicyActivation) -> dict[str, Any]:
    return {
        "id": activation.pk,
        "version": activation.version_id,
        "state": activation.state,
        "asked_by": activation.asked_by_id,
        "asked_at": activation.asked_at,
        "reason": activation.reason,
        "effective_at": activation.effective_at,
        "backtest": activation.backtest_id,
        "answered_by": activation.answered_by_id,
        "answered_at": activation.answered_at,
        "answer_reason": activation.answer_reason,
    }


def version_detail(version: PolicyVersion, *, now: datetime) -> dict[str, Any]:
    """A version with its text, its last run, what the shadow said and what is still in the way."""
    standing = standing_of(version, now=now)
    summary = standing.shadow
    return version_row(version) | {
        "bundle": version.source,
        "checks": _checks(standing.checks, {key: note.explanation for key, note in standing.explained.items()}),
        "shadow": {
            "judged": summary.judged,
            "flipped": summary.flipped,
            "otherwise": summary.otherwise,
            "errors": summary.errors,
            "flips": [{"from": was, "to": becomes, "count": n} for (was, becomes), n in summary.by_direction.items()],
            "since": summary.since,
        },
        "backtest": standing.backtest_standing.value,
        "activation": activation_row(standing.activation) if standing.activation else None,
        "missing": list(standing.missing) if version.state != "active" else [],
    }


def _checks(checks: Checks | None, explained: dict[str, str]) -> dict[str, Any] | None:
    if checks is None:
        return None
    plain = checks.to_json()
    for finding in plain["findings"]:
        finding["explanation"] = explained.get(finding["key"])
    return plain


class PolicyEndpoint(Endpoint):
    """Whoever works at the desk reads policies; the services say who changes them."""

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        super().initial(request, *args, **options)
        if not self.actor.is_staff:
            raise NotAllowed("policies are read by those who decide, audit or keep them")

    def version(self, version_id: int) -> PolicyVersion:
        rows = PolicyVersion.objects.select_related("policy_set")
        return self.found(rows, "there is no such policy version", pk=version_id)

    def changed(self, request: Request, service: Callable[..., Any], *, status: int = 200, **fields: Any) -> Response:
        """One service call with these fields, once per key; the answer is the version as it stands then."""
        now = timezone.now()

        def told(result: Any) -> tuple[int, dict[str, Any]]:
            version = result if isinstance(result, PolicyVersion) else result.version
            return status, version_detail(self.version(version.pk), now=now)

        return once(request, self.actor, service, told, now=now, **fields)


class VersionList(PolicyEndpoint):
    @described(
        "policies_list",
        200,
        403,
        parameters=[
            *PAGE,
            OpenApiParameter("set", OpenApiTypes.STR),
            OpenApiParameter("state", OpenApiTypes.STR, enum=list(VERSION_STATES)),
        ],
    )
    def get(self, request: Request) -> Response:
        """Policy versions, newest first, without their texts."""
        rows = PolicyVersion.objects.select_related("policy_set").defer("source")
        for name, lookup in (("set", "policy_set__slug"), ("state", "state")):
            if value := request.query_params.get(name):
                rows = rows.filter(**{lookup: value.replace("\x00", "")[:80]})
        return self.page(rows, version_row)

    @described("policies_import", 201, *REFUSALS, request=ImportSerializer, parameters=[KEY])
    def post(self, request: Request) -> Response:
        """Store a bundle as a draft. The same rules again are the version that exists."""
        data = self.body(ImportSerializer)
        return self.changed(request, _import, status=201, source=data["bundle"], reason=data["reason"])


class VersionDetail(PolicyEndpoint):
    @described("policies_read", 200, 404)
    def get(self, request: Request, version_id: int) -> Response:
        """One version: text, last run of its cases and checks, shadow, and what is in the way of its activation."""
        return Response(version_detail(self.version(version_id), now=timezone.now()))


class VersionTest(PolicyEndpoint):
    @described("policies_test", 200, *REFUSALS, parameters=[KEY])
    def post(self, request: Request, version_id: int) -> Response:
        """Run its cases and the static checks beside the rules in force."""
        return self.changed(request, policy_checks.test_version, version_id=self.version(version_id).pk)


class VersionExplain(PolicyEndpoint):
    @described("policies_explain", 200, *REFUSALS, request=ExplainSerializer, parameters=[KEY])
    def post(self, request: Request, version_id: int) -> Response:
        """Say why a finding stands."""
        data, version = self.body(ExplainSerializer), self.version(version_id)
        return self.changed(request, policy_checks.explain_finding, version_id=version.pk, **data)


class VersionShadow(PolicyEndpoint):
    @described("policies_shadow_start", 200, *REFUSALS, parameters=[KEY])
    def post(self, request: Request, version_id: int) -> Response:
        """Judge it beside each submission from now on; it decides nothing."""
        return self.changed(request, shadow.start_shadow, version_id=self.version(version_id).pk)

    @described("policies_shadow_end", 200, *REFUSALS)
    def delete(self, request: Request, version_id: int) -> Response:
        """Take it out of the shadow."""
        version, now = self.version(version_id), timezone.now()
        shadow.end_shadow(version_id=version.pk, actor=self.actor, now=now)
        return Response(version_detail(self.version(version_id), now=now))


class VersionActivations(PolicyEndpoint):
    @described("policies_activation_ask", 201, *REFUSALS, request=AskSerializer, parameters=[KEY])
    def post(self, request: Request, version_id: int) -> Response:
        """Ask a second officer to put it in force; `missing` says what is in the way."""
        data, version = self.body(AskSerializer), self.version(version_id)
        return self.changed(request, activations.ask_activation, status=201, version_id=version.pk, **data)


class ActivationAnswer(PolicyEndpoint):
    @described("policies_activation_answer", 200, *REFUSALS, request=AnswerSerializer, parameters=[KEY])
    def post(self, request: Request, activation_id: int) -> Response:
        """Agree or refuse, as another person than the one who asked."""
        data = self.body(AnswerSerializer)
        return self.changed(request, activations.answer_activation, activation_id=min(activation_id, ID_MAX), **data)


class ActivationWithdraw(PolicyEndpoint):
    @described("policies_activation_withdraw", 200, *REFUSALS, request=WithdrawSerializer, parameters=[KEY])
    def post(self, request: Request, activation_id: int) -> Response:
        """Take an activation back before it rules."""
        data = self.body(WithdrawSerializer)
        return self.changed(request, activations.withdraw_activation, activation_id=min(activation_id, ID_MAX), **data)


def _import(**fields: Any) -> PolicyVersion:
    try:
        return policies.import_version(**fields)
    except InvalidInput as error:
        # The caller knows the text under the name of its own field.
        renamed = {"bundle" if name == "source" else name: found for name, found in error.errors.items()}
        raise InvalidInput(renamed) from error
