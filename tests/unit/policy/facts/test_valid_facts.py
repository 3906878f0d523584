"""Facts that anybody hands to the library: judged when they are right, refused by name when they are not."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Any

import numpy as np
import pytest

from governance.policy.backends.columns import encode
from governance.policy.backends.columns_backend import ColumnsProgram
from governance.policy.backends.interpreter import INDETERMINATE, evaluate
from governance.policy.bundle.bundle_model import Bundle, Rule
from governance.policy.bundle.effects import DEFAULT_ON_ERROR, Effect, EffectKind
from governance.policy.bundle.shipped import shipped_policy_set
from governance.policy.decisions.decision import Outcome, decide, outcome_of
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set
from governance.policy.errors import FactError
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts import Fact, FactType
from governance.policy.facts.facts_schema import FACTS, SCHEMA, ValidFacts, validate_facts
from governance.policy.facts.schema import FactsSchema

DAY = date(2026, 11, 25)
NAN, INF = float("nan"), float("inf")


@pytest.fixture(scope="module")
def shipped() -> CompiledPolicySet:
    return shipped_policy_set()


class Yes:
    """Equal to everything, true, and a text as far as `isinstance` can tell."""

    __class__ = str  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __len__(self) -> int:
        return 1


class LyingText(str):
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("research")

    def __str__(self) -> str:
        return "research"


class LyingList(list):  # type: ignore[type-arg]
    def __contains__(self, item: object) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0


class LyingNumber(float):
    def __lt__(self, other: object) -> bool:
        return True

    __le__ = __gt__ = __ge__ = __lt__  # type: ignore[assignment]

    def __float__(self) -> float:
        return 0.0


class NowhereZone(tzinfo):
    def utcoffset(self, dt: datetime | None) -> timedelta:
        raise ValueError("nowhere")


class Moment(datetime):
    pass


WRONG: dict[FactType, list[Any]] = {
    FactType.BOOL: ["no", "", 0, 1, 1.0, None, NAN, [], np.bool_(True), Yes()],
    FactType.DOUBLE: ["1", True, None, NAN, INF, -INF, 10**400, -(10**400), 1 + 2j, [], np.float64("nan"), Yes(),
                      LyingNumber("nan"), LyingNumber(1e40)],
    FactType.INT: ["1", True, None, NAN, 1.0, 1.5, INF, 10**400, 2**63, np.int64(1), [], Yes(), LyingNumber(1.0)],
    FactType.STRING: ["", "\ud800", "a\0", "x" * 201, 5, None, b"research", ["research"], Yes(), LyingText("")],
    FactType.ENUM: ["", "\ud800", "x", 5, None, b"new", ["new"], Yes(), LyingText("never heard of")],
    FactType.STRING_LIST: ["xaupx", None, {"aup"}, frozenset({"aup"}), {"aup": 1}, [""], ["\ud800"], [5], [None],
                           [["aup"]], ["x" * 201], ["x"] * 101, iter(["aup"]), Yes(), LyingList(["\ud800"]),
                           LyingList([5])],
    FactType.TIMESTAMP: [
        "2026-01-01T00:00:00Z", 0, None, date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None),
        datetime(1999, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(2300, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=NowhereZone()), Moment(2026, 1, 1, tzinfo=UTC), Yes(),
    ],
}  # fmt: skip


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_no_wrong_value_of_any_fact_is_judged(shipped: CompiledPolicySet, fact: Any) -> None:
    for value in WRONG[fact.type]:
        facts = plain_facts() | {fact.name: value}
        for judge in (decide, outcome_of):
            with pytest.raises(FactError) as refusal:
                judge(shipped, facts, on=DAY)
            assert refusal.value.field == fact.name
        with pytest.raises(FactError):
            validate_facts(plain_facts()).changed({fact.name: value})
        gap = ValidFacts.with_gaps(facts, SCHEMA)
        assert (fact.name in gap, fact.name in gap.gaps) == (False, True)
        assert decide(shipped, gap, on=DAY).outcome is not Outcome.ALLOW


@pytest.mark.parametrize("facts", [None, [], "facts", 5, {1: 2}, {None: 1}, {("a",): 1}, {"people.nobody": 1}, {}])
def test_what_is_no_set_of_facts_is_refused(shipped: CompiledPolicySet, facts: Any) -> None:
    with pytest.raises(FactError):
        decide(shipped, facts, on=DAY)


def test_a_required_fact_that_is_missing_is_refused_and_as_a_gap_never_allowed(shipped: CompiledPolicySet) -> None:
    assert decide(shipped, plain_facts(), on=DAY).outcome is Outcome.ALLOW
    for name in SCHEMA.required:
        facts = {each: value for each, value in plain_facts().items() if each != name}
        with pytest.raises(FactError, match="is missing"):
            decide(shipped, facts, on=DAY)
        gap = ValidFacts.with_gaps(facts, SCHEMA)
        assert dict(gap.gaps) == {name: "is missing"}
        decision = decide(shipped, gap, on=DAY)
        assert decision.outcome is not Outcome.ALLOW, name
        assert decision.sample is None
        assert outcome_of(shipped, gap, on=DAY) is decision.outcome


def test_right_values_in_other_clothes_are_kept_as_plain_ones() -> None:
    class Kind(StrEnum):
        NEW = "new"

    valid = validate_facts(
        plain_facts()
        | {
            "request.kind": Kind.NEW,
            "request.purpose": LyingText("malware"),
            "request.exposure_usd": np.float64(9_000.5),
            "request.gpu_hours_cap": 1280,
            "request.evidence_kinds": LyingList(["dpia"]),
            "people.trainings_valid": ("aup",),
            "request.start_at": datetime(2026, 12, 1, 8, tzinfo=timezone(timedelta(0))),
        }
    )
    shown = {name: (type(valid[name]), valid[name]) for name in valid}
    assert shown["request.kind"] == (str, "new")
    assert shown["request.purpose"] == (str, "malware")
    assert shown["request.exposure_usd"] == (float, 9_000.5)
    assert shown["request.gpu_hours_cap"] == (float, 1280.0)
    assert shown["request.evidence_kinds"] == (tuple, ("dpia",))
    assert shown["people.trainings_valid"] == (tuple, ("aup",))
    assert shown["request.start_at"][1].tzinfo is UTC


def test_checked_facts_do_not_change() -> None:
    facts = validate_facts(plain_facts() | {"people.aup_current": False})
    changes: list[Callable[[Any], object]] = [
        lambda facts: facts.__setitem__("people.aup_current", True),
        lambda facts: setattr(facts, "_known", {}),
        lambda facts: setattr(facts, "gaps", {}),
        lambda facts: delattr(facts, "_known"),
        lambda facts: facts["people.trainings_valid"].append("aup"),
    ]
    for change in changes:
        with pytest.raises((AttributeError, TypeError)):
            change(facts)
    assert (facts["people.aup_current"], facts["people.trainings_valid"], facts.gaps) == (False, (), {})


def test_what_was_checked_no_longer_hangs_on_what_was_given() -> None:
    given = plain_facts() | {"people.trainings_valid": ["aup"]}
    facts = validate_facts(given)
    given["people.trainings_valid"].append("\ud800")
    given["people.aup_current"] = "no"
    assert facts["people.trainings_valid"] == ("aup",)
    assert facts["people.aup_current"] is True


def test_a_subclass_is_not_taken_for_checked_facts(shipped: CompiledPolicySet) -> None:
    class Mine(ValidFacts):  # type: ignore[misc]
        def __init__(self) -> None:
            self._fill(plain_facts() | {"people.aup_current": "no"}, {}, SCHEMA)

    with pytest.raises(FactError):
        decide(shipped, Mine(), on=DAY)


def test_facts_of_another_schema_are_checked_again(shipped: CompiledPolicySet) -> None:
    other = ValidFacts({"anything": True}, one_fact_schema())
    with pytest.raises(FactError):
        decide(shipped, other, on=DAY)


def one_fact_schema() -> FactsSchema:
    return FactsSchema(1, (Fact(name="anything", type=FactType.BOOL, help="Anything."),))


def one_rule_set(condition: str) -> CompiledPolicySet:
    rule = Rule("r", "r", "r", condition, Effect(kind=EffectKind.DENY), "It fired.", DEFAULT_ON_ERROR[EffectKind.DENY])
    return compile_policy_set([Bundle("b", "B", "", "policy_officer", rules=(rule,))])


def test_changed_facts_are_checked_where_they_differ() -> None:
    facts = validate_facts(plain_facts())
    cheaper = facts.changed({**facts, "request.exposure_usd": 10.0})
    assert (facts["request.exposure_usd"], cheaper["request.exposure_usd"]) == (1216.0, 10.0)
    gap = ValidFacts.with_gaps(plain_facts() | {"budget.cost_centre": ""}, SCHEMA)
    assert set(gap.gaps) == {"budget.cost_centre"}
    assert gap.changed({"request.exposure_usd": 10.0}).gaps == gap.gaps
    assert gap.changed({"budget.cost_centre": "4300"}).gaps == {}
    again = pickle.loads(pickle.dumps(facts))  # noqa: S301 - our own bytes
    assert isinstance(again, Mapping)
    assert dict(again) == dict(facts)


def test_the_back_ends_agree_on_a_required_fact_that_is_a_gap() -> None:
    conditions = [
        "people.aup_current",
        "!people.aup_current",
        "people.aup_current && request.exposure_usd > 1.0",
        "request.customer_data || people.aup_current",
        "request.accelerator_count > 4",
        "'aup' in people.trainings_valid",
        "people.trainings_valid.exists(each, each == 'aup')",
        "budget.cost_centre == '4300'",
        "budget.cost_centre.startsWith('4')",
        "request.start_at > timestamp('2026-01-01T00:00:00Z')",
        "request.kind == 'new' && budget.used_ratio < 0.9",
    ]
    rows = [validate_facts(plain_facts())]
    read = ("people.aup_current", "request.accelerator_count", "people.trainings_valid", "budget.cost_centre",
            "request.start_at", "budget.used_ratio", "request.customer_data", "request.kind")  # fmt: skip
    for name in read:
        rows.append(ValidFacts.with_gaps({k: v for k, v in plain_facts().items() if k != name}, SCHEMA))
    for condition in conditions:
        dated = one_rule_set(condition).at(DAY)
        node = dated.rules[0].condition
        wanted = [evaluate(node, row) for row in rows]
        wanted = [None if value is INDETERMINATE else value for value in wanted]
        masks = [dated.fired_mask(row._known) for row in rows]
        assert [None if mask >> 1 & 1 else bool(mask & 1) for mask in masks] == wanted, condition
        (answer,) = ColumnsProgram([node]).run_block(encode(rows, SCHEMA))
        columns = [
            None if answer.unsure is not None and answer.unsure[row] else bool(answer.fired[row])
            for row in range(len(rows))
        ]
        assert columns == wanted, condition
