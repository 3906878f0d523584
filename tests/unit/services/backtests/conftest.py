"""The cast, with money for every ask of the history."""

from __future__ import annotations

import pytest

from tests.cast import Cast, set_budget


@pytest.fixture
def cast(cast: Cast) -> Cast:
    return set_budget(cast, usd=900_000)
