"""What one comparison looked at and by how much it was over or under, short enough for a row of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.display import numbers
from governance.display.lists import joined
from governance.display.numbers import NBSP
from governance.policy.decisions.explain import Leaf
from governance.policy.decisions.plain_words import fact_in_words
from governance.policy.decisions.wording import format_value
from governance.policy.facts.facts import Fact
from governance.policy.facts.facts_schema import FACTS_BY_NAME

OWN_FACT = "request.exposure_usd"
"""What a request counts as; lists show it in a column of its own, so a sentence about it need not repeat it."""
SUM_FACT = "history.similar_exposure_30d_usd"
COUNT_FACT = "history.similar_count_30d"


def compared_in_words(leaf: Leaf, values: Mapping[str, Any], facts: Mapping[str, Fact] = FACTS_BY_NAME) -> str:
    """Which number was compared, its value, and the distance to the line.

    `800 USD above 1,500 USD` of what the request counts as itself; `2,458 USD in 30 days with 3 others, 958 USD above
    1,500 USD` of a sum with similar requests; else the fact by its name.

    Args:
        values: the facts of the request, by name.
    """
    if leaf.distance is None or leaf.value is None:
        return leaf.sentence
    numbers = [name for name in leaf.facts if _is_number(values.get(name))]
    # Of a choice between facts, such as the larger of two, the one whose value it was.
    same = [name for name in numbers if float(values[name]) == float(leaf.value)]
    if OWN_FACT in same:
        return leaf.sentence
    value = format_value(leaf.value, leaf.unit)
    if SUM_FACT in same:
        return f"{value} in 30{NBSP}days with {_others(values.get(COUNT_FACT))}, {leaf.sentence}"
    names = [fact_in_words(facts[name]) for name in same[:1] or numbers if name in facts]
    if not names:
        return leaf.sentence
    return f"{joined(names)} {'is' if len(names) == 1 else 'come to'} {value}, {leaf.sentence}"


def _others(count: Any) -> str:
    """How many requests stand beside this one; the count has this one included."""
    if not _is_number(count) or count < 2:
        return "others"
    return "one other" if count == 2 else f"{numbers.count(int(count) - 1)} others"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
