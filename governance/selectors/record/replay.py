"""Stored decisions under the rules that were in force then, found again by their digest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Mod

from governance.models import Assessment
from governance.policy.decisions.replay import replayed_differences
from governance.policy.errors import PolicyError
from governance.selectors.rules.policy_history import PolicyHistory


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision judged again. `differences` is None when its rules could not be found."""

    assessment_id: int
    policy_digest: str
    differences: dict[str, tuple[Any, Any]] | None


def replay(
    *, limit: int | None = None, newest_first: bool = True, only: Sequence[int] | None = None
) -> Iterator[Replayed]:
    """Judge stored decisions again, one after another.

    Args:
        limit: at most so many; all when None.
        only: these assessments and no others.
    """
    found_rows = Assessment.objects.all() if only is None else Assessment.objects.filter(pk__in=only)
    rows = found_rows.order_by("-pk" if newest_first else "pk").values_list(
        "pk", "assessed_at", "policy_digest", "facts", "decision"
    )
    history = PolicyHistory()
    for pk, assessed_at, digest, facts, decision in (rows[:limit] if limit is not None else rows).iterator(500):
        policy_set = history.rules(digest, at=assessed_at)
        found = None
        if policy_set is not None:
            try:
                found = replayed_differences(policy_set, facts, decision, on=assessed_at.date())
            except PolicyError as error:
                # Such a row must not end the run, and is no decision that stands either.
                found = {"facts": ("", str(error))}
        yield Replayed(pk, digest, found)


def sample_of(*, size: int, turn: int) -> list[int]:
    """Ids of about `size` assessments spread over the whole history; another turn takes others, in the end all.

    Args:
        turn: a number that goes up by one each time, such as the day's.
    """
    step = max(1, -(-Assessment.objects.count() // size))
    ids = Assessment.objects.annotate(place=Mod("pk", step)).filter(place=turn % step)
    return list(ids.order_by("pk").values_list("pk", flat=True))
