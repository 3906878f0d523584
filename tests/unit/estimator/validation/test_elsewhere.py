"""Which shipped runs may teach about a file of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from estimator.validation.elsewhere import runs_elsewhere
from estimator.validation.report import validate_file
from estimator.validation.runs import RUNS_FILE, read_runs
from tests.unit.estimator.validation.made_runs import make_run

SHIPPED, _ = read_runs(RUNS_FILE)


def test_the_shipped_file_has_nothing_beside_it() -> None:
    assert runs_elsewhere(SHIPPED) == []


def test_runs_of_a_stranger_stand_beside_all_shipped_ones() -> None:
    assert runs_elsewhere([make_run("Nobody at all", 0.4)]) == list(SHIPPED)


@pytest.mark.parametrize("printed", ["Meta", "meta", "Meta AI", "META, Inc."])
def test_a_developer_of_the_file_teaches_nothing_however_the_name_is_printed(printed: str) -> None:
    left = {run.developer for run in runs_elsewhere([make_run(printed, 0.4)])}
    assert "Meta" not in left
    assert "Microsoft" in left


@pytest.mark.parametrize("changes", [{"developer": "Somebody else"}, {"developer": "Somebody else", "name": "Renamed"}])
def test_a_run_of_the_file_teaches_nothing_under_another_name(changes: dict[str, str]) -> None:
    known = next(run for run in SHIPPED if run.name == "DeepSeek-V3")
    left = {run.name for run in runs_elsewhere([replace(known, **changes)])}
    assert "DeepSeek-V3" not in left
    assert len(left) == len(SHIPPED) - 1


def test_its_own_hours_do_not_choose_what_teaches_about_a_file() -> None:
    """A copy by another name is left out for its work, whatever hours it states."""
    known = next(run for run in SHIPPED if run.name == "LLaMA-65B")
    renamed = replace(known, developer="Somebody else", name="Renamed")
    slower = replace(renamed, gpu_hours=10.0 * known.gpu_hours)
    assert runs_elsewhere([slower]) == runs_elsewhere([renamed])
    assert known not in runs_elsewhere([slower])


def test_one_developer_is_enough_beside_the_shipped_runs(tmp_path: Path) -> None:
    """A team can ask how well its own runs would have been predicted."""
    head, *lines = RUNS_FILE.read_text(encoding="utf-8").splitlines(keepends=True)
    own = tmp_path / "own.csv"
    own.write_text(head + "".join(line for line in lines if ",Microsoft," in line), encoding="utf-8")
    found = validate_file(own)
    assert found.in_scope.score.n == 8
    assert found.in_scope.score.median_abs_error < 0.25


def test_runs_that_all_differ_from_the_shipped_ones_are_learnt(tmp_path: Path) -> None:
    """A site whose runs take half of the hours: its other developers tell."""
    head, _ = RUNS_FILE.read_text(encoding="utf-8").split("\n", 1)
    columns = head.strip().split(",")
    rows = []
    for number in range(12):
        row = dict.fromkeys(columns, "") | {
            "run": f"own-{number}",
            "developer": f"group-{number % 6}-of-the-site",
            "params_active": "7e9",
            "tokens_trained": "1e12",
            "accelerator": "A100-80",
            "peak_dense_16bit_tflops": "312",
            "gpu_hours": f"{6 * 7e9 * 1e12 / (312e12 * 3600 * 0.7) * (1 + number / 100):.0f}",
            "verification": "verified: our own records",
        }
        rows.append(",".join(row.values()))
    own = tmp_path / "site.csv"
    own.write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    # The shipped runs alone would say about 0.35 and so be wrong by a factor of two.
    assert validate_file(own).in_scope.score.median_abs_error < 0.45
