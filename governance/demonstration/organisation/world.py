"""Lets the demonstration's people act, each at an instant of the past, through the same services as everybody."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from governance.demonstration.organisation.cast import Cast
from governance.display import dates
from governance.domain.errors import AlreadyDecided, NotAllowed
from governance.domain.money.money import MICRO_PER_UNIT
from governance.domain.states.approvals import StageState, Verdict
from governance.models import ApprovalStage, Delegation, Flag, Grant, ProvisioningRequest, RoleAssignment, User
from governance.services.approvals import decisions
from governance.services.commit import joined
from governance.services.grants import grants
from governance.services.messages import flags
from governance.services.record import audit
from governance.services.requests import comments, drafts, submission, withdrawal

Story = Generator[datetime, datetime, None]
"""Yields the instant of its next step, is sent the instant at which that step happens, and takes it."""


DRAFT_MINUTES = 9


class OutOfStory(Exception):
    """A step that the story counts on cannot be taken: a rule, a price or the calendar came out differently."""


def within(service: Callable[..., Any], **arguments: Any) -> Any:
    """Call an entry service inside the loader's one transaction.

    Entry services are durable transactions of their own; the whole demonstration is one, so that an interrupted first
    start leaves nothing behind. What is called is the service's function itself, in a savepoint.
    """
    with transaction.atomic(), joined():
        return inspect.unwrap(service)(**arguments)


@dataclass(slots=True)
class World:
    """The cast and what their stories have brought about so far.

    Args:
        requests: by story number.
        past: everyday requests of the past year; `not_requested` counts those that did not fit their budget.
    """

    cast: Cast
    requests: dict[int, ProvisioningRequest] = field(default_factory=dict)
    past: list[ProvisioningRequest] = field(default_factory=list)
    not_requested: int = 0

    # -- asking

    def draft(self, who: str, content: Mapping[str, Any], now: datetime) -> ProvisioningRequest:
        request: ProvisioningRequest = within(drafts.create_draft, actor=self.cast[who], content=content, now=now)
        return request

    def create_and_submit(self, user: User, content: Mapping[str, Any], now: datetime) -> ProvisioningRequest:
        """Create and submit in one step, as through the API."""
        request: ProvisioningRequest = within(submission.create_and_submit, actor=user, content=content, now=now)
        return request

    def submit(self, who: str, request: ProvisioningRequest, now: datetime) -> ProvisioningRequest:
        submitted: ProvisioningRequest = within(
            submission.submit_request, request_id=request.pk, actor=self.cast[who], now=now
        )
        return submitted

    def ask(
        self, number: int, who: str, content: Mapping[str, Any], now: datetime
    ) -> Generator[datetime, datetime, ProvisioningRequest]:
        """Start a draft now and submit it some minutes later; the story's number keeps the request."""
        draft = self.draft(who, content, now)
        now = yield now + timedelta(minutes=DRAFT_MINUTES)
        self.requests[number] = self.submit(who, draft, now)
        return self.requests[number]

    def ask_again(self, who: str, request: ProvisioningRequest, changes: Mapping[str, Any], now: datetime) -> None:
        """Change what a request asks for and submit it once more."""
        request.refresh_from_db()
        content = {**request.draft, **changes}
        within(drafts.save_draft, request_id=request.pk, actor=self.cast[who], content=content, now=now)
        self.submit(who, request, now)
        request.refresh_from_db()

    def comment(self, who: str, request: ProvisioningRequest, text: str, now: datetime) -> None:
        within(comments.add_comment, request_id=request.pk, actor=self.cast[who], text=text, now=now)

    def withdraw(self, who: str | User, request: ProvisioningRequest, reason: str, now: datetime) -> None:
        within(withdrawal.withdraw_request, request_id=request.pk, actor=self._user(who), reason=reason, now=now)

    def expire(self, request: ProvisioningRequest, now: datetime) -> None:
        """End a request whose hold has run out.

        Raises:
            OutOfStory: it has not.
        """
        if not within(withdrawal.expire_request, request_id=request.pk, actor=self.cast.system, now=now):
            raise OutOfStory(f"the hold of {request.reference} has not ended by {now}")

    # -- deciding

    def decide(
        self, request: ProvisioningRequest, who: str, reason: str, now: datetime, verdict: str = Verdict.APPROVE
    ) -> None:
        """One person decides the open stage that they can fill, their own or somebody's for whom they stand in.

        Raises:
            OutOfStory: no open stage is theirs.
        """
        actor = self.cast[who]
        stages = ApprovalStage.objects.filter(
            provisioning_request=request, state=StageState.OPEN, role_id__in=self._roles(actor)
        )
        for stage in stages.select_related("revision"):
            with contextlib.suppress(NotAllowed, AlreadyDecided):
                self.decide_stage(stage, actor, reason, now, verdict=verdict)
                request.refresh_from_db()
                return
        raise OutOfStory(f"{request.reference}: no open stage that `{who}` could decide")

    def decide_stage(
        self, stage: ApprovalStage, actor: User, reason: str, now: datetime, verdict: str = Verdict.APPROVE
    ) -> None:
        """One person decides one open stage, on the revision that it is about."""
        within(
            decisions.decide,
            stage_id=stage.pk,
            actor=actor,
            verdict=verdict,
            reason=reason,
            revision_digest=stage.revision.digest,
            now=now,
        )

    def decide_if_asked(self, request: ProvisioningRequest, who: str, reason: str, now: datetime) -> None:
        """The same for a stage that opens only when some budget is heading above its limit by then."""
        with contextlib.suppress(OutOfStory):
            self.decide(request, who, reason, now)

    @staticmethod
    def _roles(actor: User) -> set[int]:
        """Roles that the person holds, or may fill for somebody else."""
        own = RoleAssignment.objects.filter(user=actor).values_list("role_id", flat=True)
        lent = Delegation.objects.filter(delegate_id=actor.person_id).values_list("role_id", flat=True)
        return {*own, *lent}

    # -- after the grant

    def grant_of(self, request: ProvisioningRequest) -> Grant:
        """The request's grant.

        Raises:
            OutOfStory: it has none.
        """
        grant = Grant.objects.filter(provisioning_request=request).first()
        if grant is None:
            raise OutOfStory(f"{request.reference} has no grant")
        return grant

    def measure(
        self,
        request: ProvisioningRequest,
        *,
        hours: float | None,
        spent_usd: float,
        utilisation: float | None = None,
    ) -> Grant:
        """What metering reported for a grant. No service does this yet, so the row is written directly."""
        grant = self.grant_of(request)
        grant.gpu_hours_used = hours
        grant.spent_micro = round(spent_usd * 100) * (MICRO_PER_UNIT // 100)
        grant.utilisation_28d = utilisation
        grant.save(update_fields=["gpu_hours_used", "spent_micro", "utilisation_28d"])
        return grant

    def end(self, request: ProvisioningRequest, who: str | User, now: datetime) -> None:
        """End the request's grant once its window is over; somebody sees that its jobs have stopped."""
        grant = self.grant_of(request)
        if not within(grants.end_grant, grant_id=grant.pk, actor=self.cast.system, now=now):
            raise OutOfStory(f"{grant.reference} does not end before {grant.ends_at}")
        flag = self.flag(
            f"grant_ended:{grant.pk}",
            "grant_ended",
            f"{grant.reference} ended on {dates.full_day(now)}: see that its jobs have stopped",
            request,
            now,
        )
        self.close_flag(flag, who, "Looked at: nothing runs any more.", now)

    def flag(self, key: str, kind: str, sentence: str, request: ProvisioningRequest, now: datetime) -> Flag:
        """Raise a flag on a request and its grant, as a sweep would."""
        with transaction.atomic():
            raised = flags.raise_flag(
                key=key,
                kind=kind,
                sentence=sentence,
                request=request,
                grant=Grant.objects.filter(provisioning_request=request).first(),
                now=now,
            )
            if raised is None:
                raise OutOfStory(f"the flag `{key}` was raised before")
            audit.record("flag.raised", actor=self.cast.system, subject=raised, request=request, now=now, kind=kind)
        return raised

    def close_flag(self, flag: Flag, who: str | User, reason: str, now: datetime) -> None:
        within(flags.close_flag, flag_id=flag.pk, actor=self._user(who), reason=reason, now=now)

    def _user(self, who: str | User) -> User:
        return who if isinstance(who, User) else self.cast[who]

    # -- days

    def day(self, moment: datetime, plus: int = 0) -> str:
        """An ISO day so many days after an instant, as the form would send it."""
        day: date = moment.date() + timedelta(days=plus)
        return day.isoformat()
