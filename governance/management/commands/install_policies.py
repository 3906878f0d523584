"""Puts the shipped policy in force, and a first acceptable-use statement; what the organisation changed stays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from governance.domain.rules.statements import first_statement, statement_text
from governance.domain.states.rules import VersionState
from governance.management.base import ChannelCommand
from governance.models import AcceptableUseStatement, AcceptableUseVersion, User
from governance.selectors.people.people import system_actor
from governance.services.rules import acceptable_use, policies


class Command(ChannelCommand):
    """Safe to repeat: only what is missing is added."""

    help = "Put the shipped policies in force where a set has none, and a first acceptable-use statement where none is."

    def handle(self, *args: Any, **options: Any) -> None:
        now, actor = timezone.now(), system_actor()
        versions = policies.install_shipped(actor=actor, now=now)
        with transaction.atomic():
            version = install_first_statement(actor=actor, now=now)
        if options["verbosity"]:
            in_force = sum(each.state == VersionState.ACTIVE for each in versions)
            said = f"published as version {version.number}" if version else "there already"
            self.stdout.write(
                f"{len(versions)} shipped policies, {in_force} in force as shipped; acceptable-use statement {said}."
            )


def install_first_statement(*, actor: User, now: datetime) -> AcceptableUseVersion | None:
    """Publish the shipped statement unless the organisation has one. In the caller's transaction."""
    if AcceptableUseVersion.objects.exists():
        return None
    shipped = first_statement()
    AcceptableUseStatement.objects.get_or_create(slug=shipped["slug"], defaults={"name": shipped["name"]})
    return acceptable_use.add_version(
        slug=shipped["slug"],
        actor=actor,
        text=statement_text(shipped["heading"], shipped["clauses"]),
        clauses=shipped["clauses"],
        effective_from=now,
        consent_due=now,
        now=now,
    )
