"""The course of one past request: from its submission to its answer, its grant, and the grant's end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, timedelta

from governance.demonstration.calendar import in_office_hours
from governance.demonstration.organisation.world import Story, World
from governance.demonstration.past.plan import PastAsk
from governance.domain.errors import BudgetExceeded
from governance.domain.money.money import MICRO_PER_UNIT
from governance.domain.states.approvals import StageState, Verdict
from governance.domain.states.money import HoldState
from governance.domain.states.requests import State
from governance.models import ApprovalStage, BudgetHold, ProvisioningRequest, User
from governance.selectors.approvals import authority

# Where a person is asked at all: up to here yes, then no, then withdrawn, and at last nobody answers.
YES, NO, WITHDRAWN = 0.86, 0.94, 0.975
REASONS_YES = ("Fine.", "Fits the plan of the team.", "Approved, as discussed.", "Go ahead, and report the result.")
REASONS_NO = ("Not before the last run is reported.", "Use the smaller model first.", "The result exists already.")
REASONS_FLAG = ("Looked at: in order.", "Explained by the person who asked.", "Looked at, nothing to do.")

Steps = Generator[datetime, datetime, datetime]


def lived(plan: PastAsk) -> Callable[[World], Story]:
    """Tell one planned request as a story, so that it takes its place among the others in order of time."""

    def tell(world: World) -> Story:
        now = yield plan.at
        try:
            request = world.create_and_submit(world.cast.staff[plan.team][plan.person], plan.content, now)
        except BudgetExceeded:
            # What does not fit its budget leaves no trace in the product either.
            world.not_requested += 1
            return
        world.past.append(request)
        now = yield from _answer(world, plan, request, now)
        now = yield from _look_at_flags(world, plan, request, now)
        if request.state == State.GRANTED:
            yield from _end(world, plan, request, now)

    return tell


def _answer(world: World, plan: PastAsk, request: ProvisioningRequest, now: datetime) -> Steps:
    """What becomes of a request that waits for people: yes, no, withdrawn, or nothing until the hold ends."""
    if request.state == State.IN_REVIEW and plan.fate > NO:
        hold = BudgetHold.objects.filter(provisioning_request=request, state=HoldState.OPEN).first()
        if plan.fate > WITHDRAWN and hold is not None and hold.expires_at < _latest(world, request):
            now = yield hold.expires_at + timedelta(seconds=40)
            world.expire(request, now)
        elif plan.fate <= WITHDRAWN:
            now = yield _after(world, request, now, 3.0)
            world.withdraw(request.requester, request, "No longer needed.", now)
        request.refresh_from_db()
    turn = 0
    while request.state == State.IN_REVIEW:
        now = yield _after(world, request, now, plan.delays[min(turn, len(plan.delays) - 1)])
        _decide(world, plan, request, now)
        turn += 1
    return now


def _decide(world: World, plan: PastAsk, request: ProvisioningRequest, now: datetime) -> None:
    """One person says yes or no on the first open stage."""
    stages = ApprovalStage.objects.filter(provisioning_request=request, state=StageState.OPEN)
    stage = stages.select_related("role", "revision").order_by("order", "pk")[0]
    may = authority.Authority([stage.role_id], now=now, project=request.project)
    holders = may.holders(stage, request, busy=authority.people_who_decided(stage.revision_id))
    says_no = YES < plan.fate <= NO
    world.decide_stage(
        stage,
        _account(world, holders[request.number % len(holders)].person_id),
        _pick(request, REASONS_NO if says_no else REASONS_YES),
        now,
        verdict=Verdict.REJECT if says_no else Verdict.APPROVE,
    )
    request.refresh_from_db()


def _end(world: World, plan: PastAsk, request: ProvisioningRequest, now: datetime) -> Steps:
    """What was metered until the window closed, and what goes back."""
    grant = world.grant_of(request)
    now = yield max(grant.ends_at, now) + timedelta(minutes=4)
    is_metered = bool(grant.accelerator)
    world.measure(
        request,
        hours=round(grant.gpu_hours_cap * plan.used, 1) if is_metered and grant.gpu_hours_cap else None,
        spent_usd=int(grant.cost_cap_micro * min(plan.used, 1.0) / MICRO_PER_UNIT * 100) / 100,
        utilisation=round(plan.utilisation, 3) if is_metered else None,
    )
    world.end(request, world.cast.leads[plan.team], now)
    return now


def _look_at_flags(world: World, plan: PastAsk, request: ProvisioningRequest, now: datetime) -> Steps:
    """Somebody looks within days at what the rules flagged."""
    if request.flags.filter(closed_at=None).exists():
        now = yield _after(world, request, now, 2.0 + 30.0 * plan.utilisation)
        for flag in request.flags.filter(closed_at=None).order_by("pk"):
            world.close_flag(flag, world.cast.leads[plan.team], _pick(request, REASONS_FLAG), now)
    return now


def _latest(world: World, request: ProvisioningRequest) -> datetime:
    """Some working hours before the first start, for each request its own."""
    return world.cast.calendar.lately(1.0 + request.number % 61 / 10)


def _after(world: World, request: ProvisioningRequest, now: datetime, hours: float) -> datetime:
    """Some hours later in working time, but not later than shortly before the first start."""
    return min(in_office_hours(now + timedelta(hours=hours)), _latest(world, request))


def _account(world: World, person_id: int) -> User:
    people = world.cast.people.values()
    return next(user for user in people if user.person_id == person_id and not user.is_service_account)


def _pick(request: ProvisioningRequest, sentences: tuple[str, ...]) -> str:
    return sentences[request.number % len(sentences)]
