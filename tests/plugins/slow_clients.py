"""Clients that keep a web server waiting: silent, with half a header, with a body that drips."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import urllib.request
from dataclasses import dataclass, field

HALF_A_HEADER = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nX-Half: "
DRIPPING_BODY = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nusername="
KINDS: dict[str, bytes] = {"silent": b"", "half a header": HALF_A_HEADER, "a dripping body": DRIPPING_BODY}
DRIP_SECONDS = 0.5


@dataclass
class SlowClients:
    """Open connections that never finish, each a byte every half second. Ends with the block."""

    port: int
    count: int = 60
    sockets: list[socket.socket] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> SlowClients:
        starts = list(KINDS.values())
        for number in range(self.count):
            client = socket.create_connection(("127.0.0.1", self.port), timeout=5)
            client.sendall(starts[number % len(starts)])
            client.setblocking(False)
            self.sockets.append(client)
        self._drip = threading.Thread(target=self._keep_dripping, daemon=True)
        self._drip.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._drip.join(5)
        for client in self.sockets:
            client.close()

    def _keep_dripping(self) -> None:
        while not self._done.wait(DRIP_SECONDS):
            for number, client in enumerate(self.sockets):
                if number % len(KINDS):
                    with contextlib.suppress(OSError):
                        client.send(b"x")

    @property
    def open_count(self) -> int:
        """How many the server has not closed."""
        count = 0
        for client in self.sockets:
            try:
                count += client.recv(1024) != b""
            except BlockingIOError:
                count += 1
            except OSError:
                continue
        return count


def seconds_of_sign_in(port: int, *, timeout_s: float = 30.0) -> float:
    """How long the sign-in page takes a client who is not slow, seconds.

    Raises:
        OSError: no answer within the timeout.
    """
    began = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in/", timeout=timeout_s) as page:
        if b"csrfmiddlewaretoken" not in page.read():
            raise OSError("this is not the sign-in page")
    return time.perf_counter() - began
