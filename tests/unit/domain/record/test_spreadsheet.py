"""No cell of an export runs as a formula, and figures stay figures."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.record.spreadsheet import safe_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "|a", "%a"])
def test_a_cell_that_begins_like_a_formula_is_quoted(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"), [(None, ""), (-1.5, -1.5), (0, 0), ("a=1", "a=1"), ("", ""), ("Ada, B", "Ada, B")]
)
def test_anything_else_stays_what_it_is(value: Any, cell: Any) -> None:
    assert safe_cell(value) == cell
