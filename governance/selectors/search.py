"""Finds requests, grants, budgets and projects by number or by words, among what a person may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from governance.domain.states.requests import State
from governance.models import Budget, Grant, Project, ProvisioningRequest, Visibility
from governance.selectors.filters import read_reference

FOUND_MAX = 12
WORDS_CHARS_MIN = 2
WORDS_CHARS_MAX = 120


@dataclass(frozen=True, slots=True)
class Found:
    """What matched, the newest first; each list ends at `FOUND_MAX`."""

    words: str
    requests: Sequence[ProvisioningRequest] = ()
    grants: Sequence[Grant] = ()
    budgets: Sequence[Budget] = ()
    projects: Sequence[Project] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.requests or self.grants or self.budgets or self.projects)


def search(words: str, *, visibility: Visibility) -> Found:
    """Everything visible whose number or name matches. Four queries at most; too short a word finds nothing."""
    text = "".join(character for character in words if character.isprintable()).strip()[:WORDS_CHARS_MAX]
    request_number, grant_number = read_reference(text, "REQ"), read_reference(text, "G")
    if len(text) < WORDS_CHARS_MIN and request_number is None:
        return Found(text)
    requests = ProvisioningRequest.objects.visible_to(visibility).exclude(state=State.DISCARDED.value)
    grants = Grant.objects.visible_to(visibility)
    budgets = Budget.objects.visible_to(visibility)
    projects = Project.objects.all()
    if not visibility.sees_all:
        projects = projects.filter(pk__in=visibility.project_ids)
    by_name = Q(name__icontains=text)
    return Found(
        words=text,
        requests=list(
            requests.filter(_by_number_or_title(request_number, text))
            .select_related("project", "requester__person")
            .defer("draft")
            .order_by("-number")[:FOUND_MAX]
        ),
        grants=list(
            grants.filter(_by_number_or_title(grant_number, text))
            .select_related("project")
            .order_by("-number")[:FOUND_MAX]
        ),
        budgets=list(budgets.filter(by_name | Q(slug=text.lower())).order_by("path")[:FOUND_MAX]),
        projects=list(projects.filter(by_name | Q(slug=text.lower())).select_related("team")[:FOUND_MAX]),
    )


def _by_number_or_title(number: int | None, text: str) -> Q:
    words = Q(title__icontains=text)
    return words | Q(number=number) if number is not None else words
