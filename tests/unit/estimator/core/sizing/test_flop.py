from __future__ import annotations

import pytest

from estimator.core.sizing.flop import count_flop
from estimator.core.workload.shape import model_shape
from estimator.core.workload.workload import Workload

SERVED_8B = {"parameters_billion": 8, "layers": 32, "hidden_size": 4096}
LLAMA_8B = {"parameters_billion": 8, "layers": 32, "hidden_size": 4096, "context_tokens": 8192}


def flop(kind: str, work: dict[str, object], days: float = 1.0):  # type: ignore[no-untyped-def]
    workload = Workload.parse(kind, work)
    shape = model_shape(workload)
    return count_flop(workload, shape, shape, days)


def test_attention_is_counted_beside_the_parameters() -> None:
    counted = flop("pretraining", {**LLAMA_8B, "tokens_billion": 1})
    assert counted.training == pytest.approx(1e9 * (6 * 8e9 + 6 * 32 * 4096 * 8192))


def test_epochs_count_each_pass() -> None:
    once = flop("pretraining", {**LLAMA_8B, "tokens_billion": 1})
    thrice = flop("pretraining", {**LLAMA_8B, "tokens_billion": 1, "epochs": 3})
    assert thrice.training == pytest.approx(3 * once.training)


def test_a_mixture_of_experts_counts_active_parameters_only() -> None:
    """Trap 2: with all parameters, DeepSeek-V3 would be 18 times too high."""
    work = {"parameters_billion": 671, "active_parameters_billion": 37, "tokens_billion": 14_800, "context_tokens": 1}
    assert flop("pretraining", work).training == pytest.approx(6 * 37e9 * 14.8e12, rel=1e-3)


def test_adapters_save_a_third_and_recomputation_takes_it_back() -> None:
    work = {**LLAMA_8B, "tokens_billion": 1, "context_tokens": 1, "method": "lora"}
    kept = flop("fine_tuning", {**work, "recompute": "none"})
    again = flop("fine_tuning", work)
    assert kept.training == again.training == pytest.approx(4 * 8e9 * 1e9, rel=1e-3)
    assert kept.timed_training == kept.training
    assert again.timed_training == pytest.approx(6 * 8e9 * 1e9, rel=1e-3)


def test_recomputation_is_time_and_never_training_compute() -> None:
    full = flop("pretraining", {**LLAMA_8B, "tokens_billion": 1, "recompute": "full"})
    none = flop("pretraining", {**LLAMA_8B, "tokens_billion": 1, "recompute": "none"})
    assert full.training == none.training


def test_inference_changes_no_parameters() -> None:
    counted = flop("inference_batch", {**SERVED_8B, "requests": 10, "input_tokens": 100, "output_tokens": 50})
    assert counted.training == counted.generation == 0.0
    assert counted.reading == pytest.approx(10 * 150 * 2 * 8e9, rel=0.01)


def test_discarded_samples_of_reinforcement_learning_count_as_generation() -> None:
    work = {**LLAMA_8B, "context_tokens": 1, "generated_tokens_billion": 100, "trained_tokens_billion": 10}
    counted = flop("rl_synthetic", work)
    assert counted.training == pytest.approx(6 * 8e9 * 10e9, rel=1e-3)
    assert counted.generation == pytest.approx(2 * 8e9 * 100e9, rel=1e-3)


def test_online_requests_grow_with_the_days() -> None:
    work = {**SERVED_8B, "requests_per_day": 1000, "input_tokens": 100, "output_tokens": 50}
    assert flop("inference_online", work, 30).reading == pytest.approx(30 * flop("inference_online", work, 1).reading)


def test_a_prompt_cache_saves_reading_and_no_writing() -> None:
    work = {**SERVED_8B, "tasks": 10, "steps_per_task": 5, "input_tokens": 1000, "output_tokens": 100}
    fresh, cached = flop("agentic", work), flop("agentic", {**work, "cached_percent": 100})
    assert 0 < cached.reading < fresh.reading / 5


def test_repeats_of_an_evaluation_multiply_it() -> None:
    work = {**SERVED_8B, "requests": 10, "input_tokens": 100, "output_tokens": 50}
    assert flop("evaluation", {**work, "repeats": 4}).reading == pytest.approx(4 * flop("evaluation", work).reading)


def test_an_encoder_decoder_is_counted_at_most_as_six_per_parameter() -> None:
    counted = flop("pretraining", {**LLAMA_8B, "tokens_billion": 1, "architecture": "encoder_decoder"})
    assert counted.share.p50 == pytest.approx(1 / 1.6)
    assert counted.share.p90 == 1.0


@pytest.mark.parametrize(
    ("parameters_billion", "layers", "width"),
    [(6.74, 32, 4096), (13.02, 40, 5120), (68.98, 80, 8192), (174.6, 96, 12288)],
)
def test_a_derived_shape_is_near_published_ones(parameters_billion: float, layers: int, width: int) -> None:
    shape = model_shape(Workload.parse("pretraining", {"parameters_billion": parameters_billion, "tokens_billion": 1}))
    assert shape is not None
    assert shape.is_derived
    assert shape.layers * shape.hidden_size == pytest.approx(layers * width, rel=0.1)
