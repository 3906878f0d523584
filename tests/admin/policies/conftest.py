"""The version that the pages are about, and the officer who opens them."""

from __future__ import annotations

import pytest
from django.test import Client

from governance.models import PolicyVersion
from tests.admin.conftest import signed_in
from tests.cast import Cast


@pytest.fixture
def version(house_cast: Cast) -> PolicyVersion:
    return PolicyVersion.objects.get(policy_set__slug="approval-limits", state="active")


@pytest.fixture
def grace(house_cast: Cast) -> Client:
    return signed_in(house_cast.grace)
