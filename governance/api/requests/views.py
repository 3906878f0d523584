"""Endpoints for requests: parse, call one service or selector, render."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound as HttpNotFound
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.endpoints import NOTHING_HERE, Endpoint, ListEndpoint
from governance.api.requests import serializers as shapes
from governance.api.schema import JUDGING, SUBMITTING, described
from governance.api.serializers import Beside
from governance.domain import errors
from governance.domain.errors import NotFound
from governance.domain.states.requests import State
from governance.models import ProvisioningRequest
from governance.selectors.approvals import approvals as deciding
from governance.selectors.requests import assessed as stored
from governance.selectors.requests import assessments
from governance.selectors.requests.advice import advice
from governance.services.requests import comments, drafts, submission, withdrawal


class RequestEndpoint(Endpoint):
    """Finds one request, and shows it as it stands."""

    def request_row(self, number: int) -> ProvisioningRequest:
        rows = ProvisioningRequest.objects.visible_to(self.visibility())
        return self.found(rows.select_related("requester__person", "project"), number=number)

    def request_to_read(self, number: int) -> ProvisioningRequest:
        """The request, also for whoever may decide it without seeing it otherwise, such as a delegate."""
        try:
            return deciding.request_to_read(number, user=self.actor, visibility=self.visibility(), now=timezone.now())
        except NotFound:
            raise HttpNotFound(NOTHING_HERE) from None

    def standing(self, number: int) -> Beside:
        """The request with its latest assessment."""
        row = (
            ProvisioningRequest.objects.select_related("requester__person", "project")
            .prefetch_related("stages__role", "stages__decisions")
            .get(number=number)
        )
        latest = stored.latest_of(row)
        return Beside(row, assessment=latest, revision=latest.revision if latest else None)

    def shown(self, number: int) -> dict[str, Any]:
        return dict(shapes.RequestDetailSerializer(self.standing(number)).data)


class RequestList(ListEndpoint, RequestEndpoint):
    @described(
        "requests_list",
        shapes.RequestSerializer(many=True),
        parameters=[
            OpenApiParameter("state", OpenApiTypes.STR, enum=[str(state) for state in State]),
            OpenApiParameter("project", OpenApiTypes.STR),
        ],
    )
    def get(self, request: Request) -> Response:
        """Requests that you may see, newest first."""
        rows = ProvisioningRequest.objects.visible_to(self.visibility()).select_related("requester__person", "project")
        for name, lookup in (("state", "state"), ("project", "project__slug")):
            if value := request.query_params.get(name):
                rows = rows.filter(**{lookup: value.replace("\x00", "")[:80]})
        return self.page(rows, shapes.RequestSerializer)

    @described(
        "requests_create",
        shapes.RequestDetailSerializer,
        status=201,
        refuses=SUBMITTING,
        request=shapes.ContentSerializer,
        is_keyed=True,
    )
    def post(self, request: Request) -> Response:
        """Start a draft, or submit it at once with `submit`."""
        data = self.body(shapes.ContentSerializer)
        return self.once(
            submission.create_and_submit if data["submit"] else drafts.create_draft,
            lambda row: self.shown(row.number),
            status=201,
            now=timezone.now(),
            content=data["content"],
        )


class RequestDetail(RequestEndpoint):
    @described("requests_read", shapes.RequestReadSerializer)
    def get(self, request: Request, number: int) -> Response:
        """One request: content, latest assessment, the nearest request that would pass, stages and decisions."""
        row = self.request_to_read(number)
        standing = self.standing(row.number)
        found = advice.NOTHING
        if standing.assessment is not None:
            found = advice.advise_request(row, standing.revision.content, now=timezone.now())
        return Response(shapes.RequestReadSerializer(Beside(standing, **found.to_json())).data)

    @described(
        "requests_save",
        shapes.RequestDetailSerializer,
        refuses=(errors.NotRequester, errors.StaleDraft, errors.IllegalTransition),
        request=shapes.DraftSerializer,
    )
    def put(self, request: Request, number: int) -> Response:
        """Replace what the request asks for, as long as nobody has decided it."""
        data = self.body(shapes.DraftSerializer)
        row = drafts.save_draft(
            request_id=self.request_row(number).pk,
            actor=self.actor,
            content=data["content"],
            expected_version=data.get("draft_version"),
            now=timezone.now(),
        )
        return Response(self.shown(row.number))


class RequestPreview(Endpoint):
    @described("requests_preview", shapes.PreviewSerializer, refuses=JUDGING, request=shapes.PreviewInputSerializer)
    def post(self, request: Request) -> Response:
        """What would happen if this were submitted now. Nothing is stored."""
        data = self.body(shapes.PreviewInputSerializer)
        found = assessments.preview(data["content"], actor=self.actor, now=timezone.now())
        shown = Beside(
            found,
            gaps=found.facts.gaps,
            decision=found.decision.to_json(),
            estimate=found.estimate.to_json(),
            stages=[Beside(plan, eligible_count=len(plan.eligible)) for plan in found.stages],
            **advice.advise(found).to_json(),
        )
        return Response(shapes.PreviewSerializer(shown).data)


class RequestSubmit(RequestEndpoint):
    @described(
        "requests_submit",
        shapes.RequestDetailSerializer,
        refuses=(*SUBMITTING, errors.NotRequester, errors.StaleDraft, errors.IllegalTransition),
        request=shapes.SubmitSerializer,
        is_keyed=True,
    )
    def post(self, request: Request, number: int) -> Response:
        """Submit a draft: it is not allowed, in review, or granted."""
        data = self.body(shapes.SubmitSerializer)
        return self.once(
            submission.submit_request,
            lambda submitted: self.shown(submitted.number),
            status=200,
            now=timezone.now(),
            request_id=self.request_row(number).pk,
            expected_version=data.get("draft_version"),
        )


class RequestWithdraw(RequestEndpoint):
    @described(
        "requests_withdraw",
        shapes.RequestDetailSerializer,
        refuses=(errors.NotRequester, errors.IllegalTransition),
        request=shapes.ReasonSerializer,
    )
    def post(self, request: Request, number: int) -> Response:
        """Take a request back for good."""
        data = self.body(shapes.ReasonSerializer)
        row = self.request_row(number)
        withdrawal.withdraw_request(request_id=row.pk, actor=self.actor, reason=data["reason"], now=timezone.now())
        return Response(self.shown(number))


class RequestComments(RequestEndpoint):
    @described("comments_list", shapes.CommentsSerializer)
    def get(self, request: Request, number: int) -> Response:
        """The conversation, oldest first."""
        row = self.request_to_read(number)
        return Response(shapes.CommentsSerializer({"results": row.comments.select_related("author")}).data)

    @described(
        "comments_create",
        shapes.CommentSerializer,
        status=201,
        request=shapes.CommentInputSerializer,
        is_keyed=True,
    )
    def post(self, request: Request, number: int) -> Response:
        """Say something about a request."""
        data = self.body(shapes.CommentInputSerializer)
        return self.once(
            comments.add_comment,
            lambda comment: shapes.CommentSerializer(comment).data,
            status=201,
            now=timezone.now(),
            request_id=self.request_row(number).pk,
            text=data["text"],
        )
