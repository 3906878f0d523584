"""What a field needs or forbids because of the other answers. Rows of `fields.FIELDS` name these.

The first line of each is its sentence in `docs/fields.md`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from governance.domain.requests.kinds import kind_of

WINDOW_DAYS_MAX = 1_830

Answers = Mapping[str, Any]


def is_not_hosted(answers: Answers) -> bool:
    """Unless the workload is a hosted API, which runs on somebody else's accelerators."""
    return bool(answers.get("workload") != "hosted_api")


def grant_is_named(answers: Answers, refused: Collection[str]) -> str | None:
    """For a kind that is about a grant."""
    kind = kind_of(answers.get("kind"))
    if kind.is_on_grant and not answers["related_grant"]:
        return f"name the grant that this {kind.name} is about"
    return None


def end_follows_start(answers: Answers, refused: Collection[str]) -> str | None:
    """The last day; not before the start and at most 1,830 days after it; open-ended without."""
    start, end = answers["start_on"], answers["end_on"]
    if not isinstance(start, date) or not isinstance(end, date):
        return None
    if end < start:
        return f"`{end}` is before the start `{start}`: choose a later day"
    if (end - start).days > WINDOW_DAYS_MAX:
        return f"`{end}` is more than {WINDOW_DAYS_MAX} days after the start"
    return None


def cap_is_bounded(answers: Answers, refused: Collection[str]) -> str | None:
    """A cap needs hours or an end."""
    if answers["sizing"] != "cap" or not is_not_hosted(answers) or answers["workload"] == "purchase":
        return None
    is_open = answers["gpu_hours_cap"] is None and answers["end_on"] is None
    if is_open and not {"gpu_hours_cap", "end_on"} & set(refused):
        return "say how many GPU-hours are asked for, or give an end date"
    return None


def hosted_cap_is_money(answers: Answers, refused: Collection[str]) -> str | None:
    """A cap of a hosted API is money."""
    if answers["sizing"] == "cap" and not is_not_hosted(answers) and answers["money_cap_usd"] is None:
        return "say how much money is asked for: a hosted API is capped in money"
    return None
