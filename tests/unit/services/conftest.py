"""The desk's small organisation, for the services that keep people and their rights."""

from __future__ import annotations

import pytest

from tests.admin.cast import Cast, make_cast
from tests.plugins.databases import DATABASES

DATABASES.add("desk", make_cast)


@pytest.fixture
def template_desk(db: None) -> Cast:
    return DATABASES.value("desk")  # type: ignore[no-any-return]
