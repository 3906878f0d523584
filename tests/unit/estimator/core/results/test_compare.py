"""All offers at once: the same numbers as one estimate, the filters, and the front."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from estimator.core.pricing.offer_table import build_table
from estimator.core.pricing.pareto import pareto_front
from estimator.core.results.compare import REASONS, Comparison, compare_offers
from estimator.core.workload.needs import Needs
from estimator.core.workload.workload import Workload, WorkloadError
from tests.unit.estimator.samples import H100, ON, own_price, shipped, size

PRETRAIN = {"parameters_billion": 7, "tokens_billion": 200, "context_tokens": 4096}
WORK = Workload.parse("pretraining", PRETRAIN)


def compare(**changes: object) -> Comparison:
    return compare_offers(WORK, shipped(), **({"on": ON, "country": "SE"} | changes))  # type: ignore[arg-type]


def test_an_own_offer_costs_what_one_estimate_of_it_says() -> None:
    for accelerator in ("h100-sxm5-80gb", "a100-sxm4-80gb", "mi300x", "b200-sxm"):
        for term in ("on_demand", "spot", "committed_pool"):
            offer = own_price(2.5, accelerator=accelerator, price_term=term, provider="lambda")
            line = compare(offers=[offer], count=8).lines()[0]
            place = replace(H100, accelerator=accelerator, price_term=term)
            alone = size("pretraining", PRETRAIN, place, prices_own=[offer])
            assert alone.cost_usd is not None
            assert alone.energy_kwh is not None
            assert alone.carbon_kg is not None
            for column, single in (
                (line.gpu_hours, alone.gpu_hours),
                (line.cost_usd, alone.cost_usd),
                (line.energy_kwh, alone.energy_kwh),
                (line.carbon_kg, alone.carbon_kg),
            ):
                assert column is not None
                assert single is not None
                assert (column.p10, column.p50, column.p90) == pytest.approx((single.p10, single.p50, single.p90), 1e-6)


def test_a_reservation_is_paid_whole() -> None:
    offer = own_price(2.0, price_term="reserved_1y", provider="lambda")
    line = compare(offers=[offer], count=8).lines()[0]
    assert line.gpu_hours.p50 < 8 * 8766
    assert line.cost_usd.p50 == pytest.approx(8 * 8766 * 2.0)


def test_old_list_prices_are_less_certain_and_own_prices_are_exact() -> None:
    listed = shipped().prices[0]
    table = [listed, replace(listed, slug="newer", as_of=ON)]
    found = compare(offers=table)
    assert found.cost.upper_squared[0] > found.cost.upper_squared[1]


def test_the_order_of_offers_does_not_matter() -> None:
    offers = list(shipped().prices)
    random.Random(3).shuffle(offers)
    one, other = compare(), compare(offers=offers)
    assert [line.cost_usd for line in one.lines(50)] == [line.cost_usd for line in other.lines(50)]
    assert len(one.front) == len(other.front)


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        (Needs(deadline_hours=1e-3, terms={"on_demand"}), 4),
        (Needs(providers={"lambda"}), 2),
        (Needs(countries={"SE"}), 3),
        (Needs(terms={"on_demand"}), 4),
        (Needs(is_export_controlled=True), 5),
        (Needs(software="rocm"), 6),
        (Needs(interconnect_gb_s=800.0), 7),
        (Needs(delivery="container"), 8),
        (Needs(price_age_days_max=100), 9),
    ],
)
def test_each_need_rules_out_offers_and_says_why(needs: Needs, reason: int) -> None:
    everything, found = compare(country=None), compare(country=None, needs=needs)
    assert 0 < found.why_not()[REASONS[reason]] <= len(found)
    assert len(found.ranking) < len(everything.ranking)


def test_a_listed_chip_counts_only_where_no_licence_is_needed() -> None:
    """A100 and H100 are above the line of 4,800; H20 at 2,368 is not (15 CFR 774, ECCN 3A090)."""
    names = {line.offer.accelerator for line in compare(needs=Needs(is_export_controlled=True)).lines(2000)}
    assert not names & {"a100-sxm4-80gb", "h100-sxm5-80gb"}
    assert names


def test_a_shorter_deadline_takes_more_devices_which_are_used_a_little_worse() -> None:
    # Stated, because on more devices less would have to be computed again.
    work = Workload.parse("pretraining", {**PRETRAIN, "recompute": "full"})
    slow, fast = (compare_offers(work, shipped(), on=ON, needs=needs) for needs in (None, Needs(deadline_hours=24.0)))
    assert (fast.devices >= slow.devices).all()
    tenfold = shipped().prior("training_practice", "tenfold_devices")
    assert tenfold is not None
    sized = slow.devices > 0
    more = fast.gpu_hours.middle[sized] / slow.gpu_hours.middle[sized]
    assert np.allclose(more, (fast.devices / slow.devices)[sized] ** -np.log10(tenfold.p50))
    assert more.max() < 1.5
    # Devices are added until the hours of that many devices are done in time.
    assert "misses the deadline" not in fast.why_not()
    assert all(line.wall_hours.p50 <= 24.0 * (1 + 1e-9) for line in fast.lines())


def test_a_model_that_fits_nowhere_is_ruled_out_by_memory() -> None:
    huge = Workload.parse("fine_tuning", {"parameters_billion": 9e4, "tokens_billion": 1, "sharding": "none"})
    found = compare_offers(huge, shipped(), on=ON)
    assert found.why_not() == {REASONS[0]: len(found)}
    assert found.lines() == []


def test_a_hosted_model_cannot_be_compared_by_hours() -> None:
    hosted = Workload.parse(
        "hosted_api", {"api_model": "gpt-4o", "input_tokens_million_month": 1, "output_tokens_million_month": 1}
    )
    with pytest.raises(WorkloadError, match="no device-hours"):
        compare_offers(hosted, shipped(), on=ON)


def test_a_late_first_token_rules_an_offer_out() -> None:
    work = {"parameters_billion": 70, "requests_per_day": 1000, "input_tokens": 8000, "output_tokens": 100}
    patient = Workload.parse("inference_online", work)
    hasty = Workload.parse("inference_online", work | {"latency_target_ms": 200})
    assert REASONS[10] not in compare_offers(patient, shipped(), on=ON).why_not()
    assert compare_offers(hasty, shipped(), on=ON).why_not()[REASONS[10]] > 0


def test_no_offers_give_an_empty_comparison() -> None:
    found = compare(offers=[])
    assert (len(found), found.lines(), found.to_json()["front"]) == (0, [], [])


def test_an_offer_of_an_unknown_part_is_not_in_the_table() -> None:
    assert len(build_table(shipped(), [own_price(1.0, accelerator="abacus")])) == 0


def test_nothing_outside_the_front_is_undominated() -> None:
    rows = np.array([[1, 5, 3], [2, 2, 2], [2, 2, 2], [3, 1, 9], [3, 3, 3], [1, 6, 3]], dtype=float)
    front = pareto_front(rows).tolist()
    assert front == [0, 1, 3]
    for index in set(range(len(rows))) - set(front):
        assert any((rows[best] <= rows[index]).all() for best in front)


def test_the_front_of_random_rows_agrees_with_the_definition() -> None:
    rows = np.random.default_rng(5).integers(0, 12, (200, 3)).astype(float)
    front = set(pareto_front(rows).tolist())
    for index in range(len(rows)):
        beaten = ((rows <= rows[index]).all(axis=1) & (rows < rows[index]).any(axis=1)).any()
        twin = any((rows[other] == rows[index]).all() for other in front if other != index)
        assert (index in front) == (not beaten and not twin)
