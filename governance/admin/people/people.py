"""People and their accounts, teams and projects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Q

from governance.admin.access import Access
from governance.admin.forms import DayField, DeskForm, ListField, Sure
from governance.admin.records import Edit, RecordAdmin, StateAdmin
from governance.models import Person, Project, Team, User, Visibility
from governance.models.people.people import RequesterType
from governance.selectors.people import accounts
from governance.selectors.people.people import SYSTEM_EMAIL
from governance.services.people import credentials, people


class _PersonFields(DeskForm):
    name = forms.CharField(max_length=120, label="Name")
    team = forms.ModelChoiceField(Team.objects.all(), label="Team")
    country = forms.CharField(max_length=2, label="Country of work", help_text="Two letters, such as IE.")
    requester_type = forms.ChoiceField(choices=RequesterType.choices, label="Type")
    job_title = forms.CharField(max_length=120, required=False, label="Job title")
    time_zone = forms.CharField(max_length=64, initial="UTC", label="Time zone", help_text="Such as Europe/Dublin.")
    trainings = ListField(label="Valid trainings")
    is_staff = forms.BooleanField(required=False, label="Can use the desk")


class AddPersonForm(_PersonFields):
    email = forms.EmailField(
        max_length=200, label="E-mail", help_text="They sign in with it; a link to set a password goes there."
    )
    field_order = ("name", "email")

    def save(self, *, actor: User, now: datetime) -> Person:
        return people.add_person(actor=actor, now=now, **self.cleaned_data).person


class ChangePersonForm(_PersonFields):
    is_active = forms.BooleanField(
        required=False, label="Active", help_text="When off, the person cannot sign in and their roles have no effect."
    )

    def initial_of(self, row: Any) -> dict[str, Any]:
        is_staff = User.objects.filter(person=row, is_service_account=False, is_staff=True).exists()
        return super().initial_of(row) | {"is_staff": is_staff}

    def save(self, *, actor: User, now: datetime) -> Person:
        return people.change_person(actor=actor, person_id=self.about(Person).pk, now=now, **self.cleaned_data)


class LinkForm(Sure):
    def save(self, *, actor: User, now: datetime) -> None:
        credentials.send_link(actor=actor, person_id=self.about(Person).pk, now=now)


class ServiceAccountForm(DeskForm):
    starts_empty = True
    email = forms.EmailField(max_length=200, label="Address of the account", help_text="Such as svc-ci@example.org.")

    def save(self, *, actor: User, now: datetime) -> None:
        people.add_service_account(actor=actor, person=self.about(Person), now=now, **self.cleaned_data)


def _is_human(person: Person) -> bool:
    """Anybody but the person in whose name the product itself acts."""
    return person.email != SYSTEM_EMAIL


class _PersonEdit(Edit[Person]):
    """An edit of a person. The product's own account and superusers are out of an administrator's reach."""

    def is_open_to(self, person: Access, row: models.Model | None) -> bool:
        reaches = not isinstance(row, Person) or accounts.is_within_reach(person.user, row)
        return reaches and super().is_open_to(person, row)


@admin.register(Person)
class PersonAdmin(RecordAdmin):
    lead = "Names and addresses are stored only here; other records refer to them by number."
    list_display = ("name", "email", "team", "requester_type", "country", "is_active")
    list_filter = ("is_active", "requester_type", "team")
    list_select_related = ("team",)
    search_fields = ("name", "email")
    edits = (
        Edit("add-person", "Add a person", AddPersonForm, "people", on_row=False, done="Person added"),
        _PersonEdit("edit", "Change", ChangePersonForm, "people", applies=_is_human, done="Person changed"),
        _PersonEdit(
            "link",
            "Send a set-password link",
            LinkForm,
            "people",
            lead="It is sent to the person's own address. Nobody else can set their password.",
            applies=lambda person: person.is_active and _is_human(person),
            done="Link sent",
        ),
        _PersonEdit(
            "service-account",
            "Add a service account",
            ServiceAccountForm,
            "people",
            lead="For a program that makes requests. The person is responsible for it; it cannot decide requests.",
            applies=_is_human,
            done="Service account added",
        ),
    )

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.filter(Q(pk=visibility.person_id) | Q(team_id__in=visibility.team_ids))


@admin.register(User)
class UserAdmin(StateAdmin):
    lead = (
        "Accounts: a person's own, or a program's that the person is responsible for. Change them on the person's page."
    )
    list_display = ("email", "person", "is_service_account", "is_staff", "is_superuser", "is_active", "last_login")
    list_filter = ("is_service_account", "is_staff", "is_active")
    list_select_related = ("person",)
    search_fields = ("email", "person__name")

    def may_read(self, person: Any) -> bool:
        return bool(person.sees_everything)


class CreateTeamForm(DeskForm):
    name = forms.CharField(max_length=120, label="Name")
    slug = forms.SlugField(max_length=80, label="Short name", help_text="Lower-case letters, digits and hyphens.")
    parent = forms.ModelChoiceField(Team.objects.all(), label="Parent team")
    cost_centre = forms.CharField(max_length=20, required=False, label="Cost centre")

    def save(self, *, actor: User, now: datetime) -> Team:
        return people.create_team(actor=actor, now=now, **self.cleaned_data)


class ChangeTeamForm(DeskForm):
    name = forms.CharField(max_length=120, label="Name")
    cost_centre = forms.CharField(max_length=20, required=False, label="Cost centre")

    def save(self, *, actor: User, now: datetime) -> Team:
        return people.change_team(actor=actor, team_id=self.about(Team).pk, now=now, **self.cleaned_data)


@admin.register(Team)
class TeamAdmin(RecordAdmin):
    lead = "The tree of teams; the one at the top is the organisation. A team cannot be moved."
    list_display = ("name", "slug", "parent", "cost_centre")
    list_select_related = ("parent",)
    search_fields = ("name", "slug", "cost_centre")
    edits = (
        Edit("create", "Add a team", CreateTeamForm, "people", on_row=False, done="Team added"),
        Edit("edit", "Change", ChangeTeamForm, "people", done="Team changed"),
    )

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.filter(Q(pk__in=visibility.team_ids) | Q(projects__in=visibility.project_ids)).distinct()


class CreateProjectForm(DeskForm):
    name = forms.CharField(max_length=120, label="Name")
    slug = forms.SlugField(max_length=80, label="Short name", help_text="Lower-case letters, digits and hyphens.")
    team = forms.ModelChoiceField(Team.objects.all(), label="Team")
    started_on = DayField(required=False, label="Started on", help_text="Leave empty for today.")

    def save(self, *, actor: User, now: datetime) -> Project:
        return people.create_project(actor=actor, now=now, **self.cleaned_data)


class ChangeProjectForm(DeskForm):
    name = forms.CharField(max_length=120, label="Name")
    is_open = forms.BooleanField(required=False, label="Open for new requests")

    def save(self, *, actor: User, now: datetime) -> Project:
        return people.change_project(actor=actor, project_id=self.about(Project).pk, now=now, **self.cleaned_data)


@admin.register(Project)
class ProjectAdmin(RecordAdmin):
    lead = "What compute is used for. A closed project takes no new requests; its grants continue."
    list_display = ("name", "slug", "team", "started_on", "is_open")
    list_filter = ("is_open", "team")
    list_select_related = ("team",)
    search_fields = ("name", "slug")
    edits = (
        Edit("create", "Add a project", CreateProjectForm, "people", on_row=False, done="Project added"),
        Edit("edit", "Change", ChangeProjectForm, "people", done="Project changed"),
    )

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.filter(pk__in=visibility.project_ids)
