"""The races by the hundred: each a hundred times, with a fresh copy of the database every time."""

from __future__ import annotations

import os

import pytest

from tests.cast import Cast
from tests.concurrency.races import RACES
from tests.plugins.databases import DATABASES

pytestmark = [pytest.mark.prove, pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]

REPEATS = int(os.environ.get("PROVE_REPEATS", "100"))
# These two write most; the first is repeated as often as the reliability bar says.
REPEATS_OF = {race: max(1, REPEATS // 5) for race in ("submits_of_one_budget", "sweeps_over_the_same_requests")}


@pytest.mark.parametrize("race", RACES)
def test_race_by_the_hundred(template_cast: Cast, race: str):
    for _ in range(REPEATS_OF.get(race, REPEATS)):
        DATABASES.renew()
        RACES[race](DATABASES.value("cast"))
