"""What every command here is: one channel, which the audit log names with the operating-system user."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from governance.services.record.channel import through_command


class ChannelCommand(BaseCommand):
    """A command whose changes say that they came by the command line, by which command and who ran it."""

    def execute(self, *args: Any, **options: Any) -> Any:
        with through_command(self.__module__.rpartition(".")[2]):
            return super().execute(*args, **options)
