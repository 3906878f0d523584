"""The local SMTP server of `make run`: every mail goes into a Maildir, none leaves the machine.

`python -m config.serve.mailbox PORT FOLDER`
"""

from __future__ import annotations

import asyncio
import mailbox
import signal
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from config.serve.processes import LOOPBACK
from governance.domain.maildir import delivery_order

KEPT_MAX = 2000
"""Mails; the oldest go first."""
MESSAGE_BYTES_MAX = 2_000_000


class Keeper:
    """Files each message once, with the addresses it was really sent to."""

    def __init__(self, folder: Path) -> None:
        self.box = mailbox.Maildir(folder, create=True)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        recipients = ", ".join(address.replace("\r", "").replace("\n", "") for address in envelope.rcpt_tos)
        self.box.add(f"X-Envelope-To: {recipients}\r\n".encode() + envelope.content)
        self._forget_oldest()
        return "250 kept"

    def _forget_oldest(self) -> None:
        keys = self.box.keys()
        if len(keys) > KEPT_MAX:
            for key in sorted(keys, key=delivery_order)[: len(keys) - KEPT_MAX]:
                self.box.discard(key)


async def serve(port: int, folder: Path) -> None:
    """Take mail until told to stop."""
    keeper = Keeper(folder)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="localhost", data_size_limit=MESSAGE_BYTES_MAX, enable_SMTPUTF8=True),
        host=LOOPBACK,
        port=port,
    )
    print(f"taking mail on {LOOPBACK}:{port} into {folder}", flush=True)
    async with server:
        await stopped.wait()


def main() -> int:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    asyncio.run(serve(port, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
