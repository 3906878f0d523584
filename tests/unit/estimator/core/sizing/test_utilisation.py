"""What is stated of how a run is trained moves its hours; what is not known moves nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estimator.core.catalogue import UtilisationPrior
from estimator.core.sizing.utilisation import PRACTICE, TENFOLD_DEVICES
from tests.unit.estimator.samples import H100, shipped, size

TRAINING = {"parameters_billion": 7, "tokens_billion": 1000}
TUNING = {"parameters_billion": 7, "tokens_billion": 1, "method": "lora"}


def hours(kind: str = "pretraining", work: dict[str, object] = TRAINING, **stated: str) -> float:
    found = size(kind, {**work, **stated}).gpu_hours
    assert found is not None
    return found.p50


def factor(name: str) -> UtilisationPrior:
    found = shipped().prior(PRACTICE, name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("field", "value", "row"),
    [
        ("recompute", "full", "recompute_full"),
        ("recompute", "selective", "recompute_selective"),
        ("recompute", "none", "recompute_none"),
        ("fused_attention", "yes", "fused_attention_yes"),
        ("fused_attention", "no", "fused_attention_no"),
        ("training_software", "megatron", "software_megatron"),
        ("training_software", "hf_trainer", "software_hf_trainer"),
    ],
)
def test_each_answer_divides_the_hours_by_its_row_of_the_catalogue(field: str, value: str, row: str) -> None:
    assert hours() / hours(**{field: value}) == pytest.approx(factor(row).p50, rel=1e-9)


def test_answers_that_say_nothing_change_nothing() -> None:
    assert hours(recompute="unknown", fused_attention="unknown", training_software="unknown") == hours()
    assert hours(training_software="other") == hours()
    said = size("pretraining", {**TRAINING, "training_software": "other"}).assumptions
    assert [each.text for each in said if each.id == PRACTICE] == [
        "Utilisation by training software: no published runs say what `other` does"
    ]


def test_every_answer_is_written_down_with_its_source() -> None:
    estimate = size("pretraining", {**TRAINING, "recompute": "full", "fused_attention": "yes"})
    said = {each.id: each for each in estimate.assumptions}
    for name in ("training-practice-recompute-full", "training-practice-fused-attention-yes"):
        assert "published_training_runs.csv" in said[name].source


def test_computing_every_layer_twice_costs_about_the_third_that_arithmetic_says() -> None:
    assert 1.2 < hours(recompute="full") / hours(recompute="none") < 1.6


def test_adapters_count_what_they_compute_again_as_work_and_not_twice() -> None:
    assert hours("fine_tuning", TUNING, recompute="full") == hours("fine_tuning", TUNING)


def test_a_measured_utilisation_has_all_of_it_in() -> None:
    measured: dict[str, object] = {**TRAINING, "measured_mfu_percent": 40}
    assert hours(work=measured, recompute="full", fused_attention="no") == hours(work=measured)


def test_ten_times_the_devices_are_used_a_little_worse_and_still_end_sooner() -> None:
    few, many = (size("pretraining", TRAINING, replace(H100, accelerator_count=count)) for count in (64, 640))
    assert few.gpu_hours is not None
    assert many.gpu_hours is not None
    assert few.wall_hours is not None
    assert many.wall_hours is not None
    assert many.gpu_hours.p50 / few.gpu_hours.p50 == pytest.approx(1 / factor(TENFOLD_DEVICES).p50, rel=1e-9)
    assert many.wall_hours.p50 < few.wall_hours.p50


def test_no_run_does_more_than_the_peak() -> None:
    """On one device of a class that is used well already, factors could multiply to more."""
    work = {**TRAINING, "recompute": "none", "fused_attention": "yes", "training_software": "jax"}
    estimate = size("pretraining", work, replace(H100, accelerator="a100-sxm4-80gb", accelerator_count=1))
    assert estimate.gpu_hours is not None
    busy = 6 * 7e9 * 1e12 / (312e12 * 3600)
    assert estimate.gpu_hours.p10 >= busy


LONG = {"parameters_billion": 70, "tokens_billion": 1000, "context_tokens": 32_768}


def test_where_only_full_recomputation_fits_it_is_what_will_be_done() -> None:
    """Else a request that leaves it open would have the memory of full recomputation and hours without it."""
    place = replace(H100, accelerator_count=64)
    unknown = size("pretraining", LONG, place)
    full = size("pretraining", {**LONG, "recompute": "full"}, place)
    assert unknown.gpu_hours == full.gpu_hours
    assert unknown.memory_fits is True
    assert [each.value for each in unknown.assumptions if each.id == "recompute"] == ["full"]
    roomy = size("pretraining", {**LONG, "context_tokens": 4096}, place)
    assert not [each for each in roomy.assumptions if each.id == "recompute"]


def test_fewer_devices_than_hold_the_model_are_no_way_to_use_them_better() -> None:
    work = {"parameters_billion": 70, "tokens_billion": 1000, "recompute": "full"}
    one = size("pretraining", work, replace(H100, accelerator_count=1))
    assert one.smallest_count_that_fits is not None
    assert one.smallest_count_that_fits > 1
    fitting = size("pretraining", work, replace(H100, accelerator_count=one.smallest_count_that_fits))
    assert one.gpu_hours == fitting.gpu_hours
