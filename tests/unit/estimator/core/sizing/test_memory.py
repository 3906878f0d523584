from __future__ import annotations

import pytest

from estimator.core.sizing.memory import activation_bytes, serving_bytes, size_memory, training_state_bytes, usable_gib
from estimator.core.workload.shape import ModelShape, model_shape
from estimator.core.workload.workload import Workload


def parsed(kind: str, **work: object) -> tuple[Workload, ModelShape]:
    workload = Workload.parse(kind, work, is_sized=False)
    shape = model_shape(workload)
    assert shape is not None
    return workload, shape


@pytest.mark.parametrize(
    ("sharding", "bytes_per_parameter"), [("none", 16), ("zero1", 4 + 12 / 8), ("zero2", 2 + 14 / 8), ("zero3", 2)]
)
def test_sixteen_bytes_per_parameter_are_sharded_as_the_stage_says(sharding: str, bytes_per_parameter: float) -> None:
    """Source: Rajbhandari et al. 2019, ZeRO, section 5."""
    workload, _ = parsed("pretraining", parameters_billion=1, sharding=sharding)
    assert training_state_bytes(workload, 1e9, 8).p50 == pytest.approx(bytes_per_parameter * 1e9)


def test_gradients_in_32_bit_make_it_eighteen_at_most() -> None:
    workload, _ = parsed("pretraining", parameters_billion=1, sharding="none")
    assert training_state_bytes(workload, 1e9, 1).p90 == pytest.approx(18e9)


def test_adapters_need_little_more_than_the_frozen_weights() -> None:
    lora, _ = parsed("fine_tuning", parameters_billion=1, method="lora")
    qlora, _ = parsed("fine_tuning", parameters_billion=1, method="qlora")
    assert 2e9 < training_state_bytes(lora, 1e9, 1).p50 < 2.2e9
    assert training_state_bytes(qlora, 1e9, 1).p50 < 0.7e9


def test_memory_of_a_mixture_of_experts_counts_every_expert() -> None:
    dense = parsed("inference_batch", parameters_billion=400)
    experts = parsed("inference_batch", parameters_billion=400, active_parameters_billion=40)
    assert serving_bytes(*experts)[0] == serving_bytes(*dense)[0] == 800e9


def test_recomputation_saves_activations() -> None:
    _, shape = parsed("pretraining", parameters_billion=7, layers=32, hidden_size=4096)
    full, selective, none = (activation_bytes(shape, 4096, how) for how in ("full", "selective", "none"))
    assert full < selective < none
    assert selective == pytest.approx(34 * 4096 * 4096 * 32)


def test_an_80_gb_card_has_74_and_a_half_gib() -> None:
    """Trap 15: GB are not GiB."""
    assert usable_gib(80) == pytest.approx(74.5, abs=0.01)


def test_the_smallest_count_holds_the_model_and_half_of_it_does_not() -> None:
    workload, shape = parsed("fine_tuning", parameters_billion=70, context_tokens=4096)
    need = size_memory(workload, shape, 80, 1)
    assert not need.fits
    assert need.smallest_count is not None
    assert size_memory(workload, shape, 80, need.smallest_count).fits
    assert not size_memory(workload, shape, 80, need.smallest_count // 2).fits


def test_a_chip_too_small_for_any_count_says_so() -> None:
    workload, shape = parsed("pretraining", parameters_billion=100_000, sharding="none")
    assert size_memory(workload, shape, 80, 8).smallest_count is None
