"""The facts of the benchmark: 24 of them, four of which may be absent."""

from __future__ import annotations

from typing import Any

from governance.policy.facts.facts import Fact, FactType
from governance.policy.facts.schema import FactsSchema

HELP = "Benchmark."


def _fact(name: str, type: FactType, **more: Any) -> Fact:
    return Fact(name=name, type=type, help=HELP, **more)


def _number(name: str, low: float = 0.0, high: float = 1e12, **more: Any) -> Fact:
    return _fact(name, FactType.DOUBLE, minimum=low, maximum=high, **more)


SCHEMA = FactsSchema(
    version=1,
    facts=(
        _fact("request.gpu_type", FactType.STRING),
        _fact("request.gpu_count", FactType.INT, minimum=1, maximum=1_000_000),
        _number("request.hours"),
        _number("request.cost_usd"),
        _number("request.training_flop", high=1e32, optional=True),
        _fact("request.provider", FactType.STRING),
        _fact("request.region", FactType.STRING),
        _fact("request.purpose", FactType.STRING),
        _fact("request.data_class", FactType.STRING),
        _fact("request.encrypted", FactType.BOOL),
        _fact("request.end_user_country", FactType.STRING, optional=True),
        _fact("request.export_license", FactType.BOOL),
        _fact("request.start", FactType.TIMESTAMP),
        _number("request.provider_share", high=1.0),
        _fact("project.status", FactType.STRING),
        _fact("project.end", FactType.TIMESTAMP),
        _number("project.avg_util", high=1.0, optional=True),
        _number("budget.total", low=0.01),
        _number("budget.spent"),
        _number("budget.reserved"),
        _fact("requester.role", FactType.STRING),
        _fact("requester.team", FactType.STRING),
        _fact("requester.groups", FactType.STRING_LIST),
    ),
)
