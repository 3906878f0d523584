"""Lives through the past year's requests in order of time, and writes what came about up to an instant."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from governance.demonstration.books import Books
from governance.demonstration.chain import Chain
from governance.demonstration.organisation.budgets import Movement
from governance.demonstration.organisation.cast import Cast
from governance.demonstration.past.course import Course
from governance.demonstration.past.office import Office
from governance.demonstration.past.plan import PastAsk
from governance.demonstration.past.rows import Rows, write_commitments
from governance.models import Counter, LedgerEntry, LedgerJournal, Role, User

Happening = Callable[[datetime], None]


@dataclass(slots=True)
class History:
    """What happens without a story: metering, and the requests of the plan.

    Between two writes nothing of it is in the database; `write_until` reads first what the stories have changed.
    """

    cast: Cast
    rows: Rows
    books: Books
    office: Office
    roles: dict[str, Role] = field(default_factory=dict)
    deciders: list[User] = field(default_factory=list)
    leads: dict[str, User] = field(default_factory=dict)
    chain: Chain | None = None
    written: int = 0
    refused: int = 0
    _waiting: list[tuple[datetime, int, Happening]] = field(default_factory=list)
    _turn: int = 0
    _numbers: dict[str, int] = field(default_factory=dict)
    _committed: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.roles = {role.slug: role for role in Role.objects.all()}
        self.deciders = [user for user in self.cast.people.values() if user.is_staff and not user.is_superuser]
        for team in self.cast.everyday:
            project = self.cast.everyday[team][0]
            lead = min(self.office.directory(project, (), None).eligible("team_lead"))
            self.leads[team] = next(user for user in self.deciders if user.person_id == lead)

    def plan(self, asks: Iterable[PastAsk], movements: Iterable[Movement]) -> None:
        """Put everything that will happen in order of time."""
        for movement in movements:
            self.later(movement.at, self._moves(movement))
        for content in asks:
            self.later(content.at, Course(self, content).submit)

    def later(self, at: datetime, happens: Happening) -> None:
        """Let something happen at an instant; of one instant, what was said first happens first."""
        heapq.heappush(self._waiting, (at, self._turn, happens))
        self._turn += 1

    def write_until(self, until: datetime) -> None:
        """Let everything before an instant happen, and write it, in the caller's transaction."""
        if not self._waiting or self._waiting[0][0] >= until:
            return
        self.chain = Chain.open()
        self.rows.ids.forget(LedgerJournal, LedgerEntry)
        self._numbers = {row.name: row.value for row in Counter.objects.select_for_update().order_by("name")}
        numbers = dict(self._numbers)
        self.books.refresh()
        self.office.read_commitments()
        while self._waiting and self._waiting[0][0] < until:
            at, _, happens = heapq.heappop(self._waiting)
            happens(at)
        self.rows.write()
        self.books.write()
        for name in sorted(name for name in self._numbers if self._numbers[name] != numbers[name]):
            Counter.objects.filter(pk=name).update(value=self._numbers[name])
        write_commitments([(*key, self.office.commitments[key]) for key in sorted(self._committed)])
        self._committed = set()
        self.chain.write()
        self.chain = None

    def next_number(self, series: str) -> int:
        """The next number of a series, as `services.counters` gives them out."""
        self._numbers[series] += 1
        return self._numbers[series]

    def commit(self, provider: str, at: datetime, amount_micro: int) -> None:
        """Add to what is committed to a provider in the month of `at`."""
        key = (provider, at.date().replace(day=1).isoformat())
        self.office.commitments[key] = self.office.commitments.get(key, 0) + amount_micro
        self._committed.add(key)

    def _moves(self, movement: Movement) -> Happening:
        def move(at: datetime) -> None:
            self.books.move(
                movement.kind, movement.budget, movement.amount_micro, key=movement.key, actor=self.cast.system, at=at
            )

        return move
