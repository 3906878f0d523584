"""Give the app role its rights after a migration: `manage.py grant_app_role comptroller_app`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connection, transaction

from config.roles import grant_app_role
from governance.management.base import ChannelCommand
from governance.models import APPEND_ONLY_TABLES


class Command(ChannelCommand):
    """Run as the owner of the tables, in the same deployment step as `migrate`."""

    help = "Grant the app role read and write on all tables, and only read and add on append-only ones."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", help="the role in DATABASE_URL; it must not own the tables")

    def handle(self, *args: Any, role: str, **options: Any) -> None:
        try:
            with transaction.atomic():
                grant_app_role(connection, role, APPEND_ONLY_TABLES)
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{role} may add to {len(APPEND_ONLY_TABLES)} append-only tables and write to all others")
