"""Servers of tests keep their data in memory only where that is possible."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.plugins import scratch


@pytest.fixture
def roomy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the one in memory, with room enough."""
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(scratch, "MEMORY", tmp_path)
    monkeypatch.setattr(scratch, "FREE_BYTES_MIN", 1)
    return tmp_path


def test_it_is_in_memory_where_there_is_room(roomy: Path) -> None:
    assert scratch.scratch_folder() == roomy


def test_a_named_place_is_used(roomy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())
    assert scratch.scratch_folder() == Path(tempfile.gettempdir())


def test_a_container_has_too_little_of_it(roomy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "FREE_BYTES_MIN", 2**80)
    assert scratch.scratch_folder() == Path(tempfile.gettempdir())


def test_some_systems_have_none(roomy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "MEMORY", roomy / "missing")
    assert scratch.scratch_folder() == Path(tempfile.gettempdir())
