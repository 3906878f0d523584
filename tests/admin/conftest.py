"""The cast of the desk's tests, at the present moment: pages read the clock themselves."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client
from django.utils import timezone

from governance.models import User
from tests import cast as house
from tests.cast import Cast

# One instant for the whole run: the catalogue that it publishes is then read once.
STARTED = timezone.now()


@pytest.fixture
def now() -> datetime:
    return STARTED


@pytest.fixture
def house_cast(db: None, now: datetime) -> Cast:
    return house.assemble(now=now)


def signed_in(user: User, **options: object) -> Client:
    client = Client(**options)  # type: ignore[arg-type]
    client.force_login(user)
    return client
