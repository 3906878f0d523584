"""Images and other samples, edge boards and plain CPUs, and the two methods side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estimator.core.workload.workload import Workload, WorkloadError
from tests.unit.estimator.samples import H100, shipped, size

IMAGES = {"samples_million": 10, "forward_gflop_per_sample": 8.2}


def test_served_images_take_one_forward_pass_each() -> None:
    found = size("inference_batch", IMAGES)
    assert found.run_flop is not None
    assert found.gpu_hours is not None
    assert found.run_flop.p50 == pytest.approx(10e6 * 8.2e9)
    assert found.gpu_hours.p50 == pytest.approx(10e6 * 8.2e9 / (989.4e12 * 0.42 * 3600), rel=1e-3)
    assert found.run_flop_training is not None
    assert found.run_flop_training.p90 == 0


@pytest.mark.parametrize(
    ("work", "field"),
    [
        ({"samples_million": 10}, "forward_gflop_per_sample"),
        (IMAGES | {"requests": 10}, "samples_million"),
        ({"forward_gflop_per_sample": 8.2}, "parameters_billion"),
    ],
)
def test_half_a_statement_is_named(work: dict[str, float], field: str) -> None:
    with pytest.raises(WorkloadError) as refused:
        Workload.parse("inference_batch", work)
    assert field in refused.value.errors


@pytest.mark.parametrize("device", ["jetson-agx-orin-64gb", "epyc-9654", "apple-m2-ultra-192gb"])
def test_a_small_model_runs_on_a_small_device_and_takes_longer(device: str) -> None:
    work = {"parameters_billion": 7, "precision": "int4", "requests": 1000, "input_tokens": 500, "output_tokens": 200}
    small = size("inference_batch", work, replace(H100, accelerator=device, accelerator_count=1))
    large = size("inference_batch", work, replace(H100, accelerator_count=1))
    assert small.memory_fits
    assert small.gpu_hours is not None
    assert large.gpu_hours is not None
    assert small.gpu_hours.p50 > large.gpu_hours.p50
    assert small.cost_usd is None
    assert small.energy_kwh is not None


def test_a_plain_cpu_has_no_matrix_units() -> None:
    assert not shipped().accelerators["epyc-9654"].is_matrix


@pytest.mark.parametrize(("hours", "warned"), [(10_000, True), (55_000, False), (200_000, True)])
def test_two_methods_that_disagree_by_a_third_are_said_so(hours: float, warned: bool) -> None:
    """6 × 7e9 × 1e12 FLOP in 55,000 H100-hours are 21 % of the peak; in a fifth or four times that, nothing usual."""
    work = {"parameters_billion": 7, "tokens_billion": 1000}
    found = size("pretraining", work, is_sized=False, gpu_hours_cap=hours)
    assert any("apart" in warning for warning in found.warnings) is warned
