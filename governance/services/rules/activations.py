"""Lets two officers put a version in force: one requests it, another approves, and it takes effect as agreed.

Rollback is activating an older version. It takes the same two officers; it takes no backtest, because exactly these
rules decided before and what they do is on record.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from governance.display import dates
from governance.domain.errors import AlreadyDecided, IllegalTransition, InvalidInput, NotAllowed, NotReady
from governance.domain.limits import REASON_CHARS_MAX
from governance.domain.rules.policy_life import EFFECTIVE_DAYS_MAX
from governance.domain.states.rules import (
    ACTIVATION_OPEN,
    VERSION_LIFE,
    ActivationEvent,
    ActivationState,
    VersionEvent,
    VersionState,
)
from governance.domain.text import clean_reason
from governance.models import PolicyActivation, PolicyVersion, User
from governance.selectors.people.people import system_actor
from governance.selectors.rules.activations import BacktestStanding, Standing, standing_of
from governance.services.commit import BeforeCommit, nothing
from governance.services.messages import alerts
from governance.services.record import audit, jobs
from governance.services.rules import policies
from governance.services.rules.second_officer import gone, require_officer, require_second

ANSWERS = ("agree", "refuse")
DUTY = "policies"
LATE_AFTER = timedelta(minutes=5)
"""An agreed version that does not rule so long after its instant is told of: by then several runs have failed."""
LATE_MAX = 100


@transaction.atomic(durable=True)
def request_activation(
    *,
    version_id: int,
    actor: User,
    reason: str,
    now: datetime,
    effective_at: datetime | None = None,
    before_commit: BeforeCommit = nothing,
) -> PolicyActivation:
    """Ask a second officer to put a version in force.

    Args:
        reason: why, for the second officer and the log.
        effective_at: from when it rules; None for as soon as it is agreed. What was decided before stays; what waits
            for people is checked again at its last yes, as ever.

    Raises:
        NotAllowed: the actor is no policy officer, or no person.
        SeparationOfDuties: the actor audits.
        InvalidInput: no reason, or an instant in the past or too far ahead.
        IllegalTransition: the version is in force, or was never tested.
        AlreadyDecided: an activation of this set is asked for or agreed already.
        NotReady: something is missing; data: missing, one sentence each.
    """
    require_officer(actor, DUTY, now=now)
    reason = clean_reason("reason", reason, REASON_CHARS_MAX)
    policies.lock_sets()
    version = PolicyVersion.objects.lock(version_id)
    start = _effective(effective_at, now)
    open_one = PolicyActivation.objects.filter(policy_set_id=version.policy_set_id, state__in=ACTIVATION_OPEN).first()
    if open_one is not None:
        raise AlreadyDecided(
            f"an activation of `{open_one.version}` is {open_one.state} already: answer or withdraw it first",
            activation=open_one.pk,
        )
    if version.state == VersionState.ACTIVE:
        raise IllegalTransition(f"`{version}` is in force already", state=version.state)
    standing = _require_ready(version, asker=actor, now=now)
    activation = PolicyActivation.objects.create(
        version=version,
        policy_set_id=version.policy_set_id,
        asked_by=actor,
        asked_at=now,
        reason=reason,
        effective_at=start,
        backtest=standing.backtest if standing.backtest_standing is BacktestStanding.SEEN else None,
    )
    alerts.tell_activation_asked(activation, now=now)
    audit.record(
        "policy.activation_asked", actor=actor, subject=version, now=now, activation=activation.pk,
        digest=version.digest, effective_at=start.isoformat(), backtest=activation.backtest_id,
    )  # fmt: skip
    before_commit(activation)
    return activation


@transaction.atomic(durable=True)
def answer_activation(
    *,
    activation_id: int,
    actor: User,
    answer: str,
    now: datetime,
    reason: str = "",
    before_commit: BeforeCommit = nothing,
) -> PolicyActivation:
    """Agree to an activation, or refuse it, as a second person. The first answer counts.

    A yes checks everything again under the lock: the cases, the people, that the backtest is still one against the
    policy in force. When the agreed instant has come the version rules at once, else a sweep puts it in force.

    Args:
        answer: `agree` or `refuse`; a refusal says why.

    Raises:
        NotFound, NotAllowed.
        SeparationOfDuties: the same person asked, whichever account they use; or one of the two made the other lately,
            or the actor audits (`second_officer`).
        AlreadyDecided: it was answered or withdrawn.
        NotReady: something is missing now that was there when it was asked.
    """
    if answer not in ANSWERS:
        raise InvalidInput({"answer": [f"`{answer[:20]}` is not one of: {', '.join(ANSWERS)}"]})
    require_officer(actor, DUTY, now=now)
    reason = clean_reason("reason", reason, REASON_CHARS_MAX, required=answer == "refuse")
    policies.lock_sets()
    activation = _lock(activation_id)
    if activation.state != ActivationState.ASKED:
        raise AlreadyDecided(f"this activation is `{activation.state}` already: nothing was recorded")
    require_second(actor, DUTY, asked_by=activation.asked_by, what="this activation", now=now)
    version = PolicyVersion.objects.lock(activation.version_id)
    if answer == "agree":
        _require_ready(version, asker=activation.asked_by, now=now, asked=activation)
    activation.answered_by, activation.answered_at, activation.answer_reason = actor, now, reason
    agreed = ActivationEvent.PUT_IN_FORCE if activation.effective_at <= now else ActivationEvent.AGREE
    activation.move(ActivationEvent.REFUSE if answer == "refuse" else agreed)
    activation.save(update_fields=["state", "answered_by", "answered_at", "answer_reason"])
    if activation.state == ActivationState.IN_FORCE:
        policies.put_in_force(
            version_id=version.pk, actor=actor, now=now, activation=activation.pk, asked_by=activation.asked_by_id
        )
    else:
        audit.record(
            f"policy.activation_{activation.state}", actor=actor, subject=version, now=now, activation=activation.pk,
            effective_at=activation.effective_at.isoformat(),
        )  # fmt: skip
    before_commit(activation)
    return activation


@transaction.atomic(durable=True)
def withdraw_activation(
    *, activation_id: int, actor: User, reason: str, now: datetime, before_commit: BeforeCommit = nothing
) -> PolicyActivation:
    """Take an activation back before it rules. Any officer may: what is in force stays in force.

    Raises:
        NotFound, NotAllowed.
        AlreadyDecided: it is in force, refused or lapsed.
    """
    require_officer(actor, DUTY, now=now)
    reason = clean_reason("reason", reason, REASON_CHARS_MAX)
    policies.lock_sets()
    activation = _lock(activation_id)
    if activation.state != ActivationState.WITHDRAWN:
        if activation.state not in ACTIVATION_OPEN:
            raise AlreadyDecided(f"this activation is `{activation.state}` already: nothing was recorded")
        activation.move(ActivationEvent.WITHDRAW)
        activation.save(update_fields=["state"])
        audit.record(
            "policy.activation_withdrawn", actor=actor, subject=activation.version, now=now, activation=activation.pk,
            reason=reason,
        )  # fmt: skip
    before_commit(activation)
    return activation


def activate_due(*, now: datetime) -> int:
    """Put agreed activations in force whose instant has come, and tell of those that cannot. How many now rule."""
    with jobs.sweep("activate_policies", now=now) as run:
        if run is None:
            return 0
        actor = system_actor()
        due = PolicyActivation.objects.filter(state=ActivationState.AGREED, effective_at__lte=now)
        for activation in run.rows(due, "activations"):
            with run.apart(f"activation {activation.pk}"):
                settled = settle_due(activation_id=activation.pk, actor=actor, now=now)
                run.done_count += settled.state == ActivationState.IN_FORCE
                if settled.state == ActivationState.LAPSED:
                    # A person expects it to rule: the run says loudly that it does not.
                    run.failures.append(f"{settled.version}: lapsed, {settled.answer_reason}")
        for activation in due.filter(effective_at__lte=now - LATE_AFTER).order_by("pk")[:LATE_MAX]:
            with run.apart(f"mail about activation {activation.pk}"):
                alerts.tell_activation_late(activation, now=now)
        return run.done_count


@transaction.atomic(durable=True)
def settle_due(*, activation_id: int, actor: User, now: datetime) -> PolicyActivation:
    """Put one agreed activation in force, or let it lapse when what two officers agreed to no longer holds."""
    policies.lock_sets()
    activation = _lock(activation_id)
    if activation.state != ActivationState.AGREED or activation.effective_at > now:
        return activation
    version = PolicyVersion.objects.lock(activation.version_id)
    try:
        _require_ready(version, asker=activation.asked_by, now=now, asked=activation)
    except (NotReady, IllegalTransition, NotAllowed) as error:
        activation.move(ActivationEvent.LAPSE)
        activation.answer_reason = error.message[:REASON_CHARS_MAX]
        activation.save(update_fields=["state", "answer_reason"])
        alerts.tell_activation_lapsed(activation, now=now)
        audit.record(
            "policy.activation_lapsed", actor=actor, subject=version, now=now, activation=activation.pk,
            reason=error.message,
        )  # fmt: skip
        return activation
    activation.move(ActivationEvent.PUT_IN_FORCE)
    activation.save(update_fields=["state"])
    policies.put_in_force(
        version_id=version.pk, actor=actor, by=activation.answered_by, now=now, activation=activation.pk,
        asked_by=activation.asked_by_id, answered_by=activation.answered_by_id,
    )  # fmt: skip
    return activation


def _lock(activation_id: int) -> PolicyActivation:
    """The activation; the caller holds every set's lock already.

    Raises:
        NotFound: no such activation.
    """
    return PolicyActivation.objects.lock(activation_id)


def _effective(effective_at: datetime | None, now: datetime) -> datetime:
    if effective_at is None:
        return now
    # Forms know minutes, so the present minute is not the past.
    if effective_at < now.replace(second=0, microsecond=0):
        raise InvalidInput(
            {"effective_at": [f"`{dates.full_moment(effective_at)}` has passed: rules never rule backwards"]}
        )
    if effective_at > now + timedelta(days=EFFECTIVE_DAYS_MAX):
        raise InvalidInput({"effective_at": [f"lies more than {EFFECTIVE_DAYS_MAX} days ahead"]})
    return max(effective_at, now)


def _require_ready(
    version: PolicyVersion, *, asker: User, now: datetime, asked: PolicyActivation | None = None
) -> Standing:
    """Refuse what lacks something. The caller holds every set's lock, so what is read here holds until COMMIT.

    Args:
        asker: whoever asks for it, or asked.
        asked: an activation that is to be answered or put in force; whoever asked, and whoever agreed, must still be
            an officer.

    Raises:
        IllegalTransition: never tested, or in force.
        NotReady: naming all that is missing.
    """
    standing = standing_of(version, now=now, asker=asker, is_live=True)
    missing = list(standing.missing)
    if asked is not None:
        both = ((asked.asked_by, "asked"), (asked.answered_by, "agreed"))
        missing += [part for user, did in both if (part := gone(user, DUTY, did=did, now=now))]
    if missing:
        raise NotReady(f"`{version}` cannot be put in force: {'; '.join(missing)}", missing=missing)
    VERSION_LIFE.after(version.state, VersionEvent.PUT_IN_FORCE)
    return standing
