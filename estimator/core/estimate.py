"""One call that sizes a workload in a place: hours, FLOP, memory, cost, energy, carbon and thresholds."""

from __future__ import annotations

from estimator.core.result import (
    Assumption,
    Estimate,
    LineageCompute,
    Missing,
    ThresholdReading,
)

ESTIMATOR_VERSION = "1.0.0"

__all__ = [
    "ESTIMATOR_VERSION",
    "Assumption",
    "Estimate",
    "LineageCompute",
    "Missing",
    "ThresholdReading",
]
