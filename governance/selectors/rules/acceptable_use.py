"""Acceptable-use statements as one person has to read them: the current version, and what changed since theirs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from governance.models import AcceptableUseVersion, Acceptance, Alert, Person, User
from governance.selectors.people.people import SYSTEM_EMAIL

REMIND_BEFORE = timedelta(days=3)
REMIND_AFTER = timedelta(days=7)
"""So long after the due day it is still told: a worker that stood still makes up for it."""

_CLAUSE_START = re.compile(r"^(?P<number>\d{1,3}(?:\.\d{1,3}){0,2})[.)]?\s+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Clause:
    """One numbered clause. `was` is its text in the version that the person accepted, if it changed."""

    number: str
    title: str
    text: str
    rule_ids: tuple[str, ...]
    is_new: bool
    was: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it concerns one person.

    Args:
        accepted: when the person accepted the current version; None when they have not.
        before: the version that they accepted last, if an older one.
        changed: clauses that differ from that version; empty when they accepted none.
        counts: an acceptance, of this version or while consent is not due of the one before, lets them ask.
    """

    version: AcceptableUseVersion
    accepted: datetime | None
    before: AcceptableUseVersion | None
    changed: Sequence[Clause]
    clauses: Sequence[Clause]
    counts: bool

    @property
    def is_owed(self) -> bool:
        return self.accepted is None


def statements(person_id: int, *, now: datetime) -> list[Statement]:
    """Every statement with a version in effect, in order of its name. Two queries."""
    versions = (
        AcceptableUseVersion.objects.filter(effective_from__lte=now)
        .select_related("statement")
        .order_by("statement__name", "statement_id", "-number")
    )
    accepted = dict(Acceptance.objects.filter(person_id=person_id).values_list("version_id", "accepted_at"))
    by_statement: dict[int, list[AcceptableUseVersion]] = {}
    for version in versions:
        by_statement.setdefault(version.statement_id, []).append(version)
    return [_statement(found, accepted, now) for found in by_statement.values()]


def concerned() -> QuerySet[Person]:
    """Everybody who has to accept a version: active people with an account of their own, the system's left out."""
    accounts = User.objects.filter(person=OuterRef("pk"), is_active=True, is_service_account=False)
    return Person.objects.filter(Exists(accounts), is_active=True).exclude(email=SYSTEM_EMAIL)


def consent_due_about(*, now: datetime) -> list[AcceptableUseVersion]:
    """Versions that two officers published, are current, and whose consent is due within days or lately was."""
    rows = AcceptableUseVersion.objects.filter(
        publication__isnull=False, effective_from__lte=now,
        consent_due__lte=now + REMIND_BEFORE, consent_due__gt=now - REMIND_AFTER,
    )  # fmt: skip
    newer = AcceptableUseVersion.objects.filter(
        statement=OuterRef("statement"), number__gt=OuterRef("number"), effective_from__lte=now
    )
    return list(rows.exclude(Exists(newer)).select_related("statement"))


def owing(version: AcceptableUseVersion, *, kind: str) -> QuerySet[Person]:
    """Whoever has not accepted a version and was not told so yet.

    Args:
        kind: of the mail.
    """
    accepted = Acceptance.objects.filter(version=version, person=OuterRef("pk"))
    key = Concat(Value(f"{kind}:{mail_subject(version)}:"), Cast(OuterRef("pk"), CharField()))
    return concerned().exclude(Exists(accepted)).exclude(Exists(Alert.objects.filter(key=key)))


def mail_subject(version: AcceptableUseVersion) -> str:
    """What the mails about a version are keyed by."""
    return f"aup:{version.pk}"


def has_accepted(person_id: int, version: AcceptableUseVersion) -> bool:
    return Acceptance.objects.filter(version=version, person_id=person_id).exists()


def changed_clauses(version: AcceptableUseVersion, person_id: int) -> list[Clause]:
    """Clauses that differ from the version that a person accepted last; none when they accepted none."""
    earlier = AcceptableUseVersion.objects.filter(
        statement=version.statement_id, number__lt=version.number, acceptances__person=person_id
    )
    before = earlier.order_by("-number").first()
    return [clause for clause in _clauses(version, before) if clause.is_new or clause.was] if before else []


def owed(person_id: int, *, now: datetime) -> list[Statement]:
    """Statements whose current version this person has not accepted, soonest due first."""
    found = [each for each in statements(person_id, now=now) if each.is_owed]
    return sorted(found, key=lambda each: each.version.consent_due)


def _statement(versions: Sequence[AcceptableUseVersion], accepted: dict[int, datetime], now: datetime) -> Statement:
    current = versions[0]
    before = next((version for version in versions[1:] if version.pk in accepted), None)
    clauses = _clauses(current, before)
    previous = versions[1].pk if len(versions) > 1 else None
    return Statement(
        version=current,
        accepted=accepted.get(current.pk),
        before=before,
        changed=[clause for clause in clauses if clause.is_new or clause.was] if before else [],
        clauses=clauses,
        counts=current.pk in accepted or (previous in accepted and current.consent_due > now),
    )


def _clauses(current: AcceptableUseVersion, before: AcceptableUseVersion | None) -> list[Clause]:
    texts, old_texts = clause_texts(current), clause_texts(before) if before else {}
    old = {str(clause["number"]): clause for clause in (before.clauses if before else [])}
    found = []
    for clause in current.clauses:
        number = str(clause["number"])
        text = texts.get(number, "")
        was = old_texts.get(number, "")
        is_same = number in old and (was == text) and old[number].get("title") == clause.get("title")
        found.append(
            Clause(
                number=number,
                title=str(clause.get("title", "")),
                text=text,
                rule_ids=tuple(clause.get("rule_ids") or ()),
                is_new=before is not None and number not in old,
                was="" if is_same or number not in old else was or str(old[number].get("title", "")),
            )
        )
    return found


def clause_texts(version: AcceptableUseVersion) -> dict[str, str]:
    """Text of each clause: its own where the version gives one, else what follows its number in the whole text."""
    found: dict[str, str] = {}
    starts = list(_CLAUSE_START.finditer(version.text))
    ends = [*(match.start() for match in starts[1:]), len(version.text)]
    for match, end in zip(starts, ends, strict=False):
        found.setdefault(match["number"], version.text[match.end() : end].strip())
    return found | {str(clause["number"]): clause["text"] for clause in version.clauses if clause.get("text")}
