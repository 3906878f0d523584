"""The course of one past request: from its submission to its answer, its grant, and the grant's end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from governance.demonstration.calendar import in_office_hours
from governance.demonstration.chain import Chain
from governance.demonstration.past.office import Standing
from governance.demonstration.past.plan import PastAsk
from governance.display import dates
from governance.domain.limits import HOLD_DAYS_MAX
from governance.domain.money.ledger import JournalKind
from governance.domain.money.money import MICRO_PER_CENT
from governance.domain.record.canonical import digest
from governance.domain.requests.parse import RequestContent
from governance.domain.states.approvals import STAGE_UNDECIDED, StageEvent, StageState, Verdict
from governance.domain.states.grants import GrantEvent
from governance.domain.states.messages import FlagKind
from governance.domain.states.money import HoldEvent
from governance.domain.states.requests import Event, Occasion, State
from governance.models import (
    ApprovalDecision,
    ApprovalStage,
    Assessment,
    Budget,
    BudgetHold,
    Flag,
    Grant,
    Project,
    ProvisioningRequest,
    RequestRevision,
    User,
)
from governance.policy.decisions.decision import Outcome
from governance.selectors.approvals.due import working_time
from governance.selectors.requests.judgement import Assessed
from governance.selectors.requests.sizing import ENGINE_VERSION
from governance.services.messages.flags import is_sampled

if TYPE_CHECKING:
    from governance.demonstration.past.history import History

# Where a person is asked at all: up to here yes, then no, then withdrawn, and at last nobody answers.
YES, NO, WITHDRAWN = 0.86, 0.94, 0.975
REASONS_YES = ("Fine.", "Fits the plan of the team.", "Approved, as discussed.", "Go ahead, and report the result.")
REASONS_NO = ("Not before the last run is reported.", "Use the smaller model first.", "The result exists already.")
REASONS_FLAG = ("Looked at: in order.", "Explained by the person who asked.", "Looked at, nothing to do.")


@dataclass(slots=True)
class Course:
    """One past request and its rows as they come about."""

    history: History
    plan: PastAsk
    request: ProvisioningRequest = field(init=False)
    revision: RequestRevision = field(init=False)
    standing: Standing = field(init=False)
    assessed: Assessed = field(init=False)
    hold: BudgetHold | None = field(init=False, default=None)
    stages: list[ApprovalStage] = field(init=False, default_factory=list)
    busy: set[int] = field(init=False, default_factory=set)
    yes: dict[int, int] = field(init=False, default_factory=dict)

    # -- who and what

    @property
    def requester(self) -> User:
        return self.history.cast.staff[self.plan.team][self.plan.person]

    @property
    def project(self) -> Project:
        return self.history.cast.everyday[self.plan.team][self.plan.project]

    @property
    def leaf(self) -> Budget:
        assert self.hold is not None
        return self.history.books.by_id[self.hold.budget_id]

    # -- happenings

    def submit(self, at: datetime) -> None:
        """Submit; what does not fit its budget is not asked at all, as the product refuses it without a trace."""
        history = self.history
        parsed = RequestContent.parse(self.plan.content)
        self.assessed = history.office.assess(parsed, self.requester, self.project, now=at)
        if self.assessed.unfillable is not None or self.assessed.facts["budget.headroom_after_usd"] < 0:
            history.refused += 1
            return
        history.written += 1
        self._write_request(parsed, at)
        self._assessment(Occasion.SUBMIT, at)
        outcome = self.assessed.outcome
        if outcome is Outcome.DENY:
            self._move(Event.SUBMIT_DENIED, at, answered=True)
        else:
            self._place_hold(at)
            history.office.keep(self.standing)
            if self.assessed.stages:
                self.standing.is_waiting = True
                self._move(Event.SUBMIT_FOR_REVIEW, at, answered=False)
                self._plan_stages(at)
            else:
                self._move(Event.SUBMIT_GRANTED, at, answered=True)
                self._issue(at, self.requester)
            self._raise_flags(at)
        self._record(
            "request.submitted", self.requester, at,
            outcome=outcome.value, revision=1, digest=self.revision.digest, exposure_micro=self.assessed.exposure_micro,
            held_micro=self.assessed.hold_micro if outcome is not Outcome.DENY else 0,
            rules=[rule.rule_id for rule in self.assessed.decision.fired],
        )  # fmt: skip
        # Asked at once, like through the API: the draft existed for nobody before.
        self._record("request.created", self.requester, at)

    def _write_request(self, parsed: RequestContent, at: datetime) -> None:
        rows, content = self.history.rows, parsed.to_content()
        self.request = ProvisioningRequest(
            number=self.history.next_number("request"), state=State.DRAFT.value, kind=parsed.kind, title=parsed.title,
            project=self.project, requester=self.requester, draft=content, draft_version=1, revision_count=1,
            exposure_micro=self.assessed.exposure_micro, created_at=at, changed_at=at, submitted_at=at,
            is_demonstration=True,
        )  # fmt: skip
        rows.add(self.request)
        self.revision = RequestRevision(
            provisioning_request_id=self.request.pk, number=1, content=content, digest=digest(content),
            created_by=self.requester, created_at=at,
        )  # fmt: skip
        rows.add(self.revision)
        self.standing = Standing(
            self.request.pk, at, self.requester.person_id, self.project.pk, parsed.workload,
            self.assessed.exposure_micro or 0,
        )  # fmt: skip

    def _assessment(self, occasion: Occasion, at: datetime) -> None:
        assessed = self.assessed
        facts = assessed.facts_json
        row = Assessment(
            revision_id=self.revision.pk, assessed_at=at, occasion=occasion.value, outcome=assessed.outcome.value,
            exposure_micro=assessed.exposure_micro, facts=facts, estimate=assessed.estimate.to_json(),
            decision=assessed.decision.to_json(), facts_digest=digest(facts),
            policy_digest=assessed.policy_digest, catalogue_digest=assessed.catalogue_digest,
            engine_version=ENGINE_VERSION, schema_version=assessed.schema_version,
            counted_requests=list(assessed.context.similar_ids),
        )  # fmt: skip
        self.history.rows.add(row)
        self.history.rows.add_facts(row.pk, assessed.facts)

    def _place_hold(self, at: datetime) -> None:
        amount = max(self.assessed.hold_micro or 0, 1)
        leaf = self.assessed.context.path[0]
        self.hold = BudgetHold(
            provisioning_request_id=self.request.pk, budget_id=leaf.pk, amount_micro=amount, placed_at=at,
            expires_at=at + timedelta(days=HOLD_DAYS_MAX),
        )  # fmt: skip
        self.history.rows.add(self.hold)
        self._post(JournalKind.HOLD, amount, f"hold:{self.request.pk}:0", self.requester, at)

    # -- people

    def _plan_stages(self, at: datetime) -> None:
        roles = self.history.roles
        for planned in self.assessed.stages:
            stage = ApprovalStage(
                provisioning_request_id=self.request.pk, revision_id=self.revision.pk, order=planned.order,
                role=roles[planned.role], fallback_from=roles.get(planned.fallback_from or ""), quorum=planned.quorum,
                rule_ids=list(planned.rule_ids), due_working_days=planned.due_working_days,
            )  # fmt: skip
            self.history.rows.add(stage)
            self.stages.append(stage)
        self._open_next(at)
        fate = self.plan.fate
        if fate > WITHDRAWN and self.hold is not None and self.hold.expires_at < self._latest:
            self.history.later(self.hold.expires_at + timedelta(seconds=40), self._expire)
        elif NO < fate <= WITHDRAWN:
            self.history.later(self._after(at, 3.0), self._withdraw)
        else:
            self.history.later(self._after(at, self.plan.delays[0]), self._decide)

    @property
    def _latest(self) -> datetime:
        """Some working hours before the first start, for each request its own."""
        return self.history.cast.calendar.lately(1.0 + self.request.number % 61 / 10)

    def _after(self, at: datetime, hours: float) -> datetime:
        """Some working hours later, but never later than shortly before the first start."""
        return max(at + timedelta(minutes=3), min(in_office_hours(at + timedelta(hours=hours)), self._latest))

    def _open_next(self, at: datetime) -> list[ApprovalStage]:
        """Open the waiting stages that come next; those that are open now."""
        opened = [stage for stage in self.stages if stage.state == StageState.OPEN]
        waiting = [stage for stage in self.stages if stage.state == StageState.WAITING]
        if opened or not waiting:
            return opened
        first = min(stage.order for stage in waiting)
        for stage in waiting:
            if stage.order == first:
                stage.move(StageEvent.OPEN)
                stage.opened_at, stage.due_at = at, working_time().due_at(at, stage.due_working_days)
                self.history.rows.changed(stage)
                opened.append(stage)
        return opened

    def _decide(self, at: datetime) -> None:
        """One person says yes or no on the first open stage."""
        stage = next(stage for stage in self.stages if stage.state == StageState.OPEN)
        user = self._who_decides(stage)
        says_no = YES < self.plan.fate <= NO
        decision = ApprovalDecision(
            stage_id=stage.pk, user=user, person_id=user.person_id,
            verdict=Verdict.REJECT.value if says_no else Verdict.APPROVE.value,
            reason=self._pick(REASONS_NO if says_no else REASONS_YES), revision_digest=self.revision.digest,
            decided_at=at,
        )  # fmt: skip
        self.history.rows.add(decision)
        self.busy.add(user.person_id)
        if says_no:
            self._close(stage, StageEvent.REJECT, at)
            self._end_review(Event.REJECT, HoldEvent.RELEASE, user, at)
        elif self._yes_count(stage) == stage.quorum:
            self._close(stage, StageEvent.APPROVE, at)
            if not self._open_next(at):
                self._grant(user, at)
        # Stages count their own decisions: quorums of more than one are decided person by person.
        self._record(
            "stage.rejected" if says_no else "stage.approved", user, at, model=ApprovalStage, row=stage.pk,
            decision=decision.pk, role=stage.role.slug, for_person=None, digest=self.revision.digest,
        )  # fmt: skip
        if any(each.state == StageState.OPEN for each in self.stages):
            turn = min(len(self.busy), len(self.plan.delays) - 1)
            self.history.later(self._after(at, self.plan.delays[turn]), self._decide)

    def _yes_count(self, stage: ApprovalStage) -> int:
        self.yes[stage.pk] = self.yes.get(stage.pk, 0) + 1
        return self.yes[stage.pk]

    def _who_decides(self, stage: ApprovalStage) -> User:
        planned = next(each for each in self.assessed.stages if each.role == stage.role.slug)
        free = [user for user in self.history.deciders if user.person_id in planned.eligible - self.busy]
        return free[self.request.number % len(free)]

    def _grant(self, user: User, at: datetime) -> None:
        """The last yes: everything is judged again, then the grant is issued."""
        history = self.history
        self.assessed = history.office.assess(
            self.assessed.content, self.requester, self.project, now=at, own=self.standing
        )
        self._assessment(Occasion.GRANT, at)
        if self.assessed.outcome is Outcome.DENY:
            self._end_review(Event.DENY_AT_GRANT, HoldEvent.RELEASE, user, at)
            return
        # What people approved is no part of a split.
        self.standing.stands = False
        self._move(Event.APPROVE_LAST, at, answered=True)
        self._issue(at, user)

    def _withdraw(self, at: datetime) -> None:
        self._end_review(Event.WITHDRAW, HoldEvent.RELEASE, self.requester, at)
        self._record("request.withdrawn", self.requester, at, reason="No longer needed.")

    def _expire(self, at: datetime) -> None:
        assert self.hold is not None
        system = self.history.cast.system
        self._end_review(Event.EXPIRE_HOLD, HoldEvent.EXPIRE, system, at)
        self._flag(
            FlagKind.HOLD_EXPIRED, f"hold_expired:{self.hold.pk}",
            f"{self.request.reference}: the hold ended without an answer; its money is free again", at,
        )  # fmt: skip
        self._record("request.expired", system, at, released_micro=self.hold.amount_micro)

    def _end_review(self, event: Event, hold_event: HoldEvent, actor: User, at: datetime) -> None:
        for stage in self.stages:
            if stage.state in STAGE_UNDECIDED:
                self._close(stage, StageEvent.CANCEL, at)
        self._resolve_hold(hold_event, actor, at)
        self.standing.stands = False
        self._move(event, at, answered=True)

    def _close(self, stage: ApprovalStage, event: StageEvent, at: datetime) -> None:
        stage.move(event)
        stage.closed_at = at
        self.history.rows.changed(stage)

    # -- grants

    def _issue(self, at: datetime, actor: User) -> None:
        history, parsed = self.history, self.assessed.content
        assert self.hold is not None
        self._resolve_hold(HoldEvent.CAPTURE, actor, at)
        ends_at = self.assessed.context.ends_at
        assert ends_at is not None
        hours = self.assessed.estimate.gpu_hours
        grant = Grant(
            number=history.next_number("grant"), provisioning_request_id=self.request.pk, revision_id=self.revision.pk,
            project=self.project, owner_id=self.requester.person_id, title=parsed.title, provider=parsed.provider or "",
            region=parsed.region or "", price_term=parsed.price_term, accelerator=parsed.accelerator or "",
            accelerator_count=parsed.accelerator_count,
            gpu_hours_cap=parsed.gpu_hours_cap or (hours.p90 if hours and hours.p90 > 0 else None),
            cost_cap_micro=self.hold.amount_micro, starts_at=self.assessed.context.starts_at, ends_at=ends_at,
            issued_at=at, policy_digest=self.assessed.policy_digest,
        )  # fmt: skip
        history.rows.add(grant)
        history.commit(grant.provider, at, grant.cost_cap_micro)
        self.standing.granted_at, self.standing.ended_at = at, ends_at
        self._record(
            "grant.issued", actor, at, model=Grant, row=grant.pk, grant=grant.reference, digest=self.revision.digest,
            cost_cap_micro=grant.cost_cap_micro,
        )  # fmt: skip
        ended = max(ends_at, at) + timedelta(minutes=4)
        history.later(ended, lambda when: self._end(grant, when))

    def _end(self, grant: Grant, at: datetime) -> None:
        """What was metered, and what goes back."""
        share = self.plan.used
        cap = grant.gpu_hours_cap
        grant.gpu_hours_used = round(cap * share, 1) if cap and grant.accelerator else None
        spent = int(grant.cost_cap_micro * min(share, 1.0))
        grant.spent_micro = spent - spent % MICRO_PER_CENT
        grant.utilisation_28d = round(self.plan.utilisation, 3) if grant.accelerator else None
        grant.move(GrantEvent.END)
        grant.ended_at = at
        self.history.rows.changed(grant)
        system = self.history.cast.system
        if grant.spent_micro:
            self._post(JournalKind.SPEND, grant.spent_micro, f"spend:{grant.pk}", system, at)
        if grant.cost_cap_micro > grant.spent_micro:
            back = grant.cost_cap_micro - grant.spent_micro
            self._post(JournalKind.RETURN, back, f"return:{grant.pk}", system, at)
        self._record("grant.ended", system, at, model=Grant, row=grant.pk, grant=grant.reference)
        self._flag(
            FlagKind.GRANT_ENDED, f"grant_ended:{grant.pk}",
            f"{grant.reference} ended on {dates.full_day(at)}: see that its jobs have stopped", at, grant=grant,
        )  # fmt: skip

    # -- shared

    def _post(self, kind: JournalKind, amount_micro: int, key: str, actor: User, at: datetime) -> None:
        self.history.books.move(kind, self.leaf, amount_micro, key=key, actor=actor, at=at, request=self.request.pk)

    def _resolve_hold(self, event: HoldEvent, actor: User, at: datetime) -> None:
        hold = self.hold
        assert hold is not None
        hold.move(event)
        hold.resolved_at = at
        self.history.rows.changed(hold)
        kind = JournalKind.CAPTURE if event is HoldEvent.CAPTURE else JournalKind.RELEASE
        self._post(kind, hold.amount_micro, f"{kind}:{hold.pk}", actor, at)

    def _move(self, event: Event, at: datetime, *, answered: bool) -> None:
        self.request.move(event)
        self.request.changed_at = at
        self.request.answered_at = at if answered else None
        self.history.rows.changed(self.request)

    def _raise_flags(self, at: datetime) -> None:
        for notice in self.assessed.decision.flags:
            self._flag(
                FlagKind.SPLIT if notice.code == "split" else FlagKind.POLICY_FLAG,
                f"policy:{notice.rule_id}:{self.revision.digest}:{self.request.pk}",
                f"{self.request.reference}: {notice.message}"[:400], at, is_from_sweep=False, rule=notice.rule_id,
                code=notice.code,
            )  # fmt: skip
        sample = self.assessed.decision.sample
        if sample and not self.assessed.stages and is_sampled(self.revision.digest, ratio=sample.ratio):
            self._flag(
                FlagKind.SAMPLED_REVIEW, f"sampled:{self.revision.digest}:{self.request.pk}",
                f"{self.request.reference} was allowed without a person and drawn for a later look", at,
                is_from_sweep=False,
            )  # fmt: skip

    def _flag(
        self, kind: FlagKind, key: str, sentence: str, at: datetime, *, grant: Grant | None = None,
        is_from_sweep: bool = True, **data: Any,
    ) -> None:  # fmt: skip
        """Raise a flag, and let somebody look at it within days."""
        flag = Flag(
            key=key, kind=kind.value, sentence=sentence, data=data, raised_at=at,
            provisioning_request_id=self.request.pk, grant_id=grant.pk if grant else None,
        )  # fmt: skip
        self.history.rows.add(flag)
        if is_from_sweep and kind != FlagKind.HOLD_EXPIRED:
            self._record("flag.raised", self.history.cast.system, at, model=Flag, row=flag.pk, what=kind)
        self.history.later(self._after(at, 2.0 + 30.0 * self.plan.utilisation), lambda when: self._look_at(flag, when))

    def _look_at(self, flag: Flag, at: datetime) -> None:
        user = self.history.leads[self.plan.team]
        flag.closed_at, flag.closed_by, flag.close_reason = at, user, self._pick(REASONS_FLAG)
        self.history.rows.changed(flag)
        self._record("flag.closed", user, at, model=Flag, row=flag.pk, what=flag.kind)

    def _pick(self, sentences: tuple[str, ...]) -> str:
        return sentences[self.request.number % len(sentences)]

    def _record(
        self, action: str, actor: User, at: datetime, *, model: type[Any] = ProvisioningRequest, row: int | None = None,
        what: str | None = None, **data: Any,
    ) -> None:  # fmt: skip
        chain = self.history.chain
        assert isinstance(chain, Chain)
        if what is not None:
            data["kind"] = what
        chain.record(
            action, actor=actor, model=model, row=row or self.request.pk, at=at, request=self.request.pk, **data
        )
