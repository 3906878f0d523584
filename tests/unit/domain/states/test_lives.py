"""Every table of moves: its moves are the only ones, and every value of every enum has words."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest

from benchmarks.state_columns import COLUMNS
from governance.domain.errors import IllegalTransition
from governance.domain.states.approvals import STAGE_LIFE, StageEvent
from governance.domain.states.grants import GRANT_LIFE, GrantEvent
from governance.domain.states.life import Labelled, Life
from governance.domain.states.messages import ALERT_LIFE, AlertEvent
from governance.domain.states.money import HOLD_LIFE, HoldEvent
from governance.domain.states.record import JOB_LIFE, JobEvent
from governance.domain.states.requests import EDITABLE, REQUEST_LIFE, TERMINAL, Event, State
from governance.domain.states.rules import (
    ACTIVATION_LIFE,
    BACKTEST_LIFE,
    EXCEPTION_LIFE,
    PUBLICATION_LIFE,
    VERSION_LIFE,
    ActivationEvent,
    BacktestEvent,
    ExceptionEvent,
    PublicationEvent,
    VersionEvent,
)

LIVES: list[tuple[Life[Any, Any], type[StrEnum]]] = [
    (ACTIVATION_LIFE, ActivationEvent),
    (ALERT_LIFE, AlertEvent),
    (BACKTEST_LIFE, BacktestEvent),
    (EXCEPTION_LIFE, ExceptionEvent),
    (GRANT_LIFE, GrantEvent),
    (HOLD_LIFE, HoldEvent),
    (JOB_LIFE, JobEvent),
    (PUBLICATION_LIFE, PublicationEvent),
    (REQUEST_LIFE, Event),
    (STAGE_LIFE, StageEvent),
    (VERSION_LIFE, VersionEvent),
]
lives = pytest.mark.parametrize(("life", "events"), LIVES, ids=[life.row for life, _ in LIVES])


@lives
def test_moves_that_are_not_in_the_table_raise(life: Life[Any, Any], events: type[StrEnum]) -> None:
    for state in type(life.first):
        for event in events:
            if (state, event) in life.moves:
                assert life.after(state.value, event) is life.moves[state, event]
                continue
            with pytest.raises(IllegalTransition) as refusal:
                life.after(state.value, event)
            assert f"{life.row} is `{state.label.lower()}`: " in refusal.value.message
            assert refusal.value.data == {"state": state.value, "event": event.value}


@lives
def test_every_state_can_be_reached_and_every_event_can_happen(life: Life[Any, Any], events: type[StrEnum]) -> None:
    reached, before = {life.first}, set[Any]()
    while reached != before:
        before = set(reached)
        reached |= {after for (state, _), after in life.moves.items() if state in before}
    assert reached == set(type(life.first))
    assert {event for _, event in life.moves} == set(events)


@lives
def test_an_event_says_where_it_can_happen(life: Life[Any, Any], events: type[StrEnum]) -> None:
    for event in events:
        targets = {after for (_, each), after in life.moves.items() if each == event}
        assert {life.moves[type(life.first)(state), event] for state in life.before(event)} == targets
        if len(targets) == 1:
            assert life.to(event) in targets
        else:
            with pytest.raises(ValueError, match="unpack"):
                life.to(event)


def test_a_state_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="paid"):
        GRANT_LIFE.after("paid", GrantEvent.END)


def test_every_value_has_words() -> None:
    for enum in COLUMNS.values():
        if issubclass(enum, Labelled):
            labels = [member.label for member in enum]
            assert all(labels), enum
            assert len(set(labels)) == len(labels), enum


def test_a_request_ends_for_good() -> None:
    assert {State.REJECTED, State.GRANTED, State.WITHDRAWN, State.EXPIRED, State.DISCARDED} == TERMINAL
    assert not {state for state, _ in REQUEST_LIFE.moves} & TERMINAL


def test_what_can_be_edited_can_be_submitted() -> None:
    submits = (Event.SUBMIT_DENIED, Event.SUBMIT_FOR_REVIEW, Event.SUBMIT_GRANTED)
    assert all((state, event) in REQUEST_LIFE.moves for state in EDITABLE for event in submits)
