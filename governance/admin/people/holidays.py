"""The organisation's holidays: one by one, or a country's of a year at once."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.contrib import admin

from governance.admin.forms import DayField, DeskForm, WholeNumberField
from governance.admin.records import Edit, RecordAdmin
from governance.models import Holiday, User
from governance.services.people import holidays


class AddHolidayForm(DeskForm):
    day = DayField(label="Day")
    name = forms.CharField(max_length=holidays.NAME_CHARS_MAX, label="Name")

    def save(self, *, actor: User, now: datetime) -> Holiday:
        return holidays.add_holiday(actor=actor, now=now, **self.cleaned_data)


class AddPublicForm(DeskForm):
    country = forms.CharField(max_length=2, label="Country", help_text="Two letters, such as IE.")
    region = forms.CharField(
        max_length=20, required=False, label="Region", help_text="Its part of the ISO 3166-2 code, such as BY."
    )
    year = WholeNumberField(label="Year")

    def save(self, *, actor: User, now: datetime) -> None:
        added = holidays.add_public_holidays(actor=actor, now=now, **self.cleaned_data)
        if not added:
            self.done = "Nothing added: all of them are listed already"


class RemoveForm(DeskForm):
    starts_empty = True

    def save(self, *, actor: User, now: datetime) -> None:
        holidays.remove_holiday(actor=actor, holiday_id=self.about(Holiday).pk, now=now)


@admin.register(Holiday)
class HolidayAdmin(RecordAdmin):
    lead = (
        "Days off beside Saturdays and Sundays. Approval deadlines and reminders do not count them, and no daily email "
        "is sent. Deadlines that are set already do not change."
    )
    list_display = ("day", "name")
    search_fields = ("name",)
    edits = (
        Edit("add-holiday", "Add a holiday", AddHolidayForm, holidays.DUTY, on_row=False, done="Holiday added"),
        Edit(
            "add-public", "Add public holidays", AddPublicForm, holidays.DUTY, on_row=False,
            lead="All of a country or region in one year. Days that are listed already stay as they are.",
            done="Public holidays added",
        ),
        Edit(
            "remove", "Remove", RemoveForm, holidays.DUTY, lead="It is a working day again.", done="Holiday removed",
            removes=True,
        ),
    )  # fmt: skip
