"""What the web server does with clients that do not behave: it answers the others."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction

from config.serve import web_server
from config.serve.processes import Child, free_port
from config.serve.web_worker import BODY_BYTES_MAX, HEADER_BYTES_MAX
from tests.plugins.processes import TestProcesses, WebServer
from tests.plugins.slow_clients import DRIPPING_BODY, SlowClients, seconds_of_sign_in

CSRF = "c" * 32

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Web:
    """A running web server as it is shipped, with one process."""

    port: int
    child: Child

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def answer(self, sent: bytes) -> bytes:
        """Everything that comes back until the server closes."""
        with self.connect() as client:
            client.sendall(sent)
            parts = []
            with contextlib.suppress(ConnectionResetError):  # it has answered, and does not read on
                while part := client.recv(65_536):
                    parts.append(part)
            return b"".join(parts)


@pytest.fixture
def web(web_server: WebServer) -> Web:
    return Web(web_server.port, web_server.child)


def test_sixty_slow_clients_keep_nobody_from_signing_in(web: Web):
    with SlowClients(web.port, 60) as clients:
        time.sleep(1)
        times = [seconds_of_sign_in(web.port) for _ in range(10)]
        assert clients.open_count == 60, "they were not refused, only outlasted"
    assert max(times) < 1, times


def test_more_slow_clients_than_places_keep_nobody_from_signing_in(web: Web):
    with SlowClients(web.port, web_server.worker_connections + 150) as clients:
        time.sleep(2)
        times = [seconds_of_sign_in(web.port) for _ in range(10)]
        assert 0 < clients.open_count < web_server.worker_connections
    assert max(times) < 1, times


def test_who_does_not_read_the_answer_keeps_no_thread(web: Web):
    get = b"GET /static/admin/css/base.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    clients = [web.connect() for _ in range(12)]
    try:
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            client.sendall(get)
        time.sleep(0.5)
        assert max(seconds_of_sign_in(web.port) for _ in range(5)) < 1
    finally:
        for client in clients:
            client.close()


def test_those_who_wait_for_a_lock_keep_nobody_from_reading(web: Web):
    body = urlencode({"username": "nobody@example.com", "password": "x", "csrfmiddlewaretoken": CSRF}).encode()
    sign_in = (
        b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nCookie: csrftoken=%s\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
        % (CSRF.encode(), len(body), body)
    )
    clients = [web.connect() for _ in range(2 * web_server.threads)]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE governance_user IN ACCESS EXCLUSIVE MODE")
            for client in clients:
                client.sendall(sign_in)
            time.sleep(0.5)
            times = [seconds_of_sign_in(web.port) for _ in range(5)]
            clients[0].setblocking(False)
            with pytest.raises(BlockingIOError):
                clients[0].recv(1)
    finally:
        for client in clients:
            client.close()
    assert max(times) < 1, times


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * HEADER_BYTES_MAX + b"\r\n\r\n", b"431"),
        (
            b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES_MAX + 1),
            b"413",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
            b"400",
        ),
        (b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: +4\r\n\r\nabcd", b"400"),
        (b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Space : 1\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
    ids=["header", "body", "two lengths", "signed length", "encoding", "space in a name", "nonsense"],
)
def test_what_is_no_request_is_refused_at_once(web: Web, sent: bytes, status: bytes):
    answer = web.answer(sent)
    assert answer.split(b" ")[1] == status, answer[:200]
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /api/v1/requests/ HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * HEADER_BYTES_MAX + b"\r\n\r\n", 431),
        (
            b"POST http://localhost/api/v1/requests/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
            % (BODY_BYTES_MAX + 1),
            413,
        ),
        (b"POST /api/v1/requests/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: +4\r\n\r\nabcd", 400),
        (b"POST /api/nowhere HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ],
    ids=["header", "body", "signed length", "encoding"],
)
def test_a_program_is_refused_in_the_words_of_the_api(web: Web, sent: bytes, status: int):
    head, _, body = web.answer(sent).partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.[01] %d " % status, head)
    assert b"Content-Type: application/problem+json\r\n" in head
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["type"] == f"urn:comptroller:problem:{problem['code']}"


@pytest.mark.parametrize("path", [b"/sign-in/", b"/static/admin/css/base.css", b"/healthz"])
def test_head_has_no_body_and_the_connection_stays_in_step(web: Web, path: bytes):
    head = b"HEAD " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"HEAD " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = web.answer(head + last)
    first, second, nothing = answer.split(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200")
    assert second.startswith(b"HTTP/1.1 200")
    assert nothing == b""
    assert b"waitress" not in answer.lower(), "it does not say what it is"
    assert b"gunicorn" not in answer.lower()


def test_a_stop_answers_what_has_arrived_and_waits_for_nobody_who_drips(processes: TestProcesses):
    port = free_port()
    web = Web(port, processes.start_web(port))
    with SlowClients(web.port, 30), web.connect() as client:
        client.sendall(DRIPPING_BODY.replace(b"100000", b"30"))
        time.sleep(0.3)
        web.child.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        client.sendall(b"x" * 30)
        assert client.recv(1024).startswith(b"HTTP/1.1 403"), "a form without a token, but answered"
        assert web.child.process.wait(8) == 0
