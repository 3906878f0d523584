"""Which printed names are one developer."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from estimator.validation.developers import is_same_developer, one_name_each
from estimator.validation.report import validate_file
from estimator.validation.runs import RUNS_FILE


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Meta", "META", True),
        ("Meta", "Meta AI", True),
        ("Meta AI", "META, Inc.", False),
        ("Meta", "Microsoft", False),
        ("AI", "AI Singapore", False),
        ("group 1", "group 12", False),
        ("group 1", "Group-1", True),
        ("\u667a\u8c31", "\u6708\u4e4b\u6697\u9762", False),
    ],
)
def test_which_names_are_one(one: str, other: str, is_same: bool) -> None:
    assert is_same_developer(one, other) is is_same
    assert is_same_developer(other, one) is is_same


def test_names_that_share_a_beginning_become_the_shortest() -> None:
    found = one_name_each(["Meta AI", "META, Inc.", "Meta", "meta", "Microsoft"])
    assert found == {"Meta AI": "Meta", "META, Inc.": "Meta", "Meta": "Meta", "meta": "Meta", "Microsoft": "Microsoft"}


def test_hours_of_a_developer_printed_two_ways_do_not_move_its_own_predictions(tmp_path: Path) -> None:
    with RUNS_FILE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["developer"] == "Meta"]

    def predicted(slower: float) -> list[tuple[float, float, float]]:
        path = tmp_path / f"times_{slower:.0f}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            for number, row in enumerate(rows):
                hours = float(row["gpu_hours"]) * slower if row["gpu_hours"] and number % 2 else row["gpu_hours"]
                writer.writerow(row | {"developer": "META AI" if number % 2 else "Meta", "gpu_hours": hours})
        return [(each.p10, each.p50, each.p90) for each in validate_file(path).all_usable.predictions]

    assert predicted(slower=10.0) == predicted(slower=1.0)
