"""The cast, with money for every ask of the history."""

from __future__ import annotations

import pytest

from tests import cast as casting
from tests.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    return casting.assemble(budget_usd=900_000)
