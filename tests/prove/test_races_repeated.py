"""Each race again and again, with a fresh copy of the database every time."""

from __future__ import annotations

import pytest

from tests.cast import Cast
from tests.concurrency.races import RACES
from tests.plugins.databases import DATABASES
from tests.prove.counts import COUNTS

pytestmark = [pytest.mark.prove, pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]

LARGE = ("submits_of_one_budget", "sweeps_over_the_same_requests")


@pytest.mark.parametrize("race", RACES)
def test_race_again_and_again(template_cast: Cast, race: str):
    for _ in range(COUNTS.large_races if race in LARGE else COUNTS.races):
        DATABASES.renew()
        RACES[race](DATABASES.value("cast"))
