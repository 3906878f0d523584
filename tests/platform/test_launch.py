"""`make run` reaches ready, serves, and ends every process when told to."""

from __future__ import annotations

import signal
import urllib.request

from tests.plugins.launched import Launchers, wait_gone
from tests.plugins.processes import wait_for


def test_one_start_serves_everything_and_one_signal_ends_it(launchers: Launchers) -> None:
    launched = launchers.start(PATH="/usr/bin:/bin")
    launched.wait_ready()
    wait_for(lambda: launched.health() == {"database": "ok", "queue": "ok", "workers": "ok"}, 30, "all parts ok")
    with urllib.request.urlopen(launched.url + "/mailbox/", timeout=10) as response:  # noqa: S310 - our own address
        assert "No mail yet" in response.read().decode()

    private = ("secrets.json", "endpoints.json")
    assert all((launchers.data / name).stat().st_mode & 0o077 == 0 for name in private)
    assert launched.url in launched.log

    children = launched.children
    assert len(children) == 6  # PostgreSQL, Valkey, mailbox, web server, worker, beat
    assert launched.end(signal.SIGTERM) == 0
    wait_gone(children, seconds=5)
    assert not (launchers.data / "endpoints.json").exists()
    assert "stopped; the data is kept" in launched.log
