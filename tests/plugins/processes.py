"""Real processes around a test: an SMTP server, a Celery worker, the whole product."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from config.serve.processes import Child, free_port
from tests.plugins.servers import ROOT, TestServers

START_SECONDS_MAX = 60.0


def wait_for(is_true: Callable[[], Any], seconds: float = 20.0, what: str = "the condition") -> Any:
    """Give the first true answer; fail with a sentence when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = is_true()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds:.0f} s")
        time.sleep(0.05)


# ----------------------------------------------------------------------------- mail


@dataclass
class SmtpServer:
    """A real SMTP server on a free port, which keeps what it is sent."""

    port: int
    envelopes: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    refuse_with: str | None = None
    """Set to an SMTP reply such as `451 try later` to refuse every message."""

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def messages(self) -> list[EmailMessage]:
        """All mails received so far, oldest first."""
        return [message_from_bytes(content, policy=policy.default) for _, _, content in self.envelopes]  # type: ignore[misc]

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.messages if address in (mail["To"] or "")]

    def wait_for(self, address: str, subject: str = "", seconds: float = 60.0) -> EmailMessage:
        """Wait for a mail to an address whose subject contains some text."""

        def find() -> EmailMessage | None:
            return next((mail for mail in self.to(address) if subject in (mail["Subject"] or "")), None)

        return wait_for(find, seconds, f"a mail to {address} about `{subject}`")  # type: ignore[no-any-return]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse_with:
            return self.refuse_with
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos), bytes(envelope.content)))
        return "250 kept"


@contextmanager
def running_smtp_server() -> Iterator[SmtpServer]:
    from aiosmtpd.controller import Controller

    sink = SmtpServer(port=free_port())
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


@pytest.fixture(scope="session")
def _smtp_server() -> Iterator[SmtpServer]:
    """One for all tests of this process: the web server that they share knows its address."""
    with running_smtp_server() as sink:
        yield sink


@pytest.fixture
def smtp_server(_smtp_server: SmtpServer, settings: Any) -> SmtpServer:
    """Mail that this process, a worker or the web server sends goes through SMTP to `.messages`, which are none yet."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", _smtp_server.port
    _smtp_server.envelopes.clear()
    _smtp_server.refuse_with = None
    return _smtp_server


# ------------------------------------------------------------------------ processes


@dataclass
class TestProcesses:
    """Starts parts of the product on the test's own database, and ends them with the test."""

    __test__ = False

    environment: Mapping[str, str]
    folder: Path
    children: list[Child] = field(default_factory=list)

    def start(self, name: str, *arguments: str, **variables: str) -> Child:
        child = Child(
            name=name,
            argv=[sys.executable, "-m", *arguments],
            log_path=self.folder / f"{name}-{len(self.children)}.log",
            env=dict(self.environment) | variables,
            cwd=ROOT,
            grace_seconds=10,
        )
        child.start()
        self.children.append(child)
        return child

    def start_worker(self, concurrency: int = 2, *, wait: bool = True, **variables: str) -> Child:
        """A Celery worker, ready to take tasks, or soon."""
        worker = self.start(
            f"worker{len(self.children)}",
            *("celery", "-A", "config", "worker", "--concurrency", str(concurrency), "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat", "-n", f"test{len(self.children)}@%h"),
            **variables,
        )
        if wait:
            worker.wait_until(lambda: " ready." in worker.log_path.read_text(errors="replace"), START_SECONDS_MAX)
        return worker

    def start_beat(self, app: str = "config", **variables: str) -> Child:
        schedule = self.folder / "beat-schedule"
        return self.start(
            "beat", "celery", "-A", app, "beat", "--schedule", str(schedule), "--pidfile", "", **variables
        )

    def start_web(self, port: int, workers: int = 1, arguments: Sequence[str] = (), **variables: str) -> Child:
        """The web server as it is shipped, unless the arguments say otherwise."""
        web = self.start(
            "web",
            *("gunicorn", "--config", "python:config.serve.web_server"),
            *("--bind", f"127.0.0.1:{port}", "--workers", str(workers), *arguments),
            **variables,
        )
        web.wait_until(lambda: _answers(f"http://127.0.0.1:{port}/healthz"), START_SECONDS_MAX)
        return web

    def stop_all(self) -> None:
        """At once: nobody looks at their database or queue any more, and a polite end takes seconds."""
        for child in self.children:
            child.kill()
        for child in self.children:
            child.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - always our own http address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def processes(servers: TestServers, transactional_db: None, tmp_path: Path) -> Iterator[TestProcesses]:
    """Start workers, beat or web on this test's database: `processes.start_worker()`."""
    started = _processes(servers, tmp_path)
    try:
        yield started
    finally:
        started.stop_all()


def _processes(servers: TestServers, folder: Path) -> TestProcesses:
    quiet = {"LOG_LEVEL": "INFO", "DJANGO_SETTINGS_MODULE": "config.settings"}
    return TestProcesses(os.environ | servers.environment() | quiet, folder)


@dataclass
class WebServer:
    """The web server as it is shipped, with one process."""

    child: Child
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="session")
def _web_servers() -> Iterator[dict[str, WebServer]]:
    """Those that run, by the database that they work on."""
    running: dict[str, WebServer] = {}
    yield running
    for web in running.values():
        kill(web.child)


@pytest.fixture
def web_server(
    servers: TestServers,
    transactional_db: None,
    _smtp_server: SmtpServer,
    _web_servers: dict[str, WebServer],
    tmp_path_factory: pytest.TempPathFactory,
) -> WebServer:
    """The web server on this test's database, shared by the tests of a template: to use, not to end.

    A copy of a template has the name of the copy before it, so the server connects to the new one by itself.
    """
    web = _web_servers.get(servers.database)
    if web is None or not _answers(f"{web.url}/healthz"):
        if web is not None:
            kill(web.child)
        port = free_port()
        started = _processes(servers, tmp_path_factory.mktemp("web"))
        url = f"http://127.0.0.1:{port}"
        web = WebServer(started.start_web(port, SITE_URL=url, EMAIL_URL=_smtp_server.url), port)
        _web_servers[servers.database] = web
    return web


@pytest.fixture
def celery_worker_process(processes: TestProcesses, smtp_server: SmtpServer) -> Child:
    """A real worker; what it mails arrives at `smtp_server`."""
    return processes.start_worker(EMAIL_URL=smtp_server.url)


@dataclass
class LiveStack:
    """Web server, worker, beat and SMTP server on one database."""

    url: str
    mail: SmtpServer
    processes: TestProcesses


@pytest.fixture
def live_stack(processes: TestProcesses, web_server: WebServer, smtp_server: SmtpServer) -> LiveStack:
    """The product as it runs in production, on this test's own database and queue, with a quicker beat.

    Worker and beat get ready while the test begins.
    """
    variables = {"EMAIL_URL": smtp_server.url, "SITE_URL": web_server.url}
    processes.start_worker(wait=False, **variables)
    processes.start_beat("tests.plugins.quick_beat", **variables)
    return LiveStack(url=web_server.url, mail=smtp_server, processes=processes)


def kill(child: Child) -> None:
    """End a process and everything it forked, without a word."""
    child.kill()
    if child.process:
        child.process.wait(10)


def pause(child: Child) -> None:
    if child.process:
        os.killpg(child.process.pid, signal.SIGSTOP)


def resume(child: Child) -> None:
    if child.process:
        os.killpg(child.process.pid, signal.SIGCONT)


def run_module(*arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` of the checkout to its end."""
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=dict(env), capture_output=True, text=True, check=False
    )
