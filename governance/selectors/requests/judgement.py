"""Judges a request that has been sized: its facts, the decision, what holds its money, who decides. Reads no rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.results.result import Estimate
from governance.domain.approvals.routing import Directory, Need, StagePlan, plan_stages
from governance.domain.errors import InvalidRequest, UnfillableStage
from governance.domain.money.exposure import exposure_micro
from governance.domain.money.money import AmountOutOfRange
from governance.domain.record.canonical import digest
from governance.domain.requests.parse import RequestContent
from governance.domain.states.grants import GrantState
from governance.models import Budget
from governance.policy.decisions.decision import Decision, Outcome, RuleException, decide
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.policy.facts.facts_schema import SCHEMA, SCHEMA_VERSION, ValidFacts, facts_to_json
from governance.selectors.approvals import authority
from governance.selectors.money import balances
from governance.selectors.register import prices
from governance.selectors.requests import facts, sizing
from governance.selectors.rules import policies

# When rules ask for a person without saying which, the requester's team lead looks at it.
DEFAULT_NEED = Need(role="team_lead", quorum=1, stage=1, due_working_days=2)
DUE_WORKING_DAYS_DEFAULT = 2
FindPeople = Callable[[frozenset[int], int | None], Directory]
"""Who could fill each role, given the people who never count and the exposure in micro-units."""
JudgeAgain = Callable[[facts.Context], "Assessed"]


@dataclass(frozen=True, slots=True)
class Assessed:
    """The whole answer about one request, with everything that it rests on. Nothing is stored.

    Args:
        exceptions: those that counted for its project.
        held_back: why a person looks at what the rules alone would allow, as a sentence; else empty.
        beside: versions in shadow, to be judged when the answer stands; they never change it.
        judge_again: the same request, estimate, rules and people on other balances; reads rows only for people whom the
            first answer did not need.
        policy, directory: the rules and the people that it was judged by.
    """

    content: RequestContent
    context: facts.Context
    estimate: Estimate
    facts: ValidFacts
    decision: Decision
    outcome: Outcome
    exposure_micro: int | None
    hold_micro: int | None
    levels: list[balances.Level]
    stages: list[StagePlan]
    unfillable: UnfillableStage | None
    policy_digest: str
    catalogue_digest: str
    exceptions: tuple[RuleException, ...] = ()
    held_back: str = ""
    beside: tuple[policies.Beside, ...] = ()
    judge_again: JudgeAgain | None = field(default=None, repr=False, compare=False)
    policy: CompiledPolicySet | None = field(default=None, repr=False, compare=False)
    directory: FindPeople | None = field(default=None, repr=False, compare=False)

    def follows(self, other: Assessed) -> bool:
        """Whether the same is to be written, apart from the facts themselves."""
        return (self.outcome, self.hold_micro, self.stages) == (other.outcome, other.hold_micro, other.stages)

    @property
    def facts_json(self) -> dict[str, Any]:
        return facts_to_json(self.facts)

    @property
    def facts_digest(self) -> str:
        return digest(self.facts_json)

    @property
    def schema_version(self) -> int:
        return SCHEMA_VERSION


def settle(assessed: Assessed, *, path: Sequence[Budget]) -> Assessed:
    """The answer again, on the balances of budgets that are locked by now, and on what is committed to providers now.

    Everything else that it was judged by is kept still by the caller's locks. One query.

    Args:
        path: the same budgets, leaf first, as they are now.
    """
    context = replace(assessed.context, path=path, commitments=facts.commitments(assessed.context.now))
    if assessed.judge_again is None:
        raise ValueError("only what `assess` answered can be settled")
    return assessed.judge_again(context)


def judge(
    context: facts.Context,
    *,
    snapshot: CatalogueSnapshot,
    policy: CompiledPolicySet,
    exceptions: Sequence[RuleException],
    directory: FindPeople,
    beneficiary_id: int | None = None,
    estimated: Estimate | None = None,
) -> Assessed:
    """The answer to one request from what is known about it. Reads no rows.

    Args:
        directory: who could fill each role, given the people who never count and the exposure in micro-units.
        estimated: the estimate of the request in its place, if it was made before.

    Raises:
        InvalidRequest: the workload contradicts itself or names something unknown.
    """
    content = context.content
    context.snapshot = snapshot
    estimated = estimated or sizing.size(
        content,
        today=context.now.date(),
        provider_type=context.provider.provider_type,
        providers_allowed=context.providers_allowed,
        lineage=facts.lineage_compute(context.lineage),
        snapshot=snapshot,
    )
    exposure = _exposure(content, context, estimated)
    hold = None if exposure is None else exposure - _running_micro(context)
    # A row that the facts refuse is a gap: the rules that read it count as fired, and a person looks in any case.
    known = ValidFacts.with_gaps(facts.complete(context, estimated, exposure, hold), SCHEMA)
    decision = decide(policy, known, on=context.now.date(), exceptions=exceptions)
    outcome = decision.outcome
    held_back = ""
    if outcome is Outcome.ALLOW:
        # Invariant: what nobody can price is never granted without a person, nor what only an old list price covers.
        held_back = prices.why_held_back(
            estimated, last_day=content.end_on, exposure_micro=exposure, money_cap_usd=content.money_cap_usd
        )
        outcome = Outcome.REVIEW if held_back else outcome
    stages, unfillable = _route(decision, outcome, context, exposure, beneficiary_id, directory)
    return Assessed(
        content=content,
        context=context,
        estimate=estimated,
        facts=known,
        decision=decision,
        outcome=outcome,
        exposure_micro=exposure,
        hold_micro=hold,
        levels=balances.levels(context.path, needed_micro=hold or 0, own_hold_micro=context.own_hold_micro),
        stages=stages,
        unfillable=unfillable,
        policy_digest=policy.digest,
        catalogue_digest=snapshot.digest,
        exceptions=tuple(exceptions),
        held_back=held_back,
        policy=policy,
        directory=directory,
    )


def _exposure(content: RequestContent, context: facts.Context, estimated: Estimate) -> int | None:
    cap = estimated.cost_cap_usd if estimated.cost_cap_usd is not None else content.money_cap_usd
    try:
        return exposure_micro(
            cap_cost_usd=cap,
            cost_p90_usd=estimated.cost_usd.p90 if estimated.cost_usd else None,
            commitment_tail_usd=estimated.commitment_tail_usd,
            running_micro=_running_micro(context),
        )
    except AmountOutOfRange as error:
        raise InvalidRequest({"accelerator_count": [f"the request is too large: {error}"]}) from error


def _running_micro(context: facts.Context) -> int:
    """What already runs under the grant that the request raises: it counts towards limits, and is committed already."""
    grant = context.related_grant
    adds = context.content.kind_of_request.adds_to_grant
    return grant.cost_cap_micro if grant and grant.state == GrantState.ACTIVE and adds else 0


def _route(
    decision: Decision,
    outcome: Outcome,
    context: facts.Context,
    exposure: int | None,
    beneficiary_id: int | None,
    directory: FindPeople,
) -> tuple[list[StagePlan], UnfillableStage | None]:
    if outcome is Outcome.DENY or (outcome is Outcome.ALLOW and not decision.requirements):
        return [], None
    needs = [
        Need(
            role=requirement.role,
            quorum=requirement.quorum,
            stage=requirement.stage,
            due_working_days=requirement.due_working_days or DUE_WORKING_DAYS_DEFAULT,
            rule_ids=tuple(requirement.rule_ids),
        )
        for requirement in decision.requirements
    ] or [DEFAULT_NEED]
    try:
        return plan_stages(needs, directory(_excluded(context, beneficiary_id), exposure)), None
    except UnfillableStage as error:
        return [], error


def _excluded(context: facts.Context, beneficiary_id: int | None) -> frozenset[int]:
    return authority.never_deciding(requester=context.requester, beneficiary_id=beneficiary_id, lineage=context.lineage)
