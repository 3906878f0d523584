"""The twenty rules as one experienced programmer would write them for NumPy, over the same encoded arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.policy_bench import drawn_facts
from governance.policy.backends.columns import Columns

Array = NDArray[Any]


def _table(words: tuple[Any, ...], chosen: Any) -> Array:
    """Which codes of a dictionary are meant."""
    return np.array([chosen(word) for word in words], np.bool_)


def fired(columns: Columns) -> list[Array]:
    """One array of booleans per rule."""
    c = {name: column.values for name, column in columns.columns.items()}
    words = {name: column.dictionary or () for name, column in columns.columns.items()}
    nobody = np.zeros(columns.count, np.bool_)

    def has(name: str) -> Array:
        present = columns.columns[name].present
        return ~nobody if present is None else present

    def member(name: str, chosen: set[str]) -> Array:
        return _table(words[name], chosen.__contains__)[c[name]]

    def code(name: str, word: str) -> int:
        return words[name].index(word) if word in words[name] else len(words[name])

    advanced = member("request.gpu_type", {"H100", "H200", "B200", "GB200", "MI300X"})
    abroad = advanced & has("request.end_user_country")
    not_own = c["request.provider"] != code("request.provider", "onprem")
    flop, has_flop = c["request.training_flop"], has("request.training_flop")
    cost, count, hours = c["request.cost_usd"], c["request.gpu_count"], c["request.hours"]
    spent, total = c["budget.spent"] + c["budget.reserved"] + cost, c["budget.total"]
    above_flag = has_flop & (flop >= 1e23)
    above_board = flop >= 1e25
    outside = member("requester.role", {"contractor", "student"})
    approved = _table(words["requester.groups"], lambda groups: "compute-approved" in groups)
    europe = _table(words["request.region"], lambda word: word.startswith("eu-"))
    return [
        ~member("request.provider", {"aws", "gcp", "azure", "coreweave", "lambda", "onprem"}),
        member("request.region", {"cn-north-1", "ru-central-1"}),
        abroad & member("request.end_user_country", {"IR", "KP", "RU", "CU", "SY", "BY"}),
        abroad & member("request.end_user_country", {"CN", "AE", "SA"}) & ~c["request.export_license"],
        member("request.purpose", {"crypto_mining", "social_scoring"}),
        has_flop & above_board,
        above_flag & ~above_board,
        (c["request.purpose"] == code("request.purpose", "training")) & ~has_flop & (count >= 64),
        cost > 5000.0,
        cost > 50000.0,
        cost > 500000.0,
        spent > total * 1.1,
        spent / total > 0.8,
        (c["request.data_class"] == code("request.data_class", "restricted")) & not_own & ~c["request.encrypted"],
        member("request.data_class", {"personal", "special_category"}) & ~europe[c["request.region"]],
        has("project.avg_util") & (c["project.avg_util"] < 0.35) & (count > 8),
        (c["request.provider_share"] > 0.6) & not_own,
        (hours > 720.0) | (count * hours > 100000.0),
        (c["project.status"] != code("project.status", "active")) | (c["request.start"] >= c["project.end"]),
        outside & ~approved[c["requester.groups"]],
    ]


def masks(columns: Columns) -> Array:
    """Per row one number whose bit i says that rule i fired."""
    together = np.zeros(columns.count, np.uint32)
    for index, truth in enumerate(fired(columns)):
        together |= truth.astype(np.uint32) << np.uint32(index)
    return together


def outcomes(columns: Columns, kinds: list[str]) -> Array:
    """Per row 2 for deny, 1 for review, 0 for allow: the matrix needs no more."""
    rules = fired(columns)
    denied = np.zeros(columns.count, np.bool_)
    required = np.zeros(columns.count, np.bool_)
    for kind, truth in zip(kinds, rules, strict=True):
        if kind == "deny":
            denied |= truth
        elif kind == "require":
            required |= truth
    return np.where(denied, np.uint8(2), required.astype(np.uint8))


def matrix(columns: Columns, kinds: list[str], old: Array) -> Array:
    """3 × 3 counts, old outcomes in rows."""
    return np.bincount(old * np.uint8(3) + outcomes(columns, kinds), minlength=9).reshape(3, 3)


def as_columns(made: dict[str, Array]) -> Columns:
    """The generator's arrays as typed columns, texts in their dictionaries, instants in microseconds."""
    from benchmarks.policy_bench.facts import SCHEMA
    from governance.policy.backends.columns import Column, code_dtype
    from governance.policy.facts.facts import FactType

    short = {"project.status": "project_status", "project.end": "project_end", "project.avg_util": "avg_util"}
    columns: dict[str, Column] = {}
    for fact in SCHEMA.facts:
        name = short.get(fact.name) or (f"budget_{fact.field}" if fact.namespace == "budget" else fact.field)
        values, present = made[name], made.get(f"{name}__has")
        words: tuple[Any, ...] | None = drawn_facts.GROUPS if name == "groups" else drawn_facts.DICTIONARIES.get(name)
        if words is not None:
            # A dictionary holds each word once; the generator repeats some to make them likelier.
            distinct = tuple(dict.fromkeys(words))
            table = np.array([distinct.index(word) for word in words], code_dtype(len(distinct)))
            columns[fact.name] = Column(table[values], present, distinct)
        elif fact.type is FactType.TIMESTAMP:
            columns[fact.name] = Column(values.astype(np.int64) * 1_000_000, present)
        else:
            columns[fact.name] = Column(values, present)
    return Columns(len(made["hours"]), columns)
