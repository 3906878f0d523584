"""What waits for a person as the second of two officers: activations, exceptions and acceptable-use versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Value

from governance.domain.states.rules import ActivationState, ExceptionState, PublicationState
from governance.models import AcceptableUsePublication, PolicyActivation, PolicyException, User
from governance.selectors.people.duties import duties_of
from governance.selectors.rules import officers

LISTED_MAX = 20


@dataclass(frozen=True, slots=True)
class ToAnswer:
    """One thing that the person may answer.

    Args:
        page, pk: name of its page on the desk, and the id in its address.
        title: what it is about.
        asked_by: name of whoever asked.
        effect: what a yes does, and from when.
    """

    page: str
    pk: int
    title: str
    asked_by: str
    asked_at: datetime
    effect: str
    effective_at: datetime | None = None


def to_answer(user: User, *, now: datetime, duties: frozenset[str] | None = None) -> list[ToAnswer]:
    """Everything that waits for this person's answer, the oldest first. No query for whoever is no officer.

    Args:
        duties: of the person, where they were read already; reading them is one query.
    """
    found_duties = duties_of(user, now=now) if duties is None else duties
    if user.is_service_account or not found_duties & set(officers.OFFICER_DUTIES):
        return []
    kinds = _kinds_asked()
    found = [each for kind, read in _READERS.items() if kind in kinds for each in read()]
    able = _Able(now)
    mine = [each for duty, by, each in found if user.person_id in able.to_answer(duty, by)]
    return sorted(mine, key=lambda each: each.asked_at)


def _kinds_asked() -> set[str]:
    """Of which kinds anything waits: one query, and on most days the only one."""
    asked = [
        model.objects.filter(state=model.life.first).order_by().annotate(kind=Value(kind)).values_list("kind")[:1]
        for kind, model in (
            ("activation", PolicyActivation), ("exception", PolicyException), ("publication", AcceptableUsePublication),
        )
    ]  # fmt: skip
    return {kind for (kind,) in asked[0].union(*asked[1:], all=True)}


class _Able:
    """Who may answer whom, read once for each that requests."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._known: dict[tuple[str, int], frozenset[int]] = {}

    def to_answer(self, duty: str, asked_by: User) -> frozenset[int]:
        key = (duty, asked_by.person_id)
        if key not in self._known:
            self._known[key] = frozenset(officers.seconds(duty, asked_by=asked_by, now=self._now))
        return self._known[key]


Found = Iterator[tuple[str, User, ToAnswer]]


def _activations() -> Found:
    rows = PolicyActivation.objects.filter(state=ActivationState.ASKED).select_related(
        "version__policy_set", "asked_by__person"
    )
    for row in rows.order_by("asked_at")[:LISTED_MAX]:
        yield (
            "policies",
            row.asked_by,
            ToAnswer(
                page="governance_policyversion_change",
                pk=row.version_id,
                title=f"Activate {row.version}",
                asked_by=row.asked_by.person.name,
                asked_at=row.asked_at,
                effect="It takes effect",
                effective_at=row.effective_at if row.effective_at > row.asked_at else None,
            ),
        )


def _exceptions() -> Found:
    rows = PolicyException.objects.filter(state=ExceptionState.ASKED, asked_by__isnull=False)
    for row in rows.select_related("team", "project", "asked_by__person").order_by("asked_at")[:LISTED_MAX]:
        if row.asked_by is None or row.asked_at is None:
            continue
        yield (
            "policies",
            row.asked_by,
            ToAnswer(
                page="governance_policyexception_change",
                pk=row.pk,
                title=f"Exception from {row.rule_id} for {row.team or row.project}",
                asked_by=row.asked_by.person.name,
                asked_at=row.asked_at,
                effect="The rule is suspended",
                effective_at=row.valid_from if row.valid_from > row.asked_at else None,
            ),
        )


def _publications() -> Found:
    rows = AcceptableUsePublication.objects.filter(state=PublicationState.ASKED).select_related(
        "statement", "asked_by__person"
    )
    for row in rows.order_by("asked_at")[:LISTED_MAX]:
        yield (
            "acceptable_use",
            row.asked_by,
            ToAnswer(
                page="governance_acceptableusepublication_change",
                pk=row.pk,
                title=f"Publish a version of {row.statement.name}",
                asked_by=row.asked_by.person.name,
                asked_at=row.asked_at,
                effect="It takes effect",
                effective_at=row.effective_from,
            ),
        )


_READERS: Mapping[str, Callable[[], Found]] = {
    "activation": _activations,
    "exception": _exceptions,
    "publication": _publications,
}
