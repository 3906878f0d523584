"""Laws of comparing, advising and owning: monotone, nested, free of order and of units, the same every time."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from estimator.core.pricing.ownership import OwnershipTerms, best_hybrid, own
from estimator.core.pricing.pareto import pareto_front
from estimator.core.quantities import Interval
from estimator.core.results.compare import compare_offers
from estimator.core.results.drivers import find_drivers
from estimator.core.results.estimate import estimate
from estimator.core.sizing.spread import Spread
from estimator.core.sizing.uncertainty import add, aged, divide, multiply
from estimator.core.workload.workload import Workload
from tests.unit.estimator.samples import H100, ON, own_price, shipped, size

POSITIVE = st.floats(1e-6, 1e9)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    middle = draw(POSITIVE)
    return Interval(middle / draw(st.floats(1, 50)), middle, middle * draw(st.floats(1, 50)))


@given(intervals(), intervals())
def test_products_and_quotients_hold_the_median_and_are_no_narrower(one: Interval, other: Interval) -> None:
    for found in (multiply(one, other), divide(one, other), add(one, other)):
        assert found.p10 <= found.p50 <= found.p90
    found = multiply(one, other)
    widest = max(one.p90 / one.p50, other.p90 / other.p50)
    assert found.p90 / found.p50 >= widest * (1 - 1e-9)


@given(intervals(), intervals(), POSITIVE)
def test_units_do_not_matter(one: Interval, other: Interval, factor: float) -> None:
    """Hours in seconds times dollars an hour in dollars a second is the same money."""
    found, converted = multiply(one, other), multiply(one.scaled(factor), other.scaled(1.0 / factor))
    for end in ("p10", "p50", "p90"):
        assert math.isclose(getattr(found, end), getattr(converted, end), rel_tol=1e-9)


@given(st.lists(intervals(), min_size=1, max_size=8), st.lists(intervals(), min_size=8, max_size=8))
def test_columns_multiply_like_intervals(left: list[Interval], right: list[Interval]) -> None:
    columns = Spread.of(left).times(Spread.of(right[: len(left)]))
    for row, (one, other) in enumerate(zip(left, right, strict=False)):
        single, column = multiply(one, other), columns.interval(row)
        assert column is not None
        for end in ("p10", "p50", "p90"):
            assert math.isclose(getattr(single, end), getattr(column, end), rel_tol=1e-9)


@given(intervals(), st.integers(0, 5000), st.integers(0, 5000))
def test_an_older_price_holds_the_younger_one(price: Interval, age: int, more: int) -> None:
    drift = Interval(0.7, 1.0, 1.4)
    young, old = aged(price, age, drift), aged(price, age + more, drift)
    assert old.p10 <= young.p10 * (1 + 1e-9)
    assert young.p90 <= old.p90 * (1 + 1e-9)


@given(st.floats(0.1, 100), st.floats(1, 5000), st.integers(1, 512), st.floats(1.0, 20.0))
@settings(max_examples=25)
def test_comparing_is_monotone_and_deterministic(parameters: float, tokens: float, count: int, factor: float) -> None:
    def compare(billion: float, data: float):  # type: ignore[no-untyped-def]
        work = Workload.parse("pretraining", {"parameters_billion": billion, "tokens_billion": data})
        return compare_offers(work, shipped(), on=ON, count=count, country="SE")

    base, again, more = compare(parameters, tokens), compare(parameters, tokens), compare(parameters, tokens * factor)
    assert np.array_equal(base.cost.middle, again.cost.middle, equal_nan=True)
    assert base.ranking.tolist() == again.ranking.tolist()
    known = np.isfinite(base.cost.middle) & np.isfinite(more.cost.middle)
    assert (more.cost.middle[known] >= base.cost.middle[known] * (1 - 1e-9)).all()
    assert (base.cost.low[known] <= base.cost.middle[known]).all()
    assert (base.cost.middle[known] <= base.cost.high[known]).all()


@given(st.floats(0.1, 50), st.floats(1.0, 10.0))
@settings(max_examples=25)
def test_a_dearer_offer_never_moves_up(usd: float, factor: float) -> None:
    work = Workload.parse("pretraining", {"parameters_billion": 7, "tokens_billion": 100})
    cheap = [own_price(usd, slug="one", provider="lambda"), own_price(5.0, slug="two", provider="lambda")]
    dear = [replace(cheap[0], usd_per_gpu_hour=usd * factor), cheap[1]]
    ranks = [
        [line.offer.slug for line in compare_offers(work, shipped(), on=ON, offers=offers).lines()].index("one")
        for offers in (cheap, dear)
    ]
    assert ranks[0] <= ranks[1]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40))
def test_the_front_is_what_nothing_dominates(rows: list[tuple[int, int, int]]) -> None:
    objectives = np.array(rows, dtype=float)
    front = {tuple(objectives[index]) for index in pareto_front(objectives)}
    for row in objectives:
        beaten = any((np.array(best) <= row).all() and (np.array(best) < row).any() for best in front)
        assert beaten or tuple(row) in front


@given(st.floats(0.5, 200), st.floats(0.5, 5000))
@settings(max_examples=25)
def test_no_single_factor_moves_a_cost_beyond_all_of_them(parameters: float, tokens: float) -> None:
    """All factors together are in quadrature, so one alone stays within the whole interval."""
    work = Workload.parse("pretraining", {"parameters_billion": parameters, "tokens_billion": tokens})
    whole = estimate(work, H100, shipped(), on=ON).cost_usd
    assert whole is not None
    for driver in find_drivers(lambda ledger: estimate(work, H100, shipped(), on=ON, ledger=ledger)):
        ends = sorted((driver.low, driver.high))
        assert whole.p10 <= ends[0] * (1 + 1e-9)
        assert ends[1] <= whole.p90 * (1 + 1e-9)


@given(st.floats(1, 1e6), st.integers(1, 1000), st.floats(0.01, 3), st.floats(0.05, 1.0), st.floats(1.0, 4.0))
def test_owning_costs_more_with_a_dearer_device_and_less_with_more_use(
    unit: float, devices: int, power: float, share: float, factor: float
) -> None:
    fleet = own(unit, devices, power, OwnershipTerms())
    assert own(unit * factor, devices, power, OwnershipTerms()).usd_year >= fleet.usd_year * (1 - 1e-12)
    assert fleet.usd_per_hour(share) >= fleet.usd_per_hour(1.0) * (1 - 1e-12)
    longer = own(unit, devices, power, OwnershipTerms(lifetime_years=5.0))
    assert longer.depreciation <= fleet.depreciation


@given(
    st.lists(st.tuples(st.integers(0, 100), st.floats(0, 1000)), min_size=1, max_size=8),
    st.floats(1, 50_000),
    st.floats(0.01, 20),
)
def test_no_owned_base_is_cheaper_than_the_best(load: list[tuple[int, float]], owned: float, rent: float) -> None:
    best = best_hybrid(load, owned, rent).usd_year
    for base in range(max(devices for devices, _ in load) + 1):
        rented = sum(max(devices - base, 0) * hours for devices, hours in load)
        assert best <= (base * owned + rented * rent) * (1 + 1e-9) + 1e-6


@given(st.floats(0.05, 500), st.floats(1.0, 3.0))
def test_a_larger_model_never_takes_fewer_hours_at_any_end(parameters: float, factor: float) -> None:
    """The size slope of the utilisation prior is flatter than the work grows: no band edge may break monotony."""
    base = size("pretraining", {"parameters_billion": parameters, "tokens_billion": 100}).gpu_hours
    larger = size("pretraining", {"parameters_billion": parameters * factor, "tokens_billion": 100}).gpu_hours
    assert base is not None
    assert larger is not None
    for end in ("p10", "p50", "p90"):
        assert getattr(larger, end) >= getattr(base, end) * (1 - 1e-9)
