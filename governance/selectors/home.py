"""What one person finds when they come in: what needs them, what waits for others, what runs, what they may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.domain.errors import NoActivePolicy
from governance.domain.states.messages import FlagKind
from governance.domain.states.requests import State
from governance.models import Flag, ProvisioningRequest, User, Visibility
from governance.selectors.approvals import queues
from governance.selectors.grants import grants
from governance.selectors.money import budgets
from governance.selectors.requests import similar
from governance.selectors.rules import acceptable_use, policies, second_answers

LISTED_MAX = 10
USED_LISTED_MAX = 4
ANSWER_FRESH = timedelta(days=14)
"""How long a refusal stays among the things that need the requester."""
_NEED_ME = (State.CHANGES_REQUESTED.value, State.DENIED.value, State.DRAFT.value)


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
class Home:
    """Everything that the first page shows."""

    owed: Sequence[acceptable_use.Statement]
    queue: Sequence[queues.QueueItem]
    answers: Sequence[second_answers.ToAnswer]
    mine: Sequence[ProvisioningRequest]
    ending: Sequence[grants.GrantView]
    waiting: Sequence[queues.Waiting]
    sampled: Sequence[Flag]
    running: Sequence[grants.GrantView]
    budgets: Sequence[budgets.Usable]
    at_once: AtOnce | None

    @property
    def needs_count(self) -> int:
        return len(self.owed) + len(self.queue) + len(self.answers) + len(self.mine) + len(self.ending)


def home(user: User, *, visibility: Visibility, now: datetime) -> Home:
    """One person's first page."""
    running = grants.running_of(user.person_id, now=now)
    return Home(
        owed=[] if user.is_service_account else acceptable_use.owed(user.person_id, now=now),
        queue=queues.approver_queue(user, now)[:LISTED_MAX],
        answers=second_answers.to_answer(user, now=now)[:LISTED_MAX],
        mine=_mine(user, now),
        ending=[view for view in running if _needs_owner(view, now)][:LISTED_MAX],
        waiting=queues.waiting_for(user, now, limit=LISTED_MAX),
        sampled=list(
            Flag.objects.filter(
                kind=FlagKind.SAMPLED_REVIEW, closed_at=None, provisioning_request__requester__person_id=user.person_id
            ).select_related("provisioning_request")[:LISTED_MAX]
        ),
        running=running,
        budgets=budgets.usable_budgets(user, visibility=visibility, now=now),
        at_once=_at_once(user, now),
    )


def _mine(user: User, now: datetime) -> list[ProvisioningRequest]:
    """Own requests that wait for their requester: changes wanted, fresh refusals, drafts; the newest first."""
    rows = ProvisioningRequest.objects.filter(requester__person_id=user.person_id, state__in=_NEED_ME)
    found = rows.select_related("project").order_by("-changed_at")[: 3 * LISTED_MAX]
    fresh = [row for row in found if row.state != State.DENIED or row.changed_at > now - ANSWER_FRESH]
    order = {state: index for index, state in enumerate(_NEED_ME)}
    return sorted(fresh, key=lambda row: order[row.state])[:LISTED_MAX]


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
