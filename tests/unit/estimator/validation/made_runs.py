"""Runs made up with a known utilisation, so that a fit can be told right from wrong."""

from __future__ import annotations

import math
import random

from estimator.validation.runs import Run


def make_run(
    developer: str, utilisation: float, *, generation: str = "ampere", parameters: float = 1e10, experts: bool = False
) -> Run:
    """A run of 6 N D FLOP that reached `utilisation` of a peak of 1e15 FLOP/s."""
    flop = 6.0 * parameters * 1e12
    return Run(
        name=f"{developer}-{utilisation:.4f}",
        developer=developer,
        generation=generation,
        is_mixture_of_experts=experts,
        active_parameters=parameters,
        parameters=parameters * (4 if experts else 1),
        tokens=1e12,
        peak_flop_s=1e15,
        gpu_hours=flop / (3600.0 * 1e15 * utilisation),
        flop=flop,
        software="",
        recomputed=None,
        has_fused_attention=None,
        devices=None,
        cells={"verification": "verified: made up"},
    )


def make_runs(
    developers: int, runs_each: int, *, developer_scale: float, run_scale: float, seed: int, hopper_effect: float = 0.0
) -> list[Run]:
    """Runs around a utilisation of 0.35, with log-normal developer and run effects; half of them on each generation."""
    random_source = random.Random(seed)
    runs = []
    for number in range(developers):
        of_developer = random_source.gauss(0.0, developer_scale)
        for index in range(runs_each):
            is_hopper = index % 2 == 1
            log_utilisation = math.log(0.35) + of_developer + random_source.gauss(0.0, run_scale)
            log_utilisation += hopper_effect if is_hopper else 0.0
            runs.append(
                make_run(f"dev-{number}", math.exp(log_utilisation), generation="hopper" if is_hopper else "ampere")
            )
    return runs
