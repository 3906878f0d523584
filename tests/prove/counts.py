"""How often each long proof does its thing: few times in `make prove`, all of them in `make soak`."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """One size of the long proofs.

    Args:
        races: rounds of each race.
        large_races: rounds of the two races that write most.
        kills: deaths of the deliverer in the middle of its work.
        kill_mails: mails that it has to deliver between them.
        submissions: requests without a broker.
        flushes: times that the broker is emptied under load.
        decisions: stored decisions that are judged again; a multiple of four.
        expressions, rows: drawn in each of six rounds; every expression is judged on every row by four evaluators.
        launcher_kills: `kill -9` of the launcher.
        same_moments: pairs of requests that one person submits at the same moment.
        lives: random sequences of giving, taking away and deciding, each compared on every face.
        roles: outsiders of as many roles try every address that names a record.
    """

    races: int
    large_races: int
    kills: int
    kill_mails: int
    submissions: int
    flushes: int
    decisions: int
    expressions: int
    rows: int
    launcher_kills: int
    same_moments: int
    lives: int
    roles: int


SMALL = Counts(
    races=12, large_races=3, kills=20, kill_mails=300, submissions=24, flushes=5, decisions=2_000, expressions=30,
    rows=50, launcher_kills=2, same_moments=25, lives=5, roles=3,
)  # fmt: skip
WHOLE = Counts(
    races=100, large_races=20, kills=100, kill_mails=1_500, submissions=100, flushes=15, decisions=10_000,
    expressions=100, rows=100, launcher_kills=3, same_moments=500, lives=200, roles=100,
)  # fmt: skip

COUNTS = WHOLE if os.environ.get("SOAK") == "1" else SMALL
