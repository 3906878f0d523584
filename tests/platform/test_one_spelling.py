"""How a figure is written is decided in `governance/display` alone: in Python and in templates."""

from __future__ import annotations

import ast
import re

import pytest

from benchmarks.house import BELOW_ALL, ROOT, Tree, figures_by_hand, read

# `1u` writes a length of a drawing, which no person reads; `c` an instant for programs.
BY_HAND = re.compile(
    r"\|(intcomma|filesizeformat|stringformat|localize|floatformat(?!:\"1u\")|date(?!:['\"]c['\"])|time:)"
)


def test_no_function_outside_of_display_writes_a_figure() -> None:
    assert figures_by_hand(read(ROOT)) == []


@pytest.mark.parametrize(
    "source",
    [
        'f"{n:,}"', 'f"{n:,.2f}"', 'f"{n:.0f} h"', 'f"{n:.0%}"', 'f"{n:>8,}"', 'f"{n:.1e}"', 'f"{n:g}"', 'f"{n:.3g}"',
        'f"{n:,.{k}f}"', 'f"{at:%d %b %Y}"', 'at.strftime("%a %d %B")', 'format(n, ",.2f")',
    ],
)  # fmt: skip
def test_each_way_to_write_one_by_hand_is_counted(source: str) -> None:
    tree = Tree(ROOT, trees={"governance.web.made_up": ast.parse(f"def written(n, k, at):\n    return {source}\n")})
    assert figures_by_hand(tree) == ["governance.web.made_up.written"]


@pytest.mark.parametrize("source", ['f"{n:>8}"', 'f"{at:%Y-%m-%d}"', 'f"{n:03d}"', 'f"{name:44}"', "str(n)"])
def test_widths_references_and_what_programs_read_are_not(source: str) -> None:
    tree = Tree(ROOT, trees={"governance.web.made_up": ast.parse(f"def written(n, at, name):\n    return {source}\n")})
    assert figures_by_hand(tree) == []


def test_no_template_writes_a_figure_by_itself() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sorted((ROOT / "templates").rglob("*.*"))
        if path.suffix in (".html", ".txt")
        for match in BY_HAND.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_what_stands_below_every_floor_imports_nothing_of_ours_but_each_other() -> None:
    tree = read(ROOT)
    assert {name: tree.imports[name] - set(BELOW_ALL) for name in BELOW_ALL} == {name: set() for name in BELOW_ALL}
