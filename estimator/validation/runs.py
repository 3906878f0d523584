"""Published training runs as values: read from a file, with every unusable cell named."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from estimator.core.pricing.place import ACCELERATOR_COUNT_MAX
from estimator.core.quantities import SECONDS_PER_HOUR, TERA
from estimator.core.sizing.flop import training_flop
from estimator.core.workload.shape import shape_of
from estimator.validation.developers import one_name_each
from estimator.validation.scope import why_not_usable
from governance.display import numbers

Meaning = TypeVar("Meaning")

RUNS_FILE = Path(__file__).parent.parent / "data" / "published_training_runs.csv"
ROWS_MAX = 10_000
COLUMNS = (
    "run",
    "developer",
    "params_total",
    "params_active",
    "tokens_trained",
    "accelerator",
    "peak_dense_16bit_tflops",
    "gpu_hours",
    "third_party_estimate",
    "note",
    "verification",
)
DEFAULT_CONTEXT_TOKENS = 4096.0
PARAMETERS_MIN = 1e3
UTILISATION_SANE = (1e-6, 10.0)
"""Outside these no definition of FLOP, hours or peak can be meant; a run above the peak by less is kept as stated."""
RECOMPUTED = {"": None, "none": 0.0, "selective": 0.1, "full": 1.0}
"""How much of the forward pass is computed again. Selective recomputation costs 2 to 7 % of a step, full 30 to 40 %.

Source: Korthikanti et al. 2022, Reducing Activation Recomputation in Large Transformer Models, table 4.
"""
FUSED = {"": None, "no": False, "yes": True}
_LISTED_SOFTWARE = (
    "neox",
    "megatron",
    "metaseq",
    "composer",
    "mesh_tensorflow",
    "jax",
    "hf_trainer",
    "deepspeed",
    "fsdp",
    "own",
)
SOFTWARE = {"": "", "other": "", **{word: word for word in _LISTED_SOFTWARE}}
"""The words of `estimator/data/README.md`; `other` has nothing in common but not to be listed, so it says nothing."""
GENERATION_BY_PREFIX = {
    "A100": "ampere",
    "A10": "ampere",
    "A40": "ampere",
    "A30": "ampere",
    "A4000": "ampere",
    "A5000": "ampere",
    "A6000": "ampere",
    "A800": "ampere",
    "H100": "hopper",
    "H200": "hopper",
    "H800": "hopper",
    "H20": "hopper",
    "GH200": "hopper",
    "B100": "blackwell",
    "B200": "blackwell",
    "GB200": "blackwell",
    "B300": "blackwell",
    "RTX 3090": "ampere",
    "RTX 4090": "ada",
    "RTX 8000": "turing",
    "RTX A": "ampere",
    "V100": "volta",
    "P100": "pascal",
    "TPU": "tpu",
    "MI2": "cdna2",
    "MI3": "cdna3",
    "MI35": "cdna4",
}


class RunsError(ValueError):
    """A file of runs that cannot be read; the message names the file's line and column."""


@dataclass(frozen=True, slots=True)
class Run:
    """One published run. `flop` is F1 and F3, `peak_flop_s` the dense 16-bit peak of one device, hours device-hours.

    What it was trained with is empty or None where the row does not say: the `software`, the share of the forward pass
    that is computed again, whether the attention kernel is fused, and the number of devices. `is_own` tells runs of a
    file of one's own from the shipped ones beside it.

    `cells` keeps the row as printed, for the scope rule and for what is reported beside the hours.
    """

    name: str
    developer: str
    generation: str
    is_mixture_of_experts: bool
    active_parameters: float
    parameters: float
    tokens: float
    peak_flop_s: float
    gpu_hours: float
    flop: float
    software: str
    recomputed: float | None
    has_fused_attention: bool | None
    devices: float | None
    cells: Mapping[str, str]
    is_own: bool = False

    @property
    def utilisation(self) -> float:
        """Model FLOP over dense 16-bit peak and the device-hours charged."""
        return self.flop / (self.gpu_hours * SECONDS_PER_HOUR * self.peak_flop_s)

    @property
    def busy_hours(self) -> float:
        """Device-hours at 100 % of the peak."""
        return self.flop / (SECONDS_PER_HOUR * self.peak_flop_s)


def read_runs(path: Path) -> tuple[tuple[Run, ...], int]:
    """The usable rows of a file, and how many rows it has.

    Usable is a row with active parameters, trained tokens, GPU-hours and a dense 16-bit peak, all positive, and which
    states the parameters that one token passes through, and the device. A developer printed in several ways has one
    name in them.

    Raises:
        RunsError: no such file, a column is missing, a run is named twice, or a cell is not a number or a word of the
            list that it should be.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise RunsError(f"{path.name}:1: the columns {', '.join(missing)} are missing")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RunsError(f"{path.name}: cannot be read as a UTF-8 CSV file") from error
    if len(rows) > ROWS_MAX:
        raise RunsError(f"{path.name}: use at most {numbers.count(ROWS_MAX)} rows")
    first: dict[str, int] = {}
    for line, row in enumerate(rows, start=2):
        name = (row["run"] or "").strip()
        if first.setdefault(name, line) != line:
            raise RunsError(f"{path.name}:{line}: run: `{name[:40]}` stands in line {first[name]} too: name each once")
    runs = [run for line, row in enumerate(rows, start=2) if (run := _run(row, f"{path.name}:{line}")) is not None]
    developers = one_name_each(run.developer for run in runs)
    return tuple(replace(run, developer=developers[run.developer]) for run in runs), len(rows)


def generation_of(accelerator: str) -> str:
    """The hardware generation of a printed device name, or `other`; the longest prefix wins."""
    matches = [prefix for prefix in GENERATION_BY_PREFIX if accelerator.strip().upper().startswith(prefix)]
    return GENERATION_BY_PREFIX[max(matches, key=len)] if matches else "other"


def number(row: Mapping[str, str], name: str, where: str) -> float | None:
    """A cell as a finite number, or None where it is empty."""
    text = (row.get(name) or "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise RunsError(f"{where}: {name}: `{text[:40]}` is not a number") from None
    if not math.isfinite(value):
        raise RunsError(f"{where}: {name}: `{text[:40]}` is not a finite number")
    return value


def _word(row: Mapping[str, str], name: str, meanings: Mapping[str, Meaning], where: str) -> Meaning:
    """What a cell of a closed list of words means."""
    word = (row.get(name) or "").strip().lower()
    if word not in meanings:
        known = ", ".join(each for each in meanings if each)
        raise RunsError(f"{where}: {name}: `{word[:40]}` is not one of {known}, and not empty")
    return meanings[word]


def _run(row: Mapping[str, str], where: str) -> Run | None:
    total, active = number(row, "params_total", where), number(row, "params_active", where)
    active = active or total
    tokens, hours = number(row, "tokens_trained", where), number(row, "gpu_hours", where)
    peak = number(row, "peak_dense_16bit_tflops", where)
    if active is None or tokens is None or hours is None or peak is None or min(active, tokens, hours, peak) <= 0:
        return None
    if why_not_usable(row):
        return None
    if active < PARAMETERS_MIN:
        raise RunsError(f"{where}: params_active: `{numbers.typed(active)}` is not a number of parameters")
    shape = shape_of(
        parameters=total or active,
        active_parameters=active,
        layers=number(row, "n_layers", where),
        hidden_size=number(row, "d_model", where),
    )
    context = number(row, "seq_len", where) or DEFAULT_CONTEXT_TOKENS
    devices = number(row, "count", where)
    if devices is not None and not 1 <= devices <= ACCELERATOR_COUNT_MAX:
        raise RunsError(f"{where}: count: `{numbers.typed(devices)}` is not a number of devices")
    run = Run(
        name=(row["run"] or "").strip(),
        developer=(row["developer"] or "").strip(),
        generation=generation_of(row["accelerator"] or ""),
        is_mixture_of_experts=total is not None and active < total,
        active_parameters=active,
        parameters=total or active,
        tokens=tokens,
        peak_flop_s=peak * TERA,
        gpu_hours=hours,
        flop=training_flop(active, tokens, shape, context),
        software=_word(row, "software", SOFTWARE, where),
        recomputed=_word(row, "recomputation", RECOMPUTED, where),
        has_fused_attention=_word(row, "fused_attention", FUSED, where),
        devices=devices,
        cells=dict(row),
    )
    if not UTILISATION_SANE[0] <= run.utilisation <= UTILISATION_SANE[1]:
        raise RunsError(
            f"{where}: gpu_hours: with these parameters and tokens, `{numbers.typed(hours)}` means "
            f"{numbers.figure(run.utilisation)} of the peak: the figures or their units do not belong together"
        )
    return run
