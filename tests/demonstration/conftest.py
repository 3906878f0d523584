"""One small load for all of these tests, which they read or use up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core import mail

from governance.demonstration.load import Loaded, load
from tests.plugins.databases import DATABASES

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
"""A Tuesday: 79 % of the demonstration's fiscal year is over then."""
PAST = 30


def load_small() -> Loaded:
    """The small demonstration; nothing of it is mailed."""
    mail.outbox = []
    loaded = load(start=START, past_count=PAST)
    assert mail.outbox == []
    assert loaded is not None
    return loaded


DATABASES.add("northlight", load_small)


@pytest.fixture
def template_northlight(db: None) -> Loaded:
    return DATABASES.value("northlight")  # type: ignore[no-any-return]


@pytest.fixture
def northlight(template_northlight: Loaded) -> Loaded:
    """The demonstration to look at; what a test writes is taken back."""
    return template_northlight


@pytest.fixture
def own_northlight(transactional_db: None, template_northlight: Loaded) -> Loaded:
    """A copy of the demonstration that a test may commit to."""
    return template_northlight


@pytest.fixture
def empty_house(transactional_db: None) -> None:
    """An installation without people, that a test may commit to."""
