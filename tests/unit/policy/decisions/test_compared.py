"""A reason names the number that was compared, and its value."""

from __future__ import annotations

from typing import Any

import pytest

from governance.display.numbers import NBSP
from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.shipped import shipped_text
from governance.policy.bundle.testing import DEFAULT_DAY
from governance.policy.decisions.compared import compared_in_words
from governance.policy.decisions.explain import Leaf, leaves_of
from governance.policy.decisions.policy_set import compile_policy_set
from governance.policy.facts.examples import plain_facts

POLICY = compile_policy_set([load_bundle(shipped_text("approval-limits"))])
OWN, TOGETHER, COUNT = "request.exposure_usd", "history.similar_exposure_30d_usd", "history.similar_count_30d"


def leaf_of(rule_id: str, ask: dict[str, Any], text: str) -> Leaf:
    """The comparison of a rule whose text has these words."""
    rule = next(rule for rule in POLICY.at(DEFAULT_DAY).rules if rule.rule_id == rule_id)
    found = leaves_of(rule.shapes, {name: ask.get(name) for name in rule.facts})
    return next(leaf for leaf in found if text in leaf.text)


def said(rule_id: str, text: str, **changes: Any) -> str:
    ask = {**plain_facts(), **{name.replace("__", "."): value for name, value in changes.items()}}
    ask = {name: value for name, value in ask.items() if value is not None}
    return compared_in_words(leaf_of(rule_id, ask, text), ask).replace(NBSP, " ")


@pytest.mark.parametrize(
    ("own", "together", "count", "expected"),
    [
        (130.0, 3458.0, 4, "3,458 USD in 30 days with 3 others, 958 USD above 2,500 USD"),
        (1216.0, 3458.0, 2, "3,458 USD in 30 days with one other, 958 USD above 2,500 USD"),
        # The larger of the two is what the request counts as: the list shows it beside.
        (3458.0, 3458.0, 1, "958 USD above 2,500 USD"),
        (None, 3458.0, 3, "3,458 USD in 30 days with 2 others, 958 USD above 2,500 USD"),
        (130.0, 3458.0, None, "3,458 USD in 30 days with others, 958 USD above 2,500 USD"),
        (130.0, 2500.0, 2, "2,500 USD in 30 days with one other, exactly 2,500 USD"),
    ],
)
def test_a_sum_with_similar_asks_says_so_and_is_no_amount_of_the_ask(
    own: float | None, together: float, count: int | None, expected: str
) -> None:
    changes = {OWN: own, TOGETHER: together, COUNT: count}
    assert said("AL-2", "auto_allow_max_usd", **{name.replace(".", "__"): each for name, each in changes.items()}) == (
        expected
    )


def test_a_line_on_what_the_ask_counts_as_needs_no_name() -> None:
    assert said("AL-1", "request.exposure_usd <=", request__exposure_usd=2300.0) == "200 USD below 2,500 USD"


def test_another_fact_is_named() -> None:
    assert said("AL-1", "window_days <=", request__window_days=45.0) == (
        "the duration is 45 days, 15 days above 30 days"
    )
    expected = "the number of accelerators is 16 devices, 8 devices above 8 devices"
    assert said("AL-1", "accelerator_count <=", request__accelerator_count=16) == expected


def test_facts_that_were_reckoned_together_are_named_together() -> None:
    leaf = Leaf(
        text="request.accelerator_count * request.window_days > 100", truth=True, operator=">", value=112.0,
        limit=100.0, facts=("request.accelerator_count", "request.window_days"), distance=12.0,
    )  # fmt: skip
    ask = {"request.accelerator_count": 8, "request.window_days": 14.0}
    expected = "the number of accelerators and the duration come to 112, 12 above 100"
    assert compared_in_words(leaf, ask).replace(NBSP, " ") == expected


def test_what_is_no_number_is_said_as_it_is_written() -> None:
    leaf = Leaf(text="people.aup_current", truth=False, facts=("people.aup_current",))
    assert compared_in_words(leaf, plain_facts()) == "people.aup_current"
