"""Publishes versions of acceptable-use statements, and records who accepts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from governance.domain.canonical import digest
from governance.domain.errors import InvalidInput, NotAllowed, NotFound
from governance.domain.text import clean
from governance.models import AcceptableUseStatement, AcceptableUseVersion, Acceptance, User
from governance.selectors import acceptable_use as selector
from governance.selectors.duties import require_duty
from governance.services import audit

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
    effective_from: datetime,
    consent_due: datetime,
    now: datetime,
) -> AcceptableUseVersion:
    """Add a version to a statement. The same text and clauses again are the version that exists.

    Args:
        slug: of the statement, which exists.
        clauses: each with number, title, and optionally its text and the ids of the rules that enforce it.
        effective_from: from then on it is the current version.
        consent_due: until then an acceptance of the version before it still counts.

    Raises:
        NotAllowed: the actor may not publish.
        InvalidInput: empty or too long, a broken clause, or a due date before the version is in effect.
        NotFound: no such statement.
    """
    require_duty(actor, "acceptable_use", now=now)
    return add_version(
        slug=slug, actor=actor, text=text, clauses=clauses, effective_from=effective_from, consent_due=consent_due,
        now=now,
    )  # fmt: skip


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
    """`publish_version` in the caller's transaction, the actor's duty already known."""
    plain_text, plain_clauses = _checked(text, clauses, effective_from, consent_due)
    # The statement's row is the lock: two publishers cannot take the same number.
    statement = AcceptableUseStatement.objects.select_for_update(no_key=True).filter(slug=slug).first()
    if statement is None:
        raise NotFound(f"statement `{slug[:80]}` does not exist")
    content_digest = digest({"text": plain_text, "clauses": plain_clauses})
    newest = statement.versions.order_by("-number").first()
    if newest is not None and newest.digest == content_digest:
        return newest
    if newest is not None and effective_from <= newest.effective_from:
        raise InvalidInput({"effective_from": ["must be later than that of the version before it"]})
    version = AcceptableUseVersion.objects.create(
        statement=statement,
        number=newest.number + 1 if newest else 1,
        text=plain_text,
        clauses=plain_clauses,
        digest=content_digest,
        effective_from=effective_from,
        consent_due=consent_due,
    )
    audit.record("aup.published", actor=actor, subject=version, now=now, number=version.number, digest=version.digest)
    return version


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


def _checked(
    text: str, clauses: Sequence[Mapping[str, Any]], effective_from: datetime, consent_due: datetime
) -> tuple[str, list[dict[str, Any]]]:
    errors: dict[str, list[str]] = {}
    plain_text, problem = clean(text, longest=TEXT_CHARS_MAX, lines=True)
    if problem or not plain_text:
        errors["text"] = [problem or "must not be empty"]
    if consent_due < effective_from:
        errors["consent_due"] = ["must not lie before the day from which the version is in effect"]
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
