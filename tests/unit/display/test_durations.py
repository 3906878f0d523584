"""Durations as people say them."""

from __future__ import annotations

import pytest

from governance.display.durations import on_accelerators, spoken, spoken_range


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (None, "unknown"), (0.0, "under a minute"), (0.01, "under a minute"), (1 / 60, "one minute"),
        (2 / 3, "40 minutes"), (0.999, "one hour"), (1.0, "one hour"), (1.5, "1 hour 30 minutes"),
        (5.99, "5 hours 59 minutes"), (6.2, "six hours"), (23.4, "23 hours"), (23.8, "one day"), (24.0, "one day"),
        (25.0, "1 day 1 hour"),
        (52.0, "2 days 4 hours"), (240.0, "10 days"), (311.9, "13 days"), (312.0, "13 days"), (335.9, "two weeks"),
        (336.0, "two weeks"), (504.0, "three weeks"), (500.0, "three weeks"), (552.0, "3 weeks 2 days"),
        (2_160.0, "12 weeks 6 days"), (2_183.0, "13 weeks"), (2_184.0, "about three months"),
        (8_760.0, "about 12 months"), (26_279.0, "about 36 months"), (26_280.0, "about three years"),
        (1e6, "about 114 years"),
        (1e9, "about 114,155 years"),
    ],
)  # fmt: skip
def test_a_length_of_time_has_at_most_two_units(hours: float | None, words: str) -> None:
    assert spoken(hours).replace("\u00a0", " ") == words


def test_a_longer_time_never_reads_shorter_within_a_unit() -> None:
    units = {"minute": 1 / 60, "hour": 1, "day": 24, "week": 168, "month": 730, "year": 8_760}
    small = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
    last = 0.0
    for step in range(700, 4_000):
        hours = 0.02 * 1.004**step
        parts = spoken(hours).replace("\u00a0", " ").removeprefix("about ").split()
        said = sum(
            (small.get(number) or float(number.replace(",", ""))) * units[unit.rstrip("s")]
            for number, unit in zip(parts[::2], parts[1::2], strict=True)
        )
        assert said >= last
        assert abs(said - hours) <= 0.17 * hours
        last = said


@pytest.mark.parametrize(
    ("gpu_hours", "count", "words"),
    [
        (16_128.0, 32, "three weeks on 32 accelerators"), (52.0, 1, "2 days 4 hours on 1 accelerator"),
        (1e6, 1_000, "six weeks on 1,000 accelerators"), (None, 8, ""), (100.0, None, ""), (100.0, 0, ""), (0.0, 8, ""),
    ],
)  # fmt: skip
def test_gpu_hours_are_said_as_the_time_they_take(gpu_hours: float | None, count: int | None, words: str) -> None:
    assert on_accelerators(gpu_hours, count).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (7.0, 22.0, "7 to 22 hours"), (148.0, 168.0, "6 days 4 hours to 7 days"), (504.0, 505.0, "three weeks"),
        (2_200.0, 6_000.0, "about 3 to 8 months"), (1_680.0, 2_200.0, "10 weeks to about 3 months"),
        (0.01, 2.0, "under a minute to 2 hours"), (168.0, 336.0, "7 days to 2 weeks"),
    ],
)  # fmt: skip
def test_a_range_writes_a_shared_unit_once(low: float, high: float, words: str) -> None:
    assert spoken_range(low, high).replace("\u00a0", " ") == words
