"""Every place that starts a worker starts it so that it can end while its queue is away."""

from __future__ import annotations

import pytest

from tests.plugins.servers import ROOT

PLACES = ("config/serve/launch.py", "deploy/compose.yaml", "deploy/systemd/comptroller-worker@.service")


@pytest.mark.parametrize("place", PLACES)
def test_a_worker_sends_no_heartbeats(place: str) -> None:
    """One that did could wait for ever to send its last; `tests/prove/test_launcher.py` meets it at times only."""
    assert "--without-heartbeat" in (ROOT / place).read_text(encoding="utf-8")
