"""Runs versions in shadow: each is judged beside every submission, and decides nothing."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from governance.domain.errors import NotReady
from governance.domain.rules.policy_life import SHADOWS_MAX
from governance.domain.states.rules import VersionEvent, VersionState
from governance.models import Assessment, PolicyVersion, ShadowDecision, User
from governance.models.rules.shadow import CHANGES_CHARS_MAX
from governance.policy.backtest.effects_changed import changed_in_words
from governance.policy.decisions.decision import Outcome, decide
from governance.selectors.people.duties import require_duty
from governance.selectors.requests.judgement import Assessed
from governance.selectors.rules.policies import Beside
from governance.services.commit import BeforeCommit, nothing
from governance.services.record import audit
from governance.services.rules import policies

logger = logging.getLogger(__name__)

ERROR_CHARS_MAX = 200


@transaction.atomic(durable=True)
def start_shadow(
    *, version_id: int, actor: User, now: datetime, before_commit: BeforeCommit = nothing
) -> PolicyVersion:
    """Judge a tested version beside each submission from now on. Starting twice changes nothing.

    Raises:
        NotAllowed: the actor is no policy officer.
        IllegalTransition: the version is not tested.
        NotReady: as many run in shadow as are permitted.
    """
    require_duty(actor, "policies", now=now)
    policies.lock_sets()
    version = PolicyVersion.objects.lock(version_id)
    if version.state != VersionState.SHADOW:
        version.move(VersionEvent.START_SHADOW)
        if PolicyVersion.objects.filter(state=VersionState.SHADOW).count() >= SHADOWS_MAX:
            raise NotReady(f"{SHADOWS_MAX} versions run in shadow already: end one of them first", missing=[])
        version.shadow_since = now
        version.save(update_fields=["state", "shadow_since"])
        audit.record("policy.shadow_started", actor=actor, subject=version, now=now, digest=version.digest)
    before_commit(version)
    return version


@transaction.atomic(durable=True)
def end_shadow(*, version_id: int, actor: User, now: datetime, before_commit: BeforeCommit = nothing) -> PolicyVersion:
    """Take a version out of the shadow; what it said so far stays. Ending twice changes nothing."""
    require_duty(actor, "policies", now=now)
    policies.lock_sets()
    version = PolicyVersion.objects.lock(version_id)
    if version.state != VersionState.TESTED:
        version.move(VersionEvent.END_SHADOW)
        since, version.shadow_since = version.shadow_since, None
        version.save(update_fields=["state", "shadow_since"])
        audit.record(
            "policy.shadow_ended", actor=actor, subject=version, now=now, since=since.isoformat() if since else None
        )
    before_commit(version)
    return version


def judge_beside(assessed: Assessed, assessment: Assessment) -> None:
    """Write what each version in shadow would have said. In the transaction of the decision, and unable to touch it.

    Without such versions nothing happens, not even a query. One that cannot be judged is recorded with its error;
    should even the writing fail, the savepoint takes it back and the decision stands.
    """
    if not assessed.beside:
        return
    try:
        with transaction.atomic():
            rows = [_row(beside, assessed, assessment) for beside in assessed.beside]
            ShadowDecision.objects.bulk_create(rows)
    except Exception:
        logger.exception("assessment %s: the versions in shadow were not recorded", assessment.pk)


def _row(beside: Beside, assessed: Assessed, assessment: Assessment) -> ShadowDecision:
    row = ShadowDecision(version_id=beside.version_id, assessment=assessment, flips=False, rule_ids=[])
    try:
        # A savepoint of its own: reading the text of one version must not take the others along.
        with transaction.atomic():
            policy = beside.policy()
        decision = decide(policy, assessed.facts, on=assessed.context.now.date(), exceptions=assessed.exceptions)
    except Exception as error:
        logger.exception("version %s in shadow could not judge assessment %s", beside.version_id, assessment.pk)
        row.outcome = ""
        row.error = f"{type(error).__name__}: {error}".replace("\0", "")[:ERROR_CHARS_MAX]
        return row
    outcome = decision.outcome
    if assessed.exposure_micro is None and outcome is Outcome.ALLOW:
        # As for the policy itself: what nobody can price is looked at by a person.
        outcome = Outcome.REVIEW
    row.outcome = outcome.value
    row.flips = outcome is not assessed.outcome
    if not row.flips:
        row.changes = changed_in_words(assessed.decision, decision)[:CHANGES_CHARS_MAX]
    row.rule_ids = [rule.rule_id for rule in decision.fired]
    return row
