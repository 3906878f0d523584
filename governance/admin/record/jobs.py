"""Runs of sweeps and of long work, to read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from governance.admin.records import StateAdmin
from governance.admin.wording import in_words
from governance.models import JobRun


@admin.register(JobRun)
class JobAdmin(StateAdmin):
    heading = "Jobs"
    lead = "Scheduled jobs, their progress and errors."
    list_display = ("job", "state", "done_count", "total_count", "started_at", "finished_at", "error")
    list_filter = ("state", "name")

    @admin.display(description="job", ordering="name")
    def job(self, row: JobRun) -> str:
        return in_words(row.name)

    def may_read(self, person: Any) -> bool:
        return bool(person.sees_everything)
