"""The cast, with money for every request of the history."""

from __future__ import annotations

import pytest

from tests.cast import Cast, assemble, set_budget
from tests.plugins.databases import DATABASES
from tests.unit.services.rules.backtests.history import ask_all

BUDGET_USD = 900_000


def assemble_history() -> Cast:
    """The cast after two months of requests."""
    cast = assemble(budget_usd=BUDGET_USD)
    ask_all(cast)
    return cast


DATABASES.add("history", assemble_history)


@pytest.fixture
def template_history(db: None) -> Cast:
    return DATABASES.value("history")  # type: ignore[no-any-return]


@pytest.fixture
def history(template_history: Cast) -> Cast:
    """The cast after two months of requests: allowed, in review, without a price, refused."""
    return template_history


@pytest.fixture
def cast(cast: Cast) -> Cast:
    return set_budget(cast, usd=BUDGET_USD)
