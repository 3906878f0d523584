"""What pages list is complete: variables, endpoints, refusals, decisions, words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.api.urls import urlpatterns
from governance.domain import errors
from tests.docs.pages import text_of
from tests.docs.tutorials import steps_of
from tests.plugins.servers import ROOT

DOCS = ROOT / "docs"
LAUNCHER_ONLY = {"PORT", "PG_BIN_DIR", "VALKEY_BIN"}


def refusals(kind: type[errors.GovernanceError]) -> Iterator[type[errors.GovernanceError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from refusals(each)


def test_the_variables_of_the_deployment_page_are_those_that_the_program_reads() -> None:
    read = set(re.findall(r'reader\.read\(\s*"(\w+)"', (ROOT / "config" / "env.py").read_text(encoding="utf-8")))
    rows = re.findall(r"^\| (`[A-Z].*?) \|", text_of(DOCS / "deploy.md"), re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row)}
    assert listed - read - LAUNCHER_ONLY == set()
    # DEBUG is refused there, so it has a sentence instead of a row.
    assert {name for name in read if f"`{name}`" not in text_of(DOCS / "deploy.md")} <= {"DEBUG"}


def test_the_api_page_has_every_endpoint() -> None:
    page = re.sub(r"<\w+>", "<>", text_of(DOCS / "api.md"))
    routes = {"/api/v1/" + re.sub(r"<[^>]+>", "<>", str(each.pattern)) for each in urlpatterns}
    assert {route for route in routes if f"`{route}`" not in page} == set()


def test_the_api_page_has_every_refusal_with_its_status() -> None:
    rows = dict(re.findall(r"^\| ([\d, ]+) \| (.+) \|$", text_of(DOCS / "api.md"), re.MULTILINE))
    listed = {(int(status), code) for status, cell in rows.items() for code in re.findall(r"`(\w+)`", cell)
              if status.isdigit()}  # fmt: skip
    domain = {(kind.http_status, kind.code) for kind in refusals(errors.GovernanceError)
              if kind is not errors.GovernanceError and kind.__module__ == errors.__name__}  # fmt: skip
    assert domain - listed == set()


def test_every_decision_is_listed_in_order() -> None:
    files = sorted(path.name for path in (DOCS / "adr").glob("0*.md"))
    assert re.findall(r"\]\((0\d+[\w-]+\.md)\)", text_of(DOCS / "adr" / "README.md")) == files
    for number, name in enumerate(files, start=1):
        assert name.startswith(f"{number:04d}-")
        assert text_of(DOCS / "adr" / name).startswith(f"# {number}. ")


def test_the_words_are_in_order_and_stand_once() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\*", text_of(DOCS / "glossary.md"), re.MULTILINE)
    assert len(words) > 50
    assert words == sorted(words, key=str.casefold)
    # A release is of the catalogue, or of a hold.
    assert {word for word in words if words.count(word) > 1} == set()


def test_every_tutorial_is_followed_by_a_test() -> None:
    followed = (ROOT / "tests" / "browser" / "test_tutorials.py").read_text(encoding="utf-8")
    for tutorial in (DOCS / "tutorials").glob("*.md"):
        assert f'"{tutorial.name}"' in followed
        assert {"command", "control", "answer"} <= {step.kind for step in steps_of(tutorial)}
