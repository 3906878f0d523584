"""The commands: what they print, and how they refuse."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

import estimator
from estimator.core.errors import InputError
from estimator.validation.runs import RUNS_FILE
from estimator.workfile import read_work_file

EXAMPLES = Path(estimator.__file__).parent / "examples"


def run(name: str, *arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_every_example_is_sized_and_compared(db: None, example: str) -> None:
    sized = json.loads(run("estimate", str(EXAMPLES / example), json=True))
    compared = json.loads(run("estimate", str(EXAMPLES / example), compare=True, json=True, limit=3))
    assert compared["estimate"] == sized
    assert compared["comparison"]["counted"] > 0
    text = run("estimate", str(EXAMPLES / example), compare=True)
    assert "Offers:" in text
    assert "Assumptions" in text


def test_a_service_is_held_against_a_hosted_model(db: None) -> None:
    found = json.loads(run("estimate", str(EXAMPLES / "serve_70b.yaml"), compare=True, json=True))
    assert found["hosting"]["hosted_usd_month"] == pytest.approx(200_000 * 30 * (1500 * 2.5 + 300 * 10) / 1e6)
    assert found["estimate"]["carbon_market_kg"]["p50"] == pytest.approx(0.4 * found["estimate"]["carbon_kg"]["p50"])
    assert dict(found["estimate"]["cost_lines"])["egress"]["p50"] == pytest.approx(180.0)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("needs: {software: abacus}", "software"),
        ("needs: {colour: red}", "colour"),
        ("needs: {providers: lambda}", "providers"),
        ("needs: {deadline_hours: 0}", "deadline_hours"),
        ("extras: {egress_gb: -1}", "egress_gb"),
        ("extras: {tips: 5}", "tips"),
        ("renewable_share: 2", "renewable_share"),
        ("hosted_model: 5", "hosted_model"),
    ],
)
def test_a_wrong_line_of_a_file_is_named(db: None, tmp_path: Path, text: str, field: str) -> None:
    path = tmp_path / "work.yaml"
    path.write_text(f"workload: lease\nsizing: cap\n{text}\n", encoding="utf-8")
    err = StringIO()
    with pytest.raises(SystemExit):
        call_command("estimate", str(path), stderr=err)
    assert f"work.yaml: {field}:" in err.getvalue()


def test_the_earlier_name_of_a_key_is_read() -> None:
    text = "workload: lease\nplace: {accelerator: h100-sxm5-80gb}\ngpu_hours_cap: 10\n"
    assert read_work_file(f"{text}ask: cap\n") == read_work_file(f"{text}sizing: cap\n")
    with pytest.raises(InputError) as error:
        read_work_file(f"{text}ask: cap\nsizing: cap\n")
    assert error.value.errors == {"ask": "is the earlier name of sizing: give only sizing"}


@pytest.fixture(scope="module")
def some_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first of the shipped runs: judging each without its developer takes time by the square of them."""
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    path.write_text("".join(RUNS_FILE.read_text(encoding="utf-8").splitlines(keepends=True)[:46]), encoding="utf-8")
    return path


def test_the_validation_has_the_same_keys_for_us_and_for_the_constant(some_runs: Path) -> None:
    found = json.loads(run("validate_estimator", runs=some_runs, json=True))
    keys = {"n", "median_abs_error", "coverage_80", "half_width_factor", "interval_score"}
    assert keys <= found.keys()
    assert keys <= found["best_constant"].keys()
    assert keys <= found["without_scope_rule"].keys()
    assert found["n"] == len(found["runs"])
    assert found["n"] + sum(found["left_out_by_scope_rule"].values()) == found["without_scope_rule"]["n"]


def test_the_validation_follows_the_file_it_is_given(tmp_path: Path) -> None:
    """Ten times the hours of one developer: its errors change, so nothing is remembered from a file before."""
    lines = RUNS_FILE.read_text(encoding="utf-8").splitlines(keepends=True)[:46]
    moved = [line.replace(",320256,", ",3202560,") if line.startswith("StarCoder") else line for line in lines]
    assert moved != lines
    found = []
    for name, text in (("as_shipped.csv", lines), ("moved.csv", moved)):
        (tmp_path / name).write_text("".join(text), encoding="utf-8")
        found.append(json.loads(run("validate_estimator", runs=tmp_path / name, json=True)))
    errors = [next(row["abs_error"] for row in each["runs"] if "StarCoder" in row["run"]) for each in found]
    assert errors[1] > 0.7 > errors[0]


def test_a_file_that_is_no_list_of_runs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("a,b\n", encoding="utf-8")
    err = StringIO()
    with pytest.raises(SystemExit):
        call_command("validate_estimator", runs=path, stderr=err)
    assert "the columns" in err.getvalue()


def test_the_priors_are_printed_by_class() -> None:
    assert "hopper_dense_medium" in run("fit_priors")
