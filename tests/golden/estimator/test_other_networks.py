"""Encoder-decoders, networks counted by sample, boards and plain processors: published figures, with their sources."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estimator.core.errors import WorkloadError
from estimator.core.quantities import BILLION
from estimator.core.sizing.flop import two_part_training_flop
from estimator.core.workload.shape import shape_of
from estimator.core.workload.workload import Workload
from tests.unit.estimator.samples import H100, shipped, size

T5_11B = {
    "architecture": "encoder_decoder",
    "parameters_billion": 11.3,
    "encoder_parameters_billion": 4.86,
    "layers": 48,
    "hidden_size": 1024,
    "tokens_billion": 1000.0,
    "target_tokens_billion": 1000.0 * 114 / 512,
    "context_tokens": 512,
}
"""24 layers each of 128 heads of 128 values and 65,536 wide: 201 M parameters an encoder layer, 268 M a decoder layer.

Source: Raffel et al. 2020, section 3.7 and 3.1.4 (512 tokens read, 114 written, 1 T tokens).
"""
RESNET_50 = {"architecture": "convolutional", "parameters_billion": 0.0256, "forward_gflop_per_sample": 8.2}
"""Source: He et al. 2015, 4.1 G multiply-adds."""


def test_t5_is_what_patterson_counted_and_not_6nd() -> None:
    """Source: Patterson et al. 2021, table 4: 4.05e22 FLOP; 6 N D is 6.8e22."""
    found = size("pretraining", T5_11B)
    assert found.run_flop is not None
    assert found.run_flop.p50 == pytest.approx(4.05e22, rel=0.05)
    assert "F14" in {item.id for item in found.assumptions}
    wide = size("pretraining", T5_11B | {"encoder_parameters_billion": None, "target_tokens_billion": None}).run_flop
    assert wide is not None
    assert wide.p10 < found.run_flop.p50 < wide.p90
    assert wide.p90 / wide.p10 > 1.5 * found.run_flop.p90 / found.run_flop.p10


def test_equal_halves_of_equal_tokens_are_6nd_of_each_token_through_its_half() -> None:
    shape = shape_of(parameters=2e9, active_parameters=2e9, layers=1e-9, hidden_size=1, encoder_parameters=1e9)
    assert two_part_training_flop(shape, 1e9, 1e9, 1.0) == pytest.approx(6 * 1e9 * 2e9, rel=1e-6)


def test_the_encoder_reads_and_the_decoder_writes() -> None:
    """2 N of its own half a token: a summary of 2,000 tokens in 100 costs less than both halves for all of them."""
    work = {"parameters_billion": 11.3, "requests": 1e6, "input_tokens": 2000, "output_tokens": 100}
    halves = {"architecture": "encoder_decoder", "encoder_parameters_billion": 4.86, "layers": 48, "hidden_size": 1024}
    split, whole = size("inference_batch", work | halves).run_flop, size("inference_batch", work).run_flop
    assert split is not None
    assert whole is not None
    across = (11.3 - 4.86) / 8
    bare = 1e6 * 2 * BILLION * (2000 * (4.86 + across) + 100 * (11.3 - 4.86 - across))
    assert bare < split.p50 < 1.1 * bare
    assert split.p50 < 0.6 * whole.p50


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"architecture": "decoder"}, "encoder_parameters_billion"),
        ({"encoder_parameters_billion": 11.3}, "encoder_parameters_billion"),
        ({"target_tokens_billion": None}, "target_tokens_billion"),
        ({"encoder_parameters_billion": None}, "encoder_parameters_billion"),
    ],
)
def test_half_a_statement_of_halves_is_named(change: dict[str, float | str | None], field: str) -> None:
    with pytest.raises(WorkloadError, match=field):
        Workload.parse("pretraining", T5_11B | change)


def test_a_vision_model_takes_an_a100_hours_and_not_days() -> None:
    """An article's table gives ResNet-50 "1.0e19 FLOP, one A100 for a few days, hundreds to thousands of dollars".

    1.281 M images × 90 epochs × 3 × 8.2 GFLOP are 2.8e18, six hours at 40 % of the peak and some ten dollars; the
    article is four times too high in FLOP, and its days are those of 32 bit or of a starved input pipeline.
    """
    place = replace(H100, provider=None, country="US", accelerator="a100-sxm4-80gb", accelerator_count=1)
    found = size("pretraining", RESNET_50 | {"samples_million": 1.281, "epochs": 90}, place)
    assert found.run_flop is not None
    assert found.gpu_hours is not None
    assert found.cost_usd is not None
    assert found.run_flop.p50 == pytest.approx(2.8e18, rel=0.02)
    assert 3 < found.gpu_hours.p10 < found.gpu_hours.p50 < 10
    assert found.cost_usd.p90 < 50


def test_a_diffusion_model_is_counted_by_image() -> None:
    """Stable Diffusion 1.5 in use: 50 steps with guidance of about 0.8 TFLOP a pass; 24 GB are far more than it needs.

    a16z 2023: smaller models such as Stable Diffusion need much less memory, and run on A10 and RTX cards.
    Source: 860 M parameters (model card); 0.4 TMAC a pass of the denoiser (recalled).
    """
    place = replace(H100, provider=None, country="US", accelerator="a10", accelerator_count=1)
    work = {
        "architecture": "diffusion",
        "parameters_billion": 0.86,
        "samples_million": 1,
        "forward_gflop_per_sample": 50 * 2 * 800,
    }
    found = size("inference_batch", work, place)
    assert found.memory_fits
    assert found.memory_gib_per_device is not None
    assert found.memory_gib_per_device.p90 < 10
    assert found.run_flop is not None
    assert found.run_flop.p50 == pytest.approx(8e19, rel=0.1)
    assert found.gpu_hours is not None
    assert 0.5 < found.gpu_hours.p50 * 3600 / 1e6 < 5.0


@pytest.mark.parametrize("accelerator", ["jetson-orin-nano-8gb", "jetson-agx-orin-64gb", "epyc-9654"])
def test_pictures_are_served_on_a_board_or_a_processor(accelerator: str) -> None:
    """The articles' edge devices and cloud processors: a vision model at two pictures a second needs one of any."""
    place = replace(H100, provider=None, country="DE", accelerator=accelerator, accelerator_count=1)
    found = size("inference_online", RESNET_50 | {"requests_per_day": 200_000}, place, window_hours=720)
    assert found.gpu_hours == size("lease", {}, place, window_hours=720).gpu_hours
    assert found.memory_fits
    assert found.first_token_ms is not None
    assert found.first_token_ms < 100
    assert found.energy_kwh is not None
    part = shipped().accelerators[accelerator]
    assert part.board_power_w is not None
    assert found.energy_kwh.p50 < 720 * part.board_power_w / 1000 * 2


def test_a_service_of_pictures_grows_with_its_load_and_asks_for_no_tokens() -> None:
    few = size("inference_online", RESNET_50 | {"requests_per_day": 1e6})
    many = size("inference_online", RESNET_50 | {"requests_per_day": 1e11})
    assert few.gpu_hours is not None
    assert many.gpu_hours is not None
    assert many.gpu_hours.p50 > 10 * few.gpu_hours.p50
    with pytest.raises(WorkloadError, match="input_tokens"):
        Workload.parse("inference_online", RESNET_50 | {"requests_per_day": 1e6, "input_tokens": 5})
    with pytest.raises(WorkloadError, match="requests_per_day"):
        Workload.parse("inference_online", RESNET_50)


def test_a_small_language_model_runs_on_a_processor() -> None:
    """An article: "CPU inference possible for smaller models"; 1 B parameters in 4 bit on one EPYC."""
    place = replace(H100, provider=None, country="DE", accelerator="epyc-9654", accelerator_count=1)
    work = {"parameters_billion": 1, "precision": "int4", "requests_per_day": 5000, "input_tokens": 500}
    found = size("inference_online", work | {"output_tokens": 200}, place, window_hours=720)
    assert found.memory_fits
    assert found.gpu_hours is not None
    assert found.gpu_hours.p50 == 720
    assert not found.warnings


def test_eight_bit_arithmetic_is_credited_where_the_device_has_it() -> None:
    work = {"parameters_billion": 7, "tokens_billion": 200}
    on_hopper = [size("pretraining", work | {"precision": name}).gpu_hours for name in ("bf16", "fp8")]
    assert on_hopper[0] is not None
    assert on_hopper[1] is not None
    assert on_hopper[0].p50 / on_hopper[1].p50 == pytest.approx(1.25, rel=1e-6)
    old = replace(H100, provider=None, accelerator="a100-sxm4-80gb")
    on_ampere = [size("pretraining", work | {"precision": name}, old).gpu_hours for name in ("bf16", "fp8")]
    assert on_ampere[0] == on_ampere[1]
    pilot = work | {"measured_mfu_percent": 40}
    measured = [size("pretraining", pilot | {"precision": name}).gpu_hours for name in ("bf16", "fp8")]
    assert measured[0] == measured[1]
    capped = [
        size("pretraining", {"parameters_billion": 7, "precision": name}, is_sized=False, gpu_hours_cap=1000.0).run_flop
        for name in ("bf16", "fp8")
    ]
    assert capped[0] is not None
    assert capped[1] is not None
    assert capped[1].p50 > 1.2 * capped[0].p50
