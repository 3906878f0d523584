"""Fixtures for every test. The servers behind them: `tests/plugins/servers.py`, the databases: `databases.py`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.db import connections
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import DjangoDbBlocker

from tests import cast as casting
from tests.cast import Cast
from tests.plugins.databases import DATABASES
from tests.plugins.servers import SERVERS, TestServers

pytest_plugins = ("tests.plugins.clients", "tests.plugins.processes", "tests.plugins.browser", "tests.plugins.launched")

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
hypothesis_settings.register_profile("dev", deadline=None, suppress_health_check=_SLOW_IS_FINE)
hypothesis_settings.register_profile(
    "ci", deadline=None, derandomize=True, database=None, print_blob=True, suppress_health_check=_SLOW_IS_FINE
)
hypothesis_settings.register_profile("soak", parent=hypothesis_settings.get_profile("ci"), max_examples=2000)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


_WAITING = {"browser", "web_server", "processes", "launchers"}

DATABASES.add("cast", casting.assemble)
DATABASES.add("cast_today", casting.assemble_today)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that wait for browsers and processes come first, so that none of them is the last one, alone.

    Before all others those that share a `product`: what comes first in a run is given to one process.
    """
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    names = getattr(item, "fixturenames", ())
    return 0 if "product" in names else 2 if _WAITING.isdisjoint(names) else 1


@pytest.fixture(scope="session")
def servers(django_db_blocker: DjangoDbBlocker) -> Iterator[TestServers]:
    """The throw-away servers of this run, started."""
    SERVERS.ensure_started()
    SERVERS.flush_valkey()
    yield SERVERS
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture
def django_db_setup(request: pytest.FixtureRequest, servers: TestServers, django_db_blocker: DjangoDbBlocker) -> None:
    """Before a test uses the database: enter a copy of the template that its fixtures name."""
    with django_db_blocker.unblock():
        DATABASES.enter(request.fixturenames)


@pytest.fixture
def fresh_database(transactional_db: None) -> None:
    """Real commits, visible to other threads and processes; the next test gets a new copy of the template.

    The same as `@pytest.mark.django_db(transaction=True)`, under a name that says what it does.
    """


@pytest.fixture
def template_cast(db: None) -> Cast:
    return DATABASES.value("cast")  # type: ignore[no-any-return]


@pytest.fixture
def template_cast_today(db: None) -> Cast:
    return DATABASES.value("cast_today")  # type: ignore[no-any-return]


@pytest.fixture
def cast(template_cast: Cast) -> Cast:
    """The cast at its fixed instant, `tests.cast.NOW`."""
    return template_cast


@pytest.fixture
def cast_today(template_cast_today: Cast) -> Cast:
    """The same people as of now, for pages, which read the clock themselves; `cast_today.now` is when that was."""
    return template_cast_today
