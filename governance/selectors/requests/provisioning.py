"""One request with its whole story, read in a number of queries that its length does not change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import OuterRef, Prefetch, Subquery

from estimator.catalogue import Release
from estimator.core.results.result import Estimate
from governance.domain.errors import NotFound
from governance.domain.requests.registers import gaps_in_words
from governance.domain.requests.spelling import in_present_names
from governance.domain.states.approvals import StageState
from governance.domain.states.money import HoldState
from governance.domain.states.requests import Occasion, State
from governance.models import (
    ApprovalDecision,
    ApprovalStage,
    Assessment,
    AuditEvent,
    Budget,
    BudgetHold,
    ProvisioningRequest,
    RequestRevision,
    Role,
    Visibility,
)
from governance.policy.bundle.effects import Outcome
from governance.policy.decisions.decision import Decision
from governance.selectors.approvals import queues
from governance.selectors.approvals.authority import Authority
from governance.selectors.money import balances
from governance.selectors.register import prices
from governance.selectors.requests import reasons as reasoning
from governance.selectors.requests import similar
from governance.selectors.requests.advice.advice import NOTHING, Advised, advise_request
from governance.selectors.requests.advice.nearest import OPEN_STATES
from governance.selectors.requests.assessments import Read
from governance.selectors.requests.story import revisions
from governance.selectors.requests.story.timeline import Entry, timeline
from governance.selectors.rules import policies

REVISIONS_MAX = 50


@dataclass(frozen=True, slots=True)
class Judged:
    """One revision with what was found out about it when it was submitted."""

    revision: RequestRevision
    assessment: Assessment
    estimate: Estimate | None
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Hold:
    """The latest hold of a request, micro-units."""

    amount_micro: int
    state: str
    expires_at: datetime

    @property
    def is_open(self) -> bool:
        return self.state == HoldState.OPEN


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that the page of one request shows."""

    request: ProvisioningRequest
    judged: Sequence[Judged]
    stages: Sequence[ApprovalStage]
    waiting: queues.Waiting | None
    hold: Hold | None
    levels: Sequence[balances.Level]
    reasons: Sequence[reasoning.Reason]
    comparison: revisions.Comparison | None
    advice: Advised = NOTHING
    held_back: str = ""
    counted: similar.Listed = field(default=similar.Listed((), 0))
    entries: Sequence[Entry] = field(default=())

    @property
    def current(self) -> Judged | None:
        """The revision that counts now; None before the first submission."""
        return self.judged[0] if self.judged else None

    @property
    def unread(self) -> list[str]:
        """What could not be read for the revision that counts now, a sentence each."""
        assessment = self.current.assessment if self.current else None
        return gaps_in_words(assessment.gaps) if assessment else []

    @property
    def content(self) -> Mapping[str, Any]:
        """What is requested: the current revision, or the draft before there is one."""
        return in_present_names(self.judged[0].revision.content) if self.judged else self.request.content


@dataclass(frozen=True, slots=True)
class Deciding:
    """What the page of a stage has read already, for whoever decides it.

    Args:
        sees: what the reader may see of other requests, where they see this one because they decide it.
        stages: every stage of the request, as `stages_of` reads them.
        people: who holds every role over its project.
        in_force, release: the policy versions and the catalogue release of the moment.
    """

    sees: Visibility
    stages: Sequence[ApprovalStage]
    people: Authority
    in_force: policies.InForce
    release: Release | None


def story(
    number: int, *, visibility: Visibility, viewer_id: int, now: datetime, deciding: Deciding | None = None
) -> Story:
    """The request with this number, if this person may see it.

    Eleven queries at most, and thirteen more where there is advice. That is for whoever can follow it: the requester
    and, for what they might say, whoever decides. A refusal says to every reader what would have passed.

    Raises:
        NotFound: missing or not visible; the two read the same.
    """
    request = _request(number, visibility)
    judged = _judged(request)
    stages = deciding.stages if deciding else stages_of(request)
    latest = judged[0] if judged else None
    has_advice = latest is not None and (
        deciding is not None or request.requester.person_id == viewer_id or request.state == State.DENIED
    )
    people = deciding.people if deciding else _people(request, stages, now, for_advice=has_advice)
    read = Read(people, deciding.in_force, deciding.release) if deciding else Read(people)
    current_stages = [stage for stage in stages if latest and stage.revision_id == latest.revision.pk]
    roles = {stage.role.slug: stage.role.name for stage in stages}
    decision = latest.decision if latest else None
    if decision and any(need.role not in roles for need in decision.requirements):
        roles |= dict(Role.objects.values_list("slug", "name"))
    return Story(
        request=request,
        judged=judged,
        stages=current_stages,
        waiting=_waiting(request, current_stages, people),
        hold=_hold(request),
        levels=_levels(request),
        reasons=[
            *(reasoning.unread(latest.assessment.gaps) if latest and latest.assessment else ()),
            *(reasoning.reasons(decision, current_stages, roles) if decision else ()),
        ],
        comparison=_comparison(judged),
        advice=_advice(request, latest.revision, read, now) if latest and has_advice else NOTHING,
        held_back=held_back(latest.assessment, latest.estimate, latest.revision.content) if latest else "",
        counted=_counted(latest, deciding.sees if deciding else visibility),
        entries=timeline(request, viewer_id=viewer_id, refusals=_refusals(judged)),
    )


def visible_request(number: int, *, visibility: Visibility) -> ProvisioningRequest:
    """The bare request with this number, if this person may see it.

    Raises:
        NotFound: missing or not visible.
    """
    rows = ProvisioningRequest.objects.visible_to(visibility).select_related("requester__person", "project__team")
    request = rows.filter(number=number).first()
    if request is None:
        raise NotFound(f"request `{number}` does not exist", number=number)
    return request


def _request(number: int, visibility: Visibility) -> ProvisioningRequest:
    latest_hold = BudgetHold.objects.filter(provisioning_request=OuterRef("pk")).order_by("-placed_at", "-pk")
    request = (
        ProvisioningRequest.objects.visible_to(visibility)
        .filter(number=number)
        .select_related("project__team", "requester__person", "lineage", "beneficiary", "related_grant", "grant")
        .annotate(
            hold_amount_micro=Subquery(latest_hold.values("amount_micro")[:1]),
            hold_state=Subquery(latest_hold.values("state")[:1]),
            hold_expires_at=Subquery(latest_hold.values("expires_at")[:1]),
            hold_path=Subquery(latest_hold.values("budget__path")[:1]),
            last_written=Subquery(AuditEvent.objects.order_by("-pk").values("hash")[:1]),
        )
        .first()
    )
    if request is None:
        raise NotFound(f"request `{number}` does not exist", number=number)
    return request


def _judged(request: ProvisioningRequest) -> list[Judged]:
    """Revisions, newest first, each with its assessment at submission."""
    if not request.revision_count:
        return []
    rows = (
        Assessment.objects.filter(revision__provisioning_request=request, occasion=Occasion.SUBMIT)
        .select_related("revision")
        .order_by("-revision__number", "-assessed_at")[:REVISIONS_MAX]
    )
    found: dict[int, Judged] = {}
    for row in rows:
        found.setdefault(
            row.revision.number, Judged(row.revision, row, read_estimate(row.estimate), read_decision(row.decision))
        )
    return list(found.values())


def read_estimate(plain: Mapping[str, Any]) -> Estimate | None:
    """A stored estimate, or None when an older version wrote it in another shape."""
    try:
        return Estimate.from_json(plain)
    except (KeyError, TypeError, ValueError):
        return None


def read_decision(plain: Mapping[str, Any]) -> Decision | None:
    """A stored decision, or None when an older version wrote it in another shape."""
    try:
        return Decision.from_json(plain)
    except (KeyError, TypeError, ValueError):
        return None


def stages_of(request: ProvisioningRequest) -> list[ApprovalStage]:
    """Every stage of every revision, with its decisions and who took them. Two queries."""
    if not request.revision_count:
        return []
    decisions = ApprovalDecision.objects.select_related("person", "for_person", "user", "lapse")
    return list(
        ApprovalStage.objects.filter(provisioning_request=request)
        .select_related("role", "fallback_from")
        .prefetch_related(Prefetch("decisions", queryset=decisions.order_by("decided_at", "pk")))
        .order_by("order", "role__name")
    )


def _people(
    request: ProvisioningRequest, stages: Sequence[ApprovalStage], now: datetime, *, for_advice: bool
) -> Authority | None:
    """Who has it now: in every role over the project where advice looks at them too, else in the open stages' roles."""
    if request.state != State.IN_REVIEW:
        return None
    if for_advice:
        return Authority(None, now=now, project=request.project)
    return Authority({stage.role_id for stage in stages if stage.state == StageState.OPEN}, now=now)


def _waiting(
    request: ProvisioningRequest, stages: Sequence[ApprovalStage], authority: Authority | None
) -> queues.Waiting | None:
    if request.state != State.IN_REVIEW or authority is None:
        return None
    busy = {
        person
        for stage in stages
        for decision in stage.decisions.all()
        if decision.counts
        for person in (decision.person_id, decision.for_person_id)
        if person is not None
    }
    return queues.waiting(request, stages, authority, busy)


def _hold(request: Any) -> Hold | None:
    if request.hold_amount_micro is None:
        return None
    return Hold(request.hold_amount_micro, request.hold_state, request.hold_expires_at)


def _levels(request: Any) -> list[balances.Level]:
    """Headroom today on every budget that the latest hold touched, leaf first."""
    if not request.hold_path:
        return []
    ids = [int(part) for part in request.hold_path.split(".") if part]
    rows = {budget.pk: budget for budget in Budget.objects.filter(pk__in=ids)}
    own = request.hold_amount_micro if request.hold_state == HoldState.OPEN else 0
    path = [rows[pk] for pk in reversed(ids) if pk in rows]
    return balances.levels(path, needed_micro=own, own_hold_micro=own)


def held_back(assessment: Assessment, estimate: Estimate | None, content: Mapping[str, Any]) -> str:
    """Why people looked at a request that the rules alone would have allowed; empty where they would not have."""
    if estimate is None or assessment.outcome != Outcome.REVIEW or assessment.decision.get("outcome") != Outcome.ALLOW:
        return ""
    end, cap = content.get("end_on"), content.get("money_cap_usd")
    return prices.why_held_back(
        estimate,
        last_day=date.fromisoformat(end) if end else None,
        exposure_micro=assessment.exposure_micro,
        money_cap_usd=cap,
    )


def _counted(judged: Judged | None, visibility: Visibility) -> similar.Listed:
    """The requests that the stored assessment counted together with this one, as the reader may see them."""
    if judged is None:
        return similar.Listed((), 0)
    count = judged.assessment.facts.get("history.similar_count_30d")
    others = count - 1 if isinstance(count, int) and count > 1 else 0
    return similar.listed(judged.assessment.counted_requests, count=others, visibility=visibility)


ADVICE_KEPT_MAX = 64
ADVICE_MINUTES = 5
_advice_kept: dict[tuple[object, ...], Advised] = {}


def _advice(request: Any, revision: RequestRevision, read: Read, now: datetime) -> Advised:
    """What to request instead, kept for some minutes while nothing is written: no query then.

    Args:
        request: with `last_written`, the hash of the last audit event: every act of a service adds one.
    """
    if request.state not in OPEN_STATES:
        return NOTHING
    moment = (now.date(), now.hour, now.minute // ADVICE_MINUTES)
    key = (request.pk, revision.pk, revision.digest, request.state, request.last_written, moment)
    if key not in _advice_kept:
        held = request.hold_amount_micro if request.hold_state == HoldState.OPEN else 0
        found = advise_request(request, revision.content, now=now, own_hold_micro=held, read=read)
        if len(_advice_kept) >= ADVICE_KEPT_MAX:
            _advice_kept.clear()
        _advice_kept[key] = found
    return _advice_kept[key]


def _comparison(judged: Sequence[Judged]) -> revisions.Comparison | None:
    if len(judged) < 2:
        return None
    now, was = judged[0], judged[1]
    changes, same = revisions.compare_contents(was.revision.content, now.revision.content)
    changes += revisions.compare_estimates(
        was.estimate,
        now.estimate,
        was_exposure=was.assessment.exposure_micro,
        now_exposure=now.assessment.exposure_micro,
    )
    return revisions.Comparison(was.revision.number, now.revision.number, tuple(changes), same)


def _refusals(judged: Sequence[Judged]) -> dict[int, str]:
    """Per revision, the sentences of the rules that did not allow it."""
    return {
        each.revision.number: " ".join(rule.message for rule in each.decision.denials)
        for each in judged
        if each.decision and each.decision.denials
    }
