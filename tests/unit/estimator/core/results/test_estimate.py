from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from estimator.core.errors import InputError
from estimator.core.pricing.place import Place, PlaceError
from estimator.core.quantities import Interval
from estimator.core.results.estimate import Estimate
from estimator.core.workload.fields import WorkloadKind
from tests.unit.estimator.samples import H100, ON, own_price, shipped, size

MODEL = {"parameters_billion": 7}
WORK: dict[str, dict[str, Any]] = {
    "pretraining": {**MODEL, "tokens_billion": 100},
    "continued_pretraining": {**MODEL, "tokens_billion": 10},
    "fine_tuning": {**MODEL, "tokens_billion": 1, "method": "lora"},
    "rl_synthetic": {**MODEL, "generated_tokens_billion": 10, "trained_tokens_billion": 1},
    "distillation": {**MODEL, "teacher_parameters_billion": 70, "tokens_billion": 10},
    "evaluation": {**MODEL, "requests": 1e5, "input_tokens": 500, "output_tokens": 100},
    "inference_online": {**MODEL, "requests_per_day": 1e5, "input_tokens": 500, "output_tokens": 100},
    "inference_batch": {**MODEL, "requests": 1e6, "input_tokens": 500, "output_tokens": 100},
    "embedding": {**MODEL, "tokens_billion": 10},
    "agentic": {**MODEL, "tasks": 1000, "steps_per_task": 20, "input_tokens": 5000, "output_tokens": 300},
    "interactive": {"hours_per_accelerator": 160},
    "hosted_api": {"api_model": "gpt-5", "input_tokens_million_month": 100, "output_tokens_million_month": 10},
    "lease": {},
    "purchase": {"unit_price_usd": 30_000},
}


def test_every_kind_has_a_case_here() -> None:
    assert set(WORK) == set(WorkloadKind)


@pytest.mark.parametrize("kind", list(WORK))
def test_every_kind_has_a_cost_and_explains_itself(kind: str) -> None:
    place = Place(price_term="per_token", provider="openai") if kind == "hosted_api" else H100
    estimate = size(kind, WORK[kind], place, window_hours=720, prices_own=[own_price(2.95)])
    assert estimate.cost_usd is not None
    assert estimate.cost_usd.p50 > 0
    assert estimate.assumptions
    assert estimate.catalogue_digest == shipped().digest
    if kind not in ("hosted_api", "purchase"):
        assert estimate.gpu_hours is not None
        assert estimate.gpu_hours.p50 > 0
        assert estimate.energy_kwh is not None
        assert estimate.carbon_kg is not None


@pytest.mark.parametrize("kind", list(WORK))
def test_an_estimate_survives_json(kind: str) -> None:
    estimate = size(kind, WORK[kind], window_hours=720)
    assert Estimate.from_json(json.loads(json.dumps(estimate.to_json(), allow_nan=False))) == estimate


@pytest.mark.parametrize("kind", list(WORK))
def test_the_same_question_has_the_same_answer(kind: str) -> None:
    assert size(kind, WORK[kind], window_hours=720) == size(kind, WORK[kind], window_hours=720)


@pytest.mark.parametrize("kind", list(WORK))
def test_an_ask_as_cap_is_sized_by_its_hours(kind: str) -> None:
    estimate = size(kind, {}, is_sized=False, gpu_hours_cap=100, prices_own=[own_price(2.0)])
    if kind in ("hosted_api", "purchase"):
        assert estimate.gpu_hours is None
    else:
        assert estimate.gpu_hours == Interval.exact(100)
        assert estimate.cost_cap_usd == 200


def test_only_training_changes_parameters() -> None:
    for kind, work in WORK.items():
        trained = size(kind, work, window_hours=720).run_flop_training
        learns = kind in ("pretraining", "continued_pretraining", "fine_tuning", "rl_synthetic", "distillation")
        assert trained is not None
        assert (trained.p50 > 0) is learns


def test_an_unchosen_accelerator_leaves_flop_and_says_the_rest_is_missing() -> None:
    estimate = size("pretraining", WORK["pretraining"], Place(price_term="on_demand"))
    assert estimate.run_flop is not None
    assert estimate.gpu_hours is None
    assert {"gpu_hours", "price", "memory_fits", "energy_kwh", "cost_usd"} <= {gap.what for gap in estimate.missing}


def test_an_unknown_accelerator_is_refused_by_name() -> None:
    with pytest.raises(PlaceError) as caught:
        size("lease", {}, replace(H100, accelerator="h999"))
    assert list(caught.value.errors) == ["accelerator"]


@pytest.mark.parametrize("name", ["window_hours", "gpu_hours_cap", "money_cap_usd"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -1.0, 1e30])
def test_a_bad_limit_is_refused_by_name(name: str, bad: float) -> None:
    with pytest.raises(InputError) as caught:
        size("lease", **{name: bad})
    assert list(caught.value.errors) == [name]


@pytest.mark.parametrize("accelerator", sorted(shipped().accelerators))
def test_every_accelerator_of_the_catalogue_can_be_sized(accelerator: str) -> None:
    estimate = size("pretraining", WORK["pretraining"], replace(H100, accelerator=accelerator))
    assert estimate.gpu_hours is not None
    assert estimate.gpu_hours.p50 > 0
    assert estimate.memory_fits is not None


def test_hours_beyond_the_window_are_said() -> None:
    warnings = size("lease", is_sized=False, gpu_hours_cap=1000, window_hours=10).warnings
    assert any("do not fit the window" in warning for warning in warnings)


def test_a_model_that_does_not_fit_says_what_would() -> None:
    estimate = size("fine_tuning", {"parameters_billion": 70, "tokens_billion": 1}, replace(H100, accelerator_count=1))
    assert estimate.memory_fits is False
    assert estimate.smallest_count_that_fits == 16
    assert any("16 devices would hold it" in warning for warning in estimate.warnings)


def test_the_day_decides_which_catalogue_rows_count() -> None:
    assert size("lease", window_hours=1, on=ON.replace(year=2024)).price != size("lease", window_hours=1).price


def test_chip_facts_come_from_the_catalogue() -> None:
    estimate = size("lease", window_hours=1)
    assert (estimate.chip_tpp, estimate.chip_density, estimate.chip_vendor_hq_country) == (15831, 19.45, "US")
    assert estimate.cluster_peak_flop_s == pytest.approx(8 * 989.4e12)
