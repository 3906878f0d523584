"""Endpoints for requests, estimates, stages, grants and budgets: parse, call one service or selector, render."""

from __future__ import annotations

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound as HttpNotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api import serializers as shapes
from governance.api.idempotency import once
from governance.domain.lifecycle import State
from governance.models import ApprovalStage, Assessment, Budget, Grant, ProvisioningRequest, User, Visibility
from governance.selectors import assessed as stored
from governance.selectors import assessments, estimates, nearest, people
from governance.services import approvals, provisioning

KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, description="Same key, same effect, once."
)
PAGE = [
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous` of the page before."),
    OpenApiParameter("page_size", OpenApiTypes.INT, description="1 to 200; 50 unless told."),
]


class NewestFirst(CursorPagination):
    """Pages by key, so that the last page costs what the first does."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-id"


class Endpoint(APIView):
    """What every endpoint shares: who asks, what they see, one page of something."""

    @property
    def actor(self) -> User:
        return cast(User, self.request.user)

    def visibility(self) -> Visibility:
        return people.visibility_of(self.actor, now=timezone.now())

    def page(self, rows: Any, shape: Any) -> Response:
        paginator = NewestFirst()
        found: Any = paginator.paginate_queryset(rows, self.request, view=self)
        return paginator.get_paginated_response([shape(row) for row in found or []])

    def body(self, serializer: type[shapes.StrictSerializer]) -> dict[str, Any]:
        checked = serializer(data=self.request.data)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def request_row(self, number: int) -> ProvisioningRequest:
        """The request, or 404 when it is missing or not visible: the two are the same to the caller."""
        row = (
            ProvisioningRequest.objects.visible_to(self.visibility())
            .select_related("requester__person", "project")
            .filter(number=min(number, 2**31 - 1))
            .first()
        )
        if row is None:
            raise HttpNotFound("there is nothing here, or it is not yours to see")
        return row

    def shown(self, number: int) -> dict[str, Any]:
        row = (
            ProvisioningRequest.objects.select_related("requester__person", "project")
            .prefetch_related("stages__role", "stages__decisions")
            .get(number=number)
        )
        return shapes.request_detail(row, stored.latest_of(row))


class RequestList(Endpoint):
    @extend_schema(
        operation_id="requests_list",
        parameters=[
            *PAGE,
            OpenApiParameter("state", OpenApiTypes.STR, enum=[str(state) for state in State]),
            OpenApiParameter("project", OpenApiTypes.STR),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        """Requests that you may see, newest first."""
        rows = ProvisioningRequest.objects.visible_to(self.visibility()).select_related("requester__person", "project")
        for name, lookup in (("state", "state"), ("project", "project__slug")):
            if value := request.query_params.get(name):
                rows = rows.filter(**{lookup: value.replace("\x00", "")[:80]})
        return self.page(rows, shapes.request_row)

    @extend_schema(
        operation_id="requests_create",
        parameters=[KEY],
        request=shapes.ContentSerializer,
        responses={201: OpenApiTypes.OBJECT, 400: OpenApiTypes.OBJECT, 409: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> Response:
        """Start a draft, or ask at once with `submit`."""
        data = self.body(shapes.ContentSerializer)
        now = timezone.now()

        service = provisioning.ask_at_once if data["submit"] else provisioning.create_draft
        return once(
            request,
            self.actor,
            lambda seal: service(actor=self.actor, content=data["content"], now=now, before_commit=seal),
            lambda row: (201, self.shown(row.number)),
            now=now,
        )


class RequestDetail(Endpoint):
    @extend_schema(operation_id="requests_read", responses={200: OpenApiTypes.OBJECT, 404: OpenApiTypes.OBJECT})
    def get(self, request: Request, number: int) -> Response:
        """One request: content, latest assessment, the nearest ask that would have passed, stages and decisions."""
        row = self.request_row(number)
        found = nearest.nearest_change(stored.latest_of(row))
        return Response(self.shown(row.number) | {"nearest": found.to_json() if found else None})

    @extend_schema(
        operation_id="requests_save",
        request=shapes.DraftSerializer,
        responses={200: OpenApiTypes.OBJECT, 400: OpenApiTypes.OBJECT, 409: OpenApiTypes.OBJECT},
    )
    def put(self, request: Request, number: int) -> Response:
        """Replace what the request asks for, as long as nobody has decided it."""
        data = self.body(shapes.DraftSerializer)
        row = provisioning.save_draft(
            request_id=self.request_row(number).pk,
            actor=self.actor,
            content=data["content"],
            expected_version=data.get("draft_version"),
            now=timezone.now(),
        )
        return Response(self.shown(row.number))


class RequestPreview(Endpoint):
    @extend_schema(
        operation_id="requests_preview",
        request=shapes.PreviewSerializer,
        responses={200: OpenApiTypes.OBJECT, 400: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> Response:
        """What would happen if this were submitted now. Nothing is stored."""
        data = self.body(shapes.PreviewSerializer)
        return Response(shapes.assessed(assessments.preview(data["content"], actor=self.actor, now=timezone.now())))


class RequestSubmit(Endpoint):
    @extend_schema(
        operation_id="requests_submit",
        parameters=[KEY],
        request=shapes.SubmitSerializer,
        responses={200: OpenApiTypes.OBJECT, 400: OpenApiTypes.OBJECT, 409: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request, number: int) -> Response:
        """Submit a draft: it is not allowed, in review, or granted."""
        now = timezone.now()
        data = self.body(shapes.SubmitSerializer)
        row = self.request_row(number)

        version = data.get("draft_version")
        return once(
            request,
            self.actor,
            lambda seal: provisioning.submit_request(
                request_id=row.pk, actor=self.actor, now=now, expected_version=version, before_commit=seal
            ),
            lambda submitted: (200, self.shown(submitted.number)),
            now=now,
        )


class RequestWithdraw(Endpoint):
    @extend_schema(
        operation_id="requests_withdraw",
        request=shapes.ReasonSerializer,
        responses={200: OpenApiTypes.OBJECT, 403: OpenApiTypes.OBJECT, 409: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request, number: int) -> Response:
        """Take a request back for good."""
        data = self.body(shapes.ReasonSerializer)
        row = self.request_row(number)
        provisioning.withdraw_request(request_id=row.pk, actor=self.actor, reason=data["reason"], now=timezone.now())
        return Response(self.shown(number))


class RequestComments(Endpoint):
    @extend_schema(operation_id="comments_list", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, number: int) -> Response:
        """The conversation, oldest first."""
        row = self.request_row(number)
        return Response({"results": [shapes.comment_row(comment) for comment in row.comments.select_related("author")]})

    @extend_schema(
        operation_id="comments_create",
        request=shapes.CommentInputSerializer,
        responses={201: OpenApiTypes.OBJECT, 400: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request, number: int) -> Response:
        """Say something about a request."""
        data = self.body(shapes.CommentInputSerializer)
        comment = provisioning.add_comment(
            request_id=self.request_row(number).pk, actor=self.actor, text=data["text"], now=timezone.now()
        )
        return Response(shapes.comment_row(comment), status=201)


class StageDecide(Endpoint):
    @extend_schema(
        operation_id="stages_decide",
        parameters=[KEY],
        request=shapes.DecisionInputSerializer,
        responses={201: OpenApiTypes.OBJECT, 403: OpenApiTypes.OBJECT, 409: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request, stage_id: int) -> Response:
        """Decide one stage, bound to the revision that you read."""
        data = self.body(shapes.DecisionInputSerializer)
        now = timezone.now()
        stage = ApprovalStage.objects.filter(pk=min(stage_id, 2**63 - 1)).select_related("provisioning_request").first()
        if stage is None:
            raise HttpNotFound("there is nothing here, or it is not yours to see")
        self.request_row(stage.provisioning_request.number)

        return once(
            request,
            self.actor,
            lambda seal: approvals.decide(stage_id=stage.pk, actor=self.actor, now=now, before_commit=seal, **data),
            lambda decision: (201, shapes.decision_row(decision)),
            now=now,
        )


NEED_FIELDS = (
    "deadline_hours",
    "providers",
    "countries",
    "terms",
    "software",
    "delivery",
    "interconnect_gb_s",
    "is_export_controlled",
    "price_age_days_max",
)


class EstimateList(Endpoint):
    @extend_schema(operation_id="estimates_list", parameters=PAGE, responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Estimates that were stored with requests you may see, newest first."""
        return self.page(stored.visible_to(self.visibility()), _estimate_row)

    @extend_schema(
        operation_id="estimates_create",
        request=shapes.EstimateInputSerializer,
        responses={200: OpenApiTypes.OBJECT, 400: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> Response:
        """Size one workload in one place. Nothing is stored and nobody is asked."""
        data = self.body(shapes.EstimateInputSerializer)
        return Response(estimates.size(today=timezone.now().date(), **data).to_json())


class EstimateCompare(Endpoint):
    @extend_schema(
        operation_id="estimates_compare",
        request=shapes.CompareInputSerializer,
        responses={200: OpenApiTypes.OBJECT, 400: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> Response:
        """Size one workload, and put it on every offer: drivers, the front of cost, time and carbon, and advice."""
        data = self.body(shapes.CompareInputSerializer)
        limit = data.pop("limit")
        needs = {name: data.pop(name) for name in NEED_FIELDS}
        return Response(estimates.explore_workload(today=timezone.now().date(), needs=needs, **data).to_json(limit))


class EstimateDetail(Endpoint):
    @extend_schema(operation_id="estimates_read", responses={200: OpenApiTypes.OBJECT, 404: OpenApiTypes.OBJECT})
    def get(self, request: Request, assessment_id: int) -> Response:
        """One stored estimate with its assumptions and pins."""
        row = stored.visible_to(self.visibility()).filter(pk=min(assessment_id, 2**63 - 1)).first()
        if row is None:
            raise HttpNotFound("there is nothing here, or it is not yours to see")
        return Response(_estimate_row(row))


def _estimate_row(row: Assessment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "request": row.revision.provisioning_request.reference,
        "revision": row.revision.number,
        "assessed_at": row.assessed_at,
        "estimate": row.estimate,
        "catalogue": row.catalogue_digest,
    }


class GrantList(Endpoint):
    @extend_schema(operation_id="grants_list", parameters=PAGE, responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Grants that you may see, newest first."""
        rows = Grant.objects.visible_to(self.visibility()).select_related("project", "provisioning_request")
        return self.page(rows, shapes.grant_row)


class GrantDetail(Endpoint):
    @extend_schema(operation_id="grants_read", responses={200: OpenApiTypes.OBJECT, 404: OpenApiTypes.OBJECT})
    def get(self, request: Request, number: int) -> Response:
        """One grant."""
        row = (
            Grant.objects.visible_to(self.visibility())
            .select_related("project", "provisioning_request")
            .filter(number=min(number, 2**31 - 1))
            .first()
        )
        if row is None:
            raise HttpNotFound("there is nothing here, or it is not yours to see")
        return Response(shapes.grant_row(row))


class BudgetList(Endpoint):
    @extend_schema(operation_id="budgets_list", parameters=PAGE, responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Budgets that you may see."""
        return self.page(Budget.objects.visible_to(self.visibility()).select_related("parent"), shapes.budget_row)
