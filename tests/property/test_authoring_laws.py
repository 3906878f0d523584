"""Laws of changing a bundle's text: nothing but the change changes, and it can be taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from governance.policy.authoring.edits import (
    add_cases,
    add_rule,
    drop_value,
    edit_source,
    keep_cases_for,
    remove_rule,
    replace_rule,
    set_rows,
    set_value,
)
from governance.policy.bundle.bundle import Bundle, Param, Rule, RuleTest, dump_bundle, load_bundle
from governance.policy.bundle.bundle_model import CaseKind, DatedValue
from governance.policy.bundle.effects import DEFAULT_ON_ERROR, Effect, EffectKind
from governance.policy.bundle.shipped import BUNDLE_NAMES, shipped_text
from governance.policy.decisions.policy_set import compile_policy_set
from governance.policy.language.ir import param_names

TEXTS = {name: shipped_text(name) for name in BUNDLE_NAMES}
LOADED = {name: load_bundle(text) for name, text in TEXTS.items()}

# Reading a bundle takes its time, so examples are few; the shipped bundles are many.
few = settings(max_examples=25, phases=(Phase.explicit, Phase.reuse, Phase.generate))

bundles = st.sampled_from(BUNDLE_NAMES)
days = st.dates(date(2027, 6, 1), date(2031, 1, 1))
# What people type into a title or a sentence, and what breaks a text that is put together carelessly.
words = st.text(
    st.sampled_from("abé ,:#-?|>&*!%@`\"'[]\\{}\t\n") | st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")),
    min_size=1,
    max_size=40,
)


def new_value(param: Param, draw: Any) -> Any:
    kind = param.type.removesuffix("_list")
    one = {
        "double": st.floats(0, 1e26, allow_subnormal=False),
        "int": st.integers(0, 10_000),
        "bool": st.booleans(),
        "string": words.map(str.strip).filter(bool),
    }[kind]
    if not param.type.endswith("_list"):
        return draw(one)
    return draw(st.lists(st.sampled_from(param.values[0].value), max_size=3, unique=True))


@pytest.mark.parametrize("name", BUNDLE_NAMES)
def test_changing_nothing_leaves_every_character(name: str) -> None:
    edited = edit_source(TEXTS[name])
    assert edited.text == TEXTS[name]
    assert edit_source(TEXTS[name], lambda bundle: replace(bundle)).text == TEXTS[name]
    assert edited.bundle.content_hash == load_bundle(dump_bundle(edited.bundle)).content_hash


@few
@given(name=bundles, day=days, source=words.map(str.strip).filter(bool), data=st.data())
def test_a_value_from_a_day_can_be_taken_back(name: str, day: date, source: str, data: Any) -> None:
    bundle = LOADED[name]
    param = data.draw(st.sampled_from(bundle.params))
    edited = edit_source(TEXTS[name], set_value(param.name, new_value(param, data.draw), day, source))
    assert edited.kept_text
    changed = next(each for each in edited.bundle.params if each.name == param.name)
    assert changed.values[: len(param.values)] == param.values, "history stays"
    assert changed.at(day - timedelta(days=1)) == param.at(day - timedelta(days=1))
    assert len(lost_lines(TEXTS[name], edited.text)) <= 1, "only the line of the parameter is written again"
    back = edit_source(edited.text, drop_value(param.name, day))
    assert back.bundle.content_hash == bundle.content_hash
    assert back.text == TEXTS[name]


def lost_lines(before: str, after: str) -> set[str]:
    return set(before.split("\n")) - set(after.split("\n"))


@few
@given(name=bundles, day=days, data=st.data())
def test_one_parameter_changes_exactly_the_rules_that_read_it(name: str, day: date, data: Any) -> None:
    bundle = LOADED[name]
    param = data.draw(st.sampled_from(bundle.params))
    value = new_value(param, data.draw)
    before = compile_policy_set([bundle])
    after = compile_policy_set([edit_source(TEXTS[name], set_value(param.name, value, day, "law")).bundle])
    changed = {one.rule_id for one, other in zip(before.rules, after.rules, strict=True) if one.digest != other.digest}
    readers = {
        rule.rule_id
        for rule in before.rules
        if param.name in {*param_names(rule.node), *rule.rule.effect.param_names()}
    }
    assert changed == readers


@few
@given(name=bundles, title=words, message=words, source=words, data=st.data())
def test_a_rule_can_be_changed_and_changed_back(name: str, title: str, message: str, source: str, data: Any) -> None:
    bundle = LOADED[name]
    rule = data.draw(st.sampled_from(bundle.rules))
    kind = data.draw(st.sampled_from((EffectKind.DENY, EffectKind.FLAG, EffectKind.WARN, EffectKind.ALLOW)))
    other = replace(
        rule,
        title=title,
        message=(message.replace("{", "{{").replace("}", "}}")).strip(),
        when=data.draw(
            st.sampled_from((f"!({_one_line(rule.when)})", f"// why\n{rule.when}", "request.accelerator_count > 3"))
        ),
        effect=Effect(kind=kind),
        on_error=DEFAULT_ON_ERROR[kind],
        legal_source=source,
    )
    edited = edit_source(TEXTS[name], replace_rule(rule.id, other))
    assert same_rules(edited.bundle, (other if each.id == rule.id else each for each in bundle.rules))
    back = edit_source(edited.text, replace_rule(rule.id, rule))
    assert back.bundle.content_hash == bundle.content_hash


def _one_line(text: str) -> str:
    return " ".join(line for line in text.split("\n") if not line.strip().startswith("//"))


def same_rules(bundle: Bundle, rules: Any) -> bool:
    return bundle.to_json()["rules"] == replace(bundle, rules=tuple(rules)).to_json()["rules"]


@few
@given(name=bundles, data=st.data())
def test_a_rule_that_goes_and_comes_again_is_the_same(name: str, data: Any) -> None:
    bundle = LOADED[name]
    at = data.draw(st.integers(1, len(bundle.rules) - 1))
    rule, before = bundle.rules[at], bundle.rules[at - 1]
    cases = [each for each in bundle.tests if each.rule == rule.id]
    gone = edit_source(TEXTS[name], remove_rule(rule.id))
    assert rule.id not in {each.id for each in gone.bundle.rules}
    assert gone.kept_text
    back = edit_source(gone.text, add_rule(rule, after=before.id), add_cases(cases))
    assert same_rules(back.bundle, bundle.rules)
    assert {(each.rule, each.name) for each in back.bundle.tests} == {(each.rule, each.name) for each in bundle.tests}


TABLES = sorted({(name, rule.parent) for name, bundle in LOADED.items() for rule in bundle.rules if rule.row})


@few
@given(table=st.sampled_from(TABLES), data=st.data())
def test_rows_can_be_put_in_another_order_and_back(table: tuple[str, str], data: Any) -> None:
    name, parent = table
    bundle = LOADED[name]
    rows = [rule for rule in bundle.rules if rule.parent == parent]
    edited = edit_source(TEXTS[name], set_rows(parent, data.draw(st.permutations(rows))))
    assert edited.kept_text
    assert sorted(edited.text.split()) == sorted(TEXTS[name].split()), "every word stays, comments too"
    digests = {rule.rule_id: rule.digest for rule in compile_policy_set([bundle]).rules}
    assert {rule.rule_id: rule.digest for rule in compile_policy_set([edited.bundle]).rules} == digests
    assert edit_source(edited.text, set_rows(parent, rows)).bundle.content_hash == bundle.content_hash


@few
@given(name=bundles, title=words, day=days, data=st.data())
def test_a_case_that_comes_and_goes_leaves_nothing(name: str, title: str, day: date, data: Any) -> None:
    bundle = LOADED[name]
    model = data.draw(st.sampled_from(bundle.tests))
    case = RuleTest(f"new {title}", model.rule, CaseKind.AT_LINE, model.fires, dict(model.facts), model.absent, on=day)
    edited = edit_source(TEXTS[name], add_cases([case]))
    assert edited.kept_text
    assert case in edited.bundle.tests
    without = edit_source(
        edited.text, lambda now: replace(now, tests=tuple(each for each in now.tests if each != case))
    )
    assert without.text == TEXTS[name]


@few
@given(name=bundles, day=days, data=st.data())
def test_cases_keep_their_day(name: str, day: date, data: Any) -> None:
    bundle = LOADED[name]
    chosen = data.draw(st.lists(st.sampled_from(bundle.tests), min_size=1, max_size=3))
    edited = edit_source(TEXTS[name], keep_cases_for(chosen, day))
    assert edited.kept_text
    named = {(each.rule, each.name) for each in chosen}
    for one, other in zip(bundle.tests, edited.bundle.tests, strict=True):
        assert other == (replace(one, on=day) if (one.rule, one.name) in named else one)


@few
@given(name=bundles, text=words.map(str.strip).filter(bool), day=days)
def test_a_parameter_that_comes_and_goes_leaves_nothing(name: str, text: str, day: date) -> None:
    param = Param("brand_new", "string", (DatedValue(text, day, text),), help=text)
    edited = edit_source(TEXTS[name], lambda old: replace(old, params=(*old.params, param)))
    assert edited.kept_text
    assert edited.bundle.params[-1] == param
    assert edit_source(edited.text, lambda now: replace(now, params=now.params[:-1])).text == TEXTS[name]


def test_the_cast_of_these_laws_has_rules() -> None:
    assert all(isinstance(rule, Rule) for bundle in LOADED.values() for rule in bundle.rules)
    assert len(TABLES) > 10
