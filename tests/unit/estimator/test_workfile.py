from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import estimator
from estimator.core.errors import InputError
from estimator.report import format_estimate
from estimator.workfile import read_work_file
from tests.unit.estimator.samples import H100, size

EXAMPLES = Path(estimator.__file__).parent / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_can_be_read(path: Path) -> None:
    assert read_work_file(path.read_text(encoding="utf-8")).place.accelerator


def test_every_mistake_is_named_at_once() -> None:
    text = "workload: pretraining\nwork: {parameters_billion: .nan}\nplace: {price_term: gift}\n"
    text += "money_cap_usd: -3\nx: 1\n"
    with pytest.raises(InputError) as caught:
        read_work_file(text)
    assert set(caught.value.errors) == {"parameters_billion", "tokens_billion", "price_term", "money_cap_usd", "x"}


@pytest.mark.parametrize("text", ["", "- 1", "a: [", "a: !!python/object:os.system {}", "x" * 200_000, "work: 1"])
def test_a_file_that_is_no_workload_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_work_file(text)


def test_numerals_that_yaml_reads_as_text_are_numbers() -> None:
    stated = read_work_file("workload: lease\nlineage: {base_model_flop: 2e25}\nday: 2026-11-21\n")
    assert stated.lineage is not None
    assert stated.lineage.base_model_flop == 2e25
    assert stated.on == date(2026, 11, 21)


def test_the_table_shows_price_gaps_and_assumptions() -> None:
    text = format_estimate(size("lease", place=H100, window_hours=10))
    for part in ("GPU-hours", "unknown", "as of", "Missing", "Assumptions", "[board_power]"):
        assert part in text
