"""A real SMTP server whose manners a test decides: refuse, hang, or drop the line after the text."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from config.serve.processes import free_port

HANG_SECONDS = 30.0
SLOW_SECONDS = 1.5


@dataclass
class Relay:
    """What each address is answered with, one entry per try; afterwards mails are kept.

    An entry is a reply such as `451 later` to the text, or `RCPT 550 unknown` to the address. `hang` never answers,
    `RCPT hang` neither; `slow` answers after 1.5 s; `drop` keeps the text and hangs up without an answer.

    Args:
        mood: the same for every mail, as long as it lasts; empty for none.
        seconds_per_mail: how long it lets a sender wait for its answer, after it has kept the text.
    """

    port: int = field(default_factory=free_port)
    manners: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    mood: str = ""
    seconds_per_mail: float = 0.0
    kept: list[tuple[str, bytes]] = field(default_factory=list)
    connections: int = 0
    _controller: Any = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        from aiosmtpd.controller import Controller

        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """Go away; `start` comes back on the same port, with everything that was kept."""
        self._controller.stop()

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(content, policy=policy.default) for _, content in self.kept]  # type: ignore[misc]

    def to(self, address: str) -> list[EmailMessage]:
        return [message for (kept, _), message in zip(self.kept, self.messages, strict=True) if kept == address]

    def count_by_id(self) -> Counter[str]:
        return Counter(str(message["Message-ID"]) for message in self.messages)

    def _next(self, address: str, *, to_rcpt: bool) -> str | None:
        if self.mood and self.mood.startswith("RCPT ") is to_rcpt:
            return self.mood.removeprefix("RCPT ")
        waiting = self.manners.get(address)
        if waiting and waiting[0].startswith("RCPT ") is to_rcpt:
            return waiting.pop(0).removeprefix("RCPT ")
        return None

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = self._next(address, to_rcpt=True)
        if answer == "hang":
            await asyncio.sleep(HANG_SECONDS)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        address = envelope.rcpt_tos[0]
        answer = self._next(address, to_rcpt=False)
        if answer == "hang":
            await asyncio.sleep(HANG_SECONDS)
        if answer == "drop":
            self.kept.append((address, bytes(envelope.content)))
            server.transport.abort()
            await asyncio.sleep(0.2)
        if answer == "slow":
            await asyncio.sleep(SLOW_SECONDS)
            answer = None
        if answer is None:
            self.kept.append((address, bytes(envelope.content)))
            await asyncio.sleep(self.seconds_per_mail)
        return answer or "250 kept"


@contextmanager
def running_relay() -> Iterator[Relay]:
    relay = Relay()
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()
