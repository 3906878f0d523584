"""What one person may see: computed once per HTTP request from roles, used by every `visible_to()`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visibility:
    """A person's view of the organisation.

    Args:
        person_id: whose view; always sees what they asked for themselves.
        sees_all: holds a role over the whole organisation that sees its subtree.
        team_ids: teams whose rows are visible.
        project_ids: projects whose rows are visible.
    """

    person_id: int
    sees_all: bool
    team_ids: frozenset[int]
    project_ids: frozenset[int]
