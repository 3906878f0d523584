from __future__ import annotations

import pytest

from estimator.core.sizing.duration import growth_factor
from estimator.core.sizing.utilisation import dense_peak_flop_s
from estimator.core.workload.workload import Workload
from tests.unit.estimator.samples import H100, H100_POOL, shipped, size

TRAINING = {"parameters_billion": 7, "tokens_billion": 100}
SERVING = {"parameters_billion": 70, "requests_per_day": 1e6, "input_tokens": 1000, "output_tokens": 200}


def test_the_peak_is_dense() -> None:
    """Trap 1: datasheets print 1,979 for the H100, twice what is dense."""
    h100 = shipped().accelerators["h100-sxm5-80gb"]
    assert dense_peak_flop_s(h100, "bf16") == 989.4e12
    assert dense_peak_flop_s(h100, "fp8") == 989.4e12
    assert dense_peak_flop_s(h100, "fp32") == 67e12


def test_a_measured_utilisation_narrows_the_hours() -> None:
    prior, measured = size("pretraining", TRAINING), size("pretraining", {**TRAINING, "measured_mfu_percent": 40})
    assert prior.gpu_hours is not None
    assert measured.gpu_hours is not None
    assert measured.gpu_hours.half_width < prior.gpu_hours.half_width
    assert measured.run_flop is not None
    assert measured.gpu_hours.p50 == pytest.approx(measured.run_flop.p50 / (989.4e12 * 3600 * 0.4 / 1.1))


def test_a_wider_scope_takes_more_hours_and_no_more_training_compute() -> None:
    final, project = size("pretraining", TRAINING), size("pretraining", {**TRAINING, "scope": "whole_project"})
    assert final.gpu_hours is not None
    assert project.gpu_hours is not None
    assert project.gpu_hours.p50 > 2 * final.gpu_hours.p50
    assert project.run_flop_training == final.run_flop_training


def test_wall_time_is_hours_over_devices() -> None:
    estimate = size("pretraining", TRAINING)
    assert estimate.gpu_hours is not None
    assert estimate.wall_hours is not None
    assert estimate.wall_hours.p50 == pytest.approx(estimate.gpu_hours.p50 / 8)


def test_a_window_too_short_is_said() -> None:
    assert any("the window has 24" in warning for warning in size("pretraining", TRAINING, window_hours=24).warnings)


def test_an_online_service_holds_its_peak_for_the_whole_window() -> None:
    calm = size("inference_online", {**SERVING, "peak_to_mean": 1}, H100_POOL, window_hours=720)
    busy = size("inference_online", {**SERVING, "peak_to_mean": 5}, H100_POOL, window_hours=720)
    assert calm.gpu_hours is not None
    assert busy.gpu_hours is not None
    assert busy.gpu_hours.p50 > 3 * calm.gpu_hours.p50
    assert busy.wall_hours is not None
    assert busy.wall_hours.p50 == 720


def test_an_open_ended_service_is_sized_for_ninety_days() -> None:
    estimate = size("inference_online", SERVING, H100_POOL)
    assert estimate.wall_hours is not None
    assert estimate.wall_hours.p50 == 90 * 24
    assert "open_ended" in {item.id for item in estimate.assumptions}


def test_growth_needs_more_devices() -> None:
    flat = size("inference_online", SERVING, H100_POOL, window_hours=2160)
    growing = size("inference_online", {**SERVING, "growth_percent_month": 50}, H100_POOL, window_hours=2160)
    assert flat.gpu_hours is not None
    assert growing.gpu_hours is not None
    assert growing.gpu_hours.p50 > 2 * flat.gpu_hours.p50


def test_a_latency_target_below_the_first_token_is_said() -> None:
    estimate = size("inference_online", {**SERVING, "input_tokens": 100_000, "latency_target_ms": 5}, H100_POOL)
    assert any("first token" in warning for warning in estimate.warnings)


def test_decoding_is_bound_by_bandwidth() -> None:
    """The H200 has the arithmetic of the H100 and 43 % more bandwidth, so it writes faster and reads no faster."""
    from dataclasses import replace

    h200 = replace(H100_POOL, accelerator="h200-sxm-141gb")
    writing = {"parameters_billion": 8, "requests": 1e6, "input_tokens": 1, "output_tokens": 1000}
    reading = {"parameters_billion": 8, "requests": 1e6, "input_tokens": 1000, "output_tokens": 0}
    hours = {
        (name, place.accelerator): size("inference_batch", work, place).gpu_hours
        for name, work in (("write", writing), ("read", reading))
        for place in (H100_POOL, h200)
    }
    assert hours["write", "h200-sxm-141gb"].p50 < 0.8 * hours["write", "h100-sxm5-80gb"].p50  # type: ignore[union-attr]
    assert hours["read", "h200-sxm-141gb"] == hours["read", "h100-sxm5-80gb"]


def test_hours_that_contradict_the_work_are_said() -> None:
    estimate = size("pretraining", TRAINING, is_sized=False, gpu_hours_cap=10.0)
    assert any("of the dense peak" in warning for warning in estimate.warnings)
    assert estimate.gpu_hours is not None
    assert estimate.gpu_hours.p50 == 10.0


def test_a_part_without_replica_is_missing_not_zero() -> None:
    from dataclasses import replace

    tiny = replace(H100, accelerator="groqchip-lpu-v1")
    estimate = size(
        "inference_batch", {"parameters_billion": 700, "requests": 1, "input_tokens": 1, "output_tokens": 1}, tiny
    )
    assert estimate.gpu_hours is None
    assert "gpu_hours" in {gap.what for gap in estimate.missing}


def test_growth_beyond_all_numbers_is_only_very_large() -> None:
    """655 % a month for 29 years overflows a float; it is cut at a million."""
    work = {"parameters_billion": 1, "requests_per_day": 1, "input_tokens": 0, "output_tokens": 1}
    workload = Workload.parse("inference_online", work | {"growth_percent_month": 655})
    assert growth_factor(workload, 252_799.0) == pytest.approx(1e6)
    assert growth_factor(workload, 720.0) == pytest.approx(7.55)
