"""The word list of `make check`: what readers stumble over is found, and only what is named may stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.env import BASE_DIR
from config.words import LIST, faults, read_list

WORD = '[[word]]\nsays = "the asks?"\ninstead = "the request"\n'


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small repository with one file of each kind and nothing to find."""
    for name, text in (
        ("templates/page.html", "<p>\n  {# the ask #}{{ the.ask }} The request.\n</p>\n"),
        ("governance/web/page.py", '"""The ask of a docstring."""\n\nTITLE = "The request"\n'),
        ("docs/page.md", "# Page\n\n```sh\ncurl the ask\n```\n\nThe `the ask` field.\n"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def listed(tmp_path: Path, text: str = WORD) -> list[str]:
    path = tmp_path / "words.toml"
    path.write_text(text, encoding="utf-8")
    return faults(tmp_path, read_list(path))


def test_comments_code_and_docstrings_are_not_read(house: Path) -> None:
    assert listed(house) == []


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("templates/page.html", "<p>\n  {{ name }} of the\n  ask\n</p>\n", 2),
        ("templates/page.html", '<p>\n{% empty "Nothing." "It says what the ask is." %}\n</p>\n', 2),
        ("templates/page.html", '<p\n aria-label="The ask">x</p>\n', 2),
        ("governance/web/page.py", 'A = 1\nTITLE = f"{A} of the asks"\n', 2),
        ("governance/web/page.py", 'TITLE = (\n    "What the "\n    "ask costs"\n)\n', 2),
        ("docs/page.md", "# Page\n\nThe ask is sized.\n", 3),
    ],
)
def test_a_planted_word_is_named_with_its_place_and_replacement(house: Path, name: str, text: str, line: int) -> None:
    (house / name).write_text(text, encoding="utf-8")
    (fault,) = listed(house)
    assert fault.lower().startswith(f"{name}:{line}: “the ask")
    assert fault.endswith("write “the request”")


def test_an_exception_has_a_reason_and_something_to_excuse(house: Path) -> None:
    (house / "docs/page.md").write_text("The ask is sized.\n", encoding="utf-8")
    exception = '\n[[exception]]\nfile = "docs/page.md"\ntext = "the ask"\nreason = "a quotation"\n'
    assert listed(house, WORD + exception) == []
    (house / "docs/page.md").write_text("The request is sized.\n", encoding="utf-8")
    assert "meets nothing" in listed(house, WORD + exception)[0]
    with pytest.raises(ValueError, match="reason"):
        listed(house, WORD + exception.replace('reason = "a quotation"\n', ""))


def test_a_word_is_looked_for_only_where_it_says(house: Path) -> None:
    (house / "docs/page.md").write_text("The ask is sized.\n", encoding="utf-8")
    assert listed(house, WORD + 'where = ["templates"]\n') == []
    with pytest.raises(ValueError, match="where"):
        listed(house, WORD + 'where = ["poems"]\n')


def test_what_this_product_says_is_free_of_them() -> None:
    assert faults(BASE_DIR, read_list(BASE_DIR / LIST)) == []
