"""The races, each as one scenario that asserts its outcome, so that tests and long proofs run the same thing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from unittest import mock

from governance.domain.errors import IdempotencyInFlight
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import (
    ApprovalDecision,
    AuditEvent,
    BudgetHold,
    FactRow,
    Flag,
    Grant,
    JobRun,
    PolicyActivation,
    PolicyVersion,
    Project,
    ProviderCommitment,
    ProvisioningRequest,
    RequestRevision,
    User,
)
from governance.policy.bundle.shipped import shipped_text
from governance.selectors.people.people import system_actor
from governance.selectors.requests import assessments
from governance.selectors.rules import policy_checks as reading_checks
from governance.services.approvals import decisions
from governance.services.messages import sweeps
from governance.services.money import budgets
from governance.services.record import idempotency
from governance.services.requests import comments, submission, withdrawal
from governance.services.requests import drafts as draft_service
from governance.services.rules import activations, policies, policy_checks
from tests.cast import (
    NOW,
    Cast,
    accept_everything,
    add_person,
    add_team,
    content,
    open_stage,
    reviewed,
    submitted,
)
from tests.concurrency.crowd import at_once, kinds
from tests.house import broken_promises
from tests.officers import put_in_force, seen_backtest

SUBMITTERS = 64
TWINS = 5


def submits_of_one_budget(cast: Cast) -> None:
    """64 people in as many projects submit exactly 1,000 USD on 20,000 USD: exactly 20 are held.

    Guards: the lock on the budget path, which is all that they have in common.
    """
    team = add_team("pooled", cast.root)
    pool = budgets.create_budget(
        actor=system_actor(), slug="pool", name="Pool", limit_micro=20_000 * MICRO_PER_UNIT, team=team,
        parent=cast.root_budget, period_start=cast.root_budget.period_start, period_end=cast.root_budget.period_end,
        now=NOW,
    )  # fmt: skip
    submits = []
    for number in range(SUBMITTERS):
        who = add_person(f"submitter{number}", team=team, roles=["requester"], scope=team)
        accept_everything(who)
        slug = f"pooled-{number}"
        Project.objects.create(slug=slug, name=slug, team=team, started_on=NOW.date())
        draft = draft_service.create_draft(actor=who, content=reviewed(project=slug), now=NOW)
        submits.append(partial(submission.submit_request, request_id=draft.pk, actor=who, now=NOW))
    results = at_once(submits)
    assert kinds(results) == {"ProvisioningRequest": 20, "BudgetExceeded": 44}, kinds(results)
    assert BudgetHold.objects.filter(state="open").count() == 20
    pool.refresh_from_db()
    assert pool.held_micro == 20_000 * MICRO_PER_UNIT
    # Nothing half-written: a refused draft has no revision, and is a draft still.
    assert RequestRevision.objects.count() == 20
    assert ProvisioningRequest.objects.filter(state="draft", revision_count=0).count() == 44
    assert_sound()


def submits_of_one_draft(cast: Cast) -> None:
    """One draft, submitted 12 times at once: one revision, one hold. Guards: the lock on the request."""
    draft = draft_service.create_draft(actor=cast.alice, content=reviewed(), now=NOW)
    submit = partial(submission.submit_request, request_id=draft.pk, actor=cast.alice, now=NOW)
    results = at_once([submit] * 12)
    assert kinds(results) == {"ProvisioningRequest": 12}, kinds(results)
    assert RequestRevision.objects.count() == 1
    assert BudgetHold.objects.count() == 1
    assert_sound()


def two_yeses_on_the_last_stage(cast: Cast) -> None:
    """Two leads say yes at once: one decides, one is told that it is over. Guards: the lock on the request."""
    stage = open_stage(submitted(cast))
    results = at_once([decision(cast, stage, who) for who in ("bob", "frank") * 3])
    assert kinds(results) == {"ApprovalDecision": 1, "AlreadyDecided": 5}, kinds(results)
    assert Grant.objects.count() == 1
    assert_sound()


def an_edit_and_a_yes(cast: Cast) -> None:
    """The request grows while a lead says yes: no grant of something that the lead did not see."""
    request = submitted(cast)
    stage = open_stage(request)
    edit = partial(
        draft_service.save_draft, request_id=request.pk, actor=cast.alice, content=reviewed(title="Swapped"), now=NOW
    )
    results = at_once([edit, decision(cast, stage, "bob")])
    granted = Grant.objects.select_related("revision").first()
    decided = ApprovalDecision.objects.first()
    if granted is not None:
        assert decided is not None
        assert granted.revision.digest == decided.revision_digest
        assert type(results[0]).__name__ == "IllegalTransition", results
    else:
        assert decided is None, results
    assert_sound()


def an_expiry_a_withdrawal_and_a_yes(cast: Cast) -> None:
    """A hold is expired, released and captured at once: exactly one of them wins."""
    request = submitted(cast)
    stage = open_stage(request)
    late = NOW + timedelta(days=14)
    results = at_once(
        [
            partial(withdrawal.expire_request, request_id=request.pk, actor=system_actor(), now=late),
            partial(withdrawal.withdraw_request, request_id=request.pk, actor=cast.alice, reason="", now=late),
            decision(cast, stage, "bob"),
        ]
    )
    assert BudgetHold.objects.exclude(state="open").count() == 1, results
    request.refresh_from_db()
    hold = BudgetHold.objects.get()
    assert (request.state, hold.state) in {("expired", "expired"), ("withdrawn", "released"), ("granted", "captured")}
    assert_sound()


def two_officers_answer_at_once(cast: Cast) -> None:
    """Two officers agree at the same moment: one answer counts, the other one is told so."""
    judy, ivan = _officers(cast)
    activation = _asked(cast, "sustainability", "value: 250000.0", "value: 251000.0")
    results = at_once([partial(_agree, activation, who) for who in (judy, ivan)])
    assert kinds(results) == {"PolicyActivation": 1, "AlreadyDecided": 1}, results
    assert PolicyVersion.objects.get(policy_set__slug="sustainability", state="active").number == 2
    assert AuditEvent.objects.filter(action="policy.activated", data__has_key="activation").count() == 1
    assert_sound()


def two_sets_move_at_once(cast: Cast) -> None:
    """Two activations of different sets, each weighed without the other: one rules, the other one is weighed again.

    Guards: the lock on every policy set, not only on one's own.
    """
    judy, _ = _officers(cast)
    one = _asked(cast, "sustainability", "value: 250000.0", "value: 251000.0")
    limit = "source: organisation's own limit}]"
    later = f"{limit[:-1]}, {{value: 2400.0, from: 2030-01-01, source: plan}}]"
    other = _asked(cast, "approval-limits", limit, later)
    results = at_once([partial(_agree, activation, judy) for activation in (one, other)])
    assert kinds(results) == {"PolicyActivation": 1, "NotReady": 1}, results
    assert_sound()


def _officers(cast: Cast) -> tuple[User, User]:
    judy, ivan = (
        add_person(name, team=cast.root, roles=["policy_officer"], scope=cast.root) for name in ("judy", "ivan")
    )
    return judy, ivan


def _asked(cast: Cast, name: str, old: str, new: str) -> PolicyActivation:
    source = shipped_text(name).replace(old, new, 1)
    version = policies.import_version(source=source, actor=cast.grace, now=NOW)
    version = policy_checks.test_version(version_id=version.pk, actor=cast.grace, now=NOW)
    for finding in version.checks["findings"]:
        if finding["severity"] != "note":
            policy_checks.explain_finding(
                version_id=version.pk, finding=finding["key"], actor=cast.grace, now=NOW,
                explanation="a small cast: the second executive starts next week",
                until=NOW.date() + timedelta(days=30) if reading_checks.needs_end(finding["key"]) else None,
            )  # fmt: skip
    seen_backtest(version, by=cast.grace, now=NOW)
    return activations.request_activation(version_id=version.pk, actor=cast.grace, reason="because", now=NOW)


def _agree(activation: PolicyActivation, who: User) -> PolicyActivation:
    return activations.answer_activation(activation_id=activation.pk, actor=who, answer="agree", now=NOW)


def an_activation_and_a_grant(cast: Cast) -> None:
    """Policy becomes stricter between judging and COMMIT of the last yes: the grant cites a policy then in force."""
    stage = open_stage(submitted(cast))
    version = PolicyVersion.objects.get(policy_set__slug="acceptable-use", state="active")
    newer = policies.import_version(
        source=version.source.replace('request.purpose == "malware"', 'request.purpose == "research"'),
        actor=cast.grace,
        now=NOW,
    )
    judged, activated = threading.Event(), threading.Event()
    judge = assessments.assess

    def activate() -> None:
        assert judged.wait(10)
        put_in_force(newer, actor=cast.grace, now=NOW)
        activated.set()

    def judge_slowly(*args: Any, **options: Any) -> Any:
        # Between judging and COMMIT there is time enough for an activation that does not wait.
        found = judge(*args, **options)
        judged.set()
        activated.wait(0.3)
        return found

    with mock.patch.object(assessments, "assess", judge_slowly):
        results = at_once([activate, decision(cast, stage, "bob")])
    assert not [result for result in results if isinstance(result, Exception)], results
    request = ProvisioningRequest.objects.get()
    order = _order_of("policy.activated", "stage.approved")
    if request.state == "granted":
        assert order == ["stage.approved", "policy.activated"], order
    else:
        assert request.state == "denied"
        assert order == ["policy.activated", "stage.approved"], order
    assert_sound()


def two_requests_of_one_person(cast: Cast, rounds: int = TWINS) -> None:
    """Two requests of one person at the same moment, on budgets that have nothing in common, together above the limit.

    Each is small enough to be allowed without a person; never are both. Guards: the turns of a person.
    """
    for number in range(rounds):
        twin = add_person(f"twin{number}", team=cast.team, roles=["requester"], scope=cast.team)
        accept_everything(twin)
        _one_of_two_is_allowed([(twin, _project_with_a_tree_of_its_own(cast)) for _ in range(2)])
    assert_sound()


def two_requests_in_one_project(cast: Cast) -> None:
    """The same by two people in one project, in two periods of its budget. Guards: the turns of a project."""
    for _ in range(TWINS):
        project = _project_with_a_tree_of_its_own(cast, months=1)
        _budget_of(project, NOW + timedelta(days=30), months=1)
        _one_of_two_is_allowed([(cast.alice, project), (cast.heidi, project)], later=timedelta(days=35))
        # Whoever waits would count towards the next round.
        ProvisioningRequest.objects.update(submitted_at=NOW - timedelta(days=31))
    assert_sound()


def two_grants_at_one_provider(cast: Cast) -> None:
    """Two people are granted something at one provider, on budgets that have nothing in common: the second counts both.

    Guards: the turn to grant.
    """
    month = NOW.date().replace(day=1)
    for provider, usd in (("elsewhere", 10_000), ("coreweave", 0)):
        ProviderCommitment.objects.create(provider=provider, month=month, committed_micro=usd * MICRO_PER_UNIT)
    asked = [
        partial(
            submission.create_and_submit,
            actor=who,
            content=content(project=_project_with_a_tree_of_its_own(cast).slug),
            now=NOW,
        )
        for who in (cast.alice, cast.heidi)
    ]
    results = at_once(asked)
    assert [result.state for result in results] == ["granted", "granted"], results
    shares = sorted(FactRow.objects.values_list("vendor_provider_share_after", flat=True))
    assert shares == [1_000 / 11_000, 2_000 / 12_000], shares
    assert_sound()


def _one_of_two_is_allowed(twins: Sequence[tuple[User, Project]], *, later: timedelta = timedelta()) -> None:
    """Two at once, 1,400 USD each: one is granted, the other one waits for people.

    Args:
        later: how much after the first one the second one starts.
    """
    asked = []
    for number, (who, project) in enumerate(twins):
        starts = NOW.date() + number * later
        asked.append(
            partial(
                submission.create_and_submit,
                actor=who,
                content=content(
                    project=project.slug,
                    gpu_hours_cap=1400.0,
                    start_on=starts.isoformat(),
                    end_on=(starts + timedelta(days=13)).isoformat(),
                ),
                now=NOW,
            )
        )
    results = at_once(asked)
    assert kinds(results) == {"ProvisioningRequest": 2}, results
    states = sorted(result.state for result in results)
    assert states == ["granted", "in_review"], states


def _project_with_a_tree_of_its_own(cast: Cast, *, months: int = 12) -> Project:
    slug = f"tree-{Project.objects.count()}"
    project = Project.objects.create(slug=slug, name=slug, team=cast.team, started_on=NOW.date())
    _budget_of(project, NOW - timedelta(days=30), months=months + 1)
    return project


def _budget_of(project: Project, starts_at: datetime, *, months: int) -> None:
    ends_at = starts_at + timedelta(days=30 * months)
    budgets.create_budget(
        actor=system_actor(), slug=f"{project.slug}-{starts_at:%Y%m%d}", name=project.name, project=project, now=NOW,
        limit_micro=900_000 * MICRO_PER_UNIT, period_start=starts_at, period_end=ends_at,
    )  # fmt: skip


def comments_on_many_requests(cast: Cast) -> None:
    """16 remarks on 16 requests at once: one chain without a gap. Guards: the head of the audit log."""
    drafts = [draft_service.create_draft(actor=cast.alice, content=reviewed(), now=NOW) for _ in range(16)]
    results = at_once(
        [
            partial(comments.add_comment, request_id=draft.pk, actor=cast.alice, text="a remark", now=NOW)
            for draft in drafts
        ]
    )
    assert kinds(results) == {"RequestComment": 16}, kinds(results)
    assert_sound()


def sweeps_over_the_same_requests(cast: Cast) -> None:
    """Flags and reminders of late reviews at once: each comes once, and the sweeps do not wait in a circle.

    Guards: row locks that leave foreign keys alone. A flag points at the request that a reminder has locked, and the
    reminder waits for the audit log, which the flag holds while its foreign key is checked.
    """
    requests = [submitted(cast, title=f"run {number}", gpu_hours_cap=100.0 + number) for number in range(12)]
    late = NOW + timedelta(days=9)
    sweep = [partial(sweeps.sweep_limits, now=late), partial(sweeps.remind_stages, now=late)]
    results = at_once(sweep)
    assert kinds(results) == {"int": 2}, kinds(results)
    assert list(JobRun.objects.exclude(error="").values_list("error", flat=True)) == []
    flagged = Flag.objects.filter(kind="review_overdue").values_list("provisioning_request_id", flat=True)
    assert sorted(flagged) == sorted(request.pk for request in requests)
    assert_sound()


def many_drafts(cast: Cast) -> None:
    """32 drafts at once: dense numbers. Guards: the counter."""
    results = at_once(
        [partial(draft_service.create_draft, actor=cast.alice, content=reviewed(), now=NOW) for _ in range(32)]
    )
    assert kinds(results) == {"ProvisioningRequest": 32}, kinds(results)
    assert sorted(ProvisioningRequest.objects.values_list("number", flat=True)) == list(range(1, 33))
    assert_sound()


def calls_with_one_key(cast: Cast) -> None:
    """One keyed ask, sent 16 times at once: one request, one hold. Guards: the lock on the key."""

    def call() -> str:
        try:
            answered = idempotency.run_once(
                user=cast.alice,
                key="nightly",
                body_digest="0" * 64,
                act=lambda seal: submission.create_and_submit(
                    actor=cast.alice, content=reviewed(), now=NOW, before_commit=seal
                ),
                answer=lambda request: (201, {"number": request.number}),
                now=NOW,
            )
        except IdempotencyInFlight:
            return "in flight"
        assert (answered.status, answered.body) == (201, {"number": 1})
        return "replayed" if answered.is_replayed else "first"

    results = at_once([call] * 16)
    assert results.count("first") == 1, results
    assert set(results) <= {"first", "replayed", "in flight"}, results
    assert ProvisioningRequest.objects.count() == BudgetHold.objects.count() == 1
    assert_sound()


RACES: dict[str, Callable[[Cast], None]] = {
    race.__name__: race
    for race in (
        submits_of_one_budget,
        submits_of_one_draft,
        two_yeses_on_the_last_stage,
        an_edit_and_a_yes,
        an_expiry_a_withdrawal_and_a_yes,
        an_activation_and_a_grant,
        two_officers_answer_at_once,
        two_sets_move_at_once,
        two_requests_of_one_person,
        two_requests_in_one_project,
        two_grants_at_one_provider,
        comments_on_many_requests,
        sweeps_over_the_same_requests,
        many_drafts,
        calls_with_one_key,
    )
}


def decision(cast: Cast, stage, who: str) -> Callable[[], ApprovalDecision]:
    return partial(
        decisions.decide, stage_id=stage.pk, actor=cast.users[who], verdict="approve", reason="looked at it",
        revision_digest=stage.revision.digest, now=NOW,
    )  # fmt: skip


def assert_sound() -> None:
    assert broken_promises() == []


def _order_of(*actions: str) -> list[str]:
    seen = AuditEvent.objects.filter(action__in=actions).order_by("seq").values_list("action", flat=True)
    # The shipped versions were activated before the race began.
    return list(seen)[-len(actions) :]
