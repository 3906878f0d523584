"""Policy officers at work, for tests that are about something else: a version simply comes into force."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from governance.models import PolicyBacktest, PolicyVersion, User
from governance.selectors import policies as reading
from governance.services import policies


def put_in_force(version: PolicyVersion, *, actor: User, now: datetime) -> PolicyVersion:
    """As if two officers had agreed."""
    with transaction.atomic():
        policies.lock_sets()
        return policies.put_in_force(version_id=version.pk, actor=actor, now=now)


def seen_backtest(version: PolicyVersion, *, by: User, now: datetime) -> PolicyBacktest:
    """A finished backtest of the version against what is in force, that somebody has looked at."""
    return PolicyBacktest.objects.create(
        version=version, against_digest=reading.digest_in_force(), draft_digest=reading.policy_with(version).digest,
        on=now.date(), until=now, state="done", asked_by=by, asked_at=now, started_at=now, finished_at=now,
        seen_by=by, seen_at=now, result={"rows": 1},
    )  # fmt: skip
