from __future__ import annotations

import math
from typing import Any

import pytest

from estimator.core.workload.fields import ARCHITECTURES, FIELDS, FIELDS_BY_KIND, FieldType, WorkloadKind, asked
from estimator.core.workload.workload import Workload, WorkloadError

PRETRAINING = {"parameters_billion": 7, "tokens_billion": 4000}


def errors_of(kind: str, work: Any, **options: Any) -> dict[str, str]:
    with pytest.raises(WorkloadError) as caught:
        Workload.parse(kind, work, **options)
    return caught.value.errors


def test_the_fourteen_kinds_each_have_their_fields() -> None:
    assert len(WorkloadKind) == 14
    assert set(FIELDS_BY_KIND) == set(WorkloadKind)
    assert all(spec.name in FIELDS for specs in FIELDS_BY_KIND.values() for spec in specs)


def test_every_number_has_a_range_and_every_choice_its_choices() -> None:
    for spec in FIELDS.values():
        if spec.type is FieldType.CHOICE:
            assert spec.default in [value for value, _ in spec.choices]
        else:
            assert spec.minimum is not None
            assert spec.maximum is not None
            assert math.isfinite(spec.maximum)


def test_numbers_may_come_as_json_or_as_form_text() -> None:
    from_json = Workload.parse("pretraining", PRETRAINING)
    from_form = Workload.parse("pretraining", {"parameters_billion": " 7 ", "tokens_billion": "4e3", "epochs": ""})
    assert from_json == from_form
    assert from_json.parameters == 7e9


@pytest.mark.parametrize(
    "bad",
    [math.nan, math.inf, -1, 0, 1e30, 10**400, "nan", "inf", "1e999", "7b", "1_000", "٧", True, [7], {"a": 1}, b"7",
     "7\0", "\ud800", "9" * 1_000_000],
)  # fmt: skip
def test_a_bad_number_names_its_field(bad: Any) -> None:
    assert list(errors_of("pretraining", {**PRETRAINING, "parameters_billion": bad})) == ["parameters_billion"]


def test_every_missing_field_is_named_at_once() -> None:
    assert set(errors_of("hosted_api", {})) == {
        "api_model",
        "input_tokens_million_month",
        "output_tokens_million_month",
    }
    assert set(errors_of("pretraining", {})) == {"parameters_billion", "tokens_billion"}


def test_an_ask_as_cap_needs_no_work() -> None:
    for kind in WorkloadKind:
        assert Workload.parse(kind, {}, is_sized=False).stated == {}


def test_an_unknown_kind_and_an_unknown_field_are_refused() -> None:
    assert "workload" in errors_of("mining", {})
    assert errors_of("lease", {"tokens_billion": 1}) == {"tokens_billion": "this is not a field of `lease`"}
    assert errors_of("lease", "tokens")["work"]


def test_a_mixture_of_experts_needs_its_active_parameters() -> None:
    work = {**PRETRAINING, "architecture": "mixture_of_experts"}
    assert list(errors_of("pretraining", work)) == ["active_parameters_billion"]
    assert list(errors_of("pretraining", {**work, "active_parameters_billion": 8})) == ["active_parameters_billion"]
    assert Workload.parse("pretraining", {**work, "active_parameters_billion": 1}).is_mixture_of_experts


def test_training_is_stated_in_tokens_or_in_samples_not_in_both() -> None:
    samples = {"samples_million": 1.28, "forward_gflop_per_sample": 8.2}
    assert Workload.parse("pretraining", samples)
    assert list(errors_of("pretraining", {"samples_million": 1.28})) == ["forward_gflop_per_sample"]
    assert "samples_million" in errors_of("pretraining", {**PRETRAINING, **samples})


def test_tokens_without_a_model_are_refused() -> None:
    assert list(errors_of("pretraining", {"tokens_billion": 10})) == ["parameters_billion"]


def test_nothing_read_and_nothing_written_is_no_work() -> None:
    work = {"parameters_billion": 7, "requests": 10, "input_tokens": 0, "output_tokens": 0}
    assert list(errors_of("inference_batch", work)) == ["output_tokens"]


def test_a_workload_survives_json() -> None:
    workload = Workload.parse("fine_tuning", {**PRETRAINING, "method": "lora"})
    assert Workload.from_json(workload.to_json()) == workload


def test_whole_numbers_stay_whole() -> None:
    assert Workload.parse("pretraining", {**PRETRAINING, "layers": "32"}).stated["layers"] == 32
    assert "layers" in errors_of("pretraining", {**PRETRAINING, "layers": 32.5})


def test_a_field_of_one_architecture_is_refused_of_another() -> None:
    bound = [spec for spec in FIELDS.values() if spec.only_for]
    assert {spec.only_for for spec in bound} == {"mixture_of_experts", "encoder_decoder"}
    for spec in bound:
        for architecture, _ in ARCHITECTURES:
            if architecture != spec.only_for:
                work = {**PRETRAINING, "architecture": architecture, spec.name: 0.5}
                assert "has this: choose that architecture" in errors_of("pretraining", work)[spec.name]
    of_dense = errors_of("pretraining", {**PRETRAINING, "architecture": "decoder", "active_parameters_billion": 1})
    assert of_dense == {
        "active_parameters_billion": "only a mixture of experts has this: choose that architecture, or leave this empty"
    }


def test_active_parameters_alone_say_that_it_is_a_mixture() -> None:
    work = {**PRETRAINING, "active_parameters_billion": 1}
    assert Workload.parse("pretraining", work).architecture == "mixture_of_experts"


def test_only_what_the_architecture_has_is_asked() -> None:
    for kind, specs in FIELDS_BY_KIND.items():
        for architecture, _ in ARCHITECTURES:
            names = {spec.name for spec in asked(kind, architecture)}
            left_out = {spec.name for spec in specs} - names
            assert all(FIELDS[name].only_for not in ("", architecture) for name in left_out)
            assert all(FIELDS[name].only_for in ("", architecture) for name in names)
        assert asked(kind, None) == asked(kind, "decoder") == asked(kind, "")
