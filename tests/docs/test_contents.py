"""What pages list is complete: variables, endpoints, refusals, decisions, words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from django.conf import settings

from governance.api.urls import urlpatterns
from governance.domain import errors
from governance.domain.requests.parse import RequestContent
from governance.domain.states.messages import AlertKind
from tests.docs.pages import links, text_of
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


def test_the_mails_page_has_every_kind_of_mail() -> None:
    assert {kind.value for kind in AlertKind if f"`{kind.value}`" not in text_of(DOCS / "mails.md")} == set()


def test_the_mails_page_has_every_scheduled_job_with_its_interval() -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    rows = re.findall(r"^\| `(\w+)` \| (\d+) (s|min|h) \|", text_of(DOCS / "mails.md"), re.MULTILINE)
    shown = {f"governance.tasks.{name}": float(count) * units[unit] for name, count, unit in rows}
    jobs = {job["task"]: job["schedule"] for job in settings.CELERY_BEAT_SCHEDULE.values()}
    del jobs["config.heartbeat"]
    assert shown == jobs


def test_the_request_of_the_api_page_is_one_that_the_parser_takes() -> None:
    (body,) = re.findall(r"-d '(\{.*?\})'$", text_of(DOCS / "api.md"), re.DOTALL | re.MULTILINE)
    assert RequestContent.parse(json.loads(body)["content"]).title == "Ten hours for the pilot"


def test_the_policies_page_has_every_word_of_the_command() -> None:
    command = (ROOT / "governance" / "management" / "commands" / "policy.py").read_text(encoding="utf-8")
    words = set(re.findall(r'\bword\("(\w+)"', command)) | set(re.findall(r'^ +\("(\w+)", "', command, re.MULTILINE))
    assert len(words) > 9
    shown = set(re.findall(r"^manage\.py policy (\w+)", text_of(DOCS / "policies.md"), re.MULTILINE))
    assert words == shown


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


def test_every_document_says_for_whom_it_is_and_stands_in_the_index() -> None:
    indexed = {target.partition("#")[0] for target in links(DOCS / "README.md")}
    for page in [*DOCS.glob("*.md"), *DOCS.glob("tutorials/*.md")]:
        if page.name != "README.md":
            assert re.match(r"# .+\n\nFor [a-z]", text_of(page)), page.name
            assert page.relative_to(DOCS).as_posix() in indexed
