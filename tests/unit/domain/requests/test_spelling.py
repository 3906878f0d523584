"""Earlier names of fields: they are read, nothing is answered in them, and stored content keeps its digest."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from governance.api.requests.content import content_schema
from governance.domain.errors import InvalidRequest
from governance.domain.record.canonical import digest
from governance.domain.requests.parse import RequestContent
from governance.domain.requests.spelling import CONTENT_VERSION, CONTENT_VERSIONS, earlier_names, in_present_names
from governance.selectors.requests.story.revisions import compare_contents
from governance.web.requests.answers import read_step
from governance.web.requests.drafts import readable
from tests.cast import content


def earlier(**changes: Any) -> dict[str, Any]:
    """Complete content as version 1 wrote it."""
    return in_earlier_names(RequestContent.parse(content(**changes)).to_content())


def in_earlier_names(present: dict[str, Any]) -> dict[str, Any]:
    names = {now: was for was, now in earlier_names().items()}
    return {names.get(name, name): value for name, value in present.items()} | {"schema": 1}


def test_the_earlier_names() -> None:
    assert earlier_names() == {"ask": "sizing"}
    assert CONTENT_VERSIONS == (1, 2)
    assert CONTENT_VERSION == 2


@pytest.mark.parametrize("sizing", ["cap", "work"])
def test_content_of_version_1_is_read_as_the_same_request(sizing: str) -> None:
    changes = {"workload": "fine_tuning", "sizing": sizing, "work": {"epochs": 2.0}}
    old = earlier(**changes)
    assert old["ask"] == sizing
    assert "sizing" not in old
    read = RequestContent.parse(old)
    assert read == RequestContent.parse(content(**changes))
    assert read.sizing == sizing
    assert read.to_content()["schema"] == 2
    assert readable(old)["sizing"] == in_present_names(old)["sizing"] == sizing
    assert compare_contents(old, read.to_content())[0] == []


@pytest.mark.parametrize(
    ("changes", "earlier_digest", "digest_now"),
    [
        (
            {},
            "1c50c85b1fd8f3e5fe8178008cdab69603048b2d0062d93eea0b1002b7fd899e",
            "f8dee8ec92a8a219522e6bd04737846217f5606226c82ca8ef47e994019717b9",
        ),
        (
            {
                "kind": "renewal", "workload": "fine_tuning", "sizing": "work",
                "work": {"epochs": 2, "tokens_billion": 1.5},
                "data_class": "personal", "exposure_of_output": "pilot", "money_cap_usd": 2500.5,
                "region": "eu-north-1", "use_tags": ["medical", "credit"], "prohibited_uses": ["malware"],
                "customer_data": True, "beneficiary_entity": "Example", "beneficiary_hq_country": "IE",
                "destination_country": "NO", "lineage": "atlas", "modalities": ["text", "audio"], "eu_market": False,
                "evidence": [{"kind": "pilot_run", "url": "https://example.com/2"},
                             {"kind": "dpia", "url": "https://example.com/1"}],
                "related_grant": "G-0108", "licence_ref": "BIS-77",
            },
            "5216ec46e6e556c59eefe17ec092086b23f0d1089ac0048d23c180f1df961743",
            "b7cb62cb4d1c5c1ad1413ed23ea6afa9bded6d6c536e21e07487cae45498d3de",
        ),
    ],
)  # fmt: skip
def test_stored_revisions_keep_their_digest(changes: dict[str, Any], earlier_digest: str, digest_now: str) -> None:
    assert digest(earlier(**changes)) == earlier_digest
    assert RequestContent.parse(content(**changes)).digest == digest_now


def test_a_field_under_both_names_is_refused() -> None:
    with pytest.raises(InvalidRequest) as error:
        RequestContent.parse(content(ask="work", sizing="cap"))
    assert error.value.errors == {"ask": ["is the earlier name of `sizing`: give only `sizing`"]}


def test_what_is_wrong_with_it_is_said_of_the_present_name() -> None:
    old = content() | {"ask": "nicely"}
    del old["sizing"]
    with pytest.raises(InvalidRequest) as error:
        RequestContent.parse(old)
    assert error.value.errors == {"sizing": ["`nicely` is not one of: work, cap"]}


def test_a_page_from_before_the_change_is_read() -> None:
    posted = QueryDict("workload=fine_tuning&ask=work")
    assert read_step("workload", posted, {})[0]["sizing"] == "work"
    both = QueryDict("workload=fine_tuning&ask=work&sizing=cap")
    assert read_step("workload", both, {})[0]["sizing"] == "cap"


def test_the_schema_marks_it_as_deprecated() -> None:
    schema = content_schema()
    assert schema["properties"]["ask"]["deprecated"] is True
    assert schema["properties"]["ask"]["enum"] == ["work", "cap"]
    assert "deprecated" not in schema["properties"]["sizing"]
    assert schema["properties"]["schema"]["enum"] == [1, 2]
