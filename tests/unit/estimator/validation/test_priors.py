"""The shipped priors are the fit to the shipped runs."""

from __future__ import annotations

from datetime import date

from estimator.validation.priors import PRIORS_FILE, fit_priors, replace_priors
from estimator.validation.runs import RUNS_FILE, read_runs


def test_the_shipped_priors_are_what_the_command_writes() -> None:
    runs, _ = read_runs(RUNS_FILE)
    text = PRIORS_FILE.read_text(encoding="utf-8")
    assert replace_priors(text, fit_priors(runs, date(2026, 11, 21))) == text


def test_a_generation_without_runs_is_the_least_certain() -> None:
    runs, _ = read_runs(RUNS_FILE)
    rows = {row["applies_to"]: row for row in fit_priors(runs, date(2026, 11, 21))}

    def width(name: str) -> float:
        return float(rows[name]["p90"]) / float(rows[name]["p10"])

    assert width("any_dense_medium") > width("hopper_dense_medium")


def test_utilisation_rises_more_slowly_than_size() -> None:
    """Else a larger model would take fewer hours: the law of monotony rests on it."""
    runs, _ = read_runs(RUNS_FILE)
    rows = {row["applies_to"]: row for row in fit_priors(runs, date(2026, 11, 21))}
    for end in ("p10", "p50", "p90"):
        assert float(rows["hopper_dense_large"][end]) / float(rows["hopper_dense_medium"][end]) < 10
        assert float(rows["hopper_dense_medium"][end]) / float(rows["hopper_dense_small"][end]) < 17.5
