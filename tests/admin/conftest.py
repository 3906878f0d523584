"""The cast of the desk's tests, at the present moment: pages read the clock themselves."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from governance.models import User
from tests.cast import Cast


@pytest.fixture
def now(cast_today: Cast) -> datetime:
    return cast_today.now


@pytest.fixture
def house_cast(cast_today: Cast) -> Cast:
    return cast_today


def signed_in(user: User, **options: object) -> Client:
    client = Client(**options)  # type: ignore[arg-type]
    client.force_login(user)
    return client
