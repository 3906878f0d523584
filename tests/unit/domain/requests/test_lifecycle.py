from __future__ import annotations

import pytest

from governance.domain.errors import IllegalTransition
from governance.domain.requests.lifecycle import EDITABLE, LABELS, TERMINAL, TRANSITIONS, Event, State, next_state


def test_every_state_has_words():
    assert set(LABELS) == set(State)


def test_terminal_states_have_no_way_out():
    assert not {state for state, _ in TRANSITIONS} & TERMINAL


def test_every_state_but_the_first_can_be_reached():
    assert set(TRANSITIONS.values()) | {State.DRAFT} == set(State)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("event", list(Event))
def test_moves_that_are_not_in_the_table_raise(state: State, event: Event):
    if (state, event) in TRANSITIONS:
        assert next_state(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition, match=LABELS[state].lower()):
            next_state(state, event)


def test_what_can_be_edited_can_be_submitted():
    submits = (Event.SUBMIT_DENIED, Event.SUBMIT_FOR_REVIEW, Event.SUBMIT_GRANTED)
    assert all((state, event) in TRANSITIONS for state in EDITABLE for event in submits)
