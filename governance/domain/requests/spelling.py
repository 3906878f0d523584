"""Earlier names of a request's fields, which are read until 1.0.

A stored revision keeps the names of its time: its digest was taken over them. Whoever reads content that was stored or
sent reads it through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.domain.requests import fields

CONTENT_VERSION = 2
"""Of the names that content is written in now."""
CONTENT_VERSIONS = (1, CONTENT_VERSION)
"""Of the names that are read: in version 1 `sizing` was called `content`."""


def earlier_names() -> dict[str, str]:
    """The present name of each field by the one that it had."""
    return {row.earlier_name: row.name for row in fields.FIELDS if row.earlier_name}


def in_present_names(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same content with its fields under their present names.

    Content that has a field under both names keeps both, and the parser refuses it.
    """
    present = dict(content)
    for earlier, name in earlier_names().items():
        if earlier in present and name not in present:
            present[name] = present.pop(earlier)
    if present.get("schema") in CONTENT_VERSIONS:
        present["schema"] = CONTENT_VERSION
    return present
