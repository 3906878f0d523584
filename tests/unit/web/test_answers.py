"""From typed text to content."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from governance.display.countries import code_of
from governance.web.requests.answers import STEPS, read_integer, read_number, read_step


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1,000", 1000),
        ("1\u202f000\u202f000", 1_000_000),
        ("2.5", 2.5),
        (" 8 ", 8),
        ("1e3", 1000.0),
        ("", None),
        ("NaN", "NaN"),
        ("inf", "inf"),
        ("1e400", "1e400"),
        ("10^30", "10^30"),
        ("1,00", "1,00"),
        ("٣", "٣"),
    ],
)
def test_a_number_is_read_or_stays_text(typed: str, value: object) -> None:
    assert read_number(typed) == value


def test_a_whole_number_may_be_written_as_a_decimal() -> None:
    assert read_integer("8.0") == 8
    assert isinstance(read_integer("8.0"), int)
    assert read_integer("8.5") == 8.5


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Ireland", "IE"),
        ("se", "SE"),
        ("UK", "GB"),
        ("reunion", "RE"),
        ("Côte d'Ivoire", "CI"),
        ("Irland", None),
        ("", None),
    ],
)
def test_countries_are_found_by_name_or_code(typed: str, code: str | None) -> None:
    assert code_of(typed) == code


@given(st.sampled_from(STEPS), st.dictionaries(st.sampled_from(["title", "place", "work-epochs", "accelerator_count",
       "access_countries", "evidence_kind", "evidence_url", "use_tags", "country", "workload"]),
       st.lists(st.text(max_size=30), max_size=4)))  # fmt: skip
def test_whatever_is_posted_is_read_without_an_error(step: str, fields: dict[str, list[str]]) -> None:
    data = QueryDict(mutable=True)
    for name, values in fields.items():
        data.setlist(name, values)
    draft = {"title": "Kept", "work": {"epochs": 2}}
    content, _ = read_step(step, data, draft)
    assert draft == {"title": "Kept", "work": {"epochs": 2}}
    assert isinstance(content, dict)
