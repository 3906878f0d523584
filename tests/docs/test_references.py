"""What the documents point at is there: pages, headings, files, tests, make targets, commands."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.docs import pages
from tests.docs.pages import IDS, PAGES
from tests.plugins.servers import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
README = ROOT / "README.md"


@pytest.fixture(scope="module")
def sources() -> set[str]:
    """Every file of ours, as a path from the root."""
    folders = [ROOT / top for top in pages.TOPS if not top.startswith(".") and top not in ("var", "test-results")]
    return {path.relative_to(ROOT).as_posix() for top in [*folders, ROOT / ".ci"] for path in top.rglob("*.*")} | {
        path.name for path in ROOT.iterdir() if path.is_file()
    }


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in pages.links(page):
        name, _, anchor = target.partition("#")
        to = (page.parent / name).resolve() if name else page
        if not to.exists() or (anchor and anchor not in pages.anchors(to)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_file_that_is_named_exists(page: Path) -> None:
    assert [path for path in sorted(pages.code_files(page)) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_file_that_is_named_by_its_end_exists(page: Path, sources: set[str]) -> None:
    assert {
        name for name in pages.other_files(page) if not any(f"/{each}".endswith(f"/{name}") for each in sources)
    } == set()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_test_that_is_named_exists(page: Path) -> None:
    missing = []
    for path, name in sorted(pages.tests_named(page)):
        file = ROOT / path
        if not file.exists() or not re.search(rf"^ *def {name}\(", file.read_text(encoding="utf-8"), re.MULTILINE):
            missing.append(f"{path}::{name}")
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert pages.make_targets(page) - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_exists(page: Path) -> None:
    assert pages.commands(page) - set(get_commands()) == set()


def test_the_readme_has_every_make_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"make ([a-z-]+)", listed)) <= pages.make_targets(README)


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = {README}, [README]
    while waiting:
        page = waiting.pop()
        for target in pages.links(page):
            to = (page.parent / target.partition("#")[0]).resolve()
            if to.suffix == ".md" and to.exists() and to not in reached:
                reached.add(to)
                waiting.append(to)
    assert [str(page.relative_to(ROOT)) for page in PAGES if page.resolve() not in reached] == []


def test_pictures_are_small_and_shown() -> None:
    folder = ROOT / "docs" / "images"
    shown = {os.path.basename(target) for page in PAGES for target in pages.links(page) if target.endswith(".png")}
    assert {path.name for path in folder.iterdir()} == shown
    assert [path.name for path in folder.glob("*.png") if path.stat().st_size > 250 * 1024] == []
