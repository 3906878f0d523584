"""Loads the demonstration organisation, once, into the empty database of `make run`."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from governance.demonstration import load, remove
from governance.demonstration.past.plan import REQUESTS
from governance.display import dates, numbers
from governance.management.base import ChannelCommand
from governance.management.demonstration import is_own_server
from governance.models import JobRun


class Command(ChannelCommand):
    """Safe to repeat: a demonstration that is here already stays as people left it."""

    help = "Load Northlight AI, an invented organisation with a year behind it, into the empty database of `make run`."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--past", type=int, default=REQUESTS, help="how many requests of the past year to draw")
        parser.add_argument("--again", action="store_true", help="load it although it was removed here before")
        parser.add_argument(
            "--first-start", action="store_true", help="do nothing, instead of refusing, where it does not belong"
        )

    def handle(self, *args: Any, past: int, again: bool, first_start: bool, **options: Any) -> None:
        if not is_own_server():
            raise CommandError("the demonstration is loaded only into the database that `make run` starts itself")
        removed = remove.last_removal()
        if removed is not None and not again:
            if not first_start:
                raise CommandError(f"the demonstration was removed here on {_day(removed)}; --again loads it once more")
            return
        began = time.monotonic()
        try:
            loaded = load.load(start=timezone.now(), past_count=past)
        except load.Occupied as refusal:
            if not first_start:
                raise CommandError(str(refusal)) from None
            return
        if loaded is not None:
            for story, why in loaded.cut_short.items():
                self.stderr.write(f"The story `{story}` ends early: {why}")
        if options["verbosity"]:
            self._report(time.monotonic() - began, is_new=loaded is not None)

    def _report(self, seconds: float, *, is_new: bool) -> None:
        found = load.last_load()
        assert found is not None
        what = f"{numbers.count(found.done_count)} requests; ./manage.py remove_demonstration removes it"
        if is_new:
            self.stdout.write(f"Northlight AI is loaded ({seconds:.1f} s): {what}.")
        else:
            self.stdout.write(f"Northlight AI is here already, since {_day(found)}: {what}.")


def _day(job: JobRun) -> str:
    return dates.full_moment(job.finished_at) if job.finished_at else "an unfinished load"
