"""Columns of months as files of one folder: compared with chunks in PostgreSQL, and where 10 million rows fit."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from governance.policy.backends.columns import Columns
from governance.policy.backends.columns_store import read_columns, write_columns

SUFFIX = ".columns"


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Parts as files of one folder, named by month: `2026-01.columns`."""

    folder: Path

    def write(self, name: str, columns: Columns) -> None:
        """Put a part in place whole: a reader sees the old one or the new one."""
        target = self.folder / f"{name}{SUFFIX}"
        fresh = target.with_suffix(".new")
        fresh.write_bytes(write_columns(columns))
        fresh.replace(target)

    def names(self) -> list[str]:
        return sorted(path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}"))

    def read(self, name: str, names: Iterable[str] | None = None) -> Columns:
        """Some columns; of the others not even the bytes are read."""
        with (self.folder / f"{name}{SUFFIX}").open("rb") as file:
            # What is handed out keeps the mapping alive, and with it the file that was there when it was opened.
            return read_columns(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)), names)

    def parts(self, names: Iterable[str] | None = None) -> Iterator[tuple[str, Columns]]:
        """Part after part, so that only one is in memory."""
        wanted = None if names is None else tuple(names)
        for name in self.names():
            yield name, self.read(name, wanted)
