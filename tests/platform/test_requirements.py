"""Locks are complete and agree with what is asked for; an unfit Python is told so in one line."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from config import bootstrap
from tests.plugins.servers import ROOT

LOCKS = sorted((ROOT / "locks").glob("*.txt"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def pins(path: Path) -> dict[str, str]:
    found = PIN.findall(path.read_text())
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_there_are_two_locks_for_each_supported_python() -> None:
    names = {f"python-3.{minor}{kind}.txt" for minor in (11, 12, 13) for kind in ("", "-dev")}
    assert {path.name for path in LOCKS} == names


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_lock_holds_exact_versions_with_hashes_and_no_addresses(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert len(blocks) == len(pins(path))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_lock_agrees_with_what_is_asked_for(path: Path) -> None:
    asked = pins(ROOT / "requirements.txt")
    if path.stem.endswith("-dev"):
        asked |= pins(ROOT / "requirements-dev.txt")
        assert pins(path).items() >= pins(path.with_stem(path.stem.removesuffix("-dev"))).items()
    locked = pins(path)
    assert {name: locked.get(name) for name in asked} == asked


def test_every_direct_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in (ROOT / name).read_text().splitlines() if line and line[0] not in "#-"]
        assert all("==" in line for line in lines), name


def test_an_old_python_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "anywhere"])
    with pytest.raises(SystemExit) as ended:
        bootstrap.main()
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "Python 3.11 or newer is needed, this is 3.9" in line


def test_a_python_newer_than_the_locks_uses_the_newest() -> None:
    assert bootstrap.lock_for((3, 19), False).endswith("python-3.13.txt")
    assert bootstrap.lock_for((3, 12), True).endswith("python-3.12-dev.txt")


def test_a_finished_environment_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "run", lambda arguments, failure: calls.append(arguments))
    monkeypatch.setattr(bootstrap, "works", lambda folder: True)
    for arguments, installs in (([], 1), ([], 0), (["--dev"], 1), (["--dev"], 0), ([], 0)):
        monkeypatch.setattr(sys, "argv", ["bootstrap.py", *arguments, str(tmp_path)])
        calls.clear()
        bootstrap.main()
        assert len(calls) == installs, arguments
    (tmp_path / bootstrap.STAMP).write_text("of an older lock\n")
    calls.clear()
    bootstrap.main()
    assert len(calls) == 1
