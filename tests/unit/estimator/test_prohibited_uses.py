"""Prohibited uses of the catalogue: dated, sourced, and the same that facts and statement name."""

from __future__ import annotations

from datetime import date

import pytest
import yaml

from estimator.catalogue import snapshot_of_rows
from estimator.core.catalogue import ProhibitedUse
from estimator.loader import read_catalogue
from governance.policy.bundle.shipped import shipped_bundles
from governance.policy.facts.facts_schema import PROHIBITED_USES
from tests.cast import NOW
from tests.plugins.servers import ROOT

STATEMENT = ROOT / "governance" / "domain" / "rules" / "statements" / "acceptable-use.yaml"
OMNIBUS = "intimate-imagery-and-child-abuse-material"


@pytest.fixture(scope="module")
def uses() -> dict[str, ProhibitedUse]:
    return {use.id: use for use in snapshot_of_rows(read_catalogue(), released_at=NOW).prohibited_uses}


def test_catalogue_facts_and_rules_name_the_same_uses(uses: dict[str, ProhibitedUse]) -> None:
    assert sorted(uses) == sorted(PROHIBITED_USES)
    bundle = next(bundle for bundle in shipped_bundles() if bundle.name == "acceptable-use")
    named = next(param for param in bundle.params if param.name == "named_uses")
    assert sorted(named.values[-1].value) == sorted(uses)


def test_every_rule_on_a_prohibited_use_names_a_clause_that_exists() -> None:
    clauses = {each["number"]: each["rule_ids"] for each in yaml.safe_load(STATEMENT.read_text())["clauses"]}
    bundle = next(bundle for bundle in shipped_bundles() if bundle.name == "acceptable-use")
    rules = [rule for rule in bundle.rules if rule.parent == "AU-1"]
    assert len(rules) == 12
    for rule in rules:
        assert rule.id in clauses[rule.effect.clause or ""]
        assert f"clause {rule.effect.clause}" in rule.message


def test_the_prohibitions_of_article_5_hold_since_february_2025(uses: dict[str, ProhibitedUse]) -> None:
    letters = {use.article[-2]: use.effective_from for use in uses.values() if use.article.startswith("Art 5(1)")}
    assert letters == dict.fromkeys("abcdefgh", date(2025, 2, 2))


def test_the_prohibition_of_the_omnibus_is_marked_as_from_secondary_sources(uses: dict[str, ProhibitedUse]) -> None:
    assert [use.id for use in uses.values() if use.is_secondary_source] == [OMNIBUS]
    assert uses[OMNIBUS].effective_from == date(2026, 12, 2)


@pytest.mark.parametrize(
    ("first", "last", "holds"),
    [
        (date(2026, 11, 1), date(2026, 12, 1), False),
        (date(2026, 11, 1), date(2026, 12, 2), True),
        (date(2026, 11, 1), None, True),
        (date(2027, 1, 1), date(2027, 1, 1), True),
    ],
)
def test_a_prohibition_counts_for_work_that_reaches_its_first_day(
    uses: dict[str, ProhibitedUse], first: date, last: date | None, holds: bool
) -> None:
    assert uses[OMNIBUS].holds_within(first, last) is holds
