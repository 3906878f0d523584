"""The words that people read: `python -m config.words` fails where one stands that config/words.toml replaces.

Read are templates without their code, sentences in Python (texts with a space, docstrings apart), and Markdown without
code. An exception names a file, the words and a reason; one that meets nothing any more fails as well.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from config.env import BASE_DIR

LIST = Path("config/words.toml")
_ROOMS = (
    "web",
    "admin",
    "channels",
    "display",
    "selectors",
    "services",
    "templatetags",
    "domain/rules",
    "domain/record",
)
_PLACES: dict[str, tuple[str, ...]] = {
    "templates": ("templates/**/*.html", "templates/**/*.txt"),
    "sentences": (*(f"governance/{room}/**/*.py" for room in _ROOMS), "governance/policy/decisions/*.py"),
    "docs": ("README.md", "docs/*.md", "docs/tutorials/*.md", "docs/adr/*.md"),
}
# Blanked, so that the rest keeps its line: comments, tags without their texts, attributes of scripts and styles.
_TEMPLATE_CODE = re.compile(
    r"{#.*?#}|{%\s*comment\b.*?endcomment\s*%}|{{.*?}}|\bhx-[\w-]+=\"[^\"]*\"|\bclass=\"[^\"]*\"", re.S
)
_TAG = re.compile(r"{%.*?%}", re.S)
_TEXT_IN_TAG = re.compile(r"\"([^\"]*)\"")
_MARKDOWN_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.S | re.M)
# Between the parts of one Python text that stand on several lines.
_SEAM = re.compile(r"[\"']\s*\n\s*[rf]?[\"']")


@dataclass(frozen=True, slots=True)
class Word:
    """One replaced word. `where`: the kinds of files in which it is looked for."""

    says: str
    instead: str
    where: frozenset[str]


@dataclass(slots=True)
class WordList:
    """The list, with one pattern for each kind of file in which each word is a group."""

    words: list[Word]
    exceptions: list[dict[str, str]]
    patterns: dict[str, re.Pattern[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place in _PLACES:
            parts = [f"(?P<w{n}>{_pattern(word.says)})" for n, word in enumerate(self.words) if place in word.where]
            self.patterns[place] = re.compile(rf"\b(?:{'|'.join(parts) or '(?!)'})", re.I)


def _pattern(says: str) -> str:
    return re.sub(r"\((?!\?)", "(?:", says).replace(" ", r"\s+") + (r"\b" if says[-1].isalpha() else "")


def read_list(path: Path) -> WordList:
    """The list in a file.

    Raises:
        ValueError: an entry lacks a part, or names a kind of file that is not read.
    """
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    words = []
    for row in content.get("word", []):
        if not row.get("says") or not row.get("instead") or not set(row.get("where", _PLACES)) <= set(_PLACES):
            raise ValueError(f"{path.name}: {row} needs says, instead, and where as some of {', '.join(_PLACES)}")
        words.append(Word(row["says"], row["instead"], frozenset(row.get("where", _PLACES))))
    exceptions = content.get("exception", [])
    for row in exceptions:
        if not all(row.get(name) for name in ("file", "text", "reason")):
            raise ValueError(f"{path.name}: the exception {row} needs file, text and reason")
    return WordList(words, exceptions)


def faults(root: Path, wanted: WordList) -> list[str]:
    """One line for each replaced word that stands in a file below `root`, and for each exception that meets nothing."""
    found: list[str] = []
    used: set[int] = set()
    for place, patterns in _PLACES.items():
        for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
            name = path.relative_to(root).as_posix()
            for line, said, instead in _in_file(path.read_text(encoding="utf-8"), place, wanted):
                excused = [
                    index
                    for index, row in enumerate(wanted.exceptions)
                    if row["file"] == name and row["text"].lower() in said.lower()
                ]
                used.update(excused)
                if not excused:
                    found.append(f"{name}:{line}: “{said}”: write “{instead}”")
    for index, row in enumerate(wanted.exceptions):
        if index not in used:
            found.append(f"{LIST}: the exception for “{row['text']}” in {row['file']} meets nothing: remove it")
    return found


def _in_file(source: str, place: str, wanted: WordList) -> Iterator[tuple[int, str, str]]:
    """Line, what stands there, and what to write."""
    pattern = wanted.patterns[place]
    if place == "sentences":
        if pattern.search(_SEAM.sub("", source)) is None:
            # Most files: nothing to parse.
            return
        texts: Iterable[tuple[int, str]] = _sentences(source)
    else:
        texts = [(1, _template(source) if place == "templates" else _MARKDOWN_CODE.sub(_blank, source))]
    for first, text in texts:
        for match in pattern.finditer(text):
            index = int(str(match.lastgroup)[1:])
            line = first + text.count("\n", 0, match.start())
            yield line, " ".join(match.group().split()), wanted.words[index].instead


def _template(source: str) -> str:
    def tag(match: re.Match[str]) -> str:
        kept = " … ".join(text for text in _TEXT_IN_TAG.findall(match.group()) if " " in text)
        return kept + "\n" * (match.group().count("\n") - kept.count("\n"))

    return _TAG.sub(tag, _TEMPLATE_CODE.sub(_blank, source))


def _blank(match: re.Match[str]) -> str:
    return " … " + "\n" * match.group().count("\n")


def _sentences(source: str) -> Iterator[tuple[int, str]]:
    """Texts with a space, each once with its first line; docstrings are no sentences for users."""
    tree = ast.parse(source)
    apart: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            apart.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            apart.update(id(part) for part in node.values)
            said = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            yield node.lineno, said.replace("\n", " ")
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in apart
            and " " in node.value
        ):
            yield node.lineno, node.value.replace("\n", " ")


def main() -> int:
    """Print every fault; 1 when there is one."""
    found = faults(BASE_DIR, read_list(BASE_DIR / LIST))
    print("\n".join(found) or "No replaced word stands where people read.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
