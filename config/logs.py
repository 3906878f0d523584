"""Log lines that nobody can forge: one event, one line, whatever a user typed."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

_CONTROL_CHARACTERS = {code: f"\\x{code:02x}" for code in [*range(32), *range(127, 160), 0x2028, 0x2029]}
_CONTROL_CHARACTERS |= {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class LineFormatter(logging.Formatter):
    """For people: time, level, logger, message. A traceback follows on its own indented lines."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage().translate(_CONTROL_CHARACTERS)
        line = f"{_instant(record)} {record.levelname.lower():8} {record.name}: {message}"
        if record.exc_info:
            line += "\n" + "\n".join(f"    {part}" for part in self.formatException(record.exc_info).splitlines())
        return line


class JsonFormatter(logging.Formatter):
    """For machines: one JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "at": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=True, default=str)
