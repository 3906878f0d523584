"""A signed-in browser for each of the cast."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.cast import Cast


@pytest.fixture
def cast(cast_today: Cast) -> Cast:
    return cast_today


@pytest.fixture
def browser_of(cast: Cast) -> Callable[[str], Client]:
    """A browser in which somebody of the cast is signed in."""

    def make(name: str) -> Client:
        client = Client()
        client.force_login(cast.users[name])
        return client

    return make
