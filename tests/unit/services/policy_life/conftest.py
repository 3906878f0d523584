"""The cast, with a second policy officer."""

from __future__ import annotations

import pytest

from tests import cast as casting
from tests.cast import Cast, add_person


@pytest.fixture
def cast() -> Cast:
    cast = casting.assemble()
    cast.users["judy"] = add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root)
    return cast
