"""Runs the cases and checks of a version, keeps what they came to, and takes explanations of findings."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction

from governance.domain.errors import InvalidInput, NotFound
from governance.domain.limits import REASON_CHARS_MAX
from governance.domain.rules.policy_life import (
    EMPTY_STAGE_DAYS_MAX,
    EMPTY_STAGE_REASON_CHARS_MIN,
)
from governance.domain.states.rules import VERSION_LIFE, VersionEvent, VersionState
from governance.domain.text import clean_reason
from governance.models import PolicyFindingNote, PolicyVersion, User
from governance.selectors.people.duties import require_duty
from governance.selectors.rules import policy_checks
from governance.selectors.rules.policy_checks import Checks
from governance.services.commit import BeforeCommit, nothing
from governance.services.record import audit
from governance.services.rules import policies


def test_version(
    *,
    version_id: int,
    actor: User,
    now: datetime,
    before_commit: BeforeCommit = nothing,  # noqa: PT028 - a service, not a test
) -> PolicyVersion:
    """Run the bundle's own cases and the static checks beside the rules in force, and keep what came out.

    A draft becomes `tested` when every case passes, every rule has a firing and a non-firing case, and each finding
    above a note is explained; a tested one or one in shadow that no longer does goes back to `draft`.

    The checks take half a second, so they run before the transaction, over a text that cannot change. If the rules
    beside it move meanwhile, what is kept names the old ones and activation asks for another run.

    Raises:
        NotAllowed: the actor is no policy officer.
        NotFound: no such version.
        IllegalTransition: the version is in force.
    """
    require_duty(actor, "policies", now=now)
    version = PolicyVersion.objects.filter(pk=version_id).first()
    if version is None:
        raise NotFound(f"policy version `{version_id}` does not exist", id=version_id)
    VERSION_LIFE.after(version.state, VersionEvent.PASS)
    checks = policy_checks.run_checks(version, now=now)
    return _keep(version_id, checks, actor=actor, now=now, before_commit=before_commit)


@transaction.atomic(durable=True)
def _keep(version_id: int, checks: Checks, *, actor: User, now: datetime, before_commit: BeforeCommit) -> PolicyVersion:
    policies.lock_sets()
    version = store_checks(version_id, checks, now=now)
    audit.record(
        "policy.tested", actor=actor, subject=version, now=now, state=version.state, cases=checks.case_count,
        failures=checks.failed_count, findings=sum(finding.is_open for finding in checks.findings),
        policy=checks.policy_digest,
    )  # fmt: skip
    before_commit(version)
    return version


def _check_end(finding: str, explanation: str, until: date | None, *, now: datetime) -> None:
    errors: dict[str, list[str]] = {}
    if not policy_checks.needs_end(finding):
        if until is not None:
            errors["until"] = ["only a stage that nobody could fill is let stand up to a day: leave it empty"]
    else:
        if len(explanation) < EMPTY_STAGE_REASON_CHARS_MIN:
            few = EMPTY_STAGE_REASON_CHARS_MIN
            errors["explanation"] = [f"say in at least {few} characters who will fill the stage, and from when"]
        today, last = now.date(), now.date() + timedelta(days=EMPTY_STAGE_DAYS_MAX)
        if until is None:
            errors["until"] = ["nobody could fill this stage: say up to which day it may stand, or change the rule"]
        elif not today <= until <= last:
            errors["until"] = [f"`{until}` is not a day from {today} to {last}"]
    if errors:
        raise InvalidInput(errors)


def store_checks(version_id: int, checks: Checks, *, now: datetime, tested_at: datetime | None = None) -> PolicyVersion:
    """Keep one run and the state that follows from it, in the caller's transaction.

    Args:
        tested_at: when the cases were run; now when None.
    """
    version = PolicyVersion.objects.lock(version_id)
    is_green = checks.are_cases_green and not checks.unexplained(policy_checks.explanations_of(version, now=now))
    version.move(VersionEvent.PASS if is_green else VersionEvent.FAIL)
    version.checks, version.tested_at = checks.to_json(), tested_at or now
    if version.state != VersionState.SHADOW:
        version.shadow_since = None
    version.save(update_fields=["state", "checks", "tested_at", "shadow_since"])
    return version


@transaction.atomic(durable=True)
def explain_finding(
    *,
    version_id: int,
    finding: str,
    explanation: str,
    actor: User,
    now: datetime,
    until: date | None = None,
    before_commit: BeforeCommit = nothing,
) -> PolicyFindingNote:
    """Write down why a finding stands. The newest explanation counts; the earlier ones stay.

    A draft that only lacked this becomes `tested`. A stage that nobody could fill is not explained away: it is let
    stand up to a day, with a reason that a second officer can weigh.

    Args:
        finding: its key, as the last run names it.
        until: of a stage that nobody could fill, the last day on which it may stand; None for every other finding.

    Raises:
        NotAllowed: the actor is no policy officer.
        InvalidInput: the last run has no such finding, the explanation is empty or too short, or the day is missing,
            past, too far ahead, or given where none belongs.
    """
    require_duty(actor, "policies", now=now)
    explanation = clean_reason("explanation", explanation, REASON_CHARS_MAX)
    _check_end(finding, explanation, until, now=now)
    policies.lock_sets()
    version = PolicyVersion.objects.lock(version_id)
    checks = Checks.from_json(version.checks)
    if checks is None or finding not in {each.key for each in checks.findings}:
        raise InvalidInput({"finding": [f"`{finding[:80]}` is not a finding of the last run: run the cases again"]})
    note = PolicyFindingNote.objects.create(
        version=version, finding=finding, explanation=explanation, written_by=actor, written_at=now, until=until
    )
    if version.state in (VersionState.DRAFT, VersionState.TESTED) and version.tested_at is not None:
        version = store_checks(version.pk, checks, now=now, tested_at=version.tested_at)
    audit.record(
        "policy.finding_explained", actor=actor, subject=version, now=now, finding=finding, note=note.pk,
        state=version.state, until=until.isoformat() if until else None,
    )  # fmt: skip
    before_commit(note)
    return note
