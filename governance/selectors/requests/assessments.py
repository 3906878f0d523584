"""Sizes and judges one request: the same call behind the preview, the submission and the last check before a grant."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.conf import settings

from estimator.catalogue import NoCatalogue as CatalogueIsEmpty
from estimator.catalogue import Release, current_release, current_snapshot
from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.errors import InputError
from estimator.core.pricing.place import Place
from estimator.core.quantities import QuantityError
from estimator.core.results.estimate import ESTIMATOR_VERSION, estimate
from estimator.core.results.result import Estimate, LineageCompute
from estimator.core.workload.workload import Workload
from governance.domain.approvals.routing import Directory, Need, StagePlan, plan_stages
from governance.domain.errors import GovernanceError, InvalidRequest, NoCatalogue, UnfillableStage
from governance.domain.money.exposure import exposure_micro
from governance.domain.money.money import AmountOutOfRange
from governance.domain.record.canonical import digest
from governance.domain.requests import fields
from governance.domain.requests.kinds import refuse_unoffered
from governance.domain.requests.parse import RequestContent
from governance.domain.states.grants import GrantState
from governance.models import Budget, ModelLineage, Provider, User
from governance.policy.decisions.decision import Decision, Outcome, RuleException, decide
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.policy.facts.facts_schema import SCHEMA, SCHEMA_VERSION, ValidFacts, facts_to_json
from governance.selectors.approvals import authority
from governance.selectors.money import balances
from governance.selectors.register import prices
from governance.selectors.requests import facts, references
from governance.selectors.requests.references import References
from governance.selectors.rules import policies

ENGINE_VERSION = f"estimator {ESTIMATOR_VERSION}"[:20]
log = logging.getLogger(__name__)
NOT_SIZED = "cannot be sized with these figures together: change one of them"
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


@dataclass(frozen=True, slots=True)
class Read:
    """What a page has read already, at the instant at which it asks for an answer.

    Args:
        people: who holds every role over the project that is asked for.
        in_force, release: the policy versions and the catalogue release of the moment.
    """

    people: authority.Authority | None = None
    in_force: policies.InForce | None = None
    release: Release | None = None


NOTHING_READ = Read()


class Moved(Exception):
    """What an estimate was made from, or the rules, changed since: size again, without the locks."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything that an estimate is made from, and the versions of policy that judge it.

    Args:
        today: UTC; prices are those of the start, or of this day if the start has passed.
    """

    content: RequestContent
    today: date
    provider_type: str
    providers_allowed: frozenset[str] | None
    lineage: LineageCompute | None
    release: Release
    versions: policies.Versions


@dataclass(frozen=True, slots=True)
class Ahead:
    """An estimate that was made without any lock. It stands for as long as its basis reads the same."""

    basis: Basis
    estimate: Estimate


Hold = Callable[[facts.Context], Sequence[Budget]]
"""Takes the locks on what other submissions move; gives the locked budgets, leaf first."""


def preview(content: Mapping[str, Any], *, actor: User, now: datetime) -> Assessed:
    """What would happen if this content were submitted now.

    Raises:
        InvalidRequest: fields are missing or impossible.
        NoBudget, NoActivePolicy, NoCatalogue: nothing could be decided.
    """
    assessed = assess(RequestContent.parse(content), requester=actor, now=now)
    refuse_unoffered(assessed.content.kind_of_request)
    return assessed


def size_ahead(content: RequestContent, *, now: datetime) -> Ahead | None:
    """Size a request while nothing is locked, and make the rules and the catalogue of the moment ready in this process.

    Returns:
        None where it cannot be sized; `assess` says why.
    """
    providers = references.known_providers()
    provider = providers.get(content.provider or "")
    lineage = ModelLineage.objects.filter(slug=content.lineage).first() if content.lineage else None
    if provider is None:
        return None
    try:
        in_force = policies.in_force()
        basis = _basis(
            content, now=now, provider=provider, allowed=facts.allowed_of(providers), lineage=lineage,
            versions=in_force.versions,
        )  # fmt: skip
        policies.put_together(in_force)
        return Ahead(basis, _size(basis))
    except GovernanceError:
        return None


def _basis(
    content: RequestContent,
    *,
    now: datetime,
    provider: Provider,
    allowed: frozenset[str] | None,
    lineage: ModelLineage | None,
    versions: policies.Versions,
    release: Release | None = None,
) -> Basis:
    try:
        release = release or current_release()
    except CatalogueIsEmpty as error:
        raise NoCatalogue(str(error)) from error
    held = facts.lineage_compute(lineage)
    return Basis(content, now.date(), provider.provider_type, allowed, held, release, versions)


def _size(basis: Basis) -> Estimate:
    return size(
        basis.content,
        today=basis.today,
        provider_type=basis.provider_type,
        providers_allowed=basis.providers_allowed,
        lineage=basis.lineage,
        snapshot=current_snapshot(basis.release),
    )


def assess(
    content: RequestContent,
    *,
    requester: User,
    now: datetime,
    request_id: int | None = None,
    beneficiary_id: int | None = None,
    own_hold_micro: int = 0,
    ahead: Ahead | None = None,
    hold: Hold | None = None,
    named: References | None = None,
    standing: Mapping[str, Iterable[int]] | None = None,
    read: Read = NOTHING_READ,
) -> Assessed:
    """Size, complete the facts, judge, and find who would decide.

    Args:
        content: a parsed revision.
        requester: whose roles, history and country count.
        now: aware instant at which prices, policies and balances are read.
        own_hold_micro: what the request holds already, so that it is not counted twice.
        ahead: the estimate, if it was made before.
        hold: takes locks on what other submissions move, if the caller is about to write. It is called when
            everything else has been read, so that others wait for the shortest time. What it does not lock, the caller
            locks later and gives to `settle`.
        named: the records that it names, when the caller has read them; else they must be the requester's to name.
        standing: by role, person ids whose approval in it counts already: nobody else has to be found for them.
        read: what the caller has read at this instant already.

    Raises:
        InvalidRequest: the workload contradicts itself, or names something unknown or not the requester's to name.
        NoBudget: nothing pays for the project at the start.
        Moved: the basis of `ahead` has changed.
    """
    named = named or references.named_by(content, requester=requester, now=now)
    context = facts.gather(content, requester=requester, now=now, own_hold_micro=own_hold_micro, named=named)
    in_force = read.in_force or policies.in_force()
    basis = _basis(
        content, now=now, provider=context.provider, allowed=context.providers_allowed, lineage=context.lineage,
        versions=in_force.versions, release=read.release,
    )  # fmt: skip
    if ahead is not None and ahead.basis != basis:
        raise Moved
    estimated = _size(basis) if ahead is None else ahead.estimate
    exceptions = policies.exceptions_for(context.project, now=now)

    directory = authority.Directories(context.project, now=now, standing=standing, read=read.people)

    def answer(context: facts.Context) -> Assessed:
        assessed = judge(
            context,
            snapshot=current_snapshot(basis.release),
            policy=in_force.policy,
            exceptions=exceptions,
            directory=directory,
            beneficiary_id=beneficiary_id,
            estimated=estimated,
        )
        return replace(assessed, beside=in_force.beside, judge_again=answer)

    path = hold(context) if hold else balances.budget_path(context.project, at=max(context.starts_at, now))
    facts.add_what_moves(context, path=path, request_id=request_id)
    return answer(context)


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
    estimated = estimated or size(
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


def size(
    content: RequestContent,
    *,
    today: date,
    provider_type: str,
    providers_allowed: frozenset[str] | None,
    lineage: LineageCompute | None,
    snapshot: CatalogueSnapshot,
) -> Estimate:
    """The estimate of one request in its place.

    Args:
        today: UTC; prices are those of the start, or of this day if the start has passed.
        provider_type: of the request's provider.
        providers_allowed: where else it may be advised to go; None for anywhere.
        lineage: what its lineage holds already.

    Raises:
        InvalidRequest: each field of the workload or place that is wrong.
    """
    try:
        workload = Workload.parse(content.workload, content.work, is_sized=content.sizing == "work")
        place = Place(
            price_term=content.price_term,
            provider=content.provider,
            provider_type=provider_type,
            region=content.region,
            country=content.country,
            accelerator=content.accelerator,
            accelerator_count=max(1, content.accelerator_count),
        )
        return estimate(
            workload,
            place,
            snapshot,
            on=content.start_on if content.kind_of_request.may_start_in_past else max(content.start_on, today),
            window_hours=None if content.window_days is None else content.window_days * 24.0,
            gpu_hours_cap=content.gpu_hours_cap,
            money_cap_usd=content.money_cap_usd,
            list_price_days_max=settings.LIST_PRICE_DAYS_MAX,
            # Another region of the provider that is asked for is no other provider.
            providers_allowed=None if providers_allowed is None else {*providers_allowed, content.provider or ""},
            lineage=lineage,
        )
    except InputError as error:
        raise InvalidRequest({_field(name): [sentence] for name, sentence in error.errors.items()}) from error
    except (QuantityError, ArithmeticError) as error:
        log.exception("a request could not be sized")
        raise InvalidRequest({"work": [NOT_SIZED]}) from error


def _field(name: str) -> str:
    return name if name in fields.names() else f"work.{name}"


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
