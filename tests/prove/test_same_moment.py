"""Two requests of one person at the same moment, together above the limit: never both without a person."""

from __future__ import annotations

import pytest

from tests.cast import Cast
from tests.concurrency.races import two_requests_of_one_person
from tests.prove.counts import COUNTS

pytestmark = [pytest.mark.prove, pytest.mark.django_db(transaction=True), pytest.mark.timeout(1200)]


def test_two_requests_of_one_person_are_never_both_allowed(cast: Cast):
    two_requests_of_one_person(cast, rounds=COUNTS.same_moments)
