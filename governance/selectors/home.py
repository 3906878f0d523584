"""What one person finds when they come in: what needs them, what waits for others, what runs, what they may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db.models import Case, Exists, OuterRef, Q, When

from governance.domain.errors import NoActivePolicy
from governance.domain.states.messages import FlagKind
from governance.domain.states.requests import State
from governance.models import Delegation, Flag, ProvisioningRequest, User, Visibility
from governance.selectors.approvals import queues
from governance.selectors.grants import grants
from governance.selectors.money import budgets, crossings
from governance.selectors.requests import similar
from governance.selectors.requests.story import conversations
from governance.selectors.rules import acceptable_use, policies, second_answers

T = TypeVar("T")

LISTED_MAX = 10
REPLIES_MAX = 40
USED_LISTED_MAX = 4
ANSWER_FRESH = timedelta(days=14)
"""How long a refusal stays among the things that need the requester."""
DELEGATION_ENDS_SOON = timedelta(days=7)
_UNTIL_ANSWERED = (State.CHANGES_REQUESTED.value, State.DRAFT.value)
_WHILE_FRESH = (State.DENIED.value, State.REJECTED.value, State.EXPIRED.value)
_NEED_ME = (_UNTIL_ANSWERED[0], *_WHILE_FRESH, _UNTIL_ANSWERED[1])
"""The order in which they are shown: what somebody waits for first, drafts last."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Up to where a rule answers without a person, as the active policy says, and how much of it is used, USD.

    Args:
        used: what would count together with a next request, by kind of work and project, the most used first.
    """

    money_usd: float
    accelerators: int | None
    gpu_hours: float | None
    days: float | None
    used: Sequence[similar.Used] = ()

    @property
    def used_usd(self) -> float:
        """The most that any next request would count together with."""
        return self.used[0].used_usd if self.used else 0.0

    @property
    def is_used_up(self) -> bool:
        return self.used_usd >= self.money_usd


@dataclass(frozen=True, slots=True)
class First(Generic[T]):
    """The first rows of a list, and how many it has."""

    rows: Sequence[T]
    total: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.rows)

    @classmethod
    def of(cls, rows: Sequence[T]) -> First[T]:
        return cls(rows[:LISTED_MAX], len(rows))


@dataclass(frozen=True, slots=True)
class Home:
    """Everything that the first page shows. Each thing that waits for the person stands in one list only."""

    owed: Sequence[acceptable_use.Statement]
    queue: First[queues.QueueItem]
    answers: First[second_answers.ToAnswer]
    replies: First[conversations.Unanswered]
    mine: First[ProvisioningRequest]
    ending: First[grants.GrantView]
    over: First[crossings.Over]
    delegations: Sequence[Delegation]
    waiting: Sequence[queues.Waiting]
    sampled: Sequence[Flag]
    running: Sequence[grants.GrantView]
    budgets: Sequence[budgets.Usable]
    at_once: AtOnce | None

    @property
    def own_more(self) -> int:
        """Own requests that need the person and are not shown."""
        return self.mine.more + self.replies.more

    @property
    def needs_count(self) -> int:
        lists = (self.queue, self.answers, self.replies, self.mine, self.ending, self.over)
        return len(self.owed) + len(self.delegations) + sum(each.total for each in lists)


def home(user: User, *, visibility: Visibility, now: datetime) -> Home:
    """One person's first page."""
    running = grants.running_of(user.person_id, now=now)
    queue = queues.approver_queue(user, now, limit=LISTED_MAX)
    replies = _replies(user, visibility, decided={item.request.pk for item in queue})
    asked = {each.request.pk for each in replies.rows}
    return Home(
        owed=[] if user.is_service_account else acceptable_use.owed(user.person_id, now=now),
        queue=First(queue, queue.total),
        answers=First.of(second_answers.to_answer(user, now=now)),
        replies=replies,
        mine=_mine(user, now),
        ending=First.of([view for view in running if _needs_owner(view, now)]),
        over=First.of(crossings.over_of(user.person_id, visibility=visibility, now=now)),
        delegations=_ending_delegations(user.person_id, now),
        waiting=[each for each in queues.waiting_for(user, now, limit=LISTED_MAX) if each.request.pk not in asked],
        sampled=list(
            Flag.objects.filter(
                kind=FlagKind.SAMPLED_REVIEW, closed_at=None, provisioning_request__requester__person_id=user.person_id
            ).select_related("provisioning_request")[:LISTED_MAX]
        ),
        running=running,
        budgets=budgets.usable_budgets(user, visibility=visibility, now=now),
        at_once=_at_once(user, now),
    )


def _mine(user: User, now: datetime) -> First[ProvisioningRequest]:
    """Own requests that wait for their requester: changes wanted, fresh refusals, drafts; the newest of each first."""
    is_fresh = Q(state__in=_WHILE_FRESH, changed_at__gt=now - ANSWER_FRESH)
    rows = ProvisioningRequest.objects.filter(
        Q(state__in=_UNTIL_ANSWERED) | is_fresh, requester__person_id=user.person_id
    )
    order = Case(*(When(state=state, then=index) for index, state in enumerate(_NEED_ME)))
    first = list(rows.select_related("project").order_by(order, "-changed_at")[:LISTED_MAX])
    return First(first, len(first) if len(first) < LISTED_MAX else rows.count())


def _replies(user: User, visibility: Visibility, *, decided: set[int]) -> First[conversations.Unanswered]:
    """Comments that the person has not answered, on requests that they see and do not have to decide anyway."""
    found = conversations.unanswered_by(user.person, limit=REPLIES_MAX)
    seen = ProvisioningRequest.objects.visible_to(visibility).filter(pk__in=[each.request.pk for each in found])
    visible = set(seen.values_list("pk", flat=True)) if found else set()
    return First.of([each for each in found if each.request.pk in visible - decided])


def _ending_delegations(person_id: int, now: datetime) -> list[Delegation]:
    """Delegations that the person gave and that end soon, unless another one of the same role goes on from there."""
    given = Delegation.objects.filter(delegator_id=person_id, revoked_at=None)
    follows = given.filter(
        role_id=OuterRef("role_id"), valid_from__lte=OuterRef("valid_to"), valid_to__gt=OuterRef("valid_to")
    )
    ending = given.filter(valid_from__lte=now, valid_to__gt=now, valid_to__lte=now + DELEGATION_ENDS_SOON)
    rows = ending.filter(~Exists(follows)).select_related("role", "delegate").order_by("valid_to")
    return list(rows[:LISTED_MAX])


def _needs_owner(view: grants.GrantView, now: datetime) -> bool:
    return view.shape in ("flag", "review") or view.grant.ends_at - now < grants.ENDS_SOON


def _at_once(user: User, now: datetime) -> AtOnce | None:
    """Read from the parameters of the active policy, so that the sentence follows the rule; None without them."""
    try:
        policy = policies.active_policy()
    except NoActivePolicy:
        return None
    params: dict[str, Any] = {}
    for bundle in policy.bundles:
        if bundle.name == "approval-limits":
            params = bundle.param_values(now.date())
    money = params.get("auto_allow_max_usd")
    if not isinstance(money, float):
        return None
    return AtOnce(
        money_usd=money,
        accelerators=params.get("auto_allow_max_accelerators"),
        gpu_hours=params.get("auto_allow_max_gpu_hours"),
        days=params.get("auto_allow_max_days"),
        used=similar.used_by(user, now=now)[:USED_LISTED_MAX],
    )
