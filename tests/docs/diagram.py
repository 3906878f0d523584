"""Draws the life cycle from its table: `python -m tests.docs.diagram` prints the block that stands in docs/flow.md."""

from __future__ import annotations

import sys

from governance.domain.states.requests import REQUEST_LIFE, TERMINAL, Event, State


def diagram() -> str:
    """The states and moves as a Mermaid state diagram, in the order of the states and events."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.DRAFT.value}"]
    lines += [f"    {state.value} : {state.label}" for state in State]
    lines += [
        f"    {source.value} --> {REQUEST_LIFE.moves[source, event].value} : {event.value.replace('_', ' ')}"
        for source in State
        for event in Event
        if (source, event) in REQUEST_LIFE.moves
    ]
    lines += [f"    {state.value} --> [*]" for state in State if state in TERMINAL]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(f"```mermaid\n{diagram()}```\n")
