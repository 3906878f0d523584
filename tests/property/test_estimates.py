"""Laws of every estimate: finite, ordered, deterministic, and monotone in what is asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from estimator.core.errors import InputError
from estimator.core.pricing.place import Place, PriceTerm
from estimator.core.quantities import Interval
from estimator.core.results.estimate import Estimate
from estimator.core.workload.fields import FIELDS_BY_KIND, SAMPLE_KINDS, FieldSpec, FieldType, WorkloadKind
from estimator.core.workload.workload import Workload, WorkloadError
from tests.unit.estimator.samples import H100, own_price, shipped, size

SLACK = 1 + 1e-9

ACCELERATORS = sorted(shipped().accelerators)
PROVIDERS = [None, *sorted(shipped().providers)]
BY_TOKENS, BY_SAMPLES = ("tokens_billion", "parameters_billion"), ("samples_million", "forward_gflop_per_sample")
COUNTRIES = [None, *sorted(row for row in shipped().grid_by_country)]


def values_of(spec: FieldSpec) -> st.SearchStrategy[Any]:
    """Any value that the field allows, its ends included."""
    match spec.type:
        case FieldType.CHOICE:
            return st.sampled_from([value for value, _ in spec.choices])
        case FieldType.TEXT:
            return st.sampled_from(sorted({row.model for row in shipped().token_prices})[:50])
        case FieldType.INTEGER:
            return st.integers(int(spec.minimum or 0), int(spec.maximum or 0))
        case FieldType.NUMBER:
            return st.floats(spec.minimum, spec.maximum, allow_nan=False)


KINDS = st.sampled_from(list(WorkloadKind))
# Built once: to build a strategy costs more than to draw from it.
VALUES = {kind: {spec.name: values_of(spec) for spec in specs} for kind, specs in FIELDS_BY_KIND.items()}
REQUIRED = {kind: {spec.name for spec in specs if spec.required} for kind, specs in FIELDS_BY_KIND.items()}
STATED_BY = st.permutations([BY_TOKENS, BY_SAMPLES])


@st.composite
def asks(draw: st.DrawFn) -> tuple[str, dict[str, Any], bool]:
    """A kind with any allowed values in any of its fields; most of the contradictions between them are settled."""
    kind = draw(KINDS)
    values, required = VALUES[kind], REQUIRED[kind]
    work = {name: draw(value) for name, value in values.items() if name in required or draw(st.booleans())}
    if kind in SAMPLE_KINDS:
        stated, dropped = draw(STATED_BY)
        work = {name: value for name, value in work.items() if name not in dropped}
        work |= {name: draw(values[name]) for name in stated}
    if "active_parameters_billion" in work:
        total = max(work["active_parameters_billion"], work.get("parameters_billion", 0.0))
        work |= {"parameters_billion": total, "active_parameters_billion": draw(st.floats(1e-6, total))}
        work |= {"architecture": "mixture_of_experts"} if draw(st.booleans()) else {}
        if work.get("architecture") != "mixture_of_experts":
            work.pop("architecture", None)
    elif work.get("architecture") == "mixture_of_experts":
        del work["architecture"]
    return str(kind), work, draw(st.booleans())


@st.composite
def places(draw: st.DrawFn) -> Place:
    return Place(
        price_term=draw(st.sampled_from(list(PriceTerm))),
        provider=draw(st.sampled_from(PROVIDERS)),
        country=draw(st.sampled_from(COUNTRIES)),
        accelerator=draw(st.sampled_from([None, *ACCELERATORS])),
        accelerator_count=draw(st.integers(1, 1_000_000)),
    )


LIMITS = st.none() | st.floats(1e-3, 1e9)


@example(("purchase", {}, False), Place(PriceTerm.PURCHASE, accelerator="rtx-a6000"), 1e9, None, None, False)
@given(asks(), places(), LIMITS, LIMITS, LIMITS, st.booleans())
def test_every_allowed_ask_gives_finite_ordered_numbers(
    ask: tuple[str, dict[str, Any], bool],
    place: Place,
    window: float | None,
    hours: float | None,
    usd: float | None,
    has_own: bool,
) -> None:
    kind, work, is_sized = ask
    own = own_price(3.0, accelerator=place.accelerator or "", price_term=place.price_term)
    limits = {"window_hours": window, "gpu_hours_cap": hours, "money_cap_usd": usd}
    try:
        estimate = size(kind, work, place, is_sized=is_sized, prices_own=[own] if has_own else [], **limits)
    except InputError:
        return
    # allow_nan=False raises on NaN and infinity anywhere in the answer; intervals check their own order.
    text = json.dumps(estimate.to_json(), allow_nan=False)
    assert Estimate.from_json(json.loads(text)) == estimate
    assert estimate.cost_usd is not None or estimate.cost_cap_usd is not None or "cost_usd" in _gaps(estimate)
    assert estimate.commitment_tail_usd >= 0


@given(
    st.sampled_from(list(WorkloadKind)),
    st.dictionaries(
        st.sampled_from(sorted({spec.name for specs in FIELDS_BY_KIND.values() for spec in specs})) | st.text(),
        st.floats() | st.integers() | st.text() | st.booleans() | st.none() | st.lists(st.integers()) | st.binary(),
        max_size=8,
    ),
)
def test_any_mapping_is_parsed_or_refused_with_a_sentence_per_field(kind: str, mapping: dict[str, Any]) -> None:
    try:
        json.dumps(Workload.parse(kind, mapping).to_json(), allow_nan=False)
    except WorkloadError as error:
        assert_sentences(error.errors)


def assert_sentences(errors: dict[str, str]) -> None:
    assert errors
    assert all(name.isprintable() and sentence.isprintable() for name, sentence in errors.items())


FACTORS = st.floats(1.0, 50.0)


@given(st.floats(0.1, 500), st.floats(0.01, 10_000), FACTORS)
def test_more_tokens_or_parameters_never_cost_less(parameters: float, tokens: float, factor: float) -> None:
    base = size("pretraining", {"parameters_billion": parameters, "tokens_billion": tokens})
    longer = size("pretraining", {"parameters_billion": parameters, "tokens_billion": tokens * factor})
    larger = size("pretraining", {"parameters_billion": parameters * factor, "tokens_billion": tokens})
    for other in (longer, larger):
        for name in ("run_flop", "gpu_hours", "cost_usd", "energy_kwh", "carbon_kg", "training_flop_cumulative"):
            assert _is_at_least(getattr(other, name), getattr(base, name)), name


@given(st.floats(0.1, 1e5), st.integers(1, 5000), FACTORS)
def test_more_hours_or_devices_never_cost_less(hours: float, count: int, factor: float) -> None:
    place = replace(H100, accelerator_count=count)
    more = replace(H100, accelerator_count=count + 1)
    base = size("lease", {}, place, window_hours=hours)
    for other in (size("lease", {}, place, window_hours=hours * factor), size("lease", {}, more, window_hours=hours)):
        for name in ("gpu_hours", "cost_usd", "run_flop", "energy_kwh"):
            assert _is_at_least(getattr(other, name), getattr(base, name)), name


@given(st.floats(0.01, 1000), FACTORS, st.floats(0.1, 1e6))
def test_a_dearer_price_never_costs_less(usd: float, factor: float, hours: float) -> None:
    cheap = size("lease", is_sized=False, gpu_hours_cap=hours, prices_own=[own_price(usd)])
    dear = size("lease", is_sized=False, gpu_hours_cap=hours, prices_own=[own_price(usd * factor)])
    assert _is_at_least(dear.cost_usd, cheap.cost_usd)
    assert cheap.cost_usd is not None
    assert cheap.cost_usd.is_exact


@given(st.floats(0.1, 2000), st.integers(1, 4096))
def test_more_devices_never_need_more_memory_each(parameters: float, count: int) -> None:
    work = {"parameters_billion": parameters, "tokens_billion": 1}
    few = size("pretraining", work, replace(H100, accelerator_count=count)).memory_gib_per_device
    many = size("pretraining", work, replace(H100, accelerator_count=count * 2)).memory_gib_per_device
    assert _is_at_least(few, many)


@given(st.floats(1, 1e9), st.floats(0, 1e5), st.floats(1, 1e5), FACTORS)
def test_more_requests_never_need_fewer_hours(requests: float, into: float, out: float, factor: float) -> None:
    work = {"parameters_billion": 70, "requests": requests, "input_tokens": into, "output_tokens": out}
    more = {**work, "requests": requests * factor}
    assert _is_at_least(size("inference_batch", more).gpu_hours, size("inference_batch", work).gpu_hours)


@given(st.floats(1e20, 1e26))
def test_a_line_that_is_exceeded_may_also_be_exceeded(tokens_flop: float) -> None:
    estimate = size("pretraining", {"parameters_billion": 1, "tokens_billion": tokens_flop / 6e18})
    for reading in estimate.thresholds:
        assert reading.may_exceed or not reading.exceeds
        assert reading.p90 >= reading.p50


def _is_at_least(more: Interval | None, less: Interval | None) -> bool:
    assert more is not None
    assert less is not None
    pairs = ((more.p10, less.p10), (more.p50, less.p50), (more.p90, less.p90))
    return all(high * SLACK >= low for high, low in pairs)


def _gaps(estimate: Estimate) -> set[str]:
    return {gap.what for gap in estimate.missing}
