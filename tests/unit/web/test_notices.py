"""The days to notify, as a request and the command's table tell them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from estimator.core.results.exploration import Question, explore
from estimator.core.workload.workload import Workload
from estimator.report import format_estimate, format_exploration
from governance.web.requests.request_story import threshold_text
from tests.unit.estimator.samples import H100, ON, shipped, size

HUGE = {"parameters_billion": 400, "tokens_billion": 8000}
SMALL = {"parameters_billion": 1, "tokens_billion": 1}


def _story(work: dict[str, int]) -> Any:
    return cast(Any, SimpleNamespace(current=SimpleNamespace(estimate=size("pretraining", work))))


def test_a_request_above_the_line_says_by_when_to_notify() -> None:
    said = threshold_text(_story(HUGE))
    assert said.startswith("exceeds 1e25 (EU); to be notified by ")
    assert "AI Act, Art 52(1)" in said
    assert "notified" not in threshold_text(_story(SMALL))


def test_the_commands_table_has_the_notice_and_the_mix() -> None:
    assert "EU (AI Act, Art 52(1)): by 2026-12-05, 14 days after 2026-11-21" in format_estimate(
        size("pretraining", HUGE)
    )
    assert "To notify" not in format_estimate(size("pretraining", SMALL))
    found = explore(Question(Workload.parse("pretraining", SMALL), H100, shipped(), ON))
    assert "Hybrid: 0 of 8 owned" in format_exploration(found, 3)
