"""The texts of stored policy versions, by name: what commands compare, check and export."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from governance.domain.errors import NotFound
from governance.domain.states.rules import VersionState
from governance.models import PolicyVersion


@dataclass(frozen=True, slots=True)
class StoredSource:
    """One version's text, as it was imported."""

    id: int
    slug: str
    number: int
    state: str
    source: str

    @property
    def name(self) -> str:
        return f"{self.slug}@{self.number}"


def sources_in_force() -> list[StoredSource]:
    """The active version of every set, by name; one query."""
    return _read(PolicyVersion.objects.filter(state=VersionState.ACTIVE))


def latest_sources(slugs: list[str] | None = None) -> list[StoredSource]:
    """The newest version of each set, whatever its state."""
    versions = PolicyVersion.objects.order_by("policy_set__slug", "-number").distinct("policy_set__slug")
    return _read(versions.filter(policy_set__slug__in=slugs) if slugs else versions)


def source_of(slug: str, number: int) -> StoredSource:
    """One version.

    Raises:
        NotFound: no such set or version.
    """
    found = _read(PolicyVersion.objects.filter(policy_set__slug=slug, number=number))
    if not found:
        raise NotFound(f"there is no policy version `{slug}@{number}`")
    return found[0]


def _read(versions: QuerySet[PolicyVersion]) -> list[StoredSource]:
    rows = versions.order_by("policy_set__slug", "-number").values_list(
        "pk", "policy_set__slug", "number", "state", "source"
    )
    return [StoredSource(*row) for row in rows]
