"""The documents, and what they refer to: links, files, tests, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.plugins.servers import ROOT

PAGES = tuple(sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("estimator/**/*.md")]))
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
TOPS = tuple(sorted(path.name for path in ROOT.iterdir() if path.is_dir()))

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(rf"(?:{'|'.join(map(re.escape, TOPS))})/[\w./{{}},-]*\w/?")
_SOURCE = re.compile(r"[\w/.-]+\.(?:py|html|css|js|toml)")
_TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
_MAKE = re.compile(r"\bmake ([a-z-]+)")
_MANAGE = re.compile(r"manage\.py ([a-z_]+)")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def links(page: Path) -> Iterator[str]:
    """Targets of links and pictures, those of other sites left out."""
    for target in _LINK.findall(_FENCE.sub("", text_of(page))):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """What a heading may be linked by."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text_of(page)), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", each)).strip().lower().replace(" ", "-") for each in headings]
    return set(plain)


def code_files(page: Path) -> set[str]:
    """Paths of ours that stand in code marks, such as `governance/domain/money/ledger.py`."""
    found = set()
    for code in _CODE.findall(text_of(page)):
        path = code.split("::")[0]
        if _FILE.fullmatch(path) and "{" not in path and "*" not in path:
            found.add(path)
    return found


def other_files(page: Path) -> set[str]:
    """File names in code marks that begin below one of our folders, such as `core/sizing/flop.py` or `units.py`."""
    return {code for code in _CODE.findall(text_of(page)) if _SOURCE.fullmatch(code)} - code_files(page)


def tests_named(page: Path) -> set[tuple[str, str]]:
    return set(_TEST.findall(text_of(page)))


def make_targets(page: Path) -> set[str]:
    """Targets in code: `make run` in a line of code or between code marks, never "make a difference"."""
    text = text_of(page)
    code = [*_CODE.findall(text), *re.findall(r"^ {4}(.+)$", text, re.MULTILINE)]
    return {target for each in code for target in _MAKE.findall(each)}


def commands(page: Path) -> set[str]:
    return set(_MANAGE.findall(text_of(page)))
