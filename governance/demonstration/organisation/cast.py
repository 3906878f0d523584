"""Who and what the demonstration's stories refer to, by short names."""

from __future__ import annotations

from dataclasses import dataclass, field

from governance.demonstration.calendar import Calendar
from governance.models import Project, Provider, Team, User


@dataclass(slots=True)
class Cast:
    """The organisation as it stands once it is founded.

    Args:
        people: accounts by the short names of `data/organisation.yaml`.
        staff: accounts without a password, by team; they made most of the past year's requests.
        leads: who leads each of these teams.
        projects: by short name; `everyday` lists those that no story is about, by team.
    """

    calendar: Calendar
    system: User
    teams: dict[str, Team] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    everyday: dict[str, list[Project]] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)
    staff: dict[str, list[User]] = field(default_factory=dict)
    leads: dict[str, User] = field(default_factory=dict)
    providers: dict[str, Provider] = field(default_factory=dict)

    def __getitem__(self, key: str) -> User:
        return self.people[key]

    @property
    def users(self) -> list[User]:
        """Everybody who asks or decides, service accounts included."""
        return [*self.people.values(), *(user for users in self.staff.values() for user in users)]
