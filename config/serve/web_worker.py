"""A gunicorn worker in which slow clients hold no thread.

One loop reads headers and bodies of all connections and writes the responses (waitress); a thread sees a request when
it has arrived completely, and is free again when the response is made. So however many clients are silent, stop in the
middle of a header or drip a body, the threads answer those who do not.

What a connection may cost is bounded: by size, by time, and by number. When there are too many, the one that has kept
the server waiting the longest is closed, so that there is always room for the next one.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from typing import Any

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

HEADER_BYTES_MAX = 64 * 1024
BODY_BYTES_MAX = 1024 * 1024
"""Above what any page or call takes (`DATA_UPLOAD_MAX_MEMORY_SIZE`), so that people read the product's own refusal."""
OPENING_BYTES = 512
BUFFERED_BYTES_MAX = 64 * 1024
"""Of a body, or of a response that its client does not read; more goes to a file."""
UNREAD_BYTES_MAX = 64 * 1024 * 1024
"""Of a response that its client does not read: from here on the thread that makes it waits."""
IDLE_SECONDS_MAX = 20
"""Without a byte in either direction."""
REQUEST_SECONDS_MAX = 30
"""From the first byte of a request to its last one, however steadily it drips."""
SWITCH_SECONDS = 0.0005
"""How long a thread that computes keeps others waiting. With Python's own 5 ms, a thread that holds locks waits that
long after each statement, and fewer requests get done (`benchmarks/contention.py`)."""
WRITERS = 1
"""Threads for requests that change something; all others are for those that read. What changes holds locks, and two of
them in one process only make each other, and everybody behind them, wait after every statement."""
STOPPING_SECONDS_MAX = 2
"""What a request that is still arriving is given when the worker stops."""
API_REQUEST = re.compile(rb"\s*[A-Z]+ (https?://[^/ ]+)?/api/")
READING = frozenset({"GET", "HEAD", "OPTIONS"})
API_CODES = {400: "bad_request", 413: "body_too_large", 431: "headers_too_large", 501: "not_implemented"}


class Parser(HTTPRequestParser):
    """Refuses what a proxy in front could read as another request."""

    opening = b""
    """How the request begins: enough to see for whom it is, also when it cannot be read any further."""

    def received(self, data: bytes) -> int:
        if len(self.opening) < OPENING_BYTES:
            self.opening += data[:OPENING_BYTES]
        consumed: int = super().received(data)
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Content-Length and Transfer-Encoding contradict each other")


class Task(WSGITask):
    """One request on a thread. To HEAD, headers alone are sent: what follows them would be read as the next answer."""

    @property
    def is_head(self) -> bool:
        return bool(self.request.command == "HEAD")

    def get_environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = super().get_environment()
        if self.is_head:
            # A file would go past `write`.
            environment.pop("wsgi.file_wrapper", None)
        return environment

    def write(self, data: bytes) -> None:
        super().write(b"" if self.is_head else data)

    def finish(self) -> None:
        if self.is_head:
            self.write(b"")
            self.chunked_response = False
        super().finish()


class Refusal(ErrorTask):
    """The answer to what is no request: to programs as the problem document that all of the API's refusals are."""

    def execute(self) -> None:
        if not API_REQUEST.match(self.request.opening):
            super().execute()
            return
        # Not before: the worker is loaded ahead of the application.
        from governance.api.problems import ProblemRenderer, document

        error = self.request.error
        body = json.dumps(document(API_CODES.get(error.code, "error"), error.code, f"{error.reason}: {error.body}"))
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", ProblemRenderer.media_type), ("Cache-Control", "no-store")]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body.encode())


class Channel(HTTPChannel):
    """One connection."""

    parser_class = Parser
    task_class = Task
    error_task_class = Refusal
    arriving_since: float | None = None
    """On the monotonic clock; None while no request is half here."""
    was_stalled = False

    def received(self, data: bytes) -> bool:
        more: bool = super().received(data)
        if self.request is None:
            self.arriving_since = None
        elif self.arriving_since is None:
            self.arriving_since = time.monotonic()
        return more

    @property
    def is_worked_on(self) -> bool:
        return bool(self.requests)

    @property
    def is_stalled(self) -> bool:
        """Whether there is something to send, and the client has taken nothing for a while."""
        return bool(self.total_outbufs_len) and time.time() - self.last_activity > IDLE_SECONDS_MAX

    @property
    def is_answering(self) -> bool:
        return bool(self.requests or self.total_outbufs_len)


class Threads:
    """The threads of one process: a queue for requests that read, and one for those that change something.

    So whoever waits for a lock keeps nobody from reading.
    """

    def __init__(self, count: int) -> None:
        self.writing, self.reading = ThreadedTaskDispatcher(), ThreadedTaskDispatcher()
        self.writing.set_thread_count(WRITERS)
        self.reading.set_thread_count(max(1, count - WRITERS))

    def add_task(self, channel: Channel) -> None:
        # What is no request has no method; its refusal reads nothing.
        method = getattr(channel.requests[0], "command", "GET")
        (self.reading if method in READING else self.writing).add_task(channel)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        ended = [each.shutdown(cancel_pending, timeout) for each in (self.writing, self.reading)]
        return all(ended)


class BufferingWorker(Worker):
    """One process: a loop for all connections, and `--threads` threads."""

    def init_process(self) -> None:
        self.map: dict[int, Any] = {}
        super().init_process()

    def run(self) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        server = create_server(
            self.wsgi,
            map=self.map,
            sockets=[listener.sock for listener in self.sockets],
            _dispatcher=Threads(self.cfg.threads),
            backlog=self.cfg.backlog,
            connection_limit=self.cfg.worker_connections,
            channel_timeout=IDLE_SECONDS_MAX,
            cleanup_interval=1,
            max_request_header_size=HEADER_BYTES_MAX,
            max_request_body_size=BODY_BYTES_MAX,
            inbuf_overflow=BUFFERED_BYTES_MAX,
            outbuf_overflow=BUFFERED_BYTES_MAX,
            outbuf_high_watermark=UNREAD_BYTES_MAX,
            asyncore_use_poll=True,
            log_socket_errors=False,
            ident="",
            # Whom to believe about the client's address and scheme is settled in one place: BEHIND_TLS_PROXY.
            clear_untrusted_proxy_headers=False,
        )
        self.wake = server.pull_trigger
        for listener in self.listeners:
            listener.channel_class = Channel
        noticed = 0.0
        while self.alive and self.ppid == os.getppid():
            self.turn()
            if time.monotonic() - noticed > 1:
                noticed = time.monotonic()
                self.notify()
                self.close_late()
            self.make_room()
        self.stop(server.task_dispatcher)

    def turn(self) -> None:
        """Serve every connection that is ready, or wait for one."""
        wasyncore.loop(timeout=1, use_poll=True, map=self.map, count=1)

    @property
    def listeners(self) -> list[BaseWSGIServer]:
        return [each for each in self.map.values() if isinstance(each, BaseWSGIServer)]

    @property
    def channels(self) -> list[Channel]:
        return [each for each in self.map.values() if isinstance(each, Channel)]

    def close_late(self) -> None:
        """Close connections on which a request arrives, or an answer waits to be read, for too long."""
        now = time.monotonic()
        for channel in self.channels:
            since = channel.arriving_since
            if since is not None and not channel.is_worked_on and now - since > REQUEST_SECONDS_MAX:
                channel.handle_close()
            elif channel.is_stalled and channel.was_stalled:
                # Seen twice: an answer that was long in the making is sent between two looks.
                channel.handle_close()
            else:
                channel.was_stalled = channel.is_stalled

    def make_room(self) -> None:
        """Before the last place is taken: close a tenth of those that keep us waiting, the oldest first."""
        limit = self.cfg.worker_connections
        if len(self.map) < limit - limit // 10:
            return
        waiting = sorted(
            (channel for channel in self.channels if not channel.is_worked_on), key=lambda each: each.creation_time
        )
        for channel in waiting[: limit // 5]:
            channel.handle_close()

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        if self.booted:
            self.wake()

    def stop(self, threads: Any) -> None:
        """Take no new connection, answer what has arrived, and end."""
        for listener in self.listeners:
            listener.accepting = False
            listener.del_channel(self.map)
        began = time.monotonic()
        while time.monotonic() - began < self.cfg.graceful_timeout:
            is_patient = time.monotonic() - began < STOPPING_SECONDS_MAX
            for channel in self.channels:
                if not channel.is_answering and not (is_patient and channel.arriving_since is not None):
                    channel.handle_close()
            if not self.channels:
                break
            self.notify()
            self.turn()
        threads.shutdown(cancel_pending=True, timeout=1)
