"""Answers of rules on many rows as packed bits: one bit a row, eight rows a byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from governance.policy.backends.columns import Columns
from governance.policy.backends.columns_backend import BLOCK_ROWS, ColumnsProgram

# Rows per block where several threads share the work.
SHARED_BLOCK_ROWS = 1 << 18

Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RuleBits:
    """Which of the rows a rule fires on, and on which it is indeterminate (None: on none).

    Both have ceil(rows / 8) bytes, the first row in the highest bit; bits past the last row are 0.
    """

    fired: Bits
    unsure: Bits | None = None


def blocks(columns: Columns, rows: int = BLOCK_ROWS) -> Iterator[tuple[int, Columns]]:
    """Consecutive blocks of rows and where each begins. `rows` is a multiple of eight, so that no byte is shared."""
    for start in range(0, columns.count, rows):
        yield start, columns.slice(start, start + rows)


def run(program: ColumnsProgram, columns: Columns, count: int, *, workers: int = 1) -> list[RuleBits]:
    """Judge all rows.

    Args:
        count: how many conditions the program has.
        workers: threads; NumPy leaves the interpreter while it works on a block.
    """
    size = (columns.count + 7) // 8
    fired = np.zeros((count, size), np.uint8)
    unsure: dict[int, Bits] = {}

    def judge(part: tuple[int, Columns]) -> None:
        start, block = part
        place = slice(start // 8, start // 8 + (block.count + 7) // 8)
        for index, answer in enumerate(program.run_block(block)):
            fired[index, place] = np.packbits(answer.fired)
            if answer.unsure is not None:
                # setdefault is one step for all threads; each writes bytes of its own.
                unsure.setdefault(index, np.zeros(size, np.uint8))[place] = np.packbits(answer.unsure)

    if workers <= 1:
        for part in blocks(columns):
            judge(part)
    else:
        # Larger blocks: threads then spend their time in NumPy, not in handing over the interpreter.
        share = -(-columns.count // (2 * workers))
        rows = max(BLOCK_ROWS, min(SHARED_BLOCK_ROWS, -(-share // 8) * 8))
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(judge, blocks(columns, rows)))
    return [RuleBits(fired[index], unsure.get(index)) for index in range(count)]


def count_bits(bits: Bits) -> int:
    """How many rows."""
    return int(np.bitwise_count(bits).sum(dtype=np.int64))


def either(parts: Iterable[Bits], size: int) -> Bits:
    """Rows in any of the parts."""
    together = np.zeros(size, np.uint8)
    for part in parts:
        together |= part
    return together


def pack(truth: NDArray[np.bool_]) -> Bits:
    return np.packbits(truth)


def full(count: int) -> Bits:
    """All rows."""
    return np.packbits(np.ones(count, np.bool_))
