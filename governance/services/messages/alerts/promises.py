"""Promises mails: outbox rows in the transaction that causes them, one per crossing and person."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from governance.domain.periods import next_working_moment
from governance.domain.requests.registers import duties_for, register_of
from governance.domain.states.messages import AlertKind
from governance.models import (
    AcceptableUsePublication,
    AcceptableUseVersion,
    Alert,
    ApprovalDecision,
    ApprovalLapse,
    ApprovalStage,
    Budget,
    Flag,
    Grant,
    Person,
    PolicyActivation,
    PolicyException,
    PolicyVersion,
    ProvisioningRequest,
    User,
)
from governance.selectors.messages import alerts as selected
from governance.selectors.messages.alerts import INFRASTRUCTURE_ROLE
from governance.selectors.money.crossings import Crossing
from governance.selectors.people import calendar, duties
from governance.selectors.rules import acceptable_use, activations, officers
from governance.services.record import channel


def enqueue(
    kind: AlertKind,
    *,
    subject: str,
    recipients: Iterable[int],
    now: datetime,
    request: ProvisioningRequest | None = None,
    payload: dict[str, Any] | None = None,
    due_at: datetime | None = None,
) -> None:
    """Promise one mail to each person. The same kind about the same subject is promised once.

    Args:
        subject: names what happened, with its revision or generation, such as `stage:17`.
        recipients: person ids.
        payload: plain values that the mail shows; people by id.
        due_at: when it leaves; None for at once.
    """
    _promise(
        _rows(kind, subject=subject, recipients=recipients, now=now, request=request, payload=payload, due_at=due_at)
    )


def _rows(
    kind: AlertKind,
    *,
    subject: str,
    recipients: Iterable[int],
    now: datetime,
    request: ProvisioningRequest | None,
    payload: dict[str, Any] | None,
    due_at: datetime | None = None,
) -> list[Alert]:
    return [
        Alert(
            key=(key := f"{kind}:{subject}:{person}"),
            kind=kind,
            recipient_id=person,
            provisioning_request=request,
            payload=payload or {},
            message_id=message_id(key),
            created_at=now,
            next_attempt_at=due_at or now,
        )
        for person in sorted(set(recipients))
    ]


def _promise(rows: list[Alert]) -> None:
    if rows:
        Alert.objects.bulk_create(rows, ignore_conflicts=True)


def message_id(key: str) -> str:
    """Deterministic Message-ID: a mail that is sent twice after a crash is recognised as the same one."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"


def tell_stages_opened(stages: Sequence[ApprovalStage], request: ProvisioningRequest, *, now: datetime) -> None:
    """Mail 1: everyone who could decide one of the stages, stand-ins included; a mail for each stage."""
    holders = selected.stage_holders(stages, request, now=now)
    rows: list[Alert] = []
    for stage in stages:
        recipients = [holder.person_id for holder in holders[stage.pk]]
        rows += _rows_about_stage(AlertKind.STAGE_OPENED, stage, request, recipients, now=now)
    _promise(rows)


def tell_stage_reminded(stage: ApprovalStage, request: ProvisioningRequest, *, now: datetime) -> int:
    """Mail 4, half of the working time gone: the same people, while each of them works. How many."""
    holders = selected.stage_holders([stage], request, now=now)[stage.pk]
    rows = _rows_about_stage(
        AlertKind.STAGE_REMINDED, stage, request, [holder.person_id for holder in holders], now=now
    )
    days_off = calendar.holidays()
    zones = dict(Person.objects.filter(pk__in=[row.recipient_id for row in rows]).values_list("pk", "time_zone"))
    for row in rows:
        at_work = next_working_moment(now, zones[row.recipient_id], days_off)
        # Whoever works too late to be reminded in time is reminded now.
        row.next_attempt_at = now if stage.due_at and at_work >= stage.due_at else at_work
    _promise(rows)
    return len(holders)


def tell_stage_escalated(stage: ApprovalStage, request: ProvisioningRequest, *, now: datetime) -> int:
    """Mail 4, overdue: the people of the role that stands in. How many; 0 when no role does."""
    recipients = selected.standing_in(stage, request, now=now)
    _promise(_rows_about_stage(AlertKind.STAGE_ESCALATED, stage, request, recipients, now=now))
    return len(recipients)


def _rows_about_stage(
    kind: AlertKind, stage: ApprovalStage, request: ProvisioningRequest, recipients: Iterable[int], *, now: datetime
) -> list[Alert]:
    # A stage that is opened again is a new crossing: its opening is part of the key.
    # So is one in which an approval lapsed: whoever may decide it now hears of it.
    opened_at = (stage.opened_at or now).astimezone(UTC)
    lapses = ApprovalLapse.objects.filter(decision__stage=stage).count()
    return _rows(
        kind,
        subject=f"stage:{stage.pk}:{opened_at:%Y%m%dT%H%M%S}" + (f":{lapses}" if lapses else ""),
        recipients=recipients,
        request=request,
        payload={"stage": stage.pk, "opened_at": opened_at.isoformat()},
        now=now,
    )


def tell_request_denied(request: ProvisioningRequest, *, now: datetime) -> None:
    """Mail 2 after policy denied it."""
    _tell_of_revision(AlertKind.REQUEST_DENIED, request, now=now)


def tell_request_expired(request: ProvisioningRequest, *, now: datetime) -> None:
    """Mail 2 after a hold ran out."""
    _tell_of_revision(AlertKind.REQUEST_EXPIRED, request, now=now)


def tell_request_rejected(request: ProvisioningRequest, decision: ApprovalDecision, *, now: datetime) -> None:
    """Mail 2 after an approver rejected it."""
    _tell_of_decision(AlertKind.REQUEST_REJECTED, request, decision, now=now)


def tell_changes_requested(request: ProvisioningRequest, decision: ApprovalDecision, *, now: datetime) -> None:
    """Mail 3."""
    _tell_of_decision(AlertKind.CHANGES_WANTED, request, decision, now=now)


def _tell_of_revision(kind: AlertKind, request: ProvisioningRequest, *, now: datetime) -> None:
    """To the requester, once for each revision."""
    _tell_requester(
        kind, request, f"request:{request.pk}:{request.revision_count}", {"revision": request.revision_count}, now=now
    )


def _tell_of_decision(
    kind: AlertKind, request: ProvisioningRequest, decision: ApprovalDecision, *, now: datetime
) -> None:
    """To the requester, once for each decision."""
    _tell_requester(kind, request, f"decision:{decision.pk}", {"decision": decision.pk}, now=now)


def _tell_requester(
    kind: AlertKind, request: ProvisioningRequest, subject: str, payload: dict[str, Any], *, now: datetime
) -> None:
    recipients = [request.requester.person_id]
    enqueue(kind, subject=subject, recipients=recipients, request=request, payload=payload, now=now)


def tell_grant_issued(grant: Grant, *, actor: User, now: datetime) -> None:
    """Mail 5, which also says that the request is approved: to the owner, and who looks after infrastructure."""
    # Whoever gave the last approval saw the grant on the page.
    recipients = selected.role_holders(INFRASTRUCTURE_ROLE, grant.project, now=now) - {actor.person_id}
    enqueue(
        AlertKind.GRANT_ISSUED,
        subject=f"grant:{grant.pk}",
        recipients=recipients | {grant.owner_id},
        request=grant.provisioning_request,
        payload={"grant": grant.pk},
        now=now,
    )


def tell_budget_crossed(
    budget: Budget, flag: Flag, crossing: Crossing, recipients: Iterable[int], *, now: datetime
) -> None:
    """Mail 7: the figures as they were when the line was crossed."""
    enqueue(
        AlertKind.BUDGET_THRESHOLD,
        subject=flag.key,
        recipients=recipients,
        payload={
            "flag": flag.pk,
            "level": crossing.level,
            "is_forecast": crossing.is_forecast,
            "used_ratio": crossing.used_ratio,
            "forecast_ratio": crossing.forecast_ratio,
            "earliest": crossing.earliest and crossing.earliest.isoformat(),
            "latest": crossing.latest and crossing.latest.isoformat(),
            "limit_micro": budget.limit_micro,
            "held_micro": budget.held_micro,
        },
        now=now,
    )


def tell_register_unread(request: ProvisioningRequest, gaps: Mapping[str, str], *, now: datetime) -> None:
    """Mail 19: whoever keeps the register; where nobody does, whoever keeps people."""
    for duty in duties_for(gaps):
        own = {fact: problem for fact, problem in gaps.items() if register_of(fact).duty == duty}
        keepers = duties.people_with(duty, now=now) or duties.people_with("people", now=now)
        enqueue(
            AlertKind.REGISTER_UNREAD,
            subject=f"request:{request.pk}:{request.revision_count}:{duty}",
            recipients=keepers,
            request=request,
            payload={"request": request.pk, "revision": request.revision_count, "duty": duty, "gaps": own},
            now=now,
        )


def tell_activation_asked(activation: PolicyActivation, *, now: datetime) -> None:
    """Mail 13: everybody who could answer it; never whoever asked, unless a command asked in their name."""
    _tell_activation(AlertKind.ACTIVATION_ASKED, activation, activations.answerers(activation, now=now), now=now)
    via = channel.current()
    if via.channel is channel.Channel.COMMAND:
        enqueue(
            AlertKind.ACTIVATION_IN_YOUR_NAME,
            subject=f"activation:{activation.pk}",
            recipients=[activation.asked_by.person_id],
            payload={"activation": activation.pk, "origin": via.origin},
            now=now,
        )


def tell_activation_lapsed(activation: PolicyActivation, *, now: datetime) -> None:
    """Mail 14: the two who agreed, and who expect it to rule."""
    _tell_activation(AlertKind.ACTIVATION_LAPSED, activation, activations.concerned(activation, now=now), now=now)


def tell_activation_late(activation: PolicyActivation, *, now: datetime) -> None:
    """Mail 14, when the program cannot put it in force: the same people."""
    _tell_activation(AlertKind.ACTIVATION_LATE, activation, activations.concerned(activation, now=now), now=now)


def tell_in_force(
    version: PolicyVersion, *, before: PolicyVersion | None, by: User, activation: int | None, now: datetime
) -> None:
    """Mail 15: every officer and every auditor, whoever asked and answered included, however soon the answer came.

    Args:
        before: the version that retires.
        by: who answers for it.
        activation: id of what two officers agreed to; None for the first version of an installation.
    """
    enqueue(
        AlertKind.POLICY_IN_FORCE,
        # A version that comes into force again is a new occasion.
        subject=f"version:{version.pk}:{now.astimezone(UTC):%Y%m%dT%H%M%S.%f}",
        recipients=officers.watchers(now=now),
        payload={
            "version": version.pk,
            "before": before.pk if before else None,
            "activation": activation,
            "by": by.pk,
            "at": now.astimezone(UTC).isoformat(),
        },
        now=now,
    )


def tell_exception_in_force(exception: PolicyException, *, now: datetime) -> None:
    """Mail 15 about an exception: the same people."""
    enqueue(
        AlertKind.EXCEPTION_IN_FORCE,
        subject=f"exception:{exception.pk}",
        recipients=officers.watchers(now=now),
        payload={"exception": exception.pk},
        now=now,
    )


def tell_publication_asked(publication: AcceptableUsePublication, *, now: datetime) -> None:
    """Mail 13 about an acceptable-use version: everybody who could answer."""
    enqueue(
        AlertKind.PUBLICATION_ASKED,
        subject=f"publication:{publication.pk}",
        recipients=officers.seconds("acceptable_use", asked_by=publication.asked_by, now=now),
        payload={"publication": publication.pk},
        now=now,
    )


def tell_published(publication: AcceptableUsePublication, people: Iterable[Person], *, now: datetime) -> None:
    """Mail 10: everybody who has to accept it; and the officers and auditors, of what was published by whom."""
    version = publication.version
    if version is None:
        return
    tell_consent(version, AlertKind.AUP_PUBLISHED, (person.pk for person in people), now=now)
    enqueue(
        AlertKind.PUBLICATION_IN_FORCE,
        subject=f"publication:{publication.pk}",
        recipients=officers.watchers(now=now),
        payload={"publication": publication.pk},
        now=now,
    )


def tell_consent(version: AcceptableUseVersion, kind: AlertKind, recipients: Iterable[int], *, now: datetime) -> None:
    """Mail 10 about a version: published, due soon, or due now; each once to a person."""
    subject = acceptable_use.mail_subject(version)
    enqueue(kind, subject=subject, recipients=recipients, payload={"version": version.pk}, now=now)


def _tell_activation(
    kind: AlertKind, activation: PolicyActivation, recipients: Iterable[int], *, now: datetime
) -> None:
    payload = {"activation": activation.pk}
    enqueue(kind, subject=f"activation:{activation.pk}", recipients=recipients, payload=payload, now=now)
