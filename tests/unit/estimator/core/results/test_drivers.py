"""Drivers and advice: sized with the same call as everything else."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from estimator.core.pricing.place import Place
from estimator.core.results.advice import Advice, advise
from estimator.core.results.drivers import find_drivers
from estimator.core.results.estimate import estimate
from estimator.core.results.result import Estimate
from estimator.core.sizing.priors import Ledger
from estimator.core.workload.workload import Workload
from tests.unit.estimator.samples import H100, ON, own_price, shipped

WORK = Workload.parse("pretraining", {"parameters_billion": 7, "tokens_billion": 200, "scope": "with_failed_runs"})


def size_pinned(ledger: Ledger, place: Place = H100) -> Estimate:
    return estimate(WORK, place, shipped(), on=ON, ledger=ledger)


def test_the_widest_swings_of_a_training_cost_are_scope_price_and_utilisation() -> None:
    drivers = find_drivers(size_pinned)
    assert {driver.id for driver in drivers[:3]} == {"training_mfu", "scope-with-failed-runs", "price"}
    assert [driver.swing for driver in drivers] == sorted((driver.swing for driver in drivers), reverse=True)


def test_a_driver_swings_the_cost_by_its_own_factor() -> None:
    utilisation = next(driver for driver in find_drivers(size_pinned) if driver.id == "training_mfu")
    assert utilisation.low / utilisation.high == pytest.approx(utilisation.factor.p90 / utilisation.factor.p10)


def test_a_signed_price_is_no_driver() -> None:
    drivers = find_drivers(partial(_with_own_price))
    assert "price" not in {driver.id for driver in drivers}


def _with_own_price(ledger: Ledger) -> Estimate:
    return estimate(WORK, H100, shipped(), on=ON, prices_own=[own_price(2.0)], ledger=ledger)


def test_an_unknown_cost_has_no_drivers() -> None:
    nowhere = replace(H100, accelerator=None)
    assert find_drivers(lambda ledger: size_pinned(ledger, nowhere)) == ()


def advice_for(kind: str, work: dict[str, object], place: Place = H100) -> dict[str, Advice]:
    workload = Workload.parse(kind, work)

    def size(changed: Workload, where: Place) -> Estimate:
        return estimate(changed, where, shipped(), on=ON, window_hours=720)

    return {each.id: each for each in advise(workload, place, size(workload, place), size)}


def test_quantisation_of_a_served_model_is_sized_again() -> None:
    work = {"parameters_billion": 70, "requests": 1e6, "input_tokens": 500, "output_tokens": 500}
    found = advice_for("inference_batch", work)
    assert found["quantise_4"].how == "sized again"
    assert found["quantise_4"].kept_share.p50 < found["quantise_8"].kept_share.p50 < 1
    assert found["speculative_decoding"].kept_share.p50 == pytest.approx(0.42)


def test_advice_that_is_followed_already_is_not_given() -> None:
    work = {"parameters_billion": 70, "requests": 1e6, "input_tokens": 500, "output_tokens": 500, "precision": "int4"}
    assert not {"quantise_4", "quantise_8"} & advice_for("inference_batch", work).keys()
    assert "mixed_precision" not in advice_for("pretraining", {"parameters_billion": 1, "tokens_billion": 5})
    assert "mixed_precision" in advice_for(
        "pretraining", {"parameters_billion": 1, "tokens_billion": 5, "precision": "fp32"}
    )


def test_less_recomputation_is_advised_where_the_memory_allows_it() -> None:
    work: dict[str, object] = {"parameters_billion": 7, "tokens_billion": 100, "recompute": "full"}
    roomy = advice_for("pretraining", work, replace(H100, accelerator_count=64))
    assert roomy["recompute_less"].kept_share.p50 < 0.8
    assert "flash_attention" in roomy
    assert "flash_attention" not in advice_for("pretraining", {**work, "fused_attention": "yes"})
    long = {**work, "parameters_billion": 70, "context_tokens": 65_536}
    assert "recompute_less" not in advice_for("pretraining", long, replace(H100, accelerator_count=64))
    assert "recompute_less" not in advice_for("pretraining", {**work, "recompute": "selective"})


def test_every_piece_of_advice_has_a_source_and_saves_something() -> None:
    for kind, work in (
        ("pretraining", {"parameters_billion": 7, "tokens_billion": 2000}),
        ("fine_tuning", {"parameters_billion": 7, "tokens_billion": 1}),
        ("embedding", {"parameters_billion": 0.4, "tokens_billion": 100}),
    ):
        found = advice_for(kind, work)
        assert found
        assert all(each.source and each.kept_share.p50 < 1 for each in found.values())


def test_hosted_models_save_by_cache_and_batch() -> None:
    hosted = {"api_model": "gpt-4o", "input_tokens_million_month": 100, "output_tokens_million_month": 20}
    found = advice_for("hosted_api", hosted, Place(price_term="per_token", provider="openai"))
    assert found["api_batch"].kept_share.p50 == pytest.approx(0.75)
    assert found["api_cache"].kept_share.p50 < 0.9
