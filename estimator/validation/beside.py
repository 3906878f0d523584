"""What is reported beside the hours: errors of published FLOP and of published energy, each with its boundary."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from estimator.validation.runs import Run, number

RECOMPUTED = ("recomput", "hfu", "8nd")
PRODUCT_WITHIN = 0.03
BOARD_POWER_W = {"A100": 400.0, "H100": 700.0, "H800": 700.0, "V100": 300.0, "TPUv3": 450.0}
"""Nameplate watts of one device by the first letters of its name; A100 and H100 are the SXM parts of datasheets."""
POWER_SHARE = 0.72
SERVER_FACTOR = 1.75
PUE_UNSTATED = 1.2


@dataclass(frozen=True, slots=True)
class Beside:
    """A quantity other than the hours, within one boundary: how many runs state it, and the median error."""

    quantity: str
    boundary: str
    n: int
    median_abs_error: float

    def to_json(self) -> dict[str, str | int | float]:
        return {name: getattr(self, name) for name in self.__slots__}


def compare_beside(runs: Sequence[Run]) -> tuple[Beside, ...]:
    """Median |predicted/published - 1| of FLOP and of energy, by what the published figure includes."""
    groups: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        for quantity, boundary, predicted, published in (*_flop(run), *_energy(run)):
            groups.setdefault((quantity, boundary), []).append(abs(predicted / published - 1.0))
    return tuple(
        Beside(quantity, boundary, len(errors), statistics.median(errors))
        for (quantity, boundary), errors in sorted(groups.items())
    )


def _flop(run: Run) -> Iterable[tuple[str, str, float, float]]:
    published = number(run.cells, "flops_published", run.name)
    if published:
        words = f"{run.cells.get('note') or ''} {run.cells.get('derived_by_us') or ''}".lower()
        is_recomputed = any(word in words for word in RECOMPUTED)
        yield "flop", "with recomputation" if is_recomputed else "model FLOP", run.flop, published


def _energy(run: Run) -> Iterable[tuple[str, str, float, float]]:
    """Energy from the published hours, so that this is the error of power and overheads alone."""
    published = number(run.cells, "energy_mwh", run.name)
    device = run.cells.get("accelerator") or ""
    watts = next((power for name, power in BOARD_POWER_W.items() if device.startswith(name)), None)
    if not published or watts is None:
        return
    nameplate_mwh = run.gpu_hours * watts / 1e6
    pue = number(run.cells, "pue", run.name)
    stated_w = number(run.cells, "avg_chip_w", run.name)
    if stated_w is not None and _is_product(published, run.gpu_hours * stated_w / 1e6, pue) and stated_w <= watts:
        # The paper multiplied hours by watts of the device: there is no server in it, whatever it calls the figure.
        yield "energy", "device, hours x stated watts", nameplate_mwh * POWER_SHARE * (pue or 1.0), published
    else:
        facility = nameplate_mwh * POWER_SHARE * SERVER_FACTOR * (pue or PUE_UNSTATED)
        yield "energy", "node or facility", facility, published


def _is_product(published: float, product: float, pue: float | None) -> bool:
    return any(abs(published / (product * factor) - 1.0) < PRODUCT_WITHIN for factor in (1.0, pue or 1.0))
