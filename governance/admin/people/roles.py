"""Roles, and who holds which."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.utils import timezone

from governance.admin.forms import DeskForm, InstantField, Sure
from governance.admin.records import Edit, RecordAdmin
from governance.display import dates
from governance.domain.errors import InvalidInput
from governance.models import Project, Role, RoleAssignment, Team, User, Visibility
from governance.selectors.people.people import standing_assignment
from governance.services.people import roles


class GiveForm(DeskForm):
    user = forms.ModelChoiceField(User.objects.filter(is_active=True).select_related("person"), label="Account")
    role = forms.ModelChoiceField(Role.objects.all(), label="Role")
    team = forms.ModelChoiceField(
        Team.objects.all(), label="Team", required=False, help_text="It also applies to all teams below."
    )
    project = forms.ModelChoiceField(Project.objects.all(), label="Project", required=False)
    valid_from = InstantField(label="Start", required=False, help_text="Leave empty for now.")
    valid_to = InstantField(label="End", required=False, help_text="Leave empty for no end date.")

    def save(self, *, actor: User, now: datetime) -> RoleAssignment:
        values = self.cleaned_data
        before = standing_assignment(
            user=values["user"], role=values["role"], team=values["team"], project=values["project"],
            valid_from=values["valid_from"] or now, valid_to=values["valid_to"], now=now,
        )  # fmt: skip
        given = roles.assign_role(actor=actor, now=now, **values)
        if before is not None and before.pk == given.pk:
            if (before.valid_from, before.valid_to) == (given.valid_from, given.valid_to):
                until = dates.full_moment(given.valid_to) if given.valid_to else "it is ended"
                raise InvalidInput({"valid_to": [f"the account holds this role here until {until} already"]})
            self.done = "The role was already assigned; its period was changed"
        return given


class ChangeEndForm(DeskForm):
    valid_to = InstantField(label="End", required=False, help_text="Leave empty for no end date.")

    def save(self, *, actor: User, now: datetime) -> RoleAssignment:
        assignment = self.about(RoleAssignment)
        return roles.change_role_end(actor=actor, assignment_id=assignment.pk, now=now, **self.cleaned_data)


class EndForm(Sure):
    def save(self, *, actor: User, now: datetime) -> None:
        roles.end_role(actor=actor, assignment_id=self.about(RoleAssignment).pk, now=now)


def _is_not_over(row: RoleAssignment) -> bool:
    return row.valid_to is None or row.valid_to > timezone.now()


@admin.register(RoleAssignment)
class AssignmentAdmin(RecordAdmin):
    lead = "Who holds which role, where and until when. Ended assignments are kept: decisions were made under them."
    list_display = ("__str__", "role", "team", "project", "valid_from", "valid_to")
    list_filter = ("role",)
    list_select_related = ("user", "role", "team", "project")
    search_fields = ("user__email", "user__person__name")
    edits = (
        Edit("give", "Assign a role", GiveForm, "people", on_row=False, done="Role assigned"),
        Edit(
            "end",
            "End now",
            EndForm,
            "people",
            lead="It stops counting at once, and so do approvals given under it that were not granted yet; open "
            "stages wait for somebody else who holds the role.",
            applies=_is_not_over,
            done="Role ended",
        ),
        Edit(
            "change-end",
            "Change the end date",
            ChangeEndForm,
            "people",
            lead="Later, earlier, or none. Approvals given before an earlier end date still count.",
            applies=_is_not_over,
            done="End date changed",
        ),
    )

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.filter(
            Q(user__person_id=visibility.person_id)
            | Q(team_id__in=visibility.team_ids)
            | Q(project_id__in=visibility.project_ids)
        )


class CreateForm(DeskForm):
    slug = forms.SlugField(max_length=40, label="Short name", help_text="Rules refer to it; it cannot be changed.")
    name = forms.CharField(max_length=80, label="Name")
    fallback = forms.ModelChoiceField(
        Role.objects.all(),
        required=False,
        label="Fallback role",
        help_text="Decides when too few people could fill a stage.",
    )
    may_approve = forms.BooleanField(required=False, initial=True, label="Can decide requests")
    sees_subtree = forms.BooleanField(required=False, initial=True, label="Sees everything below its team")

    def save(self, *, actor: User, now: datetime) -> Role:
        return roles.create_role(actor=actor, now=now, **self.cleaned_data)


class ChangeForm(DeskForm):
    name = forms.CharField(max_length=80, label="Name")
    fallback = forms.ModelChoiceField(Role.objects.all(), required=False, label="Fallback role")

    def save(self, *, actor: User, now: datetime) -> Role:
        return roles.change_role(actor=actor, role_id=self.about(Role).pk, now=now, **self.cleaned_data)


@admin.register(Role)
class RoleAdmin(RecordAdmin):
    lead = "Roles that people can hold. A role that decides must be assigned by somebody else, and never to an auditor."
    list_display = ("name", "slug", "fallback", "may_approve", "sees_subtree")
    list_select_related = ("fallback",)
    search_fields = ("name", "slug")
    edits = (
        Edit("create", "Add a role", CreateForm, "people", on_row=False, done="Role added"),
        Edit("edit", "Change", ChangeForm, "people", done="Role changed"),
    )
