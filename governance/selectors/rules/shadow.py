"""What versions in shadow would have done differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import BooleanField, Case, Count, When

from governance.models import PolicyVersion, ShadowDecision


@dataclass(frozen=True, slots=True)
class ShadowSummary:
    """How many submissions a version judged beside the policy, and how many would have come out differently.

    Args:
        by_direction: (decided outcome, the version's outcome) to how many; only those that differ.
        otherwise: how many keep their outcome and would have had other people, deadlines, duties or flags.
        errors: how many it could not judge; they are no flips.
        since: since when it runs; None when it does not run now.
    """

    judged: int = 0
    flipped: int = 0
    otherwise: int = 0
    errors: int = 0
    by_direction: Mapping[tuple[str, str], int] = field(default_factory=dict)
    since: datetime | None = None


def shadow_summary(version: PolicyVersion) -> ShadowSummary:
    """One query, one row per pair of outcomes."""
    rows = (
        ShadowDecision.objects.filter(version=version)
        .annotate(is_otherwise=Case(When(changes="", then=False), default=True, output_field=BooleanField()))
        .values_list("assessment__outcome", "outcome", "flips", "is_otherwise")
        .annotate(count=Count("pk"))
        .order_by("assessment__outcome", "outcome")
    )
    judged = errors = otherwise = 0
    flips: dict[tuple[str, str], int] = {}
    for decided, outcome, is_flip, is_otherwise, count in rows:
        judged += count
        otherwise += count if is_otherwise else 0
        if not outcome:
            errors += count
        elif is_flip:
            flips[decided, outcome] = flips.get((decided, outcome), 0) + count
    return ShadowSummary(judged, sum(flips.values()), otherwise, errors, flips, version.shadow_since)
