"""One change of a bundle: its meaning on values, its characters in the author's text.

`edit_source` is the only door. It guarantees that the new text says exactly what the change says, by its content hash,
and that every rule, parameter and case that the change left alone keeps its characters; where a text is written in a
way that cannot be patched, everything is written anew and `kept_text` is false.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from governance.policy.authoring.reconcile import CannotPatch, reconcile
from governance.policy.bundle.bundle import SHIPPED, canonical_bundle, check_bundle, load_bundle
from governance.policy.bundle.bundle_model import Bundle, DatedValue, Param, Rule, RuleTest
from governance.policy.bundle.bundle_writer import dump_bundle, plain_bundle
from governance.policy.errors import BundleError, PolicyError
from governance.policy.facts.vocabulary import Vocabulary
from governance.policy.suggest import closest

Change = Callable[[Bundle], Bundle]

REMEMBERED_SOURCES_MAX = 16


@dataclass(frozen=True, slots=True)
class Edited:
    """A changed bundle and its text.

    Attributes:
        kept_text: what was not changed stands as the author wrote it; False when everything was written anew.
    """

    text: str
    bundle: Bundle
    kept_text: bool


def edit_source(source: str, *changes: Change, vocabulary: Vocabulary | None = SHIPPED) -> Edited:
    """Apply changes, in order, to a bundle's text.

    Args:
        vocabulary: the closed sets that the result's words are from; None takes them as they stand.

    Raises:
        PolicyError: the text does not check before, or would not check after; with a position.
    """
    old = _as_it_stands(source)
    new = replace(old, vocabulary=vocabulary)
    for change in changes:
        new = change(new)
    return rewritten(source, old, new)


def rewritten(source: str, old: Bundle, new: Bundle) -> Edited:
    """The text of `old` made to say `new`.

    Raises:
        PolicyError: `new` does not check.
    """
    try:
        wanted = new.content_hash
    except ValueError:
        raise BundleError("a number has to be finite") from None
    if old.content_hash == wanted:
        return Edited(source, old, True)
    new = canonical_bundle(new)
    check_bundle(new)
    wanted = new.content_hash
    try:
        text = reconcile(source, plain_bundle(old), plain_bundle(new))
        loaded = load_bundle(text, vocabulary=new.vocabulary)
        if loaded.content_hash == wanted:
            return Edited(text, loaded, True)
    except (CannotPatch, PolicyError):
        pass
    text = dump_bundle(new)
    loaded = load_bundle(text, vocabulary=new.vocabulary)
    if loaded.content_hash != wanted:
        # Only a value that YAML cannot carry unchanged comes here; nothing that differs is ever returned.
        raise BundleError("the change cannot be written as a bundle that says the same")
    return Edited(text, loaded, False)


def canonical_source(source: str, bundle: Bundle) -> str:
    """The text that a bundle was read from, with every other name replaced by the word that was read."""
    return rewritten(source, _as_it_stands(source), bundle).text if bundle.notes else source


@lru_cache(maxsize=REMEMBERED_SOURCES_MAX)
def _as_it_stands(source: str) -> Bundle:
    """The bundle of a text: an editor changes the same one with every key that is pressed."""
    return load_bundle(source, vocabulary=None)


# -- parameters


def set_value(name: str, value: Any, start: date, source: str) -> Change:
    """Give a parameter a value from a day on. Earlier values stay; a value of the same day is replaced.

    Args:
        value: of the parameter's type; lists as a list or tuple.
        source: where the value comes from.
    """

    def change(bundle: Bundle) -> Bundle:
        param = find_param(bundle, name)
        dated = DatedValue(tuple(value) if isinstance(value, (list, tuple)) else value, start, source)
        kept = [each for each in param.values if each.start != start]
        values = tuple(sorted([*kept, dated], key=lambda each: each.start))
        return _with_param(bundle, replace(param, values=values))

    return change


def drop_value(name: str, start: date) -> Change:
    """Take away the value that begins on a day."""

    def change(bundle: Bundle) -> Bundle:
        param = find_param(bundle, name)
        values = tuple(each for each in param.values if each.start != start)
        if len(values) == len(param.values):
            raise BundleError(f"`{name}` has no value from {start}", field=f"params.{name}")
        if not values:
            raise BundleError(f"`{name}` would be left without a value", field=f"params.{name}")
        return _with_param(bundle, replace(param, values=values))

    return change


def find_param(bundle: Bundle, name: str) -> Param:
    found = next((each for each in bundle.params if each.name == name), None)
    if found is None:
        near = closest(name, [each.name for each in bundle.params])
        raise BundleError(f"unknown parameter `{name}`", suggestion=near, field="params")
    return found


def _with_param(bundle: Bundle, param: Param) -> Bundle:
    return replace(bundle, params=tuple(param if each.name == param.name else each for each in bundle.params))


def read_value(param: Param, text: str) -> Any:
    """What an author typed as a value of a parameter: digits may be grouped, lists have commas between their items.

    Raises:
        BundleError: not a value of the parameter's type.
    """
    kind = param.type
    if kind.endswith("_list"):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if kind == "string_list":
            return _texts(param, parts)
        return [_number(param, part, kind.removesuffix("_list")) for part in parts]
    if kind == "bool":
        words = {"yes": True, "true": True, "no": False, "false": False}
        if text.strip().lower() not in words:
            raise _bad_value(param, "is yes or no")
        return words[text.strip().lower()]
    if kind == "string":
        return _texts(param, [text.strip()])[0]
    return _number(param, text, kind)


def _texts(param: Param, parts: Sequence[str]) -> list[str]:
    if any(not 0 < len(part) <= 200 for part in parts):
        raise _bad_value(param, "is a text of 1 to 200 characters")
    return list(parts)


_GROUPING = str.maketrans("", "", " '\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{RIGHT SINGLE QUOTATION MARK}")
NUMBER_CHARS_MAX = 40


_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?")


def ungrouped(text: str) -> str:
    """A typed number without what groups its digits. 2,5 is somebody's decimal comma: it stays, and is no number."""
    plain = text.strip().translate(_GROUPING).replace("\N{MINUS SIGN}", "-")
    return plain.replace(",", "") if _GROUPED.fullmatch(plain) else plain


def _number(param: Param, text: str, kind: str) -> int | float:
    plain = ungrouped(text)
    what = "is a whole number such as 8" if kind == "int" else "is a number such as 2500 or 1e25"
    if len(plain) > NUMBER_CHARS_MAX or not plain.isascii():
        raise _bad_value(param, what)
    try:
        number = int(plain) if kind == "int" else float(plain)
    except ValueError:
        raise _bad_value(param, what) from None
    if not math.isfinite(number):
        raise _bad_value(param, what)
    return number


def _bad_value(param: Param, what: str) -> BundleError:
    return BundleError(f"`{param.name}` {what}", field=f"params.{param.name}")


# -- rules


def find_rule(bundle: Bundle, rule_id: str) -> Rule:
    found = next((each for each in bundle.rules if each.id == rule_id), None)
    if found is None:
        near = closest(rule_id, [each.id for each in bundle.rules])
        raise BundleError(f"unknown rule `{rule_id}`", suggestion=near, field="rules")
    return found


def replace_rule(rule_id: str, rule: Rule) -> Change:
    """Put a rule in the place of another; its cases follow when the id changes."""

    def change(bundle: Bundle) -> Bundle:
        find_rule(bundle, rule_id)
        _refuse_twice(bundle, rule.id, besides=rule_id)
        rules = tuple(rule if each.id == rule_id else each for each in bundle.rules)
        tests = tuple(replace(each, rule=rule.id) if each.rule == rule_id else each for each in bundle.tests)
        return replace(bundle, rules=rules, tests=tests)

    return change


def add_rule(rule: Rule, after: str | None = None) -> Change:
    """Add a rule behind another one, or at the end. A row goes behind the last row of its table."""

    def change(bundle: Bundle) -> Bundle:
        _refuse_twice(bundle, rule.id)
        rules = list(bundle.rules)
        at = len(rules)
        siblings = [index for index, each in enumerate(rules) if rule.row and each.parent == rule.parent and each.row]
        if after is not None:
            at = rules.index(find_rule(bundle, after)) + 1
        elif siblings:
            at = siblings[-1] + 1
        rules.insert(at, rule)
        return replace(bundle, rules=tuple(rules))

    return change


def remove_rule(rule_id: str) -> Change:
    """Take a rule away, and the cases that watch it."""

    def change(bundle: Bundle) -> Bundle:
        find_rule(bundle, rule_id)
        if len(bundle.rules) == 1:
            raise BundleError("the last rule cannot be removed", field="rules")
        return replace(
            bundle,
            rules=tuple(each for each in bundle.rules if each.id != rule_id),
            tests=tuple(each for each in bundle.tests if each.rule != rule_id),
        )

    return change


def set_rows(parent: str, rows: Sequence[Rule]) -> Change:
    """Replace all rows of a table: their content, order and number. Cases of rows that are gone go too."""

    def change(bundle: Bundle) -> Bundle:
        own = [index for index, each in enumerate(bundle.rules) if each.parent == parent and each.row]
        if not own:
            raise BundleError(f"`{parent}` is no table", field="rules")
        if not rows:
            raise BundleError(f"the table `{parent}` needs at least one row", field="rules")
        names = [row.id for row in rows]
        for name in names:
            if names.count(name) > 1:
                raise BundleError(f"`{name}` is there twice", field="rules")
        gone = {bundle.rules[index].id for index in own} - set(names)
        others = [(index, each) for index, each in enumerate(bundle.rules) if index not in own]
        before = [each for index, each in others if index < own[0]]
        behind = [each for index, each in others if index > own[0]]
        tests = tuple(each for each in bundle.tests if each.rule not in gone)
        return replace(bundle, rules=(*before, *rows, *behind), tests=tests)

    return change


def _refuse_twice(bundle: Bundle, rule_id: str, besides: str | None = None) -> None:
    if rule_id != besides and any(each.id == rule_id for each in bundle.rules):
        raise BundleError(f"the rule `{rule_id}` is there already", field="rules")


# -- cases


def add_cases(cases: Sequence[RuleTest]) -> Change:
    """Add cases, each behind the last case of its rule. One that is there already, by name and rule, is replaced."""

    def change(bundle: Bundle) -> Bundle:
        tests = list(bundle.tests)
        for case in cases:
            find_rule(bundle, case.rule)
            same = [index for index, each in enumerate(tests) if (each.rule, each.name) == (case.rule, case.name)]
            if same:
                tests[same[0]] = case
                continue
            own = [index for index, each in enumerate(tests) if each.rule == case.rule]
            tests.insert(own[-1] + 1 if own else len(tests), case)
        return replace(bundle, tests=tuple(tests))

    return change


def keep_cases_for(cases: Sequence[RuleTest], day: date) -> Change:
    """Judge cases on a day of their own: what they say of an older value stays said of its days."""

    def change(bundle: Bundle) -> Bundle:
        named = {(each.rule, each.name) for each in cases}
        tests = tuple(replace(each, on=day) if (each.rule, each.name) in named else each for each in bundle.tests)
        return replace(bundle, tests=tests)

    return change
