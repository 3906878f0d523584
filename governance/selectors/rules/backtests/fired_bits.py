"""Which rows of a part each condition fired on, shared by all workers through the cache. Forgetting costs time only."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from django.core.cache import cache

from governance.policy.backends.bitmaps import RuleBits

KEPT_SECONDS = 14 * 24 * 3600
_HEAD = struct.Struct("<II")


@dataclass(slots=True)
class SharedBits:
    """The fired rows of one part: read in one go, kept here meanwhile, written in one go.

    Under the digests of the part and of the condition with its parameters, so a draft that changes one rule finds all
    others judged already.
    """

    part: str
    rows: int
    _kept: dict[str, RuleBits] = field(default_factory=dict)
    _fresh: dict[str, RuleBits] = field(default_factory=dict)

    def load(self, digests: Iterable[str]) -> None:
        """Read what is known of these conditions."""
        keys = {self._key(digest): digest for digest in dict.fromkeys(digests)}
        for key, data in cache.get_many(list(keys)).items():
            bits = _read(data, self.rows)
            if bits is not None:
                self._kept[keys[key]] = bits

    def get(self, part: str, digest: str) -> RuleBits | None:
        return self._kept.get(digest)

    def put(self, part: str, digest: str, bits: RuleBits) -> None:
        self._kept[digest] = self._fresh[digest] = bits

    def save(self) -> None:
        """Write what was judged anew."""
        if self._fresh:
            cache.set_many({self._key(digest): _write(bits) for digest, bits in self._fresh.items()}, KEPT_SECONDS)
            self._fresh.clear()

    def _key(self, digest: str) -> str:
        return f"fired:{self.part[:32]}:{digest[:32]}"


def _write(bits: RuleBits) -> bytes:
    fired = zlib.compress(bits.fired.tobytes(), 1)
    unsure = b"" if bits.unsure is None else zlib.compress(bits.unsure.tobytes(), 1)
    return _HEAD.pack(len(fired), len(unsure)) + fired + unsure


def _read(data: object, rows: int) -> RuleBits | None:
    """None where the bytes are not what was written: they are judged again then."""
    try:
        if not isinstance(data, bytes):
            return None
        fired_bytes, unsure_bytes = _HEAD.unpack_from(data)
        body = memoryview(data)[_HEAD.size :]
        fired = _unpack(body[:fired_bytes], rows)
        return RuleBits(fired, _unpack(body[fired_bytes : fired_bytes + unsure_bytes], rows) if unsure_bytes else None)
    except (struct.error, zlib.error, ValueError):
        return None


def _unpack(packed: memoryview, rows: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    size = (rows + 7) // 8
    raw = zlib.decompressobj().decompress(packed, size + 1)
    if len(raw) != size:
        raise ValueError("bits of another part")
    return np.frombuffer(raw, np.uint8)
