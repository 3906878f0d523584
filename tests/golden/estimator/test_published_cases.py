"""Figures that others have published, each with its source, against what the estimator says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estimator.core.sizing.flop import (
    FlopCount,
    compute_optimal_tokens,
    prefill_flop,
    sample_training_flop,
    training_flop,
)
from estimator.core.sizing.memory import serving_bytes, training_state_bytes
from estimator.core.sizing.utilisation import implied_utilisation
from estimator.core.workload.shape import ModelShape, model_shape
from estimator.core.workload.workload import Workload
from tests.unit.estimator.samples import H100, own_price, shipped, size

T, B, M = 1e12, 1e9, 1e6


@pytest.mark.parametrize(
    ("parameters", "tokens", "published"),
    [
        (3.8 * B, 3.3 * T, 7.5e22),
        (0.6 * B, 36 * T, 1.3e23),
        (1.54 * B, 18 * T, 1.66e23),
        (1.7 * B, 36 * T, 3.7e23),
        (2.5 * B, 12 * T, 1.8e23),
        (2.6 * B, 10 * T, 1.56e23),
    ],
)
def test_the_commissions_architecture_examples(parameters: float, tokens: float, published: float) -> None:
    """Source: European Commission, Guidelines on the scope of GPAI obligations 2025, annex, models A and C to G."""
    assert training_flop(parameters, tokens, None, 0.0) == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize(
    ("accelerator", "hours", "published", "within"),
    [("a100-sxm4-80gb", 200_000, 1.08e23, 0.05), ("h100-sxm5-80gb", 370_000, 6.5e23, 0.02)],
)
def test_the_commissions_hardware_examples(accelerator: str, hours: float, published: float, within: float) -> None:
    """Source: the same annex, models B (at 300 TFLOP/s, printed 1e23) and H, both at half of the dense peak."""
    workload = Workload.parse("pretraining", {}, is_sized=False)
    part = shipped().accelerators[accelerator]
    implied = implied_utilisation(FlopCount(training=published), part, workload, hours)
    assert implied == pytest.approx(0.5, rel=within)


@pytest.mark.parametrize(
    ("parameters", "tokens", "published", "within"),
    [
        (174.6 * B, 300 * B, 3.14e23, 0.02),  # GPT-3: Brown et al. 2020, table D.1
        (540.35 * B, 780 * B, 2.527e24, 0.02),  # PaLM: Chowdhery et al. 2022, table 21
        (70 * B, 1.4 * T, 5.76e23, 0.03),  # Chinchilla: Hoffmann et al. 2022, table 3
        (405.9 * B, 15.6 * T, 3.8e25, 0.02),  # Llama 3.1 405B: Llama 3 Herd of Models 2024, section 3.2.1
        (70.6 * B, 15 * T, 6.3e24, 0.02),  # Llama 3 70B; an article prints 2.5e24, which its own tokens refute
    ],
)
def test_published_training_flop(parameters: float, tokens: float, published: float, within: float) -> None:
    assert training_flop(parameters, tokens, None, 0.0) == pytest.approx(published, rel=within)


def test_gpt_3_with_its_attention_stays_within_two_percent() -> None:
    """Source: Brown et al. 2020, table 2.1: 96 layers of width 12,288 over 2,048 tokens."""
    estimate = size(
        "pretraining",
        {
            "parameters_billion": 174.6,
            "tokens_billion": 300,
            "layers": 96,
            "hidden_size": 12288,
            "context_tokens": 2048,
        },
    )
    assert estimate.run_flop is not None
    assert estimate.run_flop.p50 == pytest.approx(3.14e23, rel=0.02)


def test_gpt_3_at_full_peak_and_two_dollars_costs_560_000() -> None:
    """Source: a16z, Navigating the High Cost of AI Compute 2023: about 560,000 USD, at all of the dense peak."""
    hours = 3.14e23 / (shipped().accelerators["a100-sxm4-80gb"].peak_tflop_s * T * 3600)
    place = replace(H100, accelerator="a100-sxm4-80gb", accelerator_count=1024)
    offer = own_price(2.00, accelerator="a100-sxm4-80gb")
    ideal = size("lease", place=place, is_sized=False, gpu_hours_cap=hours, prices_own=[offer])
    assert ideal.cost_usd is not None
    assert ideal.cost_usd.p50 == pytest.approx(560_000, rel=0.01)
    honest = size("pretraining", {"parameters_billion": 174.6, "tokens_billion": 300}, place, prices_own=[offer])
    assert honest.cost_usd is not None
    assert honest.cost_usd.p10 > 560_000


def test_resnet_50_is_two_point_eight_exaflop() -> None:
    """Source: He et al. 2015 (4.1 GMAC, twice that in FLOP), 1.281 M images, 90 epochs; an article prints 1e19."""
    assert sample_training_flop(8.2 * B, 1.281 * M * 90) == pytest.approx(2.8e18, rel=0.02)


def test_a_thousand_tokens_through_175_billion_parameters() -> None:
    """Source: a16z 2023: about 350 TFLOP for 1,024 tokens, and 700 GB of 32-bit weights."""
    workload = Workload.parse(
        "inference_batch",
        {"parameters_billion": 175, "precision": "fp32", "layers": 96, "hidden_size": 12288},
        is_sized=False,
    )
    shape = model_shape(workload)
    assert shape is not None
    assert prefill_flop(shape, 1024, 1024) == pytest.approx(355e12, rel=0.03)
    assert serving_bytes(workload, shape)[0] == 700e9


def test_the_cache_of_llama_70b() -> None:
    """Source: Touvron et al. 2023, Llama 2: 80 layers, 8 of 64 heads keep keys and values: 320 KiB a token."""
    shape = ModelShape(70e9, 70e9, 80, 8192, 8 / 64, 32_000, is_derived=False)
    assert shape.key_value_bytes_per_token(2.0) == 327_680


def test_sixteen_bytes_per_parameter_of_a_7_5_billion_model() -> None:
    """Source: Rajbhandari et al. 2019, ZeRO, figure 1: 120 GB unsharded, 1.9 GB on each of 64 devices."""
    alone = Workload.parse("pretraining", {"parameters_billion": 7.5, "sharding": "none"}, is_sized=False)
    sharded = Workload.parse("pretraining", {"parameters_billion": 7.5, "sharding": "zero3"}, is_sized=False)
    assert training_state_bytes(alone, 7.5e9, 1).p50 == pytest.approx(120e9)
    assert training_state_bytes(sharded, 7.5e9, 64).p50 == pytest.approx(1.9e9, rel=0.02)


def test_compute_optimal_tokens_of_chinchilla() -> None:
    """Source: Hoffmann et al. 2022, table 3: 67 B parameters, 1.5 T tokens (approach 1)."""
    assert compute_optimal_tokens(67 * B) == pytest.approx(1.5 * T, rel=0.15)


@pytest.mark.parametrize(
    ("chip", "tpp", "density"), [("a100-sxm4-40gb", 4992, 6.04), ("h20-96gb", 2368, 2.91), ("l4", 1936, 6.59)]
)
def test_chips_under_the_export_rule(chip: str, tpp: float, density: float) -> None:
    """Source: 15 CFR 774 supplement 1, ECCN 3A090, notes on total processing performance and performance density."""
    part = shipped().accelerators[chip]
    assert (part.tpp, part.performance_density) == (tpp, density)
