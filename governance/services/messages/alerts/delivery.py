"""Delivers what was promised, once: claim (tx), send (no tx), settle (tx)."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F

from governance.channels import email as emails
from governance.channels.email import Answer, Line, Result
from governance.domain.errors import NotFound
from governance.domain.limits import ALERT_ATTEMPTS_MAX, ALERT_LEASE_SECONDS
from governance.domain.states.messages import ALERT_LIFE, ALERT_UNSENT, AlertEvent, AlertState
from governance.models import Alert, User
from governance.models.base import move_all
from governance.selectors.people.duties import require_duty
from governance.services.record import audit

logger = logging.getLogger(__name__)

CLAIM_MAX = 20
"""Mails that one deliverer takes at a time; few enough that their lease covers the sending."""
DELIVERY_SECONDS_MAX = 20.0
"""A call stops taking mails after this long; the next tick goes on."""
BREAKS_MAX = 3
"""Broken connections after which a call lets the relay rest."""
RELAY_REST = timedelta(seconds=30)
UNCONFIRMED_MAX = 2
"""Tries after which a mail that the relay took without answering is not sent again: it may have arrived twice."""
UNCONFIRMED_REST = timedelta(minutes=5)
"""The wait before the second of them: a relay that falls silent needs longer than one that says later."""
GIVEN_UP_AFTER = timedelta(days=3)
"""A relay that says later is believed for so long: it outlasts a weekend."""
LOSSES_SPARED = 3
"""Tries that such answers leave for senders that are lost: those end for good, since the mail may be to blame."""
BACKOFF_FIRST = timedelta(seconds=20)
BACKOFF_FACTOR = 3
BACKOFF_MAX = timedelta(hours=6)
ERROR_CHARS_MAX = 400


def deliver_due(*, now: datetime, limit: int = 1_000) -> Counter[str]:
    """Send what is due: claim (tx), send (no tx), settle (tx), a few at a time, until nothing is due or time is up.

    Any number of deliverers may run at once: a claim skips rows that another one holds. One that dies or stalls loses
    its lease after `ALERT_LEASE_SECONDS`, and the next claim sends the same Message-ID again.

    Args:
        now: aware instant at which the call begins.
        limit: mails at most.

    Returns:
        How many ended as sent, skipped, dead, retried or given back.
    """
    began = time.monotonic()
    counts: Counter[str] = Counter()
    with Line() as line:
        while counts.total() < limit and _elapsed(began) < DELIVERY_SECONDS_MAX:
            claimed = _claim(now + timedelta(seconds=_elapsed(began)), min(CLAIM_MAX, limit - counts.total()))
            if not claimed:
                break
            for index, alert in enumerate(claimed):
                instant = now + timedelta(seconds=_elapsed(began))
                if _elapsed(began) > DELIVERY_SECONDS_MAX or line.break_count >= BREAKS_MAX:
                    counts["given_back"] += _give_back(claimed[index:], at=instant)
                    return counts
                answer = _send(alert, line, now=instant)
                instant = now + timedelta(seconds=_elapsed(began))
                if answer is not None and answer.result is Result.UNREACHABLE:
                    logger.warning("the mail relay cannot be reached, mails wait: %s", answer.reason)
                    counts["given_back"] += _give_back(claimed[index:], at=instant + RELAY_REST, reason=answer.reason)
                    _let_rest(until=instant + RELAY_REST, now=instant)
                    return counts
                counts[_settle(alert, answer, now=instant)] += 1
    return counts


@transaction.atomic(durable=True)
def _claim(now: datetime, size: int) -> list[Alert]:
    """Lease up to `size` due mails: fresh ones, and last at most one whose lease ran out.

    A mail whose sending ends its process would take the rest of its batch along; alone at the end it cannot.
    """
    due = Alert.objects.select_for_update(of=("self",), no_key=True, skip_locked=True).select_related("recipient")
    fresh = list(
        due.filter(state=AlertState.PENDING, next_attempt_at__lte=now).order_by("next_attempt_at", "pk")[:size]
    )
    lapsed = list(
        due.filter(state=AlertState.SENDING, next_attempt_at__lte=now, leased_until__lte=now).order_by(
            "attempts", "pk"
        )[:1]
    )
    exhausted = [alert for alert in lapsed if alert.attempts >= ALERT_ATTEMPTS_MAX]
    for alert in exhausted:
        _write(
            alert,
            AlertEvent.GIVE_UP,
            last_error=f"{alert.attempts} tries ended without an answer: the sender was lost",
        )
    claimed = fresh + [alert for alert in lapsed if alert not in exhausted]
    for alert in claimed:
        alert.move(AlertEvent.CLAIM)
        alert.lease_token = uuid.uuid4()
        alert.leased_until = now + timedelta(seconds=ALERT_LEASE_SECONDS)
        alert.attempts += 1
    Alert.objects.bulk_update(claimed, ["state", "lease_token", "leased_until", "attempts"])
    return claimed


def _send(alert: Alert, line: Line, *, now: datetime) -> Answer | None:
    """Try one mail once. None: there is nothing to send, and the alert says why."""
    try:
        message = emails.compose(alert, now=now)
    except emails.Moot as moot:
        alert.last_error = f"not sent: {moot}"
        return None
    except emails.Undeliverable as error:
        return Answer(Result.REFUSED, str(error))
    except DatabaseError:
        raise
    except Exception as error:
        # Invariant: a mail that cannot be written stops no other; it stays, is tried again, and is seen.
        logger.exception("alert %s cannot be written", alert.pk)
        return Answer(Result.RETRY, f"{type(error).__name__}: {error}")
    return line.send(message)


def _settle(alert: Alert, answer: Answer | None, *, now: datetime) -> str:
    """Write what became of a try, if the lease is still ours. A word for the count."""
    if answer is None:
        return _write(alert, AlertEvent.SKIP, last_error=alert.last_error)
    if answer.result is Result.SENT:
        return _write(alert, AlertEvent.CONFIRM, sent_at=now, last_error="")
    is_unconfirmed = answer.result is Result.UNCONFIRMED
    unconfirmed = alert.unconfirmed + is_unconfirmed
    if answer.result is Result.REFUSED or unconfirmed >= UNCONFIRMED_MAX or _was_put_off_for_good(alert, now):
        logger.error("alert %s is given up: %s", alert.pk, answer.reason)
        return _write(alert, AlertEvent.GIVE_UP, last_error=answer.reason, unconfirmed=unconfirmed)
    wait = backoff(alert.attempts)
    is_written = _write(
        alert,
        AlertEvent.PUT_BACK,
        last_error=answer.reason,
        unconfirmed=unconfirmed,
        attempts=min(alert.attempts, ALERT_ATTEMPTS_MAX - LOSSES_SPARED),
        next_attempt_at=now + (max(wait, UNCONFIRMED_REST) if is_unconfirmed else wait),
    )
    return "retried" if is_written == AlertState.PENDING else is_written


def _was_put_off_for_good(alert: Alert, now: datetime) -> bool:
    """Tried often enough, for days. A mail that somebody queued again has its first tries whatever its age."""
    return alert.attempts >= ALERT_ATTEMPTS_MAX - LOSSES_SPARED and now - alert.created_at >= GIVEN_UP_AFTER


def _write(alert: Alert, event: AlertEvent, **columns: Any) -> str:
    """Settle one claimed row. Invariant: only with the lease token that this claim wrote."""
    columns["last_error"] = columns["last_error"].replace("\0", "")[:ERROR_CHARS_MAX]
    claimed = Alert.objects.filter(pk=alert.pk, lease_token=alert.lease_token)
    written = move_all(claimed, event, lease_token=None, leased_until=None, **columns)
    return ALERT_LIFE.to(event) if written else "lost"


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many tries: 20 s, then three times as long each time, six hours at most."""
    wait = BACKOFF_FIRST
    for _ in range(1, min(attempts, ALERT_ATTEMPTS_MAX)):
        wait = min(wait * BACKOFF_FACTOR, BACKOFF_MAX)
    return wait


def _give_back(alerts: Sequence[Alert], *, at: datetime, reason: str = "") -> int:
    """Return mails that were not tried; the try does not count."""
    tokens = [alert.lease_token for alert in alerts]
    columns: dict[str, Any] = {"last_error": reason[:ERROR_CHARS_MAX]} if reason else {}
    return move_all(
        Alert.objects.filter(pk__in=[alert.pk for alert in alerts], lease_token__in=tokens),
        AlertEvent.PUT_BACK,
        lease_token=None,
        leased_until=None,
        attempts=F("attempts") - 1,
        next_attempt_at=at,
        **columns,
    )


def _let_rest(*, until: datetime, now: datetime) -> None:
    """Hold back everything that is due: each tick would only wait for the same silence."""
    Alert.objects.filter(state=AlertState.PENDING, next_attempt_at__lte=now).update(next_attempt_at=until)


def _elapsed(began: float) -> float:
    return time.monotonic() - began


@transaction.atomic(durable=True)
def redrive(*, alert_id: int, actor: User, now: datetime) -> Alert:
    """Queue a mail that was given up once more, with its old Message-ID and all its tries.

    A mail that is waiting or being sent is returned unchanged.

    Raises:
        NotAllowed: the actor does not look after mails.
        NotFound: no such mail.
        IllegalTransition: it was sent, or there was nothing left to say.
    """
    require_duty(actor, "alerts", now=now)
    alert = Alert.objects.select_for_update(of=("self",), no_key=True).filter(pk=alert_id).first()
    if alert is None:
        raise NotFound(f"alert `{alert_id}` does not exist", id=alert_id)
    if alert.state in ALERT_UNSENT:
        return alert
    alert.move(AlertEvent.QUEUE_AGAIN)
    alert.attempts, alert.unconfirmed, alert.next_attempt_at = 0, 0, now
    alert.save(update_fields=["state", "attempts", "unconfirmed", "next_attempt_at"])
    audit.record("alert.requeued", actor=actor, subject=alert, now=now, request=alert.provisioning_request)
    return alert
