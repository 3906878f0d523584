"""The written scope rule, and reading files of runs."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from estimator.core.sizing.flop import training_flop
from estimator.validation.report import validate_file
from estimator.validation.runs import COLUMNS, RUNS_FILE, RunsError, generation_of, read_runs
from estimator.validation.scope import is_of_the_collection, why_not_usable, why_out_of_scope

VERIFIED = {"verification": "verified: the paper, table 2", "note": "", "third_party_estimate": ""}


def test_a_verified_run_with_stated_hours_is_in_scope() -> None:
    assert why_out_of_scope(VERIFIED) == ""


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"note": "projection, not a completed run"}, "projection"),
        ({"note": "pruned+distilled"}, "distilled"),
        ({"verification": "epoch_row: gpu_h x1.00"}, "not checked"),
        ({"verification": ""}, "not checked"),
        ({"third_party_estimate": "gpu_hours,mfu from Epoch"}, "third party"),
        ({"verification": "verified: table 4 (GPU count is an assumption)"}, "assumed"),
        ({"verification": "verified: card (tokens 15T+ = lower bound)"}, "coarse"),
        ({"verification": "verified: README (roughly five weeks)"}, "coarse"),
    ],
)
def test_what_the_rule_leaves_out(cells: dict[str, str], reason: str) -> None:
    assert reason in why_out_of_scope(VERIFIED | cells)


def test_the_rule_does_not_read_hours_or_utilisation() -> None:
    """Absurd outcomes change nothing: the rule cannot choose by error."""
    assert why_out_of_scope(VERIFIED | {"gpu_hours": "1", "mfu_implied_6ND": "9.9"}) == ""


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        ("encoder-decoder: each half sees its own tokens only", "one token passes through"),
        ("state space with shared attention blocks", "one token passes through"),
        ("Shared layers, used twice", "one token passes through"),
        ("device not stated: a die or a module", "device"),
        ("masked language model", ""),
        ("", ""),
    ],
)
def test_a_run_whose_work_or_device_is_not_stated_is_not_usable(note: str, reason: str, tmp_path: Path) -> None:
    assert reason in why_not_usable({"note": note})
    assert bool(why_not_usable({"note": note})) == bool(reason)
    runs, _ = read_runs(_file(tmp_path, note=f'"{note}"'))
    assert len(runs) == (0 if reason else 1)


def test_the_two_sentences_leave_the_earlier_runs_alone() -> None:
    """They were written for the collection of 48; an older run that they touched would be one chosen by its error."""
    with RUNS_FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows[:62] if why_not_usable(row)] == []
    assert sorted(row["run"] for row in rows[:110] if why_not_usable(row)) == [
        "Meena 2.6B",
        "Motif-2.6B",
        "T5-11B",
        "Zamba-7B",
        "Zamba2-7B",
    ]


def test_what_the_later_collections_cannot_use_says_which_sentence_it_falls_under() -> None:
    with RUNS_FILE.open(encoding="utf-8", newline="") as file:
        left_out = {row["run"]: why_not_usable(row) for row in list(csv.DictReader(file))[110:]}
    assert {name: reason for name, reason in left_out.items() if reason} == {
        "ELECTRA-base": "the parameters that one token passes through are not stated",
        "ELECTRA-small": "the parameters that one token passes through are not stated",
        "ELECTRA-small (junnyu)": "the parameters that one token passes through are not stated",
        "OpenEuroLLM datamix-2b-70-30": "the device is not stated",
        "OpenEuroLLM datamix-2b-80-20": "the device is not stated",
        "OpenEuroLLM datamix-2b-90-10": "the device is not stated",
    }


def test_rows_of_the_collection_are_told_apart() -> None:
    assert is_of_the_collection({"verification": "verified: read 2026-11-21 in a copy of the card"})
    assert not is_of_the_collection({"verification": "verified: the paper, table 2"})
    assert not is_of_the_collection({})


@pytest.mark.parametrize(
    ("printed", "generation"),
    [("A100-40", "ampere"), ("H800", "hopper"), ("GH200", "hopper"), ("GB200", "blackwell"), ("TPUv3", "tpu")],
)
def test_generations(printed: str, generation: str) -> None:
    assert generation_of(printed) == generation


def test_the_shipped_file_is_read_whole() -> None:
    runs, rows = read_runs(RUNS_FILE)
    assert rows == 168
    assert {"Meta", "DeepSeek", "BigScience"} <= {run.developer for run in runs}
    palm_style = next(run for run in runs if run.name == "LLaMA-65B")
    assert palm_style.flop > training_flop(65.2e9, 1.4e12, None, 0.0)
    assert next(run for run in runs if run.name == "DeepSeek-V3").is_mixture_of_experts


def _file(tmp_path: Path, **cells: str) -> Path:
    path = tmp_path / "runs.csv"
    row = dict.fromkeys(COLUMNS, "") | {
        "run": "r",
        "developer": "d",
        "params_active": "1e9",
        "tokens_trained": "1e10",
        "accelerator": "A100-80",
        "peak_dense_16bit_tflops": "312",
        "gpu_hours": "100",
    }
    row |= cells
    path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", encoding="utf-8")
    return path


def test_a_row_without_hours_is_not_usable(tmp_path: Path) -> None:
    assert read_runs(_file(tmp_path, gpu_hours="")) == ((), 1)


def test_layers_and_width_may_be_missing_from_the_file(tmp_path: Path) -> None:
    runs, _ = read_runs(_file(tmp_path))
    assert runs[0].flop > 6e19


@pytest.mark.parametrize("cell", ["many", "nan", "inf"])
def test_a_cell_that_is_no_number_is_named(tmp_path: Path, cell: str) -> None:
    with pytest.raises(RunsError, match=r"runs\.csv:2: gpu_hours"):
        read_runs(_file(tmp_path, gpu_hours=cell))


def test_what_a_run_was_trained_with_is_read_where_it_is_said(tmp_path: Path) -> None:
    """A file of the columns before these were collected stays readable: nothing is known then."""
    [bare], _ = read_runs(_file(tmp_path))
    assert (bare.software, bare.recomputed, bare.has_fused_attention, bare.devices) == ("", None, None, None)
    said = {"software": "Megatron", "recomputation": "full", "fused_attention": "no", "count": "64"}
    [full], _ = read_runs(_file(tmp_path, **said))
    assert (full.software, full.recomputed, full.has_fused_attention, full.devices) == ("megatron", 1.0, False, 64.0)
    assert read_runs(_file(tmp_path, software="other"))[0][0].software == ""


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("recomputation", "partly"),
        ("fused_attention", "maybe"),
        ("software", "megatorn"),
        ("count", "0"),
        ("count", "-8"),
        ("count", "0.5"),
        ("count", "1e+300"),
    ],
)
def test_a_word_that_is_not_of_the_list_is_named(tmp_path: Path, column: str, cell: str) -> None:
    with pytest.raises(RunsError, match=rf"runs\.csv:2: {column}: `{re.escape(cell)}`"):
        read_runs(_file(tmp_path, **{column: cell}))


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"tokens_trained": "1e308"}, "gpu_hours: .* of the peak"),
        ({"gpu_hours": "1e-30"}, "gpu_hours: .* of the peak"),
        ({"params_active": "1e-300"}, "params_active: `1e-300` is not a number of parameters"),
    ],
)
def test_figures_that_cannot_belong_together_are_named(tmp_path: Path, cells: dict[str, str], sentence: str) -> None:
    with pytest.raises(RunsError, match=rf"runs\.csv:2: {sentence}"):
        read_runs(_file(tmp_path, **cells))


def test_a_missing_column_or_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("run,developer\n", encoding="utf-8")
    with pytest.raises(RunsError, match="params_total"):
        read_runs(tmp_path / "bad.csv")
    with pytest.raises(RunsError, match=r"none\.csv"):
        read_runs(tmp_path / "none.csv")


def test_a_run_that_stands_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    path = _file(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + path.read_text(encoding="utf-8").splitlines()[1] + "\n", "utf-8")
    with pytest.raises(RunsError, match=r"runs\.csv:3: run: `r` stands in line 2 too"):
        read_runs(path)


def test_a_file_with_nothing_in_scope_says_why(tmp_path: Path) -> None:
    with pytest.raises(RunsError, match=r"no run is in scope.*1 not checked against a text of the developer"):
        validate_file(_file(tmp_path, verification="recalled"))
