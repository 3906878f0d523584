"""Exceptions from a rule: asked for and answered here, by two officers, and ended early by one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils import timezone

from governance.admin import access
from governance.admin.forms import DeskForm, InstantField, ReasonField
from governance.admin.records import Edit, RecordAdmin
from governance.domain.rules.policy_life import RULE_REF_CHARS_MAX
from governance.domain.states.rules import EXCEPTION_OPEN, ExceptionState
from governance.models import PolicyException, Project, Team, User, Visibility
from governance.services.rules import policy_exceptions

DUTY = "policies"


class ExceptionRequestForm(DeskForm):
    rule_id = forms.CharField(max_length=RULE_REF_CHARS_MAX, label="Rule", help_text="Its id, such as VR-1.")
    team = forms.ModelChoiceField(Team.objects.all(), required=False, label="For which team")
    project = forms.ModelChoiceField(Project.objects.filter(is_open=True), required=False, label="Or which project")
    reason = ReasonField(help_text="Listed in each decision that it touches.")
    valid_from = InstantField(required=False, label="Takes effect", help_text="Empty: as soon as it is approved.")
    valid_to = InstantField(label="End", help_text="At most a year.")

    def save(self, *, actor: User, now: datetime) -> PolicyException:
        return policy_exceptions.request_exception(actor=actor, now=now, **self.cleaned_data)


class AnswerForm(DeskForm):
    answer = forms.ChoiceField(
        choices=[("approve", "Approve"), ("refuse", "Reject")], widget=forms.RadioSelect, label="Decision"
    )

    def save(self, *, actor: User, now: datetime) -> PolicyException:
        row = self.about(PolicyException)
        return policy_exceptions.answer_exception(exception_id=row.pk, actor=actor, now=now, **self.cleaned_data)


class EndForm(DeskForm):
    starts_empty = True
    reason = ReasonField()

    def save(self, *, actor: User, now: datetime) -> PolicyException:
        row = self.about(PolicyException)
        return policy_exceptions.end_exception(exception_id=row.pk, actor=actor, now=now, **self.cleaned_data)


@admin.register(PolicyException)
class ExceptionAdmin(RecordAdmin):
    lead = "Each removes one rule's effect for a team or project until it ends, and is listed where it applied."
    list_display = ("__str__", "rule_id", "state", "team", "project", "approved_by", "valid_from", "valid_to")
    list_filter = ("state", "rule_id")
    list_select_related = ("team", "project", "approved_by")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        # Whoever keeps policies answers any of them, also with a role over one team only.
        if DUTY in access.of(request).duties:
            return PolicyException.objects.all()
        return super().get_queryset(request)

    def visible(self, rows: models.QuerySet[Any], visibility: Visibility) -> models.QuerySet[Any]:
        return rows.filter(
            models.Q(team_id__in=visibility.team_ids)
            | models.Q(project_id__in=visibility.project_ids)
            | models.Q(asked_by__person_id=visibility.person_id)
        )

    edits = (
        Edit(
            "request",
            "Request an exception",
            ExceptionRequestForm,
            DUTY,
            on_row=False,
            lead="A second officer approves it. Give a team, with everything below it, or one project.",
            done="Activation requested",
        ),
        Edit(
            "answer",
            "Answer",
            AnswerForm,
            DUTY,
            lead="Whoever asked does not answer. It counts from the next decision on.",
            applies=lambda row: row.state == ExceptionState.ASKED,
            done="Answered",
        ),
        Edit(
            "end",
            "End now",
            EndForm,
            DUTY,
            lead="The rule holds again from the next decision on.",
            applies=lambda row: row.state in EXCEPTION_OPEN and row.valid_to > timezone.now(),
            done="Ended",
        ),
    )
