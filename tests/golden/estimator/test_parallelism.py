"""Parallelism and failures against the papers that measured them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estimator.core.pricing.place import Place
from estimator.core.quantities import GIB
from estimator.core.sizing.memory import parallel_activation_bytes
from estimator.core.sizing.utilisation import FAILURES_DEVICE_HOUR, goodput
from estimator.core.workload.shape import shape_of
from tests.unit.estimator.samples import H100, size

GPT_3 = shape_of(parameters=175e9, active_parameters=175e9, layers=96, hidden_size=12288)
MEGATRON = {
    "parameters_billion": 175,
    "tokens_billion": 300,
    "layers": 96,
    "hidden_size": 12288,
    "context_tokens": 2048,
    "sharding": "none",
    "tensor_parallel": 8,
    "pipeline_parallel": 8,
}


def test_activations_of_gpt_3_under_tensor_and_sequence_parallelism() -> None:
    """Korthikanti et al. 2022, equation 4 at a = 96, s = 2,048, h = 12,288, t = 8: 34 + 80 bytes, over 8, a layer."""
    by_hand = 96 * 2048 * 12288 * (34 + 5 * 96 * 2048 / 12288) / 8
    assert parallel_activation_bytes(GPT_3, 2048, "none", 8) == pytest.approx(by_hand)


def test_selective_recomputation_saves_seventy_percent_of_gpt_3() -> None:
    """The same paper, section 5: 70 % of the activations for GPT-3 at 2.7 % more FLOP."""
    kept = parallel_activation_bytes(GPT_3, 2048, "selective", 8) / parallel_activation_bytes(GPT_3, 2048, "none", 8)
    assert 1 - kept == pytest.approx(0.70, abs=0.01)


def test_the_state_of_gpt_3_is_split_over_sixty_four_devices() -> None:
    """175 billion parameters at 16 bytes over 8 × 8 devices are 43.75 GB each, before activations."""
    need = size("pretraining", MEGATRON | {"recompute": "full"}).memory_gib_per_device
    assert need is not None
    found = size("pretraining", MEGATRON | {"recompute": "full"}, _many(512)).memory_gib_per_device
    assert found is not None
    assert found.p50 == pytest.approx(43.75e9 / GIB + 3.0, rel=0.06)
    assert found.p50 < need.p50


def _many(count: int) -> Place:
    return replace(H100, accelerator_count=count)


def test_llama_3_1_405b_moved_forward_nine_tenths_of_its_time() -> None:
    """Llama 3 Herd of Models 2024, section 3.3.4: 419 unplanned interruptions in 54 days, over 90 % effective time."""
    assert pytest.approx(3.09, abs=0.01) == 1 / (FAILURES_DEVICE_HOUR * 16_384)
    assert goodput(16_384) == pytest.approx(0.90, abs=0.015)
    assert goodput(8) > 0.99


def test_more_devices_keep_less() -> None:
    assert goodput(100) > goodput(1_000) > goodput(100_000) > 0


def test_a_measured_utilisation_is_lowered_by_failures_at_scale() -> None:
    work = {"parameters_billion": 7, "tokens_billion": 1000, "measured_mfu_percent": 40}
    few, many = (size("pretraining", work, _many(count)).gpu_hours for count in (8, 100_000))
    assert few is not None
    assert many is not None
    assert many.p50 > 1.1 * few.p50
