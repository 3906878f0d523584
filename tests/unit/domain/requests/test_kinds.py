"""The table of kinds: what each says of itself, and that nothing else tests a kind."""

from __future__ import annotations

import ast

import pytest

from governance.domain.errors import InvalidRequest
from governance.domain.requests import kinds
from governance.domain.states.requests import RequestKind
from governance.policy.facts.facts_schema import REQUEST_KINDS
from tests.plugins.servers import ROOT

GOVERNANCE = ROOT / "governance"
NAMES = {kind.name for kind in RequestKind}


def test_every_kind_has_one_row() -> None:
    assert tuple(RequestKind) == kinds.SLUGS == REQUEST_KINDS
    assert [kind.slug for kind in kinds.KINDS if kind.is_on_grant] == ["change", "renewal", "top_up", "transfer"]
    assert kinds.ADDING == ("change", "top_up")
    assert kinds.kind_of("no such kind") is kinds.kind_of(None) is kinds.NEW


def test_a_kind_that_nothing_carries_out_is_not_offered() -> None:
    assert [kind.slug for kind in kinds.KINDS if kind.is_offered] == ["new", "renewal", "ratification"]
    with pytest.raises(InvalidRequest, match="top_up"):
        kinds.refuse_unoffered(kinds.kind_of("top_up"))
    kinds.refuse_unoffered(kinds.NEW)


def comparisons(tree: ast.AST) -> list[int]:
    """Lines where something is compared with a member of `RequestKind`, alone or in a collection."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare | ast.MatchValue)
        and any(
            isinstance(part, ast.Attribute)
            and isinstance(part.value, ast.Name)
            and (part.value.id, part.attr in NAMES) == ("RequestKind", True)
            for part in ast.walk(node)
        )
    ]


def test_nothing_but_the_table_tests_a_kind() -> None:
    assert comparisons(ast.parse("ask.kind in (RequestKind.CHANGE, RequestKind.TOP_UP)"))
    places = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in GOVERNANCE.rglob("*.py")
        if "migrations" not in path.parts
        for line in comparisons(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert places == set()
