"""Slow clients against what `make run` and `deploy/` start: signing in takes less than a second."""

from __future__ import annotations

import json
import re
import shlex
import time
from urllib.parse import urlsplit

import pytest

from config.serve.processes import free_port
from config.serve.web_worker import REQUEST_SECONDS_MAX
from tests.plugins.launched import Launchers
from tests.plugins.processes import TestProcesses, wait_for
from tests.plugins.servers import ROOT
from tests.plugins.slow_clients import SlowClients, seconds_of_sign_in

pytestmark = pytest.mark.prove

CLIENTS = 60


def command_of_the_image() -> list[str]:
    text = (ROOT / "deploy/Dockerfile").read_text()
    return list(json.loads(re.findall(r"^CMD (.*)$", text, re.MULTILINE)[-1]))


def command_of_the_unit() -> list[str]:
    text = (ROOT / "deploy/systemd/comptroller-web.service").read_text()
    return shlex.split(re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)[-1])


def assert_sign_in_is_quick(port: int) -> None:
    seconds_of_sign_in(port)  # whatever a process reads once is read
    with SlowClients(port, CLIENTS) as clients:
        time.sleep(1)
        times = [seconds_of_sign_in(port) for _ in range(20)]
        assert max(times) < 1, times
        # Those who are silent leave by the idle time, those who drip by the time that a request may take.
        wait_for(lambda: clients.open_count == 0, REQUEST_SECONDS_MAX + 10, "the end of every slow client")


def test_what_make_run_starts(launchers: Launchers) -> None:
    launched = launchers.start()
    launched.wait_ready()
    assert_sign_in_is_quick(urlsplit(launched.url).port or 0)


@pytest.mark.parametrize("command", [command_of_the_image, command_of_the_unit])
def test_what_deploy_starts(processes: TestProcesses, command) -> None:
    program, *arguments = command()
    assert program.endswith("gunicorn")
    port = free_port()
    arguments[arguments.index("--bind") + 1] = f"127.0.0.1:{port}"
    web = processes.start("web", "gunicorn", *arguments)

    def answers() -> bool:
        try:
            return seconds_of_sign_in(port) > 0
        except OSError:
            return False

    web.wait_until(answers, 60)
    assert_sign_in_is_quick(port)
