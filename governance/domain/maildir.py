"""The order of the mails in a Maildir."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"(\d+)\.M(\d+)P\d+Q(\d+)\.")


def delivery_order(key: str) -> tuple[int, ...]:
    """By which the keys that the standard library writes sort as they were delivered: second, microsecond, count.

    As text they do not: the microseconds are written without leading zeros.
    """
    found = _WRITTEN.match(key)
    return tuple(map(int, found.groups())) if found else ()
