"""On which day a draft is compared with the rules of today: one on which its changes show."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from governance.policy.backtest.change_day import day_of
from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.bundle_model import Bundle, DatedValue
from governance.policy.bundle.shipped import shipped_text

TODAY = date(2026, 11, 21)
SPRING, SUMMER, AUTUMN = date(2027, 3, 1), date(2027, 6, 1), date(2027, 9, 1)
LIMIT, FINANCE = "auto_allow_max_usd", "finance_max_usd"


@pytest.fixture(scope="module")
def plain() -> Bundle:
    return load_bundle(shipped_text("approval-limits"))


def dated(bundle: Bundle, name: str, *values: tuple[float, date]) -> Bundle:
    """The bundle with further values of a parameter."""
    assert name in {param.name for param in bundle.params}
    more = tuple(DatedValue(value, start, "organisation's own limit") for value, start in values)
    return replace(
        bundle,
        params=tuple(
            replace(param, values=(*param.values, *more)) if param.name == name else param for param in bundle.params
        ),
    )


def test_without_a_later_change_it_is_today(plain: Bundle) -> None:
    assert day_of(plain, plain, today=TODAY) == TODAY
    assert day_of(plain, None, today=TODAY) == TODAY
    later = dated(plain, LIMIT, (500.0, SPRING))
    assert day_of(later, later, today=TODAY) == TODAY


def test_a_value_that_the_draft_brings_or_drops_shows_on_its_first_day(plain: Bundle) -> None:
    later = dated(plain, LIMIT, (500.0, SPRING))
    assert day_of(later, plain, today=TODAY) == SPRING
    assert day_of(plain, later, today=TODAY) == SPRING


def test_a_value_that_only_moves_shows_between_the_two_days(plain: Bundle) -> None:
    early, late = dated(plain, LIMIT, (500.0, SPRING)), dated(plain, LIMIT, (500.0, SUMMER))
    assert day_of(late, early, today=TODAY) == SPRING
    assert day_of(early, late, today=TODAY) == SPRING


def test_of_several_days_it_is_the_latest_that_shows_all(plain: Bundle) -> None:
    both = dated(dated(plain, LIMIT, (500.0, SPRING)), FINANCE, (7.0, SUMMER))
    assert day_of(both, plain, today=TODAY) == SUMMER
    assert day_of(plain, both, today=TODAY) == SUMMER
    # The first change is over when the other set's own later day comes.
    back = dated(both, LIMIT, (2500.0, AUTUMN))
    assert day_of(back, plain, today=TODAY) == SUMMER


def test_an_end_that_only_one_of_them_has_shows_on_that_day(plain: Bundle) -> None:
    ending, longer = replace(plain, effective_to=SPRING), replace(plain, effective_to=SUMMER)
    assert day_of(ending, plain, today=TODAY) == SPRING
    assert day_of(plain, ending, today=TODAY) == SPRING
    assert day_of(longer, ending, today=TODAY) == SPRING
    assert day_of(ending, longer, today=TODAY) == SPRING


def test_a_set_without_a_forerunner_is_not_judged_on_the_day_that_it_ends(plain: Bundle) -> None:
    assert day_of(replace(plain, effective_to=SPRING), None, today=TODAY) == TODAY


def test_a_draft_that_begins_later_is_judged_once_it_rules(plain: Bundle) -> None:
    assert day_of(replace(plain, effective_from=SPRING), plain, today=TODAY) == SPRING
    later = dated(replace(plain, effective_from=SPRING, effective_to=AUTUMN), LIMIT, (500.0, SUMMER))
    assert day_of(later, replace(plain, effective_to=AUTUMN), today=TODAY) == SUMMER
