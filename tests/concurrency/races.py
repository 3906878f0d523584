"""The races, each as one scenario that asserts its outcome, so that tests and long proofs run the same thing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from unittest import mock

from governance.domain.errors import IdempotencyInFlight
from governance.domain.money import MICRO_PER_UNIT
from governance.models import (
    ApprovalDecision,
    AuditEvent,
    BudgetHold,
    Flag,
    Grant,
    JobRun,
    PolicyActivation,
    PolicyVersion,
    ProvisioningRequest,
    RequestRevision,
    User,
)
from governance.policy.shipped import shipped_text
from governance.selectors import assessments
from governance.selectors.people import system_actor
from governance.services import (
    activations,
    approvals,
    idempotency,
    policies,
    policy_checks,
    provisioning,
    sweeps,
)
from tests.cast import NOW, Cast, add_person, open_stage, reviewed, submitted
from tests.concurrency.crowd import at_once, kinds
from tests.house import broken_promises
from tests.officers import put_in_force, seen_backtest

SUBMITTERS = 64


def submits_of_one_budget(cast: Cast) -> None:
    """64 people submit exactly 1,000 USD on 20,000 USD: exactly 20 are held. Guards: the lock on the budget path."""
    drafts = [provisioning.create_draft(actor=cast.alice, content=reviewed(), now=NOW) for _ in range(SUBMITTERS)]
    results = at_once(
        [partial(provisioning.submit_request, request_id=draft.pk, actor=cast.alice, now=NOW) for draft in drafts]
    )
    assert kinds(results) == {"ProvisioningRequest": 20, "BudgetExceeded": 44}, kinds(results)
    assert BudgetHold.objects.filter(state="open").count() == 20
    cast.budget.refresh_from_db()
    assert cast.budget.held_micro == 20_000 * MICRO_PER_UNIT
    # Nothing half-written: a refused draft has no revision, and is a draft still.
    assert RequestRevision.objects.count() == 20
    assert ProvisioningRequest.objects.filter(state="draft", revision_count=0).count() == 44
    assert_sound()


def submits_of_one_draft(cast: Cast) -> None:
    """One draft, submitted 12 times at once: one revision, one hold. Guards: the lock on the request."""
    draft = provisioning.create_draft(actor=cast.alice, content=reviewed(), now=NOW)
    submit = partial(provisioning.submit_request, request_id=draft.pk, actor=cast.alice, now=NOW)
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
        provisioning.save_draft, request_id=request.pk, actor=cast.alice, content=reviewed(title="Swapped"), now=NOW
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
            partial(provisioning.expire_request, request_id=request.pk, actor=system_actor(), now=late),
            partial(provisioning.withdraw_request, request_id=request.pk, actor=cast.alice, reason="", now=late),
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
                version_id=version.pk, finding=finding["key"], explanation="a small cast", actor=cast.grace, now=NOW
            )
    seen_backtest(version, by=cast.grace, now=NOW)
    return activations.ask_activation(version_id=version.pk, actor=cast.grace, reason="because", now=NOW)


def _agree(activation: PolicyActivation, who: User) -> PolicyActivation:
    return activations.answer_activation(activation_id=activation.pk, actor=who, answer="agree", now=NOW)


def an_activation_and_a_grant(cast: Cast) -> None:
    """Policy becomes stricter between judging and COMMIT of the last yes: the grant cites a policy then in force."""
    stage = open_stage(submitted(cast))
    version = PolicyVersion.objects.get(policy_set__slug="acceptable-use", state="active")
    newer = policies.import_version(source=version.source.replace("malware", "research"), actor=cast.grace, now=NOW)
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


def comments_on_many_requests(cast: Cast) -> None:
    """16 remarks on 16 requests at once: one chain without a gap. Guards: the head of the audit log."""
    drafts = [provisioning.create_draft(actor=cast.alice, content=reviewed(), now=NOW) for _ in range(16)]
    results = at_once(
        [
            partial(provisioning.add_comment, request_id=draft.pk, actor=cast.alice, text="a remark", now=NOW)
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
        [partial(provisioning.create_draft, actor=cast.alice, content=reviewed(), now=NOW) for _ in range(32)]
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
                act=lambda seal: provisioning.ask_at_once(
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
        comments_on_many_requests,
        sweeps_over_the_same_requests,
        many_drafts,
        calls_with_one_key,
    )
}


def decision(cast: Cast, stage, who: str) -> Callable[[], ApprovalDecision]:
    return partial(
        approvals.decide, stage_id=stage.pk, actor=cast.users[who], verdict="approve", reason="looked at it",
        revision_digest=stage.revision.digest, now=NOW,
    )  # fmt: skip


def assert_sound() -> None:
    assert broken_promises() == []


def _order_of(*actions: str) -> list[str]:
    seen = AuditEvent.objects.filter(action__in=actions).order_by("seq").values_list("action", flat=True)
    # The shipped versions were activated before the race began.
    return list(seen)[-len(actions) :]
