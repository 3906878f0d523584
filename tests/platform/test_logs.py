"""One event is one line, whatever somebody typed."""

from __future__ import annotations

import json
import logging
import sys

from hypothesis import given
from hypothesis import strategies as st

from config.logs import JsonFormatter, LineFormatter


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("governance", logging.INFO, __file__, 1, "title: %s", (message,), None)


@given(st.text())
def test_a_message_cannot_start_a_line_of_its_own(text: str) -> None:
    for formatter in (LineFormatter(), JsonFormatter()):
        assert len(formatter.format(record(text)).splitlines()) == 1


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_keeps_the_message(text: str) -> None:
    assert json.loads(JsonFormatter().format(record(text)))["message"] == f"title: {text}"


def test_a_traceback_is_indented_under_its_line() -> None:
    event = record("x")
    try:
        raise ValueError("line one\nERROR forged")
    except ValueError:
        event.exc_info = sys.exc_info()
    first, *others = LineFormatter().format(event).splitlines()
    assert first.endswith("title: x")
    assert others
    assert all(line.startswith("    ") for line in others)
