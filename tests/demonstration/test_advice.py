"""Advice that holds, on some of the requests that `benchmarks/advice.py` draws."""

from __future__ import annotations

from benchmarks.advice import prove
from governance.demonstration.load import Loaded
from tests.demonstration.conftest import START

REQUESTS = 24


def test_every_nearest_request_is_answered_as_shown_and_none_is_missed(northlight: Loaded) -> None:
    found = prove(northlight.cast, count=REQUESTS, seed=7, searched=40, now=START)
    assert found.broken == []
    assert found.missed == []
    assert found.offers > 0
    assert found.searched > 0
    assert found.silent == 0
