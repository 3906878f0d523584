"""Bad data files: every mistake is named with file, line and column, and nothing is loaded."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from estimator.loader import DATA_DIR, CatalogueErrors, read_catalogue

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(DATA_DIR, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def edit(folder: Path) -> Edit:
    def replace_once(file: str, old: str, new: str) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace_once


def errors_of(folder: Path) -> list[str]:
    with pytest.raises(CatalogueErrors) as caught:
        read_catalogue(folder)
    return caught.value.errors


def test_the_shipped_files_load() -> None:
    assert sum(len(rows) for rows in read_catalogue().values()) > 4000


def test_a_unit_in_a_cell_is_refused_with_file_line_and_column(folder: Path, edit: Edit) -> None:
    edit("accelerators.csv", "k80,NVIDIA,K80,kepler,24,", "k80,NVIDIA,K80,kepler,24 GB,")
    errors = errors_of(folder)
    assert errors == ["accelerators.csv:2: memory_gb: `24 GB` is not a plain number; units belong in the column name"]


@pytest.mark.parametrize("bad", ["nan", "inf", "-1", "1e999", "٣", "1_0"])
def test_numbers_that_are_none_are_refused(folder: Path, edit: Edit, bad: str) -> None:
    edit("accelerators.csv", "k80,NVIDIA,K80,kepler,24,", f"k80,NVIDIA,K80,kepler,{bad},")
    assert [error.split(": ")[:2] for error in errors_of(folder)] == [["accelerators.csv:2", "memory_gb"]]


def test_a_duplicate_key_names_both_lines(folder: Path, edit: Edit) -> None:
    edit("providers.csv", "azure,Microsoft", "aws,Microsoft")
    assert any("providers.csv:3: slug: `aws` already stands in line 2" in error for error in errors_of(folder))


def test_a_missing_and_an_unknown_column_are_named(folder: Path, edit: Edit) -> None:
    edit("facilities.csv", "pue_low", "pue_lower")
    errors = errors_of(folder)
    assert "facilities.csv:1: pue_low: this column is missing" in errors
    assert "facilities.csv:1: pue_lower: this column is unknown" in errors


def test_an_alias_that_means_two_things_is_refused(folder: Path) -> None:
    row = "gcp-again,GCP,aws,facts only,made up,\n"
    with (folder / "provider_aliases.csv").open("a", encoding="utf-8") as file:
        file.write(row)
    assert errors_of(folder) == ["provider_aliases.csv:44: printed: `GCP` already means `google-cloud`"]


def test_an_alias_that_is_the_name_of_another_row_is_refused(folder: Path) -> None:
    with (folder / "accelerator_aliases.csv").open("a", encoding="utf-8") as file:
        file.write("clash,a10,,a100-sxm4-80gb,facts only,made up,\n")
    assert any("printed: `a10` already means `a10`" in error for error in errors_of(folder))


def test_an_unknown_provider_is_refused_and_a_known_spelling_is_merged(folder: Path, edit: Edit) -> None:
    edit("prices.csv", ",akash,", ",Akash,")
    rows = read_catalogue(folder)["prices"]
    assert {row["provider"] for row in rows if "akash" in row["slug"]} == {"akash"}
    edit("prices.csv", ",Akash,", ",Nowhere Cloud,")
    assert any("`Nowhere Cloud` is not in providers.csv or its aliases" in error for error in errors_of(folder))


def test_a_price_without_a_part_says_why(folder: Path, edit: Edit) -> None:
    edit("prices.csv", "the printed name does not say which part, or the part has no row", "")
    assert any("accelerator: may be empty only where `doubt` says why" in error for error in errors_of(folder))


def test_a_day_that_is_none_and_an_order_turned_around_are_refused(folder: Path, edit: Edit) -> None:
    edit("thresholds.csv", "2023-10-30,2025-01-20", "2023-10-32,2025-01-20")
    edit("facilities.csv", "1.09,1.12", "1.12,1.09")
    errors = errors_of(folder)
    assert any("effective_from: `2023-10-32` is not a day" in error for error in errors)
    assert any("pue_high: `1.09` is below pue_low `1.12`" in error for error in errors)


def test_mistakes_of_all_files_are_listed_at_once(folder: Path, edit: Edit) -> None:
    edit("thresholds.csv", ",>,", ",=>,")
    edit("providers.csv", "hyperscaler", "giant")
    (folder / "grid_carbon.csv").unlink()
    files = {error.split(":")[0] for error in errors_of(folder)}
    assert files == {"thresholds.csv", "providers.csv", "grid_carbon.csv"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "header: is missing"),
        (b"\xff\xfe", "file: is not UTF-8 text"),
        (b"slug\0", "file: holds a NUL character"),
        (b'slug,"', "row: is not valid CSV"),
        (b"slug,slug\n", "slug: this column stands twice"),
    ],
)
def test_a_broken_file_is_named(folder: Path, content: bytes, sentence: str) -> None:
    (folder / "facilities.csv").write_bytes(content)
    assert any(error.startswith("facilities.csv:1") and sentence in error for error in errors_of(folder))


def test_a_short_row_is_named(folder: Path) -> None:
    with (folder / "facilities.csv").open("a", encoding="utf-8") as file:
        file.write("only-one-cell\n")
    assert errors_of(folder) == ["facilities.csv:22: row: has 1 cells, the header has 11"]


def test_a_prior_that_every_estimate_needs_may_not_leave(folder: Path, edit: Edit) -> None:
    edit("utilisation_priors.csv", "spot_rework,any", "spot_rework,other")
    assert errors_of(folder) == ["utilisation_priors.csv:1: quantity: a row for `any` of `spot_rework` is missing"]
