"""Peers beside the estimator on the published runs in scope: 6ND at fixed shares of the peak, and llm-analysis.

    python -m benchmarks.estimator_peers [--runs-file FILE.csv] [--json]

GPU-hours, |predicted/actual - 1|. Ours is predicted with the run's developer held out; the peers learn nothing.
llm-analysis (benchmarks/requirements-peers.txt) needs layers and width, which some rows do not state: those runs are
listed, and ours is shown on the rest too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

SHARES = (1.0, 0.5, 0.375, 0.3)
DEVICES = {
    "A100": (80, 2039, 600, 312.0),
    "A100-80": (80, 2039, 600, 312.0),
    "A100-40": (40, 1555, 600, 312.0),
    "H100": (80, 3350, 900, 989.4),
    "H800": (80, 3350, 400, 989.4),
    "V100": (32, 900, 300, 125.0),
    "MI250": (128, 3277, 100, 362.1),
    "RTX 4090": (24, 1008, 32, 165.2),
    "A5000": (24, 768, 56, 111.1),
    "TPUv2": (16, 700, 496, 46.0),
    "TPUv3": (32, 900, 656, 123.0),
    "TPUv4": (32, 1228, 300, 275.0),
}
"""Memory GB, memory GB/s, device to device GB/s, dense 16-bit TFLOP/s: datasheets."""
HEAD_SIZE = 128


def main() -> int:
    options = _options()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from estimator.validation.folds import is_weak, validate
    from estimator.validation.runs import RUNS_FILE, read_runs

    usable, _ = read_runs(options.runs_file or RUNS_FILE)
    judged = [run for run in usable if not is_weak(run)]
    ours = {each.run: each.error for fold in validate(judged, usable) for each in fold.predictions}
    errors: dict[str, dict[str, float]] = {"Comptroller, developer held out": ours}
    for share in SHARES:
        errors[f"6ND at {share:.1%} of peak"] = {
            run.name: abs(
                6.0 * run.active_parameters * run.tokens / (run.peak_flop_s * 3600 * share) / run.gpu_hours - 1
            )
            for run in judged
        }
    notes = _add_llm_analysis(errors, judged)
    report = {name: _row(each) for name, each in errors.items() if each}
    if options.json:
        print(json.dumps({"runs": len(judged), "peers": report, "notes": notes}, indent=2))
    else:
        print(f"{len(judged)} runs in scope\n{'':<44}{'runs':>5}{'median':>9}{'mean':>9}")
        for name, row in report.items():
            print(f"{name:<44}{row['runs']:>5}{row['median_abs_error']:>9.1%}{row['mean_abs_error']:>9.1%}")
        print("\n".join(notes))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs-file", type=Path)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _add_llm_analysis(errors: dict[str, dict[str, float]], judged: list[Any]) -> list[str]:
    try:
        import logging

        from llm_analysis.analysis import LLMAnalysis
    except ImportError:
        return ["SKIPPED: llm-analysis is not installed (benchmarks/requirements-peers.txt)"]
    logging.disable(logging.CRITICAL)
    refused: list[str] = []
    for efficiency in (None, 0.5):
        name = f"llm-analysis at {'its default' if efficiency is None else f'efficiency {efficiency}'}"
        errors[name] = {}
        for run in judged:
            if not (run.cells.get("d_model") and run.cells.get("n_layers")):
                if efficiency is None:
                    refused.append(f"not asked: {run.name} states no layers and width")
                continue
            try:
                hours = _peer_hours(LLMAnalysis, run, efficiency)
            except (AssertionError, KeyError, ValueError, TypeError, ZeroDivisionError) as error:
                if efficiency is None:
                    refused.append(f"llm-analysis refuses {run.name}: {type(error).__name__} {str(error)[:70]}")
                continue
            errors[name][run.name] = abs(hours / run.gpu_hours - 1.0)
        errors[f"Comptroller on the runs of {name}"] = {
            each: errors["Comptroller, developer held out"][each] for each in errors[name]
        }
    return refused


def _peer_hours(analysis: Any, run: Any, efficiency: float | None) -> float:
    """GPU-hours by llm-analysis from the run's layers and width, heads of 128, one device of boundless memory.

    A feed-forward width that is no multiple of the width is refused as `ffn_embed_dim`; it is given as a ratio instead.
    """
    from llm_analysis.config import GPUConfig, ModelConfig

    cells = run.cells
    memory, bandwidth, link, peak = DEVICES[cells["accelerator"]]
    width, layers = int(float(cells["d_model"])), int(float(cells["n_layers"]))
    length = int(float(cells.get("seq_len") or 4096))
    ratio = float(cells["ffn_dim"]) / width if cells.get("ffn_dim") else 4.0
    model = ModelConfig(
        name=run.name,
        num_layers=layers,
        n_head=max(1, width // HEAD_SIZE),
        hidden_dim=width,
        vocab_size=int(float(cells.get("vocab") or 32_000)),
        max_seq_len=length,
        expansion_ratio=ratio,
    )
    device = GPUConfig(cells["accelerator"], memory * 10_000, bandwidth, link, 8e-6, peak)
    found = analysis(model, device, flops_efficiency=efficiency).training(
        batch_size_per_gpu=1, seq_len=length, total_num_tokens=int(run.tokens), mlp_gated_linear_units=ratio != 4.0
    )
    return float(found["gpu_hours"])


def _row(errors: dict[str, float]) -> dict[str, float | int]:
    return {
        "runs": len(errors),
        "median_abs_error": statistics.median(errors.values()),
        "mean_abs_error": statistics.fmean(errors.values()),
    }


if __name__ == "__main__":
    sys.exit(main())
