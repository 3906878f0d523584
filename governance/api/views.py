"""Endpoints for requests, estimates, stages, grants and budgets: parse, call one service or selector, render."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar, cast

from django.db.models import Model, QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound as HttpNotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estimator.core.workload.needs import Needs
from governance.api import serializers as shapes
from governance.api.idempotency import once
from governance.api.pages import NewestFirst
from governance.api.schema import KEY, PAGE, described
from governance.domain.errors import NotFound
from governance.domain.requests.lifecycle import State
from governance.models import ApprovalStage, Assessment, Budget, Grant, ProvisioningRequest, User, Visibility
from governance.selectors.approvals import approvals as deciding
from governance.selectors.people import people
from governance.selectors.requests import assessed as stored
from governance.selectors.requests import assessments, estimates
from governance.selectors.requests.advice import advice
from governance.services.approvals import approvals
from governance.services.requests import comments, drafts, submission, withdrawal

NOTHING_HERE = "there is nothing here, or it is not yours to see"

Row = TypeVar("Row", bound=Model)


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

    def found(self, rows: QuerySet[Row], missing: str = NOTHING_HERE, **at: int) -> Row:
        """The row, or 404 when it is missing or not visible: the two are the same to the caller."""
        row = rows.filter(**at).first()
        if row is None:
            raise HttpNotFound(missing)
        return row

    def request_row(self, number: int) -> ProvisioningRequest:
        rows = ProvisioningRequest.objects.visible_to(self.visibility())
        return self.found(rows.select_related("requester__person", "project"), number=number)

    def request_to_read(self, number: int) -> ProvisioningRequest:
        """The request, also for whoever may decide it without seeing it otherwise, such as a delegate."""
        try:
            return deciding.request_to_read(number, user=self.actor, visibility=self.visibility(), now=timezone.now())
        except NotFound:
            raise HttpNotFound(NOTHING_HERE) from None

    def shown(self, number: int) -> dict[str, Any]:
        row = (
            ProvisioningRequest.objects.select_related("requester__person", "project")
            .prefetch_related("stages__role", "stages__decisions")
            .get(number=number)
        )
        return shapes.request_detail(row, stored.latest_of(row))


class RequestList(Endpoint):
    @described(
        "requests_list",
        200,
        parameters=[
            *PAGE,
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
        return self.page(rows, shapes.request_row)

    @described("requests_create", 201, 400, 409, request=shapes.ContentSerializer, parameters=[KEY])
    def post(self, request: Request) -> Response:
        """Start a draft, or ask at once with `submit`."""
        data = self.body(shapes.ContentSerializer)
        service = submission.ask_at_once if data["submit"] else drafts.create_draft
        return once(
            request,
            self.actor,
            service,
            lambda row: (201, self.shown(row.number)),
            now=timezone.now(),
            content=data["content"],
        )


class RequestDetail(Endpoint):
    @described("requests_read", 200, 404)
    def get(self, request: Request, number: int) -> Response:
        """One request: content, latest assessment, the nearest request that would pass, stages and decisions."""
        row = self.request_to_read(number)
        latest = stored.latest_of(row)
        found = advice.NOTHING
        if latest is not None:
            found = advice.advise_request(row, latest.revision.content, now=timezone.now())
        return Response(self.shown(row.number) | found.to_json())

    @described("requests_save", 200, 400, 409, request=shapes.DraftSerializer)
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
    @described("requests_preview", 200, 400, request=shapes.PreviewSerializer)
    def post(self, request: Request) -> Response:
        """What would happen if this were submitted now. Nothing is stored."""
        data = self.body(shapes.PreviewSerializer)
        now = timezone.now()
        found = assessments.preview(data["content"], actor=self.actor, now=now)
        return Response(shapes.assessed(found) | advice.advise(found).to_json())


class RequestSubmit(Endpoint):
    @described("requests_submit", 200, 400, 409, request=shapes.SubmitSerializer, parameters=[KEY])
    def post(self, request: Request, number: int) -> Response:
        """Submit a draft: it is not allowed, in review, or granted."""
        data = self.body(shapes.SubmitSerializer)
        return once(
            request,
            self.actor,
            submission.submit_request,
            lambda submitted: (200, self.shown(submitted.number)),
            now=timezone.now(),
            request_id=self.request_row(number).pk,
            expected_version=data.get("draft_version"),
        )


class RequestWithdraw(Endpoint):
    @described("requests_withdraw", 200, 403, 409, request=shapes.ReasonSerializer)
    def post(self, request: Request, number: int) -> Response:
        """Take a request back for good."""
        data = self.body(shapes.ReasonSerializer)
        row = self.request_row(number)
        withdrawal.withdraw_request(request_id=row.pk, actor=self.actor, reason=data["reason"], now=timezone.now())
        return Response(self.shown(number))


class RequestComments(Endpoint):
    @described("comments_list", 200)
    def get(self, request: Request, number: int) -> Response:
        """The conversation, oldest first."""
        row = self.request_to_read(number)
        return Response({"results": [shapes.comment_row(comment) for comment in row.comments.select_related("author")]})

    @described("comments_create", 201, 400, request=shapes.CommentInputSerializer, parameters=[KEY])
    def post(self, request: Request, number: int) -> Response:
        """Say something about a request."""
        data = self.body(shapes.CommentInputSerializer)
        return once(
            request,
            self.actor,
            comments.add_comment,
            lambda comment: (201, shapes.comment_row(comment)),
            now=timezone.now(),
            request_id=self.request_row(number).pk,
            text=data["text"],
        )


class StageDecide(Endpoint):
    @described("stages_decide", 201, 403, 409, request=shapes.DecisionInputSerializer, parameters=[KEY])
    def post(self, request: Request, stage_id: int) -> Response:
        """Decide one stage, bound to the revision that you read."""
        data = self.body(shapes.DecisionInputSerializer)
        stage = self.found(ApprovalStage.objects.select_related("provisioning_request"), pk=stage_id)
        self.request_to_read(stage.provisioning_request.number)
        return once(
            request,
            self.actor,
            approvals.decide,
            lambda decision: (201, shapes.decision_row(decision)),
            now=timezone.now(),
            stage_id=stage.pk,
            **data,
        )


NEED_FIELDS = tuple(each.name for each in fields(Needs))


class EstimateList(Endpoint):
    @described("estimates_list", 200, parameters=PAGE)
    def get(self, request: Request) -> Response:
        """Estimates that were stored with requests you may see, newest first."""
        return self.page(stored.visible_to(self.visibility()), _estimate_row)

    @described("estimates_create", 200, 400, request=shapes.EstimateInputSerializer)
    def post(self, request: Request) -> Response:
        """Size one workload in one place. Nothing is stored and nobody is asked."""
        data = self.body(shapes.EstimateInputSerializer)
        return Response(estimates.size(estimates.Inputs(**data), today=timezone.now().date()).to_json())


class EstimateCompare(Endpoint):
    @described("estimates_compare", 200, 400, request=shapes.CompareInputSerializer)
    def post(self, request: Request) -> Response:
        """Size one workload, and put it on every offer: drivers, the front of cost, time and carbon, and advice."""
        data = self.body(shapes.CompareInputSerializer)
        limit = data.pop("limit")
        needs = {name: data.pop(name) for name in NEED_FIELDS}
        inputs = estimates.Inputs(needs=needs, **data)
        return Response(estimates.explore_workload(inputs, today=timezone.now().date()).to_json(limit))


class EstimateDetail(Endpoint):
    @described("estimates_read", 200, 404)
    def get(self, request: Request, assessment_id: int) -> Response:
        """One stored estimate with its assumptions and pins."""
        return Response(_estimate_row(self.found(stored.visible_to(self.visibility()), pk=assessment_id)))


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
    @described("grants_list", 200, parameters=PAGE)
    def get(self, request: Request) -> Response:
        """Grants that you may see, newest first."""
        rows = Grant.objects.visible_to(self.visibility()).select_related("project", "provisioning_request")
        return self.page(rows, shapes.grant_row)


class GrantDetail(Endpoint):
    @described("grants_read", 200, 404)
    def get(self, request: Request, number: int) -> Response:
        """One grant."""
        rows = Grant.objects.visible_to(self.visibility()).select_related("project", "provisioning_request")
        return Response(shapes.grant_row(self.found(rows, number=number)))


class BudgetList(Endpoint):
    @described("budgets_list", 200, parameters=PAGE)
    def get(self, request: Request) -> Response:
        """Budgets that you may see."""
        return self.page(Budget.objects.visible_to(self.visibility()).select_related("parent"), shapes.budget_row)
