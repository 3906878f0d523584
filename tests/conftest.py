"""Fixtures for every test. The servers behind them: `tests/plugins/servers.py`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import DjangoDbBlocker

from tests.plugins.servers import SERVERS, TestServers

pytest_plugins = ("tests.plugins.processes", "tests.plugins.browser", "tests.plugins.launched")

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
hypothesis_settings.register_profile("dev", deadline=None, suppress_health_check=_SLOW_IS_FINE)
hypothesis_settings.register_profile(
    "ci", deadline=None, derandomize=True, database=None, print_blob=True, suppress_health_check=_SLOW_IS_FINE
)
hypothesis_settings.register_profile("prove", parent=hypothesis_settings.get_profile("ci"), max_examples=2000)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(scope="session")
def servers() -> TestServers:
    """The throw-away servers of this run, started."""
    SERVERS.ensure_started()
    return SERVERS


@pytest.fixture(scope="session")
def django_db_setup(servers: TestServers, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give this process a copy of the migrated template, reached as the app role."""
    from django.db import connections

    servers.fresh_database()
    servers.flush_valkey()
    yield
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture
def fresh_database(transactional_db: None) -> None:
    """Real commits, visible to other threads and processes; the next test gets a new copy of the template.

    The same as `@pytest.mark.django_db(transaction=True)`, under a name that says what it does.
    """
