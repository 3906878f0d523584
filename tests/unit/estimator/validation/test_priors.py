"""The shipped priors are the fit to the shipped runs."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from functools import cache

import pytest

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.utilisation import prior_utilisation
from estimator.core.workload.workload import Workload
from estimator.validation.folds import sample_of
from estimator.validation.priors import PRIORS_FILE, fit_priors, replace_priors
from estimator.validation.process import Sample, predict
from estimator.validation.runs import RECOMPUTED, RUNS_FILE, Run, read_runs
from tests.unit.estimator.samples import shipped


@cache
def shipped_runs() -> tuple[Run, ...]:
    return tuple(read_runs(RUNS_FILE)[0])


@cache
def fitted() -> tuple[dict[str, str], ...]:
    return tuple(fit_priors(shipped_runs(), date(2026, 11, 22)))


@cache
def shipped_sample() -> Sample:
    return sample_of(shipped_runs())


def test_the_shipped_priors_are_what_the_command_writes() -> None:
    text = PRIORS_FILE.read_text(encoding="utf-8")
    assert replace_priors(text, list(fitted())) == text


def test_a_generation_without_runs_is_the_least_certain() -> None:
    rows = {row["applies_to"]: row for row in fitted()}

    def width(name: str) -> float:
        return float(rows[name]["p90"]) / float(rows[name]["p10"])

    assert width("any_dense_medium") > width("hopper_dense_medium")


def test_utilisation_rises_more_slowly_than_size() -> None:
    """Else a larger model would take fewer hours: the law of monotony rests on it."""
    rows = {row["applies_to"]: row for row in fitted()}
    for end in ("p10", "p50", "p90"):
        assert float(rows["hopper_dense_large"][end]) / float(rows["hopper_dense_medium"][end]) < 10
        assert float(rows["hopper_dense_medium"][end]) / float(rows["hopper_dense_small"][end]) < 17.5


PRACTICES = [
    {},
    {"recompute": "none", "fused_attention": "yes"},
    {"recompute": "full", "fused_attention": "no", "training_software": "hf_trainer"},
    {"recompute": "selective", "training_software": "megatron"},
]


@pytest.mark.parametrize("devices", [8, 256, 10_000])
@pytest.mark.parametrize("stated", PRACTICES, ids=lambda stated: " ".join(stated.values()) or "nothing stated")
@pytest.mark.parametrize("part", ["h100-sxm5-80gb", "a100-sxm4-80gb"])
def test_an_estimate_uses_what_the_validation_has_judged(part: str, stated: dict[str, str], devices: int) -> None:
    """The catalogue keeps the fit as factors; multiplied they say what the fit itself says of such a run."""
    catalogue: CatalogueSnapshot = shipped()
    accelerator = catalogue.accelerators[part]
    work = {"parameters_billion": 7, "tokens_billion": 1000, **stated}
    workload = Workload.parse("pretraining", work)
    used = prior_utilisation(workload, accelerator, catalogue, Ledger(), devices)

    run = replace(
        shipped_runs()[0],
        developer="",
        generation=accelerator.generation,
        is_mixture_of_experts=False,
        active_parameters=7e9,
        software=stated.get("training_software", ""),
        recomputed=RECOMPUTED[stated.get("recompute", "")],
        has_fused_attention={"": None, "yes": True, "no": False}[stated.get("fused_attention", "")],
        devices=float(devices),
    )
    low, middle, high = (math.exp(end) for end in predict(shipped_sample(), Sample([run], [False])).quantiles[0])
    assert used.p50 == pytest.approx(middle, rel=0.04)
    assert math.log(used.p90 / used.p10) == pytest.approx(math.log(high / low), rel=0.12)
