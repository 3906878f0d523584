"""Text for files that spreadsheets open: which cells they would run as a formula, in one place."""

from __future__ import annotations

from typing import Any

# What a spreadsheet, or what reads a file on its behalf, takes for the beginning of a formula or a command.
FORMULA_STARTS = ("=", "+", "-", "@", "|", "%", "\t", "\r", "\n")


def safe_cell(value: Any) -> Any:
    """A number stays a number; a text that would run as a formula gets an apostrophe in front, which makes it text."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
