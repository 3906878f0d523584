"""The daily sample replay: quiet when every answer stands, loud when one does not."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest

from governance.models import Assessment, JobRun
from governance.selectors.record import replay
from governance.services.requests import submission
from governance.services.rules import replays
from tests.cast import NOW, Cast, content

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(cast: Cast) -> Cast:
    for _ in range(3):
        submission.create_and_submit(actor=cast.alice, content=content(gpu_hours_cap=100.0), now=NOW)
    return cast


def test_every_decision_comes_out_as_it_was_and_once_a_day_is_enough(cast: Cast) -> None:
    assert replays.replay_sample(now=NOW) == 3
    assert replays.replay_sample(now=NOW + timedelta(hours=3)) == 0
    run = JobRun.objects.get(name="replay_sample")
    assert (run.state, run.result) == ("done", {"replayed": 3, "differing": 0, "unknown_rules": 0})
    assert replays.replay_sample(now=NOW + timedelta(days=1)) == 3


def test_a_difference_makes_the_run_fail_and_names_it(cast: Cast) -> None:
    judge = replay.replayed_differences
    differs = iter([{"outcome": ("allow", "deny")}])
    with mock.patch.object(replay, "replayed_differences", lambda *a, **k: judge(*a, **k) or next(differs, {})):
        assert replays.replay_sample(now=NOW) == 3
    run = JobRun.objects.get(name="replay_sample")
    assert run.state == "failed"
    assert "came out differently" in run.error
    assert "outcome" in run.error


def test_samples_of_following_days_cover_everything(cast: Cast) -> None:
    everything = set(Assessment.objects.values_list("pk", flat=True))
    days = [replay.sample_of(size=1, turn=turn) for turn in range(max(everything))]
    assert set().union(*days) == everything
    assert all(len(day) <= 1 for day in days)
