"""Nested leave-one-developer-out on runs whose truth is known."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from estimator.validation.constants import predict_constant
from estimator.validation.folds import validate
from estimator.validation.plot import calibration_svg
from estimator.validation.process import Sample, predict
from estimator.validation.report import Part, judge
from estimator.validation.runs import Run, RunsError
from estimator.validation.scores import score
from tests.unit.estimator.validation.made_runs import make_run, make_runs


def _firm(runs: list[Run]) -> Sample:
    return Sample(runs, [False] * len(runs))


def _judge(runs: list[Run]) -> Part:
    return judge(validate(runs, runs), runs)


def test_a_held_out_developer_does_not_move_its_own_prediction() -> None:
    runs = make_runs(6, 3, developer_scale=0.2, run_scale=0.1, seed=1)
    before = {each.run: each.p50 for fold in validate(runs, runs) for each in fold.predictions}
    moved = [replace(run, gpu_hours=run.gpu_hours * 7.0) if run.developer == "dev-0" else run for run in runs]
    after = {each.run: each.p50 for fold in validate(moved, moved) for each in fold.predictions}
    own = {run.name for run in runs if run.developer == "dev-0"}
    assert {name: after[name] for name in own} == {name: before[name] for name in own}
    assert any(after[name] != before[name] for name in after.keys() - own)


def test_a_class_effect_is_found_and_beats_every_constant() -> None:
    part = _judge(make_runs(10, 4, developer_scale=0.05, run_scale=0.05, seed=2, hopper_effect=-0.6))
    assert part.score.median_abs_error < 0.5 * part.best.median_abs_error
    assert part.score.interval_score < part.best.interval_score


def test_without_any_effect_the_class_is_shrunk_away() -> None:
    with_effect = make_runs(12, 4, developer_scale=0.0, run_scale=0.2, seed=3, hopper_effect=-0.6)
    without = make_runs(12, 4, developer_scale=0.0, run_scale=0.2, seed=3)
    scales = [predict(_firm(runs), _firm(runs[:1])).expected_scales["generation"] for runs in (without, with_effect)]
    assert scales[0] < 0.1 < 0.2 < scales[1]


def test_a_weak_run_moves_the_fit_less() -> None:
    runs = [make_run(f"dev-{index}", 0.4) for index in range(8)] + [make_run("odd", 0.1)]
    target = _firm([make_run("new", 0.4)])
    firm = predict(_firm(runs), target).quantiles[0]
    weak = predict(Sample(runs, [False] * 8 + [True]), target).quantiles[0]
    assert weak[1] > firm[1]
    assert weak[2] - weak[0] < firm[2] - firm[0]


def test_weak_runs_that_are_all_off_to_one_side_are_learnt_as_an_offset() -> None:
    """Hours that hold other work pull the runs in scope along unless they may be off together."""
    firm = [make_run(f"firm-{index}", 0.4) for index in range(4)]
    weak = [make_run(f"weak-{index}", 0.2) for index in range(12)]
    known, run = Sample(firm + weak, [False] * 4 + [True] * 12), make_run("new", 0.4)
    learnt = predict(known, Sample([run, run], [False, True]))
    in_scope, out_of_scope = (math.exp(middle) for _, middle, _ in learnt.quantiles)
    assert in_scope > 0.35
    assert out_of_scope < 0.23


def test_hours_that_are_pure_noise_are_not_predicted() -> None:
    """Shuffled hours destroy what there is to learn: a rule that still does well has seen the answers."""
    honest = make_runs(10, 4, developer_scale=0.05, run_scale=0.05, seed=4, hopper_effect=-0.6)
    hours = [run.gpu_hours for run in honest]
    random.Random(4).shuffle(hours)
    shuffled = [replace(run, gpu_hours=hours[index]) for index, run in enumerate(honest)]
    assert _judge(shuffled).score.median_abs_error > 2 * _judge(honest).score.median_abs_error


def test_coverage_is_near_eighty_percent_on_runs_that_follow_the_model() -> None:
    covered = []
    for seed in range(4):
        runs = make_runs(8, 3, developer_scale=0.2, run_scale=0.15, seed=seed)
        covered += [each.is_covered for fold in validate(runs, runs) for each in fold.predictions]
    assert 0.70 <= sum(covered) / len(covered) <= 0.92


def test_two_developers_are_too_few() -> None:
    two = [make_run("a", 0.3), make_run("b", 0.4)]
    with pytest.raises(RunsError, match="at least 3 developers"):
        validate(two, two)


def test_a_constant_rule_predicts_with_its_share_and_covers_four_fifths_of_the_others() -> None:
    runs = make_runs(10, 4, developer_scale=0.1, run_scale=0.2, seed=5)
    predictions = predict_constant(runs, lambda train: 0.5)
    assert {round(each.p50 * math.exp(0), 6) for each in predictions} == {round(runs[0].busy_hours / 0.5, 6)}
    assert 0.65 <= score(predictions).coverage_80 <= 0.95


def test_the_plot_shows_every_run_and_which_are_not_covered() -> None:
    part = _judge(make_runs(5, 2, developer_scale=0.3, run_scale=0.2, seed=9))
    svg = calibration_svg(part, "Made up & drawn")
    root = ElementTree.fromstring(svg)  # noqa: S314 (our own text)
    bars = root.findall("{http://www.w3.org/2000/svg}rect")[1:]
    assert len(bars) == 10
    missed = sum(not each.is_covered for each in part.predictions)
    assert sum(bar.get("fill") == "#ab2222" for bar in bars) == missed
    assert f"{10 - missed} of 10" in svg


def test_counting_a_part_shows_the_same_predictions() -> None:
    runs = make_runs(6, 3, developer_scale=0.2, run_scale=0.1, seed=9)
    folds = validate(runs, runs)
    whole, part = judge(folds, runs), judge(folds, runs, runs[:4])
    shown = {each.run: each for each in part.predictions}
    assert shown == {each.run: each for each in whole.predictions if each.run in shown}
    assert set(shown) == {run.name for run in runs[:4]}
    assert part.score.n == part.best.n == 4
