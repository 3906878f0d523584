"""Columns as bytes and back: one part (a month of decisions) is one value, read column by column.

Layout: 8 bytes `CMPCOLS1`, 4 bytes length of a JSON header, the header, then the arrays one after another. The header
says for each column its type, dictionary, and where its bytes lie; little-endian throughout.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from governance.policy.backends.columns import Column, Columns
from governance.policy.errors import BundleError

MAGIC = b"CMPCOLS1"
# Numbers that hardly shrink are stored as they are: reading them back is then nothing but a copy.
WORTHWHILE = 0.5
ROWS_MAX = 5_000_000
HEADER_BYTES_MAX = 64_000_000

_DTYPES = {"f8": "<f8", "i8": "<i8", "u1": "|u1", "u2": "<u2", "u4": "<u4", "bits": "|u1"}


def write_columns(columns: Columns) -> bytes:
    """One part as bytes."""
    pieces: list[bytes] = []
    offset = 0

    def store(array: NDArray[Any]) -> dict[str, Any]:
        nonlocal offset
        kind = "bits" if array.dtype == np.bool_ else array.dtype.newbyteorder("<").str.lstrip("<|=")
        raw = np.packbits(array).tobytes() if kind == "bits" else np.ascontiguousarray(array, _DTYPES[kind]).tobytes()
        packed = zlib.compress(raw, 1)
        is_packed = len(packed) < WORTHWHILE * len(raw)
        data = packed if is_packed else raw
        pieces.append(data)
        offset += len(data)
        return {"kind": kind, "offset": offset - len(data), "bytes": len(data), "packed": is_packed}

    described: dict[str, Any] = {}
    for name, column in columns.columns.items():
        described[name] = {
            "values": store(column.values),
            "present": None if column.present is None else store(column.present),
            "dictionary": column.dictionary,
        }
    header = json.dumps({"rows": columns.count, "columns": described}, separators=(",", ":")).encode()
    return b"".join((MAGIC, struct.pack("<I", len(header)), header, *pieces))


def read_columns(data: bytes | memoryview, names: Iterable[str] | None = None) -> Columns:
    """Some columns of a part; the others are not even unpacked. A fact that the part has no column for is absent.

    Raises:
        BundleError: the bytes are not a part, or end too early.
    """
    view = memoryview(data)
    try:
        if view[:8] != MAGIC:
            raise ValueError("another beginning")
        (length,) = struct.unpack_from("<I", view, 8)
        if length > HEADER_BYTES_MAX:
            raise ValueError("too long a header")
        header = json.loads(bytes(view[12 : 12 + length]))
        rows, described = header["rows"], header["columns"]
        if not 0 <= rows <= ROWS_MAX:
            raise ValueError("too many rows")
        body = view[12 + length :]
        wanted = described if names is None else [name for name in names if name in described]
        return Columns(rows, {name: _read_column(described[name], body, rows) for name in wanted})
    except (ValueError, KeyError, TypeError, struct.error, zlib.error) as error:
        raise BundleError(f"not a part of stored columns: {error}") from error


def _read_column(plain: dict[str, Any], body: memoryview, rows: int) -> Column:
    present = None if plain["present"] is None else _read_array(plain["present"], body, rows)
    dictionary = plain["dictionary"]
    words = None if dictionary is None else tuple(tuple(w) if isinstance(w, list) else w for w in dictionary)
    values = _read_array(plain["values"], body, rows)
    if words is not None and rows and int(values.max(initial=0)) >= max(len(words), 1):
        raise ValueError("a code outside of its dictionary")
    return Column(values, present, words)


def _read_array(plain: dict[str, Any], body: memoryview, rows: int) -> NDArray[Any]:
    raw: Any = body[plain["offset"] : plain["offset"] + plain["bytes"]]
    if plain["packed"]:
        # A part says how many rows it has, so a bomb ends at what they need.
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(raw, rows * 8 + 8)
        if not unpacker.eof:
            raise ValueError("a column is cut off")
    array = np.frombuffer(raw, _DTYPES[plain["kind"]])
    if plain["kind"] == "bits":
        array = np.unpackbits(array, count=rows).view(np.bool_)
    if len(array) != rows:
        raise ValueError("a column of another length")
    return array
