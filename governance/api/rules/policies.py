"""Endpoints for the life of policy versions: list, read, import, test, explain, shadow, ask, answer, withdraw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.endpoints import Endpoint, ListEndpoint
from governance.api.fields import INTEGER_MAX
from governance.api.rules import serializers as shapes
from governance.api.schema import described
from governance.api.serializers import Beside
from governance.domain.errors import (
    AlreadyDecided,
    IllegalTransition,
    InvalidInput,
    NoActivePolicy,
    NotAllowed,
    NotReady,
    SeparationOfDuties,
)
from governance.domain.states.rules import VersionState
from governance.models import PolicyVersion
from governance.selectors.rules.activations import standing_of
from governance.selectors.rules.policy_checks import Checks
from governance.services.rules import activations, policies, policy_checks, shadow


def standing(version: PolicyVersion, *, now: datetime) -> Beside:
    """A version with its last run, what the shadow said and what is still in the way."""
    found = standing_of(version, now=now)
    explained = {key: note.explanation for key, note in found.explained.items()}
    flips = [{"from": was, "to": becomes, "count": n} for (was, becomes), n in found.shadow.by_direction.items()]
    return Beside(
        version,
        checks=_checks(found.checks, explained),
        shadow=Beside(found.shadow, flips=flips),
        backtest=found.backtest_standing,
        activation=found.activation,
        missing=found.missing if version.state != VersionState.ACTIVE else (),
    )


def _checks(checks: Checks | None, explained: Mapping[str, str]) -> dict[str, Any] | None:
    if checks is None:
        return None
    plain = checks.to_json()
    return plain | {
        "findings": [each | {"explanation": explained.get(each["key"])} for each in plain["findings"]],
    }


class PolicyEndpoint(Endpoint):
    """Whoever works at the desk reads policies; the services say who changes them."""

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        super().initial(request, *args, **options)
        if not self.actor.is_staff:
            raise NotAllowed("policies are read by those who decide, audit or keep them")

    def version(self, version_id: int) -> PolicyVersion:
        rows = PolicyVersion.objects.select_related("policy_set")
        return self.found(rows, "there is no such policy version", pk=version_id)

    def changed(self, service: Callable[..., Any], /, *, status: int = 200, **fields: Any) -> Response:
        """One service call with these fields, once per key; the answer is the version as it stands then."""
        now = timezone.now()

        def told(result: Any) -> Mapping[str, Any]:
            version = result if isinstance(result, PolicyVersion) else result.version
            return self.shown(version.pk, now=now)

        return self.once(service, told, status=status, now=now, **fields)

    def shown(self, version_id: int, *, now: datetime) -> Mapping[str, Any]:
        return shapes.VersionDetailSerializer(standing(self.version(version_id), now=now)).data


class VersionList(ListEndpoint, PolicyEndpoint):
    @described(
        "policies_list",
        shapes.VersionSerializer(many=True),
        parameters=[
            OpenApiParameter("set", OpenApiTypes.STR),
            OpenApiParameter("state", OpenApiTypes.STR, enum=[state.value for state in VersionState]),
        ],
    )
    def get(self, request: Request) -> Response:
        """Policy versions, newest first, without their texts."""
        rows = PolicyVersion.objects.select_related("policy_set").defer("source")
        for name, lookup in (("set", "policy_set__slug"), ("state", "state")):
            if value := request.query_params.get(name):
                rows = rows.filter(**{lookup: value.replace("\x00", "")[:80]})
        return self.page(rows, shapes.VersionSerializer)

    @described(
        "policies_import", shapes.VersionDetailSerializer, status=201, request=shapes.ImportSerializer, is_keyed=True
    )
    def post(self, request: Request) -> Response:
        """Store a bundle as a draft. The same rules again are the version that exists."""
        data = self.body(shapes.ImportSerializer)
        return self.changed(_import, status=201, source=data["bundle"], reason=data["reason"])


class VersionDetail(PolicyEndpoint):
    @described("policies_read", shapes.VersionDetailSerializer)
    def get(self, request: Request, version_id: int) -> Response:
        """One version: text, last run of its cases and checks, shadow, and what is in the way of its activation."""
        return Response(self.shown(version_id, now=timezone.now()))


class VersionTest(PolicyEndpoint):
    @described(
        "policies_test",
        shapes.VersionDetailSerializer,
        refuses=(IllegalTransition, NoActivePolicy),
        is_keyed=True,
    )
    def post(self, request: Request, version_id: int) -> Response:
        """Run its cases and the static checks beside the rules in force."""
        return self.changed(policy_checks.test_version, version_id=self.version(version_id).pk)


class VersionExplain(PolicyEndpoint):
    @described("policies_explain", shapes.VersionDetailSerializer, request=shapes.ExplainSerializer, is_keyed=True)
    def post(self, request: Request, version_id: int) -> Response:
        """Say why a finding stands."""
        data, version = self.body(shapes.ExplainSerializer), self.version(version_id)
        return self.changed(policy_checks.explain_finding, version_id=version.pk, **data)


class VersionShadow(PolicyEndpoint):
    @described(
        "policies_shadow_start", shapes.VersionDetailSerializer, refuses=(NotReady, IllegalTransition), is_keyed=True
    )
    def post(self, request: Request, version_id: int) -> Response:
        """Judge it beside each submission from now on; it decides nothing."""
        return self.changed(shadow.start_shadow, version_id=self.version(version_id).pk)

    @described("policies_shadow_end", shapes.VersionDetailSerializer, refuses=(IllegalTransition,))
    def delete(self, request: Request, version_id: int) -> Response:
        """Take it out of the shadow."""
        version, now = self.version(version_id), timezone.now()
        shadow.end_shadow(version_id=version.pk, actor=self.actor, now=now)
        return Response(self.shown(version_id, now=now))


class VersionActivations(PolicyEndpoint):
    @described(
        "policies_activation_request",
        shapes.VersionDetailSerializer,
        status=201,
        refuses=(AlreadyDecided, IllegalTransition, NotReady, SeparationOfDuties),
        request=shapes.ActivationInputSerializer,
        is_keyed=True,
    )
    def post(self, request: Request, version_id: int) -> Response:
        """Ask a second officer to put it in force; `missing` says what is in the way."""
        data, version = self.body(shapes.ActivationInputSerializer), self.version(version_id)
        return self.changed(activations.request_activation, status=201, version_id=version.pk, **data)


class ActivationAnswer(PolicyEndpoint):
    @described(
        "policies_activation_answer",
        shapes.VersionDetailSerializer,
        refuses=(AlreadyDecided, IllegalTransition, NotReady, SeparationOfDuties),
        request=shapes.AnswerSerializer,
        is_keyed=True,
    )
    def post(self, request: Request, activation_id: int) -> Response:
        """Agree or refuse, as another person than the one who asked."""
        data = self.body(shapes.AnswerSerializer)
        return self.changed(activations.answer_activation, activation_id=min(activation_id, INTEGER_MAX), **data)


class ActivationWithdraw(PolicyEndpoint):
    @described(
        "policies_activation_withdraw",
        shapes.VersionDetailSerializer,
        refuses=(AlreadyDecided, IllegalTransition, NotReady, SeparationOfDuties),
        request=shapes.WithdrawSerializer,
        is_keyed=True,
    )
    def post(self, request: Request, activation_id: int) -> Response:
        """Take an activation back before it rules."""
        data = self.body(shapes.WithdrawSerializer)
        return self.changed(activations.withdraw_activation, activation_id=min(activation_id, INTEGER_MAX), **data)


def _import(**fields: Any) -> PolicyVersion:
    try:
        return policies.import_version(**fields)
    except InvalidInput as error:
        # The caller knows the text under the name of its own field.
        renamed = {"bundle" if name == "source" else name: found for name, found in error.errors.items()}
        raise InvalidInput(renamed) from error
