"""Every class that a page uses has a rule in a style sheet, every rule is used by a page, and names are words."""

from __future__ import annotations

import re
from pathlib import Path

from tests.plugins.servers import ROOT

TEMPLATES = ROOT / "templates"
SHEETS = sorted((ROOT / "static").rglob("*.css"))
LETTER = "mail/letter.html"
"""A mail brings its own style sheet along."""

OF_THE_THEME = {
    "unfold/helpers/empty_results.html": {
        "bg-white", "border", "border-base-200", "dark:bg-base-900", "dark:border-base-800", "flex", "flex-col",
        "font-semibold", "items-center", "px-8", "py-16", "shadow-xs",
    },
}  # fmt: skip
"""Classes of Django's admin and of its theme, by the template that uses them."""

SET_BY_LIBRARIES = {"dark", "htmx-request"}

MADE_IN_PYTHON = {
    "admin/desk/capacity_plot.html": {"held", "this", "used"},
    "admin/desk/decide_conversation.html": {"deny", "ok", "review"},
    "admin/desk/decide_refused.html": {"deny", "review"},
    "admin/desk/threshold_plot.html": {"spent", "this", "used"},
    "components/key_area.html": {"range", "spent", "this", "used"},
    "components/key_line.html": set(),
    "components/steps.html": {"done", "now"},
    "components/timeline.html": {"deny", "ok", "review", "run"},
    "estimator/scatter.html": {"hole", "this", "used"},
    "requests/form_kind.html": {"grant"},
    "requests/preview_verdict.html": {"deny", "ok", "review"},
    "governance/templatetags/comptroller.py": {"deny", "ok", "review", "run"},
}
"""What takes a class from a value, and the values; what an include is given (`css="spent"`) is read from templates."""

_ATTRIBUTE = re.compile(r'(?<![\w-])class="((?:\{%.*?%\}|\{\{.*?\}\}|[^"{]|\{(?=\}))*)"', re.DOTALL)
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
_VALUE = re.compile(r"\{\{.*?\}\}|\{\d?\}", re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{")
_CLASS = re.compile(r"\.([A-Za-z][\w-]*)")
_WORDS = re.compile(r"(?:[a-z]{3,}|ok|on|no)(?:-(?:[a-z]{3,}|ok|on|no))*")


def _defined(css: str) -> set[str]:
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return {name for selector in _RULE.findall(css) for name in _CLASS.findall(re.sub(r'"[^"]*"', "", selector))}


def _used(text: str) -> set[str]:
    """The classes that stand in a template or a piece of Python or script; what comes from a value is left out."""
    attributes = " ".join(_VALUE.sub(" ", _TAG.sub(" ", each)) for each in _ATTRIBUTE.findall(text))
    given = re.findall(r'\bcss="([\w-]+)"', text)
    by_widgets = re.findall(r'"class": "([^"]+)"', text)
    by_script = re.findall(r'classList\.\w+\("([\w-]+)"', text)
    return {name for part in (attributes, *given, *by_widgets, *by_script) for name in part.split()}


def _pages() -> dict[str, str]:
    """Whatever writes a class, by its path."""
    html = {path.relative_to(TEMPLATES).as_posix(): path for path in TEMPLATES.rglob("*.html")}
    python = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "governance").rglob("*.py")}
    scripts: dict[str, Path] = {path.name: path for path in (ROOT / "static").rglob("*.js")}
    return {name: path.read_text(encoding="utf-8") for name, path in (html | python | scripts).items()}


def _sheets() -> set[str]:
    return set().union(*(_defined(path.read_text(encoding="utf-8")) for path in SHEETS))


def test_every_class_that_a_page_uses_is_defined() -> None:
    defined = _sheets() | SET_BY_LIBRARIES
    unknown = {
        name: sorted(stray)
        for name, text in _pages().items()
        if name != LETTER and (stray := _used(text) - defined - OF_THE_THEME.get(name, set()))
    }
    assert unknown == {}


def test_every_class_that_is_defined_is_used() -> None:
    pages = _pages()
    used = set().union(*(_used(text) for name, text in pages.items() if name != LETTER), *MADE_IN_PYTHON.values())
    assert _sheets() - used - SET_BY_LIBRARIES == set()


def test_a_class_that_comes_from_a_value_is_listed_with_its_values() -> None:
    taken = {name for name, text in _pages().items() if any(_VALUE.search(each) for each in _ATTRIBUTE.findall(text))}
    assert taken == set(MADE_IN_PYTHON)
    python = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "governance").rglob("*.py"))
    assert {name for names in MADE_IN_PYTHON.values() for name in names if f'"{name}"' not in python} == set()


def test_a_mail_has_the_classes_that_it_uses() -> None:
    letter = (TEMPLATES / LETTER).read_text(encoding="utf-8")
    [style] = re.findall(r"<style>(.*?)</style>", letter, re.DOTALL)
    assert _used(letter) == _defined(style.replace("!important", ""))


def test_the_lists_of_exceptions_are_no_longer_than_they_need_be() -> None:
    pages = _pages()
    assert {name for name, names in OF_THE_THEME.items() if names - _used(pages[name])} == set()


def test_names_of_classes_are_words() -> None:
    vowels = re.compile("[aeiouy]")
    odd = {
        name
        for name in _sheets()
        if not _WORDS.fullmatch(name) or not all(vowels.search(part) for part in name.split("-"))
    }
    assert odd - SET_BY_LIBRARIES == set()


def test_every_style_sheet_is_loaded() -> None:
    loads = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html"))
    assert [path.name for path in SHEETS if f"{path.parent.name}/{path.name}'" not in loads] == []
