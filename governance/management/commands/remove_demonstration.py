"""Removes the demonstration organisation and leaves an installation as new."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from config.env import DatabaseUrl
from governance.demonstration import remove
from governance.demonstration.load import last_load
from governance.display import numbers
from governance.management.base import ChannelCommand
from governance.management.demonstration import is_own_server

WORD = "remove"


class Command(ChannelCommand):
    """Asks first. Afterwards the next start loads no demonstration."""

    help = "Remove the demonstration and everything done in it; what is left is an installation as new."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        if not is_own_server():
            raise CommandError("this is not the database of `make run`, so no demonstration was ever loaded into it")
        if last_load() is None:
            raise CommandError("the demonstration is not here: nothing to remove")
        if not yes:
            self._ask()
        self._connect_as(settings.ENV.database_owner)
        try:
            remove.remove(now=timezone.now())
        finally:
            self._connect_as(settings.ENV.database)
        call_command("load_catalogue", verbosity=0)
        call_command("install_policies", verbosity=0)
        _forget_files()
        if options["verbosity"]:
            self.stdout.write("Removed. Now make an account of your own: ./manage.py createsuperuser")

    def _ask(self) -> None:
        made = remove.made_since()
        added = f", {numbers.count(made)} of them made since it was loaded" if made else ""
        self.stdout.write(
            f"This deletes all people, budgets and requests{added}, their ledger, the audit log and the mailbox. "
            "Nothing of it can be brought back."
        )
        if not sys.stdin.isatty():
            raise CommandError("nothing was removed: answer at a terminal, or add --yes")
        if input(f"Type `{WORD}` to go on: ").strip() != WORD:
            raise CommandError("nothing was removed")

    @staticmethod
    def _connect_as(role: DatabaseUrl | None) -> None:
        """Work as the tables' owner from now on, or as the program's own role again."""
        if role is None:
            raise CommandError("DATABASE_OWNER_URL is not known: run this while `make run` runs")
        connection.close()
        connection.settings_dict.update(USER=role.user, PASSWORD=role.password)


def _forget_files() -> None:
    """Mails to invented people, and the list of their accounts."""
    (settings.DATA_DIR / "accounts.json").unlink(missing_ok=True)
    if settings.MAILBOX_DIR is not None:
        for mail in settings.MAILBOX_DIR.glob("*/*"):
            if mail.is_file():
                mail.unlink(missing_ok=True)
