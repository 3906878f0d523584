"""Columns of the desk's lists in words: instants in the reader's zone and 24 hours, people by name, kinds as words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.db import models
from django.db.models import F, TextField, Value
from django.db.models.functions import Cast, Concat

from governance.admin.wording import NOTHING, SLUGS, day, in_words, moment
from governance.display import numbers
from governance.domain.record.actions import ACTIONS
from governance.models import (
    ApprovalStage,
    AuditEvent,
    Beneficiary,
    Budget,
    Flag,
    Grant,
    ModelLineage,
    Person,
    PolicyVersion,
    Project,
    Provider,
    ProvisioningRequest,
    Team,
    User,
)


@cache
def told(model: type[models.Model], name: Any) -> Any:
    """The column as people read it, in the same order; columns that read well as they are stay themselves.

    The same column is the same object each time: the list compares the columns that it shows with those that sort.
    """
    if not isinstance(name, str) or name not in {field.name for field in model._meta.concrete_fields}:
        return name
    field = model._meta.get_field(name)
    words = _words_of(field, name)
    if words is None:
        return name

    @admin.display(description=str(getattr(field, "verbose_name", name)), ordering=name)
    def column(row: models.Model) -> str:
        value = getattr(row, name)
        return NOTHING if value in (None, "") else words(value)

    column.__name__ = name
    return column


def _words_of(field: Any, name: str) -> Callable[[Any], str] | None:
    if isinstance(field, models.DateTimeField):
        return moment
    if isinstance(field, models.DateField):
        return day
    if isinstance(field, models.ForeignKey) and field.related_model is User:
        return lambda user: user.person.name
    if isinstance(field, models.FloatField) and "flop" in name:
        return numbers.flop
    if name in SLUGS and isinstance(field, models.CharField) and not field.choices:
        return in_words
    return None


def people_of(model: type[models.Model], names: Sequence[Any]) -> list[str]:
    """What to join so that people's names cost no query per row."""
    fields = {field.name: field for field in model._meta.concrete_fields}
    return [f"{name}__person" for name in names if getattr(fields.get(str(name)), "related_model", None) is User]


class WordsFilter(admin.AllValuesFieldListFilter):
    """A filter on a column of slugs, with their words."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            text = str(choice["display"])
            yield {**choice, "display": ACTIONS.get(text) or in_words(text)}


def filter_of(model: type[models.Model], name: Any) -> Any:
    """The filter with words where the column keeps slugs without labels; of another table only rows in the list."""
    if isinstance(name, str) and get_fields_from_path(model, name)[-1].is_relation:
        # Django offers every row of the other table, also those that this person may not see.
        return (name, admin.RelatedOnlyFieldListFilter)
    if name not in SLUGS | {"action"}:
        return name
    field = model._meta.get_field(name)
    return name if getattr(field, "choices", None) else (name, WordsFilter)


# ------------------------------------------------------------------ what an event is about

_NAMED: dict[str, type[models.Model]] = {
    "budget": Budget, "project": Project, "team": Team, "person": Person, "provider": Provider,
    "modellineage": ModelLineage, "beneficiary": Beneficiary,
}  # fmt: skip
_TYPES = {
    "approvalstage": "stage", "acceptableuseversion": "acceptable use", "acceptableusepublication": "publication",
    "roleassignment": "role of a person", "policyversion": "policy", "cataloguerelease": "catalogue release",
    "modellineage": "lineage", "approvallimit": "approval limit", "policyexception": "exception",
    "provisioningrequest": "request",
}  # fmt: skip


def subjects_of(events: Sequence[AuditEvent]) -> dict[tuple[str, int], str]:
    """What events are about, by type and id: references and names. One query, whatever there is."""
    wanted: dict[str, set[int]] = {}
    for event in events:
        wanted.setdefault(event.subject_type, set()).add(event.subject_id)
    parts = [rows for kind, ids in wanted.items() if (rows := _rows(kind, ids)) is not None]
    found = parts[0].union(*parts[1:], all=True) if parts else ()
    texts = {(row["of"], row["pk"]): row["text"] for row in found}
    return {(each.subject_type, each.subject_id): subject_words(each, texts) for each in events}


def subject_words(event: AuditEvent, texts: dict[tuple[str, int], str]) -> str:
    kind = event.subject_type
    text = texts.get((kind, event.subject_id), "")
    match kind:
        case "provisioningrequest" if text:
            return f"REQ-{int(text):04d}"
        case "grant" if text:
            return f"G-{int(text):04d}"
        case "approvalstage" if text:
            number, _, role = text.partition(" ")
            return f"REQ-{int(number):04d}, {role}"
        case "flag" if text:
            return f"Flag, {in_words(text).lower()}"
    words = in_words(_TYPES.get(kind, kind))
    return f"{words} {text or event.subject_id}"


def _rows(kind: str, ids: set[int]) -> Any:
    rows: Any
    text: Any
    match kind:
        case "provisioningrequest":
            rows, text = ProvisioningRequest.objects.filter(pk__in=ids), Cast("number", TextField())
        case "grant":
            rows, text = Grant.objects.filter(pk__in=ids), Cast("number", TextField())
        case "approvalstage":
            number = Cast("provisioning_request__number", TextField())
            rows = ApprovalStage.objects.filter(pk__in=ids)
            text = Concat(number, Value(" "), "role__name", output_field=TextField())
        case "flag":
            rows, text = Flag.objects.filter(pk__in=ids), Cast("kind", TextField())
        case "policyversion":
            number = Cast("number", TextField())
            rows = PolicyVersion.objects.filter(pk__in=ids)
            text = Concat("policy_set__name", Value(", version "), number, output_field=TextField())
        case _ if kind in _NAMED:
            rows, text = _NAMED[kind]._default_manager.filter(pk__in=ids), Cast(F("name"), TextField())
        case _:
            return None
    return rows.order_by().annotate(of=Value(kind), text=text).values("of", "pk", "text")
