"""Publishes versions of acceptable-use statements, by two officers, and records who accepts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from governance.display import dates
from governance.domain.errors import AlreadyDecided, InvalidInput, NotAllowed, NotFound, NotReady
from governance.domain.limits import REASON_CHARS_MAX
from governance.domain.record.canonical import digest
from governance.domain.rules.policy_life import EFFECTIVE_DAYS_MAX
from governance.domain.states.messages import AlertKind
from governance.domain.states.rules import PublicationEvent, PublicationState
from governance.domain.text import clean, clean_reason
from governance.models import (
    AcceptableUsePublication,
    AcceptableUseStatement,
    AcceptableUseVersion,
    Acceptance,
    User,
)
from governance.policy.suggest import closest
from governance.selectors.rules import acceptable_use as selector
from governance.selectors.rules.policies import rules_in_force
from governance.services.messages import alerts
from governance.services.record import audit, jobs
from governance.services.register.edits import Errors
from governance.services.rules.second_officer import gone, require_officer, require_second

DUTY = "acceptable_use"
ANSWERS = ("agree", "refuse")
CONSENT_DAYS_MAX = 366
_DATES = {"effective_from": "its first day", "consent_due": "the day by which to accept it"}

TEXT_CHARS_MAX = 60_000
CLAUSES_MAX = 200
CLAUSE_FIELDS = frozenset({"number", "title", "text", "rule_ids"})


@transaction.atomic(durable=True)
def publish_version(
    *,
    slug: str,
    actor: User,
    text: str,
    clauses: Sequence[Mapping[str, Any]],
    effective_from: datetime | None,
    consent_due: datetime,
    now: datetime,
    reason: str = "",
) -> AcceptableUsePublication:
    """Ask a second officer to publish a version of a statement. Nothing changes before somebody else agrees.

    The same text asked for again by the same person is the publication that waits.

    Args:
        slug: of the statement, which exists.
        clauses: each with number, title, and optionally its text and the ids of the rules that enforce it.
        effective_from: from then on it is the current version; None for as soon as a second officer agrees.
        consent_due: until then an acceptance of the version before it still counts; at least `CONSENT_DAYS_MIN` days
            after people can accept it.
        reason: what changes and why, for the second officer and the log.

    Raises:
        NotAllowed: the actor may not publish.
        SeparationOfDuties: the actor audits.
        InvalidInput: empty or too long, a broken clause or one with a rule that is not in force, dates in the past, out
            of order or too near; or the text of the newest version again.
        AlreadyDecided: another publication of this statement waits for an answer.
        NotFound: no such statement.
    """
    require_officer(actor, DUTY, now=now)
    reason = clean_reason("reason", reason, REASON_CHARS_MAX, required=False)
    plain_text, plain_clauses = _checked(text, clauses)
    statement = _lock_statement(slug)
    errors = Errors()
    _check_dates(errors, statement, effective_from, consent_due, now=now)
    _check_rules(errors, plain_clauses)
    content_digest = digest({"text": plain_text, "clauses": plain_clauses})
    newest = _newest(statement)
    if newest is not None and newest.digest == content_digest:
        errors.add("text", f"is that of version {newest.number} already: change what the new version is to say")
    errors.raise_any()
    open_one = statement.publications.select_related("asked_by").filter(state=PublicationState.ASKED).first()
    if open_one is not None:
        if open_one.digest == content_digest and open_one.asked_by.person_id == actor.person_id:
            return open_one
        raise AlreadyDecided(f"a publication of `{statement.name}` waits already: answer or withdraw it first")
    publication = AcceptableUsePublication.objects.create(
        statement=statement, text=plain_text, clauses=plain_clauses, digest=content_digest,
        effective_from=effective_from, consent_due=consent_due, asked_by=actor, asked_at=now, reason=reason,
    )  # fmt: skip
    alerts.tell_publication_asked(publication, now=now)
    audit.record(
        "aup.publication_asked", actor=actor, subject=publication, now=now, digest=content_digest,
        consent_due=consent_due.isoformat(),
    )  # fmt: skip
    return publication


@transaction.atomic(durable=True)
def answer_publication(
    *, publication_id: int, actor: User, answer: str, now: datetime, reason: str = ""
) -> AcceptableUsePublication:
    """Publish a version, or refuse it, as a second person. The first answer counts; everybody concerned is told.

    Args:
        answer: `agree` or `refuse`; a refusal says why.

    Raises:
        NotFound, NotAllowed.
        SeparationOfDuties: the same person asked, or one of the two made the other lately (`second_officer`).
        AlreadyDecided: it was answered or withdrawn.
        NotReady: whoever asked may not publish any more, or the days that people would have are too few by now.
    """
    if answer not in ANSWERS:
        raise InvalidInput({"answer": [f"`{answer[:20]}` is not one of: {', '.join(ANSWERS)}"]})
    require_officer(actor, DUTY, now=now)
    reason = clean_reason("reason", reason, REASON_CHARS_MAX, required=answer == "refuse")
    publication = _lock_publication(publication_id)
    if publication.state != PublicationState.ASKED:
        raise AlreadyDecided(f"this publication is `{publication.state}` already: nothing was recorded")
    require_second(actor, DUTY, asked_by=publication.asked_by, what="this publication", now=now)
    if answer == "agree":
        _require_ready(publication, now=now)
        publication.version = _add(
            publication.statement, publication.text, publication.clauses, publication.digest,
            effective_from=max(publication.effective_from or now, now), consent_due=publication.consent_due,
        )  # fmt: skip
    publication.move(PublicationEvent.PUBLISH if answer == "agree" else PublicationEvent.REFUSE)
    publication.answered_by, publication.answered_at, publication.answer_reason = actor, now, reason
    publication.save(update_fields=["state", "answered_by", "answered_at", "answer_reason", "version"])
    version = publication.version
    if version is not None:
        alerts.tell_published(publication, selector.concerned(), now=now)
        audit.record(
            "aup.published", actor=actor, subject=version, now=now, number=version.number, digest=version.digest,
            publication=publication.pk, asked_by=publication.asked_by_id,
        )  # fmt: skip
    else:
        audit.record("aup.publication_refused", actor=actor, subject=publication, now=now, reason=reason)
    return publication


@transaction.atomic(durable=True)
def withdraw_publication(*, publication_id: int, actor: User, reason: str, now: datetime) -> AcceptableUsePublication:
    """Take a publication back before it is answered. Any officer may: what is in effect stays in effect.

    Raises:
        NotFound, NotAllowed.
        AlreadyDecided: it was published or refused.
    """
    require_officer(actor, DUTY, now=now)
    reason = clean_reason("reason", reason, REASON_CHARS_MAX)
    publication = _lock_publication(publication_id)
    if publication.state == PublicationState.WITHDRAWN:
        return publication
    if publication.state != PublicationState.ASKED:
        raise AlreadyDecided(f"this publication is `{publication.state}` already: nothing was recorded")
    publication.move(PublicationEvent.WITHDRAW)
    publication.save(update_fields=["state"])
    audit.record("aup.publication_withdrawn", actor=actor, subject=publication, now=now, reason=reason)
    return publication


def add_version(
    *,
    slug: str,
    actor: User,
    text: str,
    clauses: Sequence[Mapping[str, Any]],
    effective_from: datetime,
    consent_due: datetime,
    now: datetime,
) -> AcceptableUseVersion:
    """Add a version without a second officer, in the caller's transaction: how an installation begins.

    The same text and clauses again are the version that exists.

    Raises:
        InvalidInput, NotFound.
    """
    plain_text, plain_clauses = _checked(text, clauses)
    statement = _lock_statement(slug)
    content_digest = digest({"text": plain_text, "clauses": plain_clauses})
    newest = _newest(statement)
    if newest is not None and newest.digest == content_digest:
        return newest
    errors = Errors()
    if consent_due < effective_from:
        errors.add("consent_due", "must not lie before the day from which the version is in effect")
    _check_order(errors, newest, effective_from)
    errors.raise_any()
    version = _add(
        statement, plain_text, plain_clauses, content_digest, effective_from=effective_from, consent_due=consent_due
    )
    audit.record("aup.published", actor=actor, subject=version, now=now, number=version.number, digest=version.digest)
    return version


def remind_consent(*, now: datetime) -> int:
    """Tell whoever has not accepted a version that consent is due soon, and when it is due. How many mails.

    Only of versions that officers published: what an installation begins with is accepted before the first request.
    The key of each mail keeps it single.
    """
    with jobs.sweep("remind_consent", now=now) as run:
        if run is None:
            return 0
        for version in selector.consent_due_about(now=now):
            kind = AlertKind.CONSENT_DUE if version.consent_due <= now else AlertKind.CONSENT_DUE_SOON
            for person in run.rows(selector.owing(version, kind=kind), f"{kind} {version.pk}"):
                with run.apart(f"person {person.pk}"):
                    run.done_count += _remind(version, person.pk, kind, now=now)
        return run.done_count


@transaction.atomic(durable=True)
def _remind(version: AcceptableUseVersion, person_id: int, kind: AlertKind, *, now: datetime) -> int:
    alerts.tell_consent(version, kind, [person_id], now=now)
    return 1


def _lock_statement(slug: str) -> AcceptableUseStatement:
    """The statement's row is the lock: two publishers cannot take the same number."""
    statement = AcceptableUseStatement.objects.select_for_update(no_key=True).filter(slug=slug).first()
    if statement is None:
        raise NotFound(f"statement `{slug[:80]}` does not exist")
    return statement


def _lock_publication(publication_id: int) -> AcceptableUsePublication:
    """The publication, its statement locked first.

    Raises:
        NotFound: no such publication.
    """
    found = AcceptableUsePublication.objects.select_related("statement").filter(pk=publication_id).first()
    if found is None:
        raise NotFound(f"publication `{publication_id}` does not exist", id=publication_id)
    _lock_statement(found.statement.slug)
    return AcceptableUsePublication.objects.lock(publication_id)


def _newest(statement: AcceptableUseStatement) -> AcceptableUseVersion | None:
    return statement.versions.order_by("-number").first()


def _add(
    statement: AcceptableUseStatement,
    text: str,
    clauses: list[dict[str, Any]],
    content_digest: str,
    *,
    effective_from: datetime,
    consent_due: datetime,
) -> AcceptableUseVersion:
    newest = _newest(statement)
    return AcceptableUseVersion.objects.create(
        statement=statement, number=newest.number + 1 if newest else 1, text=text, clauses=clauses,
        digest=content_digest, effective_from=effective_from, consent_due=consent_due,
    )  # fmt: skip


def _require_ready(publication: AcceptableUsePublication, *, now: datetime) -> None:
    """What was right when it was asked for is looked at once more: time has gone, and people may have."""
    missing = [part for part in [gone(publication.asked_by, DUTY, did="asked", now=now)] if part]
    errors = Errors()
    start = publication.effective_from
    later = start if start is not None and start > now else None
    _check_dates(errors, publication.statement, later, publication.consent_due, now=now)
    missing += [
        f"{_DATES[name]} {words}; withdraw it and ask again" for name, each in errors.found.items() for words in each
    ]
    if missing:
        raise NotReady(f"this version cannot be published: {'; '.join(missing)}", missing=missing)


def _check_dates(
    errors: Errors,
    statement: AcceptableUseStatement,
    effective_from: datetime | None,
    consent_due: datetime,
    *,
    now: datetime,
) -> None:
    # Forms know minutes, so the present minute is not the past.
    if effective_from is not None and effective_from < now.replace(second=0, microsecond=0):
        errors.add("effective_from", f"`{dates.full_moment(effective_from)}` has passed: choose a later day, or none")
        return
    start, days = max(effective_from or now, now), settings.CONSENT_DAYS_MIN
    if start > now + timedelta(days=EFFECTIVE_DAYS_MAX):
        errors.add("effective_from", f"lies more than {EFFECTIVE_DAYS_MAX} days ahead")
        return
    _check_order(errors, _newest(statement), start)
    # As for the start: a form's minute counts whole.
    if consent_due < now:
        errors.add("consent_due", f"`{dates.full_moment(consent_due)}` has passed: choose a later day")
    elif consent_due + timedelta(minutes=1) <= start + timedelta(days=days):
        first = start + timedelta(days=days + 1)
        errors.add(
            "consent_due", f"leaves people less than {days} days to accept it: choose {dates.full_day(first)} or later"
        )
    elif consent_due > start + timedelta(days=CONSENT_DAYS_MAX):
        errors.add("consent_due", f"lies more than {CONSENT_DAYS_MAX} days after its first day: choose an earlier day")


def _check_rules(errors: Errors, clauses: Sequence[Mapping[str, Any]]) -> None:
    """A clause that names a rule which does not exist would say that something enforces it."""
    known = rules_in_force()
    for clause in clauses:
        for name in clause["rule_ids"]:
            if name not in known:
                meant = closest(name[:40], known)
                more = f": did you mean `{meant}`?" if meant else ""
                errors.add(
                    "clauses", f"clause `{clause['number']}` names `{name[:40]}`, which is no rule in force{more}"
                )


def _check_order(errors: Errors, newest: AcceptableUseVersion | None, effective_from: datetime) -> None:
    if newest is not None and effective_from <= newest.effective_from:
        errors.add("effective_from", "must be later than that of the version before it")


@transaction.atomic(durable=True)
def accept_version(*, version_id: int, actor: User, now: datetime) -> Acceptance:
    """Record that the person behind the account accepts a version. Accepting twice changes nothing.

    Raises:
        NotFound: no such version, or it is not in effect yet.
        NotAllowed: a service account accepts nothing; an older version is no longer asked for.
    """
    # Locked, so that a second click waits and then finds the acceptance.
    version = (
        AcceptableUseVersion.objects.select_related("statement")
        .select_for_update(of=("statement",), no_key=True)
        .filter(pk=version_id, effective_from__lte=now)
        .first()
    )
    if version is None:
        raise NotFound(f"version `{version_id}` does not exist")
    if actor.is_service_account:
        raise NotAllowed("a service account accepts nothing: the person who answers for it does")
    existing = Acceptance.objects.filter(version=version, person_id=actor.person_id).first()
    if existing is not None:
        return existing
    if version.pk not in {each.version.pk for each in selector.statements(actor.person_id, now=now)}:
        raise NotAllowed(
            f"version {version.number} of `{version.statement.name}` is not the current one: read that one"
        )
    acceptance = Acceptance.objects.create(version=version, person_id=actor.person_id, user=actor, accepted_at=now)
    audit.record("aup.accepted", actor=actor, subject=version, now=now, number=version.number, digest=version.digest)
    return acceptance


def _checked(text: str, clauses: Sequence[Mapping[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    errors: dict[str, list[str]] = {}
    plain_text, problem = clean(text, longest=TEXT_CHARS_MAX, lines=True)
    if problem or not plain_text:
        errors["text"] = [problem or "must not be empty"]
    plain_clauses: list[dict[str, Any]] = []
    if len(clauses) > CLAUSES_MAX:
        errors["clauses"] = [f"has {len(clauses)} entries: at most {CLAUSES_MAX} fit"]
    for clause in clauses[:CLAUSES_MAX]:
        number, title = clean(clause.get("number"), longest=12), clean(clause.get("title"), longest=160)
        body = clean(clause.get("text") or "", longest=TEXT_CHARS_MAX, lines=True)
        rule_ids = clause.get("rule_ids") or []
        is_list = isinstance(rule_ids, list | tuple) and all(isinstance(rule, str) for rule in rule_ids)
        if set(clause) - CLAUSE_FIELDS or number[1] or title[1] or body[1] or not number[0] or not is_list:
            errors["clauses"] = [
                f"clause `{str(clause.get('number'))[:12]}` needs a number, a title and a list of rules"
            ]
            break
        plain = {"number": number[0], "title": title[0], "rule_ids": list(rule_ids)}
        plain_clauses.append(plain | {"text": body[0]} if body[0] else plain)
    if errors:
        raise InvalidInput(errors)
    return plain_text, plain_clauses
