"""The one list of facts: complete, well formed, and strict at the boundary."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from docs.facts_page import facts_markdown
from governance.policy.errors import FactError
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts import FactType
from governance.policy.facts.facts_schema import (
    FACTS,
    FACTS_BY_NAME,
    NAMESPACES,
    SCHEMA,
    SCHEMA_DIGEST,
    SCHEMA_DIGESTS,
    SCHEMA_VERSION,
    facts_from_json,
    facts_to_json,
    validate_facts,
)
from tests.plugins.servers import ROOT

DOCS = ROOT / "docs"


def test_names_and_columns_are_unique_and_fit_a_database() -> None:
    assert len({fact.name for fact in FACTS}) == len(FACTS) == len({fact.column for fact in FACTS})
    for fact in FACTS:
        assert re.fullmatch(r"[a-z]+\.[a-z][a-z0-9_]*", fact.name)
        assert fact.namespace in NAMESPACES
        assert len(fact.column) <= 63
        assert fact.help
        assert fact.sources


def test_every_number_is_bounded_and_every_enumeration_closed() -> None:
    for fact in FACTS:
        if fact.type in (FactType.DOUBLE, FactType.INT):
            assert fact.minimum is not None
            assert fact.maximum is not None
            assert fact.minimum < fact.maximum
            assert fact.unit
        if fact.type is FactType.ENUM:
            assert fact.choices
            assert not fact.is_open


def test_the_plain_ask_is_a_valid_set_of_facts() -> None:
    validate_facts(plain_facts())


def test_facts_survive_canonical_json() -> None:
    assert facts_from_json(facts_to_json(plain_facts())) == plain_facts()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("request.exposure_usd", float("nan")),
        ("request.exposure_usd", float("inf")),
        ("request.exposure_usd", -0.01),
        ("request.exposure_usd", 1e30),
        ("request.exposure_usd", 10**400),
        ("request.exposure_usd", "1216"),
        ("request.exposure_usd", True),
        ("request.accelerator_count", 8.0),
        ("request.accelerator_count", -1),
        ("request.kind", "knew"),
        ("request.kind", 3),
        ("request.purpose", ""),
        ("request.purpose", "x" * 201),
        ("request.purpose", "a\0b"),
        ("request.purpose", "a\ud800b"),
        ("request.use_tags", "medical"),
        ("request.use_tags", ["medical", 3]),
        ("request.use_tags", ["x"] * 101),
        ("lineage.modalities", ["smell"]),
        ("request.customer_data", 1),
        ("request.start_at", "2026-01-01"),
        ("request.start_at", datetime(2026, 1, 1)),  # noqa: DTZ001 - a naive instant is the point
        ("request.start_at", datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
        ("request.start_at", datetime(1970, 1, 1, tzinfo=UTC)),
        ("place.pue", 0.9),
        ("vendor.hhi_after", 1.01),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_fact(name: str, value: Any) -> None:
    with pytest.raises(FactError) as caught:
        validate_facts({**plain_facts(), name: value})
    assert caught.value.field == name


def test_a_missing_required_fact_is_named() -> None:
    facts = plain_facts()
    del facts["people.aup_current"]
    with pytest.raises(FactError) as caught:
        validate_facts(facts)
    assert caught.value.field == "people.aup_current"


def test_an_unknown_fact_is_named_with_a_suggestion() -> None:
    with pytest.raises(FactError) as caught:
        validate_facts({**plain_facts(), "request.gpu_count": 8})
    assert caught.value.suggestion == "request.accelerator_count"


def test_an_optional_fact_is_left_out_not_none() -> None:
    with pytest.raises(FactError):
        validate_facts({**plain_facts(), "request.end_at": None})


def test_the_documentation_is_written_from_the_definition() -> None:
    assert (DOCS / "facts.md").read_text(encoding="utf-8") == facts_markdown()
    assert all(f"`{name}`" in facts_markdown() for name in FACTS_BY_NAME)


def test_the_digest_of_each_schema_version_is_what_it_was():
    """Stored decisions are pinned under it: a changed fact is a new minor version, with a line of its own."""
    assert list(SCHEMA_DIGESTS) == [f"{SCHEMA_VERSION}.{minor}" for minor in range(len(SCHEMA_DIGESTS))]
    assert list(SCHEMA_DIGESTS.values())[-1] == SCHEMA_DIGEST
    assert SCHEMA_DIGESTS["1.0"] == "6392f5071e86a5a7b27bdfabb7c67e7283b4037a21d66f5605f7ce4a937f4f8f"


def test_a_fact_that_was_added_later_changes_no_digest_of_rules_that_do_not_read_it() -> None:
    assert SCHEMA.pin(["request.kind", "history.closeouts_overdue"]) == SCHEMA_DIGESTS["1.0"]
    assert SCHEMA.pin(["request.kind", "request.prohibited_uses"]) == SCHEMA_DIGESTS["1.1"]
