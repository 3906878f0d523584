"""One stage with everything that the decision rests on: the request, its amounts, who decides, decisions, changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from estimator.catalogue import Release, newest_release
from governance.domain.errors import NotFound
from governance.domain.prose import within
from governance.domain.states.approvals import STAGE_UNDECIDED, LapseReason, StageState, Verdict
from governance.domain.states.requests import State
from governance.domain.states.rules import VersionState
from governance.models import (
    ApprovalDecision,
    ApprovalStage,
    PolicyVersion,
    ProvisioningRequest,
    RequestComment,
    RequestRevision,
    User,
    Visibility,
)
from governance.selectors.approvals import precedents
from governance.selectors.approvals.authority import Authority, Case, Holder, lapsed
from governance.selectors.approvals.rule_lines import RuleLine, rule_lines, stage_mark
from governance.selectors.requests import capacity, provisioning
from governance.selectors.rules import policies

REMARKS_MAX = 100


@dataclass(frozen=True, slots=True)
class Pins:
    """What a decision is bound to. If one of them moves, the person is asked again."""

    revision_number: int
    revision_digest: str
    policy_digest: str
    policy_at: datetime | None
    catalogue_digest: str
    catalogue_at: datetime | None

    def moved_from(self, *, revision_digest: str, policy_digest: str, catalogue_digest: str) -> list[str]:
        """Which pins are not the ones that the person saw: `revision`, `policy`, `catalogue`."""
        seen = {"revision": revision_digest, "policy": policy_digest, "catalogue": catalogue_digest}
        now = {"revision": self.revision_digest, "policy": self.policy_digest, "catalogue": self.catalogue_digest}
        return [name for name in now if seen[name] != now[name]]


@dataclass(frozen=True, slots=True)
class Decider:
    """One stage of the revision and its people, as the panel beside the decision lists them.

    Args:
        said: decisions that count.
        lapsed: approvals that no longer count, each with why.
    """

    stage: ApprovalStage
    said: Sequence[ApprovalDecision]
    may: Sequence[Holder]
    mark: str
    word: str
    is_mine: bool

    lapsed: Sequence[tuple[ApprovalDecision, str]] = ()

    @property
    def yes_count(self) -> int:
        return sum(decision.approves for decision in self.said)

    @property
    def candidate_count(self) -> int:
        """Everybody who said something here, and everybody who still may."""
        return len(self.said) + len(self.may)


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that somebody said: a comment, or the reason of a decision."""

    at: datetime
    who: str
    role: str
    text: str
    mark: str


@dataclass(frozen=True, slots=True)
class StageFile:
    """Everything that the decision page shows.

    Args:
        mine: the reader as somebody who may decide this stage now, or None.
        why_not: the sentence that says why not, when `mine` is None.
        release: the newest one of the catalogue; None before the first.
    """

    stage: ApprovalStage
    story: provisioning.Story
    pins: Pins
    mine: Holder | None
    why_not: str
    deciders: Sequence[Decider]
    lines: Sequence[RuleLine]
    remarks: Sequence[Remark]
    precedents: Sequence[precedents.Precedent]
    capacity: capacity.Capacity | None
    release: Release | None
    excluded: Mapping[int, tuple[str, str]]

    @property
    def request(self) -> ProvisioningRequest:
        return self.story.request

    @property
    def excluded_names(self) -> list[tuple[str, str]]:
        return list(self.excluded.values())

    @property
    def is_moved(self) -> bool:
        """The stage belongs to a revision that is no longer the one that counts."""
        return self.stage.revision.number != self.request.revision_count


def stage_file(stage_id: int, *, user: User, visibility: Visibility, now: datetime) -> StageFile:
    """The stage and its story, for somebody who sees the request or may decide the stage.

    Raises:
        NotFound: missing, or neither visible nor theirs to decide.
    """
    stage = (
        ApprovalStage.objects.select_related(
            "role",
            "fallback_from",
            "revision",
            "provisioning_request__project__team",
            "provisioning_request__requester__person",
            "provisioning_request__lineage__owner",
            "provisioning_request__beneficiary",
        )
        .filter(pk=stage_id)
        .first()
    )
    if stage is None:
        raise NotFound(f"stage `{stage_id}` does not exist")
    request = stage.provisioning_request
    every = provisioning.stages_of(request)
    stages = [each for each in every if each.revision_id == stage.revision_id]
    # Invariant: what has a stage was submitted, and names its project.
    authority = Authority(None, now=now, project=request.project)
    busy = _busy(stages)
    mine = _mine(stage, authority, busy, user)
    is_theirs = mine is not None or user.person_id in busy
    if not is_theirs and not _sees(request, visibility):
        raise NotFound(f"stage `{stage_id}` does not exist")
    in_force, release = policies.in_force(), newest_release()
    # Whoever decides a stage reads its whole story, wherever they sit.
    whole = Visibility(visibility.person_id, True, frozenset(), frozenset())
    story = provisioning.story(
        request.number,
        visibility=whole,
        viewer_id=user.person_id,
        now=now,
        deciding=provisioning.Deciding(visibility, every, authority, in_force, release),
    )
    current = story.current
    excluded = _excluded(request)
    gone = _lapsed(stages, request, now)
    return StageFile(
        stage=stage,
        story=story,
        pins=_pins(stage.revision, in_force, release),
        release=release,
        mine=mine,
        why_not="" if mine else _why_not(stage, user, busy, excluded),
        deciders=[_decider(each, authority, busy, request, gone, is_mine=each.pk == stage.pk) for each in stages],
        lines=rule_lines(current.decision, stages) if current and current.decision else (),
        remarks=_remarks(story, stages),
        precedents=precedents.similar(request, current.assessment if current else None),
        capacity=capacity.overlapping(request, current.assessment.facts) if current else None,
        excluded=excluded,
    )


def request_to_read(number: int, *, user: User, visibility: Visibility, now: datetime) -> ProvisioningRequest:
    """The request with this number, for somebody who sees it, or who decides or has decided a stage of it.

    Raises:
        NotFound: missing, or neither visible nor theirs to decide; the two read the same.
    """
    rows = ProvisioningRequest.objects.select_related("requester__person", "project__team", "lineage")
    request = rows.filter(number=number).first()
    if request is None or not (_sees(request, visibility) or _decides(request, user, now)):
        raise NotFound(f"request `{number}` does not exist", number=number)
    return request


def _decides(request: ProvisioningRequest, user: User, now: datetime) -> bool:
    if ApprovalDecision.objects.filter(
        Q(person_id=user.person_id) | Q(for_person_id=user.person_id),
        stage__provisioning_request=request,
        stage__revision__number=request.revision_count,
        lapse__isnull=True,
    ).exists():
        return True
    return next_open_stage(request, user=user, now=now) is not None


def pins_now(revision: RequestRevision) -> Pins:
    """The revision, the policy and the catalogue as they stand now. Three queries."""
    return _pins(revision, policies.in_force(), newest_release())


def _pins(revision: RequestRevision, in_force: policies.InForce, release: Release | None) -> Pins:
    policy_at = (
        PolicyVersion.objects.filter(state=VersionState.ACTIVE, activated_at__isnull=False)
        .order_by("-activated_at")
        .values_list("activated_at", flat=True)
        .first()
    )
    _, digest, released_at = release or (0, "", None)
    return Pins(revision.number, revision.digest, in_force.policy.digest, policy_at, digest, released_at)


def next_open_stage(request: ProvisioningRequest, *, user: User, now: datetime) -> int | None:
    """The stage of the current revision that this person may decide, if there is one."""
    stages = list(
        ApprovalStage.objects.filter(
            provisioning_request=request, revision__number=request.revision_count
        ).prefetch_related("decisions__lapse")
    )
    opened = [stage for stage in stages if stage.state == StageState.OPEN]
    authority = Authority({stage.role_id for stage in opened}, now=now, person_id=user.person_id)
    busy = _busy(stages)
    return next((stage.pk for stage in opened if _mine(stage, authority, busy, user, request)), None)


def _sees(request: ProvisioningRequest, visibility: Visibility) -> bool:
    return (
        visibility.sees_all
        or request.requester.person_id == visibility.person_id
        or request.project_id in visibility.project_ids
    )


def _busy(stages: Sequence[ApprovalStage]) -> set[int]:
    """Everyone who has filled a role on the revision, delegators included."""
    return {
        person
        for stage in stages
        for decision in stage.decisions.all()
        if decision.counts
        for person in (decision.person_id, decision.for_person_id)
        if person is not None
    }


def _mine(
    stage: ApprovalStage,
    authority: Authority,
    busy: set[int],
    user: User,
    request: ProvisioningRequest | None = None,
) -> Holder | None:
    request = request or stage.provisioning_request
    if stage.state != StageState.OPEN or request.state != State.IN_REVIEW or user.is_service_account:
        return None
    case = Case.of(stage, request)
    return authority.holder(case, user.person_id, busy=busy) if case and user.is_active else None


def _excluded(request: ProvisioningRequest) -> dict[int, tuple[str, str]]:
    """Who never decides this request, by person id: name, and why, as the middle of a sentence."""
    found = {request.requester.person_id: (request.requester.person.name, "made this request")}
    if request.beneficiary is not None:
        found.setdefault(request.beneficiary.pk, (request.beneficiary.name, "benefits from this request"))
    if request.lineage is not None:
        found.setdefault(request.lineage.owner_id, (request.lineage.owner.name, "owns the model lineage"))
    return found


def _why_not(stage: ApprovalStage, user: User, busy: set[int], excluded: Mapping[int, tuple[str, str]]) -> str:
    request = stage.provisioning_request
    if stage.revision.number != request.revision_count:
        return f"{request.reference} has moved on to revision {request.revision_count}."
    if stage.state != StageState.OPEN:
        words = {
            "waiting": "This stage opens when the ones before it are done.",
            "approved": "This stage is done: it was approved.",
            "rejected": "This stage is done: the request was rejected.",
            "changes_requested": "This stage is done: changes were requested.",
        }
        return words.get(stage.state, "This stage has ended.")
    if user.person_id in excluded:
        return "You requested this or benefit from it, so somebody else decides."
    if user.person_id in busy:
        return "You have decided this request already: one person fills one role."
    return f"This stage needs the role {stage.role.name}, for this team and this amount. You can read everything."


def _lapsed(stages: Sequence[ApprovalStage], request: ProvisioningRequest, now: datetime) -> dict[int, str]:
    """Approvals that do not count, by id with why: those found to have lapsed, and those that would be found now."""
    approvals = [each for stage in stages for each in stage.decisions.all() if each.approves]
    known = {each.pk: each.lapse.why for each in approvals if not each.counts}
    if request.state != State.IN_REVIEW:
        return known
    return known | lapsed([each for each in approvals if each.counts], request, now=now)


def _decider(
    stage: ApprovalStage,
    authority: Authority,
    busy: set[int],
    request: ProvisioningRequest,
    gone: Mapping[int, str],
    *,
    is_mine: bool,
) -> Decider:
    said = [decision for decision in stage.decisions.all() if decision.pk not in gone]
    lost = [(each, LapseReason(gone[each.pk]).label) for each in stage.decisions.all() if each.pk in gone]
    yes = sum(decision.approves for decision in said)
    # A stage that has not opened yet names who could take it; one that is done names who did.
    may = authority.holders(stage, request, busy=busy) if stage.state in STAGE_UNDECIDED else []
    mark, word = stage_mark(stage, yes)
    if stage.state == StageState.APPROVED and lost and yes < stage.quorum:
        mark, word = "review", "To be decided again"
    return Decider(stage, said, may, mark, word, is_mine, lost)


_VERDICT_MARKS = {Verdict.APPROVE: "ok", Verdict.REJECT: "deny", Verdict.CHANGES: "review"}


def _remarks(story: provisioning.Story, stages: Sequence[ApprovalStage]) -> list[Remark]:
    """What people said, newest first: comments, and the reasons of decisions on this revision."""
    comments = (
        RequestComment.objects.filter(provisioning_request=story.request)
        .select_related("author__person")
        .order_by("-created_at", "-pk")[:REMARKS_MAX]
    )
    asked_by = story.request.requester.person_id
    found = [
        Remark(
            comment.created_at,
            comment.author.person.name,
            "asks" if comment.author.person_id == asked_by else "",
            comment.text,
            "note",
        )
        for comment in comments
    ]
    found += [
        Remark(
            decision.decided_at,
            decision.person.name,
            within(stage.role.name) + (f", for {decision.for_person.name}" if decision.for_person else ""),
            decision.reason,
            _VERDICT_MARKS[Verdict(decision.verdict)],
        )
        for stage in stages
        for decision in stage.decisions.all()
    ]
    return sorted(found, key=lambda remark: remark.at, reverse=True)[:REMARKS_MAX]
