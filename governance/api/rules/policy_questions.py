"""Endpoints that ask the rules and change nothing: what would be decided, what a version changes, what replay finds."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.rules import serializers as shapes
from governance.api.rules.policies import PolicyEndpoint
from governance.api.schema import described
from governance.domain.errors import InvalidInput, NoActivePolicy
from governance.policy.analysis.differences import differences
from governance.policy.decisions.counterfactual import nearest_allowed
from governance.policy.decisions.decision import decide
from governance.policy.decisions.explain import explain_leaf
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.policy.errors import PolicyError
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts_schema import ValidFacts, facts_from_json, validate_facts
from governance.selectors.record import decision_logs, replay
from governance.selectors.rules import policies

# As on the desk's page: what takes longer is for the command, which has the solver.
SEARCHED_MAX = 4_000


class PolicyJudge(PolicyEndpoint):
    @described("policies_judge", shapes.JudgementSerializer, refuses=(NoActivePolicy,), request=shapes.JudgeSerializer)
    def post(self, request: Request) -> Response:
        """What would be decided on these facts today, each reason, and the nearest request that would be allowed."""
        data = self.body(shapes.JudgeSerializer)
        today = timezone.now().date()
        policy = self.policy(data["version"])
        facts = _facts(data["facts"])
        decision = decide(policy, facts, on=today)
        nearest = nearest_allowed(policy, facts, on=today, decisions_max=SEARCHED_MAX)
        reasons = [
            {
                "rule_id": fired.rule_id,
                "message": fired.message,
                "because": [explain_leaf(leaf) for leaf in fired.leaves],
            }
            for fired in decision.fired
        ]
        found = {
            "policy_digest": policy.digest,
            "decision": decision.to_json(),
            "reasons": reasons,
            "nearest": nearest.to_json() if nearest else None,
        }
        return Response(shapes.JudgementSerializer(found).data)

    def policy(self, version_id: int | None) -> CompiledPolicySet:
        return policies.active_policy() if version_id is None else _with(self, version_id)


class VersionDiff(PolicyEndpoint):
    @described("policies_diff", shapes.DiffSerializer, refuses=(InvalidInput, NoActivePolicy))
    def get(self, request: Request, version_id: int) -> Response:
        """What the version changes in the policy in force, each with a request that shows it where one was found."""
        today: date = timezone.now().date()
        before, after = policies.active_policy(), _with(self, version_id)
        found = {
            "same": before.digest == after.digest,
            "from_digest": before.digest,
            "to_digest": after.digest,
            "differences": [each.to_json() for each in differences(before, after, on=today, use_solver=False)],
        }
        return Response(shapes.DiffSerializer(found).data)


class PolicyReplay(PolicyEndpoint):
    @described("policies_replay", shapes.ReplaySerializer, request=shapes.ReplayInputSerializer)
    def post(self, request: Request) -> Response:
        """Judge the newest stored decisions again under the rules of their day. For auditors and policy officers."""
        decision_logs.require_reader(self.actor, now=timezone.now())
        found = list(replay.replay(limit=self.body(shapes.ReplayInputSerializer)["limit"]))
        answer = {
            "replayed": len(found),
            "unknown_rules": sum(each.differences is None for each in found),
            "differences": [
                {"id": each.assessment_id, "fields": sorted(each.differences)} for each in found if each.differences
            ],
        }
        return Response(shapes.ReplaySerializer(answer).data)


def _with(endpoint: PolicyEndpoint, version_id: int) -> CompiledPolicySet:
    try:
        return policies.policy_with(endpoint.version(version_id))
    except PolicyError as error:
        raise InvalidInput({"version": [str(error)]}) from error


def _facts(typed: dict[str, Any]) -> ValidFacts:
    """Checked facts over the plain request.

    Raises:
        InvalidInput: an unknown fact, or a value that it cannot have.
    """
    try:
        facts = {**plain_facts(), **facts_from_json(typed)}
        known = {name: value for name, value in facts.items() if value is not None}
        return validate_facts(known)
    except PolicyError as error:
        raise InvalidInput({"facts": [str(error)]}) from error
