"""Sizes and judges one ask: the same call behind the preview, the submission and the last check before a grant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings

from estimator.catalogue import NoCatalogue as CatalogueIsEmpty
from estimator.catalogue import current_snapshot
from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.errors import InputError
from estimator.core.estimate import ESTIMATOR_VERSION, estimate
from estimator.core.place import Place
from estimator.core.result import Estimate
from estimator.core.workload import Workload
from governance.domain.ask import Ask
from governance.domain.canonical import digest
from governance.domain.errors import InvalidAsk, NoCatalogue, UnfillableStage
from governance.domain.exposure import exposure_micro
from governance.domain.money import AmountOutOfRange
from governance.domain.routing import Directory, Need, StagePlan, plan_stages
from governance.models import Budget, User
from governance.policy.decision import Decision, Outcome, RuleException, decide
from governance.policy.facts_schema import SCHEMA_VERSION, facts_to_json, validate_facts
from governance.policy.policy_set import CompiledPolicySet
from governance.selectors import balances, facts, people, policies, prices

ENGINE_VERSION = f"estimator {ESTIMATOR_VERSION}"[:20]
# When rules ask for a person without saying which, the requester's team lead looks at it.
DEFAULT_NEED = Need(role="team_lead", quorum=1, stage=1, due_working_days=2)
DUE_WORKING_DAYS_DEFAULT = 2


@dataclass(frozen=True, slots=True)
class Assessed:
    """The whole answer about one ask, with everything that it rests on. Nothing is stored.

    Args:
        exceptions: those that counted for its project.
        held_back: why a person looks at what the rules alone would allow, as a sentence; else empty.
        beside: versions in shadow, to be judged when the answer stands; they never change it.
    """

    ask: Ask
    context: facts.Context
    estimate: Estimate
    facts: dict[str, Any]
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

    @property
    def facts_json(self) -> dict[str, Any]:
        return facts_to_json(self.facts)

    @property
    def facts_digest(self) -> str:
        return digest(self.facts_json)

    @property
    def schema_version(self) -> int:
        return SCHEMA_VERSION


def preview(content: Mapping[str, Any], *, actor: User, now: datetime) -> Assessed:
    """What would happen if this content were submitted now.

    Raises:
        InvalidAsk: fields are missing or impossible.
        NoBudget, NoActivePolicy, NoCatalogue: nothing could be decided.
    """
    return assess(Ask.parse(content), requester=actor, now=now)


def assess(
    ask: Ask,
    *,
    requester: User,
    now: datetime,
    request_id: int | None = None,
    beneficiary_id: int | None = None,
    path: Sequence[Budget] | None = None,
    own_hold_micro: int = 0,
) -> Assessed:
    """Size, complete the facts, judge, and find who would decide.

    Args:
        ask: a parsed revision.
        requester: whose roles, history and country count.
        now: aware instant at which prices, policies and balances are read.
        path: locked budgets, leaf first, if the caller is about to write.
        own_hold_micro: what the request holds already, so that it is not counted twice.

    Raises:
        InvalidAsk: the workload contradicts itself or names something unknown.
    """
    context = facts.gather(
        ask, requester=requester, now=now, request_id=request_id, path=path, own_hold_micro=own_hold_micro
    )
    try:
        snapshot = current_snapshot()
    except CatalogueIsEmpty as error:
        raise NoCatalogue(str(error)) from error

    def directory(excluded: frozenset[int], exposure: int | None) -> Directory:
        return people.directory_for(context.project, excluded=excluded, exposure_micro=exposure, now=now)

    in_force = policies.in_force()
    assessed = judge(
        context,
        snapshot=snapshot,
        policy=in_force.policy,
        exceptions=policies.exceptions_for(context.project, now=now),
        directory=directory,
        beneficiary_id=beneficiary_id,
    )
    return replace(assessed, beside=in_force.beside) if in_force.beside else assessed


def judge(
    context: facts.Context,
    *,
    snapshot: CatalogueSnapshot,
    policy: CompiledPolicySet,
    exceptions: Sequence[RuleException],
    directory: Callable[[frozenset[int], int | None], Directory],
    beneficiary_id: int | None = None,
) -> Assessed:
    """The answer to one ask from what is known about it. Reads no rows.

    Args:
        directory: who could fill each role, given the people who never count and the exposure in micro-units.

    Raises:
        InvalidAsk: the workload contradicts itself or names something unknown.
    """
    ask = context.ask
    context.snapshot = snapshot
    estimated = size(ask, context, snapshot)
    exposure = _exposure(ask, context, estimated)
    hold = None if exposure is None else exposure - _running_micro(context)
    known = facts.complete(context, estimated, exposure, hold)
    validate_facts(known)
    decision = decide(policy, known, on=context.now.date(), exceptions=exceptions)
    outcome = decision.outcome
    held_back = ""
    if outcome is Outcome.ALLOW:
        # Invariant: what nobody can price is never granted without a person, nor what only an old list price covers.
        held_back = prices.why_held_back(
            estimated, last_day=ask.end_on, exposure_micro=exposure, money_cap_usd=ask.money_cap_usd
        )
        outcome = Outcome.REVIEW if held_back else outcome
    stages, unfillable = _route(decision, outcome, context, exposure, beneficiary_id, directory)
    return Assessed(
        ask=ask,
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
    )


def size(ask: Ask, context: facts.Context, snapshot: CatalogueSnapshot) -> Estimate:
    """The estimate of one ask in its place.

    Raises:
        InvalidAsk: each field of the workload or place that is wrong.
    """
    try:
        workload = Workload.parse(ask.workload, ask.work, is_sized=ask.ask == "work")
        place = Place(
            price_term=ask.price_term,
            provider=ask.provider,
            provider_type=context.provider.provider_type,
            region=ask.region,
            country=ask.country,
            accelerator=ask.accelerator,
            accelerator_count=max(1, ask.accelerator_count),
        )
        return estimate(
            workload,
            place,
            snapshot,
            on=max(ask.start_on, context.now.date()) if ask.kind != "ratification" else ask.start_on,
            window_hours=None if ask.window_days is None else ask.window_days * 24.0,
            gpu_hours_cap=ask.gpu_hours_cap,
            money_cap_usd=ask.money_cap_usd,
            list_price_days_max=settings.LIST_PRICE_DAYS_MAX,
            # Another region of the provider that is asked for is no other provider.
            providers_allowed=None
            if context.providers_allowed is None
            else {*context.providers_allowed, ask.provider or ""},
            lineage=facts.lineage_compute(context.lineage),
        )
    except InputError as error:
        raise InvalidAsk({_field(name): [sentence] for name, sentence in error.errors.items()}) from error


def _field(name: str) -> str:
    return name if name in Ask.__slots__ else f"work.{name}"


def _exposure(ask: Ask, context: facts.Context, estimated: Estimate) -> int | None:
    cap = estimated.cost_cap_usd if estimated.cost_cap_usd is not None else ask.money_cap_usd
    try:
        return exposure_micro(
            cap_cost_usd=cap,
            cost_p90_usd=estimated.cost_usd.p90 if estimated.cost_usd else None,
            commitment_tail_usd=estimated.commitment_tail_usd,
            running_micro=_running_micro(context),
        )
    except AmountOutOfRange as error:
        raise InvalidAsk({"accelerator_count": [f"the ask is too large: {error}"]}) from error


def _running_micro(context: facts.Context) -> int:
    """What already runs under the grant that the ask raises: it counts towards limits, and is committed already."""
    grant = context.related_grant
    raises = context.ask.kind in ("change", "top_up")
    return grant.cost_cap_micro if grant and grant.state == "active" and raises else 0


def _route(
    decision: Decision,
    outcome: Outcome,
    context: facts.Context,
    exposure: int | None,
    beneficiary_id: int | None,
    directory: Callable[[frozenset[int], int | None], Directory],
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
    lineage = context.lineage
    excluded = people.excluded_people(
        requester=context.requester,
        beneficiary_id=beneficiary_id,
        lineage_owner_id=lineage.owner_id if lineage else None,
    )
    try:
        return plan_stages(needs, directory(excluded, exposure)), None
    except UnfillableStage as error:
        return [], error
