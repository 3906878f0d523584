"""Lists that stay as quick at 100,000 rows as at 1,000: filters on indexes, pages by number, nothing counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Generic, TypeVar

import django_filters
from django import forms
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet

from governance.domain.requests.kinds import KINDS
from governance.domain.states.grants import GrantState
from governance.domain.states.requests import Occasion, State
from governance.models import Assessment, Grant, Person, Project, ProvisioningRequest, Visibility
from governance.policy.bundle.effects import Outcome

PAGE_LENGTH = 30
PEOPLE_MATCHED_MAX = 50
"""People that a name in the filter may mean; a shorter name than that is not a search."""
NUMBER_MAX = 2**31 - 1
TEXT_CHARS_MAX = 120
PROJECT_CHOICES_MAX = 500


RowT = TypeVar("RowT", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """Some rows, newest first, and where the neighbours begin.

    `older` and `newer` are numbers to pass as `before` and `after`; None where there is nothing more.
    """

    rows: Sequence[RowT]
    older: int | None
    newer: int | None


def page_by_number(
    rows: QuerySet[RowT], *, before: int | None = None, after: int | None = None, length: int = PAGE_LENGTH
) -> Page[RowT]:
    """One page of rows with a unique `number`, newest first. One query that reads at most `length` + 1 rows.

    Args:
        before: only rows with a smaller number: the next page.
        after: only rows with a larger number, nearest first: the page before. Wins over `before`.
    """
    if after is not None:
        found = list(rows.filter(number__gt=after).order_by("number")[: length + 1])
        has_newer = len(found) > length
        shown = found[:length][::-1]
        has_older = bool(shown)
    else:
        chosen = rows if before is None else rows.filter(number__lt=before)
        found = list(chosen.order_by("-number")[: length + 1])
        has_older, shown = len(found) > length, found[:length]
        has_newer = before is not None and bool(shown)
    numbers = [row.number for row in shown]  # type: ignore[attr-defined]
    return Page(
        rows=shown,
        older=numbers[-1] if numbers and has_older else None,
        newer=numbers[0] if numbers and has_newer else None,
    )


def read_number(text: str | None) -> int | None:
    """A page position from an address; anything but a number of ours means the first page."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    return min(int(text), NUMBER_MAX)


def read_reference(text: str, prefix: str) -> int | None:
    """The number in a reference such as REQ-0123 or G-0108, with or without its prefix."""
    plain = text.strip().upper().removeprefix(f"{prefix}-").removeprefix(prefix)
    return read_number(plain)


def _project_choices(visibility: Visibility) -> list[tuple[str, str]]:
    rows = Project.objects.order_by("name")
    if not visibility.sees_all:
        rows = rows.filter(
            Q(pk__in=visibility.project_ids) | Q(requests__requester__person_id=visibility.person_id)
        ).distinct()
    return list(rows.values_list("slug", "name")[:PROJECT_CHOICES_MAX])


class RequestFilter(django_filters.FilterSet):
    """Filters of the request list; each uses an index or reads no more rows than the page needs."""

    q = django_filters.CharFilter(
        label="Words", method="by_text", max_length=TEXT_CHARS_MAX, widget=forms.TextInput(attrs={"type": "search"})
    )
    state = django_filters.ChoiceFilter(
        label="State", empty_label="Any", choices=[(state.value, state.label) for state in State]
    )
    project = django_filters.ChoiceFilter(label="Project", empty_label="Any", method="by_project", choices=[])
    kind = django_filters.ChoiceFilter(
        label="Kind", empty_label="Any", choices=[(kind.slug, kind.name.capitalize()) for kind in KINDS]
    )
    outcome = django_filters.ChoiceFilter(
        label="Policy outcome",
        empty_label="Any",
        choices=[(outcome.value, outcome.label) for outcome in Outcome],
        method="by_outcome",
    )
    person = django_filters.CharFilter(label="Requested by", method="by_person", max_length=TEXT_CHARS_MAX)
    since = django_filters.DateFilter(
        label="Submitted from", method="by_since", widget=forms.DateInput(attrs={"type": "date"})
    )
    until = django_filters.DateFilter(
        label="Submitted to", method="by_until", widget=forms.DateInput(attrs={"type": "date"})
    )

    class Meta:
        model = ProvisioningRequest
        fields: tuple[str, ...] = ()

    def __init__(self, data: Mapping[str, Any] | None, *, queryset: QuerySet[Any], projects: Sequence[Any]) -> None:
        super().__init__(data=data, queryset=queryset)
        self.filters["project"].extra["choices"] = list(projects)

    def by_text(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        number = read_reference(value, "REQ")
        words = Q(title__icontains=value.strip())
        return rows.filter(words | Q(number=number)) if number is not None else rows.filter(words)

    def by_project(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(project_id__in=Project.objects.filter(slug=value).values_list("pk", flat=True))

    def by_person(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        found = Person.objects.filter(name__icontains=value.strip()).values_list("pk", flat=True)[:PEOPLE_MATCHED_MAX]
        return rows.filter(requester__person_id__in=list(found))

    def by_outcome(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(
            Exists(
                Assessment.objects.filter(
                    revision__provisioning_request=OuterRef("pk"),
                    revision__number=OuterRef("revision_count"),
                    occasion=Occasion.SUBMIT,
                    outcome=value,
                )
            )
        )

    def by_since(self, rows: QuerySet[Any], name: str, value: date) -> QuerySet[Any]:
        return rows.filter(submitted_at__gte=datetime.combine(value, time(), UTC))

    def by_until(self, rows: QuerySet[Any], name: str, value: date) -> QuerySet[Any]:
        # Half-open: the whole of the last day counts.
        return rows.filter(submitted_at__lt=datetime.combine(value, time(), UTC) + timedelta(days=1))


def filter_requests(data: Mapping[str, Any] | None, *, visibility: Visibility) -> RequestFilter:
    """The visible requests narrowed by what the address says; `.qs` is ready for `page_by_number`."""
    rows = (
        ProvisioningRequest.objects.visible_to(visibility)
        .exclude(state=State.DISCARDED.value)
        .select_related("project__team", "requester__person")
        .defer("draft")
    )
    return RequestFilter(data, queryset=rows, projects=_project_choices(visibility))


class GrantFilter(django_filters.FilterSet):
    """Filters of the grant list."""

    q = django_filters.CharFilter(
        label="Words", method="by_text", max_length=TEXT_CHARS_MAX, widget=forms.TextInput(attrs={"type": "search"})
    )
    state = django_filters.ChoiceFilter(
        label="State", empty_label="Any", choices=[(state.value, state.label) for state in GrantState]
    )

    class Meta:
        model = Grant
        fields: tuple[str, ...] = ()

    def by_text(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        number = read_reference(value, "G")
        words = Q(title__icontains=value.strip())
        return rows.filter(words | Q(number=number)) if number is not None else rows.filter(words)


def filter_grants(data: Mapping[str, Any] | None, *, visibility: Visibility) -> GrantFilter:
    """The visible grants narrowed by what the address says."""
    rows = Grant.objects.visible_to(visibility).select_related("project", "owner")
    return GrantFilter(data, queryset=rows.annotate(request_number=F("provisioning_request__number")))
