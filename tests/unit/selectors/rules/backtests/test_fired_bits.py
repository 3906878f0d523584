"""Kept bits come back as they were; what is not what was written is judged again."""

from __future__ import annotations

import numpy as np
import pytest
from django.core.cache import cache

from governance.policy.backends.bitmaps import RuleBits
from governance.selectors.rules.backtests.fired_bits import SharedBits

ROWS = 1003
SIZE = (ROWS + 7) // 8


@pytest.fixture(autouse=True)
def empty(db: None) -> None:
    cache.clear()


def bits(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, SIZE, dtype=np.uint8)


def test_bits_come_back_as_they_were() -> None:
    kept = SharedBits("part", ROWS)
    kept.put("part", "sure", RuleBits(bits(1)))
    kept.put("part", "unsure", RuleBits(bits(2), bits(3)))
    kept.save()
    again = SharedBits("part", ROWS)
    again.load(["sure", "unsure", "unknown"])
    sure, unsure = again.get("part", "sure"), again.get("part", "unsure")
    assert sure is not None
    assert unsure is not None
    assert (sure.fired == bits(1)).all()
    assert sure.unsure is None
    assert (unsure.fired == bits(2)).all()
    assert (unsure.unsure == bits(3)).all()
    assert again.get("part", "unknown") is None


@pytest.mark.parametrize("data", [b"", b"junk", b"\x09\0\0\0\0\0\0\0notzlib!!", "text", 7, None])
def test_what_was_not_written_here_is_not_believed(data: object) -> None:
    kept = SharedBits("part", ROWS)
    cache.set(kept._key("rule"), data)
    kept.load(["rule"])
    assert kept.get("part", "rule") is None


def test_bits_of_another_length_are_not_believed() -> None:
    kept = SharedBits("part", ROWS)
    kept.put("part", "rule", RuleBits(bits(1)))
    kept.save()
    other = SharedBits("part", ROWS + 80)
    other.load(["rule"])
    assert other.get("part", "rule") is None
