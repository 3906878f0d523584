"""A database of an earlier version is carried on whole, or refused in one sentence; `make reset` begins anew."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from config.serve.claims import Refused
from config.serve.reset import reset
from tests.plugins.servers import OWNER, ROOT, SERVERS


@pytest.fixture
def as_owner(transactional_db: None) -> Iterator[None]:
    """Connected as whoever owns the tables: migrations change them, and the app role may not."""
    told = urlsplit(SERVERS.url(OWNER, connection.settings_dict["NAME"]))
    before = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update(USER=told.username, PASSWORD=told.password)
    yield
    connection.close()
    connection.settings_dict.update(before)


def make_old(*, without: tuple[str, str] | None = None) -> None:
    """The history of a database of before the migrations were made anew; a new one names what was replaced as well."""
    recorder = MigrationRecorder(connection)
    for key, migration in MigrationLoader(connection).disk_migrations.items():
        if migration.replaces:
            recorder.record_unapplied(*key)
    if without is not None:
        recorder.record_unapplied(*without)
        # Whatever is younger than what replaced it came later.
        for app, name in MigrationRecorder(connection).applied_migrations():
            if app == "governance" and name == "0005_holidays":
                recorder.record_unapplied(app, name)


@pytest.mark.usefixtures("as_owner")
def test_a_database_with_all_that_was_replaced_is_carried_on() -> None:
    make_old()
    call_command("migrate", interactive=False, verbosity=0)
    assert (
        MigrationLoader(connection).disk_migrations.keys() <= MigrationRecorder(connection).applied_migrations().keys()
    )


@pytest.mark.usefixtures("as_owner")
@pytest.mark.parametrize("missing", [("governance", "0018_policy_checks"), ("estimator", "0003_prohibited_uses")])
def test_a_database_with_a_part_of_it_is_refused(missing: tuple[str, str]) -> None:
    make_old(without=missing)
    with pytest.raises(CommandError, match=r"a version that this one cannot carry on: .* `make reset`"):
        call_command("migrate", interactive=False, verbosity=0)


@pytest.mark.usefixtures("as_owner")
def test_a_database_of_a_later_version_is_refused_by_name() -> None:
    MigrationRecorder(connection).record_applied("governance", "0099_of_tomorrow")
    with pytest.raises(CommandError, match=r"it has `governance\.0099_of_tomorrow`"):
        call_command("migrate", interactive=False, verbosity=0)


def data_folder(tmp_path: Path) -> Path:
    data = tmp_path / "var"
    (data / "postgres").mkdir(parents=True)
    (data / "secrets.json").write_text("{}")
    return data


def test_reset_deletes_the_data_and_may_be_repeated(tmp_path: Path) -> None:
    data = data_folder(tmp_path)
    assert "begins anew" in reset(data, is_agreed=True)
    assert not data.exists()
    assert "does not exist" in reset(data, is_agreed=True)


def test_reset_asks_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_folder(tmp_path)
    with pytest.raises(Refused, match="nothing was deleted"):
        reset(data, is_agreed=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: "yes")
    with pytest.raises(Refused, match="nothing was deleted"):
        reset(data, is_agreed=False)
    assert (data / "secrets.json").exists()
    monkeypatch.setattr("builtins.input", lambda prompt: "reset")
    reset(data, is_agreed=False)
    assert not data.exists()


def test_reset_leaves_data_in_use_and_other_folders_alone(tmp_path: Path) -> None:
    data = data_folder(tmp_path)
    with (data / "launcher.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Refused, match="already running on this data"):
            reset(data, is_agreed=True)
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")
    link = tmp_path / "link"
    link.symlink_to(data)
    for folder in (home, link):
        with pytest.raises(Refused, match="is not a data folder"):
            reset(folder, is_agreed=True)
    assert (home / "thesis.txt").exists()
    assert (data / "secrets.json").exists()


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "config.serve.reset", "--yes"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "COMPTROLLER_DATA": str(tmp_path)},
    )  # fmt: skip
    assert answer.returncode == 2
    assert answer.stderr == f"comptroller: `{tmp_path}` is not a data folder of `make run`; nothing was deleted\n"
