from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.domain.errors import InvalidRequest
from governance.domain.requests import fields
from governance.domain.requests.parse import RequestContent
from tests.cast import content


def refused(field: str, **changes: Any) -> str:
    with pytest.raises(InvalidRequest) as error:
        RequestContent.parse(content(**changes))
    assert set(error.value.errors) == {field}
    return error.value.errors[field][0]


def test_a_complete_ask_is_read():
    ask = RequestContent.parse(content())
    assert (ask.accelerator_count, ask.gpu_hours_cap, ask.window_days) == (8, 1000.0, 14.0)


def test_content_has_one_digest_however_it_is_written():
    first = content(use_tags=["medical", "credit"], access_countries=["SE", "IE", "IE"])
    second = dict(reversed(content(use_tags=["credit", "medical"], access_countries=["IE", "SE"]).items()))
    assert RequestContent.parse(first).digest == RequestContent.parse(second).digest


def test_stored_content_reads_back_as_the_same_ask():
    ask = RequestContent.parse(content(evidence=[{"kind": "dpia", "url": "https://example.com/31"}]))
    assert RequestContent.parse(json.loads(json.dumps(ask.to_content()))) == ask


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("accelerator_count", 10**30, "out of range"),
        ("accelerator_count", -1, "out of range"),
        ("accelerator_count", 0, "out of range"),
        ("accelerator_count", 1.5, "not a whole number"),
        ("accelerator_count", True, "not a whole number"),
        ("accelerator_count", "8", "not a whole number"),
        ("accelerator_count", None, "give a whole number"),
        ("gpu_hours_cap", float("nan"), "not a finite number"),
        ("gpu_hours_cap", float("inf"), "not a finite number"),
        ("gpu_hours_cap", -5, "out of range"),
        ("gpu_hours_cap", 0, "out of range"),
        ("gpu_hours_cap", 10**400, "out of range"),
        ("title", "", "must not be empty"),
        ("title", "x" * 121, "at most 120"),
        ("title", "a\x00b", "control character"),
        ("title", "a\u202eb", "invisible"),
        ("title", "\ud800", "half of a character pair"),
        ("title", 7, "must be text"),
        ("justification", "y" * 1_000_000, "at most 8,000"),
        ("kind", "gift", "not one of"),
        ("data_class", None, "choose one of"),
        ("use_tags", ["medical"] * 41, "at most 40"),
        ("use_tags", ["astrology"], "not one of"),
        ("use_tags", "medical", "must be a list"),
        ("access_countries", ["ie"], "two-letter"),
        ("start_on", "2026-02-30", "not a day"),
        ("start_on", 20260601, "not a day"),
        ("end_on", "2026-05-01", "before the start"),
        ("customer_data", "yes", "yes or no"),
        ("evidence", [{"kind": "dpia", "url": "javascript:alert(1)"}], "https"),
        ("evidence", [{"kind": "dpia"}], "link"),
        ("project", "../etc", "not a known name"),
        ("work", [1], "object"),
        ("is_staff", True, "not a field"),
    ],
)
def test_bad_input_names_its_field(field: str, value: Any, sentence: str):
    assert sentence in refused(field, **{field: value})


def test_all_mistakes_are_named_at_once():
    with pytest.raises(InvalidRequest) as error:
        RequestContent.parse(content(title="", accelerator_count=-1, start_on="soon"))
    assert set(error.value.errors) == {"title", "accelerator_count", "start_on"}


def test_a_change_names_its_grant():
    assert "name the grant" in refused("related_grant", kind="change")


def test_a_cap_is_hours_or_an_end():
    assert "GPU-hours" in refused("gpu_hours_cap", gpu_hours_cap=None, end_on=None)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
# A refusal may name another field: an end needs a start, a cap needs hours or an end, a change needs a grant.
_LINKED = {"end_on", "related_grant", "gpu_hours_cap", "money_cap_usd"}


def problems(changes: dict[str, Any]) -> dict[str, list[str]]:
    try:
        ask = RequestContent.parse(content(**changes))
    except InvalidRequest as error:
        return error.errors
    return {} if len(ask.digest) == 64 else {"digest": ["is not one"]}


@given(st.dictionaries(st.text(max_size=20).filter(lambda name: name not in content()), _json, min_size=1))
def test_fields_that_do_not_exist_are_refused(changes: dict[str, Any]):
    names = {name for name in changes if name not in fields.names() and name != "schema"}
    assert names == set() or problems(changes)


@given(st.sampled_from(sorted(content())), _json)
def test_any_value_in_any_field_is_read_or_refused_by_name(field: str, value: Any):
    assert set(problems({field: value})) <= {field} | _LINKED
