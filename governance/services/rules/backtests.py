"""Asks for backtests, has their months judged by whoever is free, and puts the months together.

Many workers share one run. A month belongs to whoever holds its lease; what a worker writes after it lost the lease is
dropped, so no month counts twice, and a killed worker's month is taken up again when its lease is over.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from governance.display import dates
from governance.domain.errors import IllegalTransition, InvalidInput, NoActivePolicy
from governance.domain.limits import BACKTEST_ATTEMPTS_MAX, BACKTEST_LEASE_SECONDS, BACKTEST_MONTHS_MAX
from governance.domain.rules import backtest_result
from governance.domain.states.rules import BACKTEST_LIFE, BACKTEST_LIVE, BacktestEvent
from governance.models import PolicyBacktest, PolicyBacktestMonth, PolicyVersion, User
from governance.policy.backends.columns_store import write_columns
from governance.policy.backtest.change_day import day_of
from governance.policy.backtest.tally import added
from governance.policy.bundle.bundle import load_bundle
from governance.policy.errors import PolicyError
from governance.selectors.approvals import office
from governance.selectors.people.duties import require_duty
from governance.selectors.rules.backtests import backtests as reading
from governance.selectors.rules.backtests import decision_history
from governance.selectors.rules.backtests.backtests import MonthTally
from governance.selectors.rules.policy_sources import sources_in_force
from governance.services.record import audit

logger = logging.getLogger(__name__)

RUN_SECONDS_MAX = 45.0
"""A worker stops taking months after this long, well before the time limit that would end its process."""
ERROR_CHARS_MAX = 400
RETRY_AFTER = timedelta(seconds=5)
"""A month that failed is left alone for this long, times its attempts: what is missing may come back."""

Clock = Callable[[], datetime]


@transaction.atomic(durable=True)
def request_backtest(*, version_id: int, actor: User, since: datetime | None = None, now: datetime) -> PolicyBacktest:
    """Queue one version against the stored decisions, in place of the active version of its set.

    A version has at most one run that goes on: asking again returns it.

    Args:
        since: decisions from this instant on; all when None.

    Raises:
        NotAllowed: the actor is no policy officer.
        NotFound: no such version.
        NoActivePolicy: there is nothing to compare with.
        InvalidInput: the period has not begun, or the version cannot rule beside the others.
    """
    require_duty(actor, "policies", now=now)
    # Lock. Two who ask at once take turns here; the set itself is left to those who decide.
    version = PolicyVersion.objects.lock(version_id)
    live = PolicyBacktest.objects.filter(version=version, state__in=BACKTEST_LIVE).first()
    if live is not None:
        return live
    if since is not None and since >= now:
        raise InvalidInput({"since": ["the period begins in the past"]})
    in_force = sources_in_force()
    if not in_force:
        raise NoActivePolicy("no policy is active: there is nothing to compare the version with")
    active = next((each for each in in_force if each.slug == version.policy_set.slug), None)
    against_ids = [each.id for each in in_force]
    draft_ids = [each.id for each in in_force if each is not active] + [version.pk]
    try:
        against, draft = reading.policy_of(against_ids), reading.policy_of(draft_ids)
        before = load_bundle(active.source, vocabulary=None) if active else None
        on = day_of(load_bundle(version.source, vocabulary=None), before, today=now.date())
    except PolicyError as error:
        raise InvalidInput({"version": [str(error)]}) from error
    months = decision_history.months(since=since, until=now)
    if len(months) > BACKTEST_MONTHS_MAX:
        raise InvalidInput({"since": [f"a backtest covers at most {BACKTEST_MONTHS_MAX} months"]})
    backtest = PolicyBacktest.objects.create(
        version=version, draft_ids=draft_ids, against_ids=against_ids, against_digest=against.digest,
        draft_digest=draft.digest, on=on, since=since, until=now, asked_by=actor, asked_at=now,
    )  # fmt: skip
    PolicyBacktestMonth.objects.bulk_create([PolicyBacktestMonth(backtest=backtest, month=month) for month in months])
    audit.record(
        "policy.backtest_asked", actor=actor, subject=backtest, now=now, version=version.pk, digest=version.digest
    )
    return backtest


def run_due(*, clock: Clock) -> int:
    """Judge months of any run, one after another, until none is left or the time is up. How many were judged.

    Args:
        clock: says what time it is; leases are about real time, and this goes on for many seconds.
    """
    ends, judged = time.monotonic() + RUN_SECONDS_MAX, 0
    while time.monotonic() < ends:
        found = _next_month(now=clock())
        if found is None:
            break
        judged += run_month(backtest_id=found.backtest_id, month=found.month, clock=clock)
    for backtest_id in _unfinished():
        _try_to_finish(backtest_id, clock=clock)
    return judged


def run_month(*, backtest_id: int, month: date, clock: Clock) -> bool:
    """Judge one month of a run under a lease. False when somebody else has it, it is done, or the run has ended.

    Claim (a transaction), judge (none is open: it takes seconds), settle (a transaction).
    """
    claimed = _claim(backtest_id, month, now=clock())
    if claimed is None:
        return False
    backtest, row = claimed
    try:
        found = reading.judge_month(
            row.month,
            draft=reading.policy_of(backtest.draft_ids),
            against=reading.policy_of(backtest.against_ids),
            on=backtest.on,
            since=backtest.since,
            until=backtest.until,
        )
    except Exception as error:
        logger.exception("backtest %s: month %s failed", backtest_id, month)
        _give_up(row, f"{type(error).__name__}: {error}", now=clock())
        return False
    is_mine = _settle(row, found, now=clock())
    if is_mine:
        _try_to_finish(backtest_id, clock=clock)
    return is_mine


def _try_to_finish(backtest_id: int, *, clock: Clock) -> None:
    """Finish a run; one that cannot be put together must not stop the others."""
    try:
        finish(backtest_id=backtest_id, now=clock())
    except Exception as error:
        logger.exception("backtest %s could not be put together", backtest_id)
        _note_unfinished(backtest_id, f"{type(error).__name__}: {error}", now=clock())


@transaction.atomic(durable=True)
def _note_unfinished(backtest_id: int, error: str, *, now: datetime) -> None:
    """Count an attempt to finish that failed; too many end the run."""
    backtest = PolicyBacktest.objects.lock(backtest_id)
    if not backtest.is_live:
        return
    backtest.finish_attempts += 1
    backtest.error = f"Putting the months together: {error}".replace("\0", "")[:ERROR_CHARS_MAX]
    if backtest.finish_attempts >= BACKTEST_ATTEMPTS_MAX:
        backtest.move(BacktestEvent.FAIL)
        backtest.finished_at = now
    backtest.save(update_fields=["finish_attempts", "error", "state", "finished_at"])


@transaction.atomic(durable=True)
def finish(*, backtest_id: int, now: datetime) -> bool:
    """Put the months together once all are judged. Whoever judged the last one does it, or the next tick."""
    backtest = PolicyBacktest.objects.lock(backtest_id)
    if not backtest.is_live or backtest.months.filter(figures__isnull=True).exists():
        return False
    months = list(backtest.months.order_by("month").values_list("month", "figures"))
    figures = added(each["counts"] for _, each in months if each is not None)
    first_at = decision_history.first_decision(until=backtest.until) if months else None
    if first_at is not None and backtest.since is not None:
        first_at = max(first_at, backtest.since)
    measured = office.office_between(backtest.since, backtest.until)
    backtest.result = backtest_result.result_of(figures, measured, first_at=first_at, until=backtest.until)
    backtest.move(BacktestEvent.FINISH)
    backtest.finished_at, backtest.error = now, ""
    backtest.started_at = backtest.started_at or now
    backtest.save(update_fields=["result", "state", "finished_at", "started_at", "error"])
    return True


@transaction.atomic(durable=True)
def cancel(*, backtest_id: int, actor: User, now: datetime) -> PolicyBacktest:
    """Stop a run; its judged months are kept, so that it can be taken up again. An ended run stays as it is.

    Raises:
        NotAllowed: the actor is no policy officer.
    """
    require_duty(actor, "policies", now=now)
    backtest = PolicyBacktest.objects.lock(backtest_id)
    if not backtest.is_live:
        return backtest
    backtest.move(BacktestEvent.CANCEL)
    backtest.finished_at = now
    backtest.save(update_fields=["state", "finished_at"])
    audit.record("policy.backtest_cancelled", actor=actor, subject=backtest, now=now)
    return backtest


@transaction.atomic(durable=True)
def resume(*, backtest_id: int, actor: User, now: datetime) -> PolicyBacktest:
    """Go on with a run that was cancelled or failed, with the months that are left.

    Raises:
        NotAllowed: the actor is no policy officer.
        IllegalTransition: another run of the same version goes on.
    """
    require_duty(actor, "policies", now=now)
    version_id = reading.backtest_file(backtest_id).version_id
    # The version first, as when one is asked for: only one of its runs goes on.
    PolicyVersion.objects.lock(version_id)
    backtest = PolicyBacktest.objects.lock(backtest_id)
    if backtest.state not in BACKTEST_LIFE.before(BacktestEvent.RESUME):
        return backtest
    if PolicyBacktest.objects.filter(version_id=version_id, state__in=BACKTEST_LIVE).exists():
        raise IllegalTransition("another backtest of this version goes on: look at that one")
    left = backtest.months.filter(Q(figures__isnull=True) | ~Q(figures__format=backtest_result.FORMAT))
    left.update(figures=None, flips=b"", rows=0, attempts=0, error="", lease_token="", leased_until=None)
    backtest.move(BacktestEvent.RESUME)
    backtest.error, backtest.finished_at, backtest.finish_attempts = "", None, 0
    backtest.save(update_fields=["state", "error", "finished_at", "finish_attempts"])
    audit.record("policy.backtest_resumed", actor=actor, subject=backtest, now=now)
    return backtest


@transaction.atomic(durable=True)
def mark_seen(*, backtest_id: int, actor: User, now: datetime) -> PolicyBacktest:
    """Record that an officer has looked at a finished run. The first one counts; a second call changes nothing.

    Raises:
        NotAllowed: the actor is no policy officer.
        IllegalTransition: the run is not finished.
    """
    require_duty(actor, "policies", now=now)
    backtest = PolicyBacktest.objects.lock(backtest_id)
    if not backtest.is_done:
        raise IllegalTransition("only a finished backtest can have been looked at")
    if backtest.seen_at is not None:
        return backtest
    backtest.seen_by, backtest.seen_at = actor, now
    backtest.save(update_fields=["seen_by", "seen_at"])
    audit.record("policy.backtest_seen", actor=actor, subject=backtest, now=now, flipped=backtest.result["flipped"])
    return backtest


# ----------------------------------------------------------------------------- leases


def _free(now: datetime) -> Q:
    return Q(figures__isnull=True) & (Q(leased_until__isnull=True) | Q(leased_until__lte=now))


def _next_month(*, now: datetime) -> PolicyBacktestMonth | None:
    """A month that nobody has, of the oldest run. Only a hint: claiming decides."""
    rows = PolicyBacktestMonth.objects.filter(_free(now), backtest__state__in=BACKTEST_LIVE)
    return rows.order_by("backtest_id", "month").first()


def _unfinished() -> list[int]:
    """Runs whose months are all judged, left by a worker that was killed just then; and those without any month."""
    left = PolicyBacktestMonth.objects.filter(backtest_id=OuterRef("pk"), figures__isnull=True)
    live = PolicyBacktest.objects.filter(~Exists(left), state__in=BACKTEST_LIVE)
    return list(live.values_list("pk", flat=True))


@transaction.atomic(durable=True)
def _claim(backtest_id: int, month: date, *, now: datetime) -> tuple[PolicyBacktest, PolicyBacktestMonth] | None:
    """Lease a month; None when it is not to be had. Too many attempts end the run."""
    backtest = PolicyBacktest.objects.lock(backtest_id)
    if not backtest.is_live:
        return None
    row = PolicyBacktestMonth.objects.locked().filter(_free(now), backtest=backtest, month=month).first()
    if row is None:
        return None
    if row.attempts >= BACKTEST_ATTEMPTS_MAX:
        reason = row.error or "its workers exited without reporting"
        backtest.move(BacktestEvent.FAIL)
        backtest.finished_at = now
        backtest.error = f"{dates.month(row.month)}: {reason}"[:ERROR_CHARS_MAX]
        backtest.save(update_fields=["state", "finished_at", "error"])
        return None
    row.attempts += 1
    row.lease_token = secrets.token_hex(16)
    row.leased_until = now + timedelta(seconds=BACKTEST_LEASE_SECONDS)
    row.save(update_fields=["attempts", "lease_token", "leased_until"])
    if backtest.is_queued:
        backtest.move(BacktestEvent.START)
        backtest.started_at = backtest.started_at or now
        backtest.save(update_fields=["state", "started_at"])
    return backtest, row


@transaction.atomic(durable=True)
def _settle(row: PolicyBacktestMonth, found: MonthTally, *, now: datetime) -> bool:
    """Write a month's share. False, and nothing written, when the lease is another's or the run has ended."""
    backtest = PolicyBacktest.objects.lock(row.backtest_id)
    if not backtest.is_live:
        return False
    written = PolicyBacktestMonth.objects.filter(
        pk=row.pk, figures__isnull=True, lease_token=row.lease_token
    ).update(
        rows=found.rows,
        figures={"format": backtest_result.FORMAT, "counts": found.figures},
        flips=write_columns(found.flips) if found.flips is not None else b"",
        judged_at=now,
        leased_until=None,
        error="",
    )  # fmt: skip
    return written == 1


def _give_up(row: PolicyBacktestMonth, error: str, *, now: datetime) -> None:
    """Let others try; only the one who holds the lease says so."""
    PolicyBacktestMonth.objects.filter(pk=row.pk, figures__isnull=True, lease_token=row.lease_token).update(
        leased_until=now + RETRY_AFTER * row.attempts, error=error.replace("\0", "")[:ERROR_CHARS_MAX]
    )
