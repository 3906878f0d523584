"""Policy versions: imported as drafts, tested, watched in shadow, put in force by two officers, never edited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from governance.admin import access
from governance.admin.forms import LONG_TEXT_CHARS_MAX, DayField, DeskForm, InstantField, ReasonField, Sure
from governance.admin.records import Edit, RecordAdmin, StateAdmin
from governance.admin.rules import activation_panel, backtests
from governance.admin.rules.policy_pages import version_links
from governance.domain.states.rules import ACTIVATION_OPEN, ActivationState, VersionState
from governance.models import (
    PolicyActivation,
    PolicyFindingNote,
    PolicySet,
    PolicyVersion,
    ShadowDecision,
    User,
    Visibility,
)
from governance.selectors.rules import policy_checks
from governance.selectors.rules.policy_checks import Checks
from governance.selectors.rules.shadow import shadow_summary
from governance.services.rules import activations, policies, shadow
from governance.services.rules import policy_checks as checking

IN_PANEL = frozenset({"request", "answer", "withdraw"})
MARKS = {
    VersionState.DRAFT: "draft",
    VersionState.TESTED: "draft",
    VersionState.SHADOW: "wait",
    VersionState.ACTIVE: "ok",
    VersionState.RETIRED: "draft",
}


class ImportForm(DeskForm):
    source = forms.CharField(
        max_length=LONG_TEXT_CHARS_MAX,
        strip=False,
        label="The bundle, as YAML",
        help_text="It is checked before it is stored: types, names, gaps and its own cases.",
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false"}),
    )
    reason = ReasonField(required=False, label="Why it was written", help_text="The second officer reads it.")

    def save(self, *, actor: User, now: datetime) -> PolicyVersion:
        return policies.import_version(
            source=self.cleaned_data["source"], reason=self.cleaned_data["reason"], actor=actor, now=now
        )


class RunForm(Sure):
    def save(self, *, actor: User, now: datetime) -> PolicyVersion:
        return checking.test_version(version_id=self.about(PolicyVersion).pk, actor=actor, now=now)


class ExplainForm(DeskForm):
    finding = forms.ChoiceField(label="The finding")
    explanation = ReasonField(label="Why it is acceptable")
    until = DayField(
        required=False,
        label="Until",
        help_text="Only for a stage that nobody can fill: the last day on which it is acceptable.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        checks = Checks.from_json(self.about(PolicyVersion).checks)
        field = self.fields["finding"]
        if isinstance(field, forms.ChoiceField) and checks is not None:
            field.choices = [(each.key, each.sentence) for each in checks.findings if each.is_open]

    def save(self, *, actor: User, now: datetime) -> PolicyVersion:
        version = self.about(PolicyVersion)
        checking.explain_finding(version_id=version.pk, actor=actor, now=now, **self.cleaned_data)
        return version


class StartShadowForm(Sure):
    def save(self, *, actor: User, now: datetime) -> PolicyVersion:
        return shadow.start_shadow(version_id=self.about(PolicyVersion).pk, actor=actor, now=now)


class EndShadowForm(Sure):
    def save(self, *, actor: User, now: datetime) -> PolicyVersion:
        return shadow.end_shadow(version_id=self.about(PolicyVersion).pk, actor=actor, now=now)


class ActivationRequestForm(DeskForm):
    starts_empty = True
    reason = ReasonField(label="Reason, for the second officer and the audit log")
    effective_at = InstantField(
        required=False,
        label="Takes effect",
        help_text="Earlier decisions do not change. Leave empty to activate it on approval.",
    )

    def save(self, *, actor: User, now: datetime) -> PolicyVersion:
        version = self.about(PolicyVersion)
        activations.request_activation(version_id=version.pk, actor=actor, now=now, **self.cleaned_data)
        return version


class AnswerForm(DeskForm):
    starts_empty = True
    answer = forms.ChoiceField(
        choices=[("agree", "Approve: it takes effect at the requested time"), ("refuse", "Reject")],
        widget=forms.RadioSelect,
        label="Decision",
    )
    reason = ReasonField(required=False, help_text="A reason is required to reject.")

    def save(self, *, actor: User, now: datetime) -> PolicyVersion:
        version = self.about(PolicyVersion)
        open_one = open_activation(version)
        if open_one is not None:
            activations.answer_activation(activation_id=open_one.pk, actor=actor, now=now, **self.cleaned_data)
        return version


class WithdrawForm(DeskForm):
    starts_empty = True
    reason = ReasonField()

    def save(self, *, actor: User, now: datetime) -> PolicyVersion:
        version = self.about(PolicyVersion)
        open_one = open_activation(version)
        if open_one is not None:
            activations.withdraw_activation(activation_id=open_one.pk, actor=actor, now=now, **self.cleaned_data)
        return version


def open_activation(version: PolicyVersion) -> PolicyActivation | None:
    """The activation of this version that is asked for or agreed."""
    return version.activations.filter(state__in=ACTIVATION_OPEN).select_related("asked_by").first()


def _in(*states: VersionState) -> Callable[[PolicyVersion], bool]:
    return lambda row: row.state in states


def _has_open_findings(row: PolicyVersion) -> bool:
    checks = Checks.from_json(row.checks)
    return checks is not None and any(finding.is_open for finding in checks.findings)


def _may_be_asked_for(row: PolicyVersion) -> bool:
    return (
        row.state in (VersionState.TESTED, VersionState.SHADOW, VersionState.RETIRED) and open_activation(row) is None
    )


def _waits_for_an_answer(row: PolicyVersion) -> bool:
    open_one = open_activation(row)
    return open_one is not None and open_one.state == ActivationState.ASKED


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding that matters, and the explanation that counts."""

    sentence: str
    severity: str
    note: PolicyFindingNote | None


@admin.register(PolicyVersion)
class VersionAdmin(RecordAdmin):
    lead = "Versions of the rules. One version of each set is in force; an older one can be activated again."
    list_display = ("__str__", "state", "created_by", "created_at", "activated_by", "activated_at")
    list_filter = ("state", "policy_set")
    list_select_related = ("policy_set", "created_by", "activated_by")
    search_fields = ("policy_set__name", "digest")
    record_template = "admin/desk/policy_version.html"
    edits = (
        Edit("import", "Import a version", ImportForm, "policies", on_row=False, done="Imported as a draft"),
        Edit(
            "run",
            "Run the cases",
            RunForm,
            "policies",
            lead="Runs its cases, compares its rules with those in force, and checks that every stage can be filled.",
            applies=lambda row: row.state != VersionState.ACTIVE,
            done="Test cases run",
        ),
        Edit(
            "explain",
            "Explain a finding",
            ExplainForm,
            "policies",
            lead="Activation is blocked until each finding is fixed in a new version or explained here.",
            applies=lambda row: row.state != VersionState.ACTIVE and _has_open_findings(row),
            done="Explained",
        ),
        Edit(
            "shadow",
            "Run in shadow",
            StartShadowForm,
            "policies",
            lead="It is evaluated for each submission from now on, without effect on the decision.",
            applies=_in(VersionState.TESTED),
            done="Shadow started",
        ),
        Edit(
            "unshadow",
            "Stop the shadow",
            EndShadowForm,
            "policies",
            lead="Its results so far are kept.",
            applies=_in(VersionState.SHADOW),
            done="Shadow stopped",
        ),
        Edit(
            "request",
            "Request activation",
            ActivationRequestForm,
            "policies",
            lead="A second officer approves or rejects. It applies to new decisions only.",
            applies=_may_be_asked_for,
            done="Activation requested",
        ),
        Edit(
            "answer",
            "Answer",
            AnswerForm,
            "policies",
            lead="Everything is checked once more on approval. The officer who requested it cannot approve it.",
            applies=_waits_for_an_answer,
            done="Answered",
        ),
        Edit(
            "withdraw",
            "Withdraw",
            WithdrawForm,
            "policies",
            lead="The version in force stays in force.",
            applies=lambda row: open_activation(row) is not None,
            done="Withdrawn",
        ),
    )
    sections = (
        (
            "Record",
            (
                "policy_set",
                "number",
                "digest",
                "created_by",
                "created_at",
                "activated_by",
                "activated_at",
                "retired_at",
            ),
        ),
    )

    def more(self, request: HttpRequest, row: models.Model) -> dict[str, Any]:
        if not isinstance(row, PolicyVersion):
            raise TypeError("this page is about a policy version")
        checks = Checks.from_json(row.checks)
        explained = policy_checks.explanations_of(row, now=access.of(request).now)
        summary = shadow_summary(row)
        person = access.of(request)
        return {
            "panel": activation_panel.of(row, person),
            # What the panel offers is not offered twice.
            "edits": [
                self._button(edit, row)
                for edit in self.edits
                if edit.on_row and edit.slug not in IN_PANEL and edit.is_open_to(person, row)
            ],
            "state": (MARKS[state := VersionState(row.state)], state.label),
            "checks": checks,
            "findings": [
                FindingRow(each.sentence, each.severity, explained.get(each.key))
                for each in (checks.findings if checks else ())
                if each.is_open
            ],
            "note_count": sum(not each.is_open for each in checks.findings) if checks else 0,
            "proposed_count": len(checks.proposed) if checks else 0,
            "shadow": summary,
            "directions": [(was, becomes, count) for (was, becomes), count in summary.by_direction.items()],
        }

    def links(self, request: HttpRequest, row: models.Model) -> list[tuple[str, str]]:
        if not isinstance(row, PolicyVersion):
            raise TypeError("this page is about a policy version")
        about = f"?version__id__exact={row.pk}"
        return [
            *version_links(request, row),
            *([("Backtests", reverse("admin:backtests", args=[row.pk]))] if backtests.may_read(request) else []),
            ("Activations", reverse("admin:governance_policyactivation_changelist") + about),
            ("Shadow decisions", reverse("admin:governance_shadowdecision_changelist") + about),
        ]


@admin.register(PolicySet)
class SetAdmin(StateAdmin):
    lead = "Bundles of rules that belong together. A set appears with the first version that is imported for it."
    list_display = ("name", "slug")
    search_fields = ("name", "slug")


@admin.register(PolicyActivation)
class ActivationAdmin(StateAdmin):
    lead = "Who requested each activation, and who approved or rejected it. Decide on the version's page."
    list_display = ("version", "state", "asked_by", "asked_at", "answered_by", "answered_at", "effective_at")
    list_filter = ("state", "policy_set")
    list_select_related = ("version__policy_set", "asked_by", "answered_by")
    linked = ("version__id__exact",)


@admin.register(ShadowDecision)
class ShadowDecisionAdmin(StateAdmin):
    lead = "What versions in shadow would have decided for each submission."
    list_display = ("assessment", "version", "outcome", "flips", "error")
    list_filter = ("flips", "outcome")
    list_select_related = ("version__policy_set", "assessment__revision__provisioning_request")
    linked = ("version__id__exact",)

    def visible(self, rows: models.QuerySet[Any], visibility: Visibility) -> models.QuerySet[Any]:
        asked = "assessment__revision__provisioning_request"
        return rows.filter(
            models.Q(**{f"{asked}__requester__person_id": visibility.person_id})
            | models.Q(**{f"{asked}__project_id__in": visibility.project_ids})
        )

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        return ("-pk",)
