"""What every table of moves is made of: values that have a label, and moves that are the only ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Self, TypeVar

from governance.domain.errors import IllegalTransition


class Labelled(StrEnum):
    """A value that a column keeps, and the words that people read for it."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


StateT = TypeVar("StateT", bound=Labelled)
EventT = TypeVar("EventT", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Life(Generic[StateT, EventT]):
    """Every move that one kind of row can make.

    Args:
        row: what the row is called in a refusal, such as `the request`.
        first: the state in which it is made.
        moves: the state that follows from an event; what is not in it cannot happen.
        advice: what to do where an event is refused, by event.
    """

    row: str
    first: StateT
    moves: Mapping[tuple[StateT, EventT], StateT]
    advice: Mapping[EventT, str] = field(default_factory=dict)

    def after(self, state: str, event: EventT) -> StateT:
        """The state after `event`.

        Raises:
            IllegalTransition: the table has no such move. data: state, event.
        """
        before = type(self.first)(state)
        after = self.moves.get((before, event))
        if after is None:
            advice = self.advice.get(event) or f"it cannot take the step `{event.value.replace('_', ' ')}`"
            raise IllegalTransition(
                f"{self.row} is `{before.label.lower()}`: {advice}", state=before.value, event=event.value
            )
        return after

    def before(self, event: EventT) -> list[str]:
        """The states in which `event` can happen, as the column keeps them."""
        return [state.value for state, each in self.moves if each == event]

    def to(self, event: EventT) -> str:
        """The one state to which `event` leads, as the column keeps it.

        Raises:
            ValueError: it leads to several, or to none; such rows are moved one by one.
        """
        (after,) = {state for (_, each), state in self.moves.items() if each == event}
        return after.value

    @property
    def ends(self) -> frozenset[StateT]:
        """States that nothing leads out of."""
        return frozenset(type(self.first)) - {before for before, _ in self.moves}
