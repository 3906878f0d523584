"""Each race once, with real threads on real connections; `make prove` by the dozen, `make soak` by the hundred."""

from __future__ import annotations

import pytest

from tests.cast import Cast
from tests.concurrency.races import RACES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("race", RACES)
def test_race(cast: Cast, race: str):
    RACES[race](cast)
