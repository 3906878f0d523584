"""The endpoint that decides a stage."""

from __future__ import annotations

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.approvals.serializers import ApprovalDecisionSerializer, DecisionInputSerializer
from governance.api.requests.views import RequestEndpoint
from governance.api.schema import SUBMITTING, described
from governance.domain import errors
from governance.models import ApprovalStage
from governance.services.approvals import decisions


class StageDecide(RequestEndpoint):
    @described(
        "stages_decide",
        ApprovalDecisionSerializer,
        status=201,
        refuses=(
            *SUBMITTING, errors.AlreadyDecided, errors.StaleRevision, errors.MissingEvidence, errors.NoPrice,
            errors.IllegalTransition, errors.SeparationOfDuties,
        ),
        request=DecisionInputSerializer,
        is_keyed=True,
    )  # fmt: skip
    def post(self, request: Request, stage_id: int) -> Response:
        """Decide one stage, bound to the revision that you read."""
        data = self.body(DecisionInputSerializer)
        stage = self.found(ApprovalStage.objects.select_related("provisioning_request"), pk=stage_id)
        self.request_to_read(stage.provisioning_request.number)
        return self.once(
            decisions.decide,
            lambda decision: ApprovalDecisionSerializer(decision).data,
            status=201,
            now=timezone.now(),
            stage_id=stage.pk,
            **data,
        )
