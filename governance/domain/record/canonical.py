"""Canonical JSON (RFC 8785) and its SHA-256, the one way in which this house names content."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785

# RFC 8785 numbers are IEEE doubles: an integer above this is not represented exactly and must travel as a string.
INTEGER_MAX = 2**53 - 1


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785 bytes of plain JSON data.

    Raises:
        ValueError: NaN, infinity, or an integer beyond 2**53 - 1.
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(f"not representable as canonical JSON: {error}") from error


def doubles(value: Any) -> Any:
    """The value as it was before it was stored: a database that keeps JSON by value gives 1e24 back as a whole number.

    No integer of ours is that large, because `canonical_bytes` refuses it.

    Raises:
        OverflowError: a whole number that no double holds, which was never stored here.
    """
    if isinstance(value, dict):
        return {name: doubles(each) for name, each in value.items()}
    if isinstance(value, list):
        return [doubles(each) for each in value]
    return float(value) if isinstance(value, int) and abs(value) > INTEGER_MAX else value


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hex digits."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()
