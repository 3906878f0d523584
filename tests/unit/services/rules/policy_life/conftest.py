"""The cast, with a second policy officer."""

from __future__ import annotations

import pytest

from tests.cast import Cast, add_person


@pytest.fixture
def cast(cast: Cast) -> Cast:
    cast.users["judy"] = add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root)
    return cast
