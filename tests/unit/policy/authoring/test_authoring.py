"""Changes of a bundle: what they mean is said before they are stored, and what cannot be is refused with a place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from governance.policy.analysis.differences import differences
from governance.policy.authoring.edits import (
    add_cases,
    drop_value,
    edit_source,
    find_param,
    find_rule,
    keep_cases_for,
    read_value,
    remove_rule,
    replace_rule,
    set_rows,
    set_value,
)
from governance.policy.authoring.expressions import (
    blank_rule,
    effect_text,
    facts_of_case,
    read_effect_text,
    read_rule,
    try_rule,
)
from governance.policy.authoring.marking import mark_difference, plain
from governance.policy.authoring.parameters import as_typed, param_rows
from governance.policy.authoring.review import example_in_words, review_change, rule_changes
from governance.policy.authoring.tables import (
    CellTest,
    column_of,
    new_row,
    read_table,
    table_names,
    write_row,
)
from governance.policy.authoring.where import relocated
from governance.policy.bundle.bundle import Bundle, Param, load_bundle
from governance.policy.bundle.bundle_model import DatedValue
from governance.policy.bundle.shipped import shipped_bundles, shipped_text
from governance.policy.bundle.testing import run_bundle_tests
from governance.policy.decisions.policy_set import compile_policy_set
from governance.policy.errors import BundleError, PolicyError
from tests.unit.policy.work import CALLS_MAX, calls_of

TEXT = shipped_text("approval-limits")
BUNDLE = load_bundle(TEXT)
START = date(2030, 1, 1)
LIMIT = "auto_allow_max_usd"
TABLES = [(bundle, name) for bundle in shipped_bundles() for name in table_names(bundle)]
RULES = [(bundle, rule) for bundle in shipped_bundles() for rule in bundle.rules]


def lowered() -> Bundle:
    return edit_source(TEXT, set_value(LIMIT, 1500.0, START, "the board")).bundle


# ------------------------------------------------------------------------ text

AWKWARD = """\
# Typed by hand.

apiVersion:   comptroller.policy/v1
"kind": PolicyBundle
schema : 1
metadata: { name: awkward,  title: 'Caf\\u00e9',
            summary: "Caf\\u00e9 \\u2028 and more",   # a comment after a flow
            owner: policy_officer }
params:
    limit_usd:    {type: double,   unit: USD, values: [{value: 10.0, from: 2026-01-01, source: x}]}
    classes:
      type: string_list
      values:
        - {value: [public,   # one comment
                   internal], from: 2026-01-01, source: x}
rules:
- id: AW-1
  title: >-
    A title
    in two lines
  when:   request.exposure_usd > params.limit_usd\x20\x20\x20
          && request.data_class in params.classes
  effect: {require: {roles: [ {role: budget_owner} ], obligations: [{code: recertify}]}}
  message: "{request.exposure_usd} is too much."
tests:
  - {name:   one, rule: AW-1, case: firing, fires: true, facts: {request.exposure_usd: 1.50e+3}}


# The end"""


def test_a_value_is_added_on_its_line_and_nothing_else_moves() -> None:
    edited = edit_source(TEXT, set_value(LIMIT, 1500.0, START, "the board"))
    before, after = TEXT.split("\n"), edited.text.split("\n")
    ((one, other),) = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert one.startswith(f"  {LIMIT}:")
    assert other == one.replace("}]}", "}, {value: 1500.0, from: 2030-01-01, source: the board}]}")


@pytest.mark.parametrize("ending", ["", "\n", "\n\n\n"])
def test_a_text_typed_by_hand_keeps_every_character_but_the_changed_value(ending: str) -> None:
    text = AWKWARD + ending
    assert edit_source(text).text == text
    edited = edit_source(text, set_value("limit_usd", 20.0, START, "the board"))
    assert edited.kept_text
    before, after = text.split("\n"), edited.text.split("\n")
    (changed,) = [line for line, other in zip(before, after, strict=True) if line != other]
    assert changed.lstrip().startswith("limit_usd:")


def test_a_text_that_cannot_be_patched_is_written_anew_and_says_the_same() -> None:
    # The only item of a list in block style goes: nothing in the text can stay of it.
    text = TEXT.replace(
        "effect: {deny: {code: budget_exceeded}}", "effect:\n      flag:\n        notify:\n        - finance"
    )
    rule = find_rule(load_bundle(text), "AL-8.overdrawn")
    edited = edit_source(text, replace_rule(rule.id, replace(rule, effect=read_effect_text("deny"))))
    assert find_rule(edited.bundle, rule.id).effect.kind.value == "deny"
    again = edit_source(edited.text, replace_rule(rule.id, rule))
    assert again.bundle.content_hash == load_bundle(text).content_hash


@pytest.mark.parametrize(
    "change",
    [
        set_value("nope", 1, START, "x"), set_value(LIMIT, "many", START, "x"), set_value(LIMIT, 1.0, START, "\0"),
        set_value(LIMIT, 1.0, START, "x" * 5_000), set_value(LIMIT, float("nan"), START, "x"),
        set_value("auto_allow_data_classes", ["secret"], START, "x"), drop_value(LIMIT, START),
        drop_value(LIMIT, date(2024, 1, 1)),
        remove_rule("AL-99"), set_rows("AL-1", []), set_rows("AL-5", []),
        replace_rule("AL-1", replace(BUNDLE.rules[0], id="AL-2")),
        replace_rule("AL-1", replace(BUNDLE.rules[0], when="(" * 900)),
        replace_rule("AL-1", replace(BUNDLE.rules[0], message="{nope}")),
        replace_rule("AL-1", replace(BUNDLE.rules[0], id="1 2")),
        add_cases([replace(BUNDLE.tests[0], rule="AL-99")]),
        add_cases([replace(BUNDLE.tests[0], facts={"request.nope": 1})]),
    ],
)  # fmt: skip
def test_what_would_not_check_is_refused(change: Callable[[Bundle], Bundle]) -> None:
    with pytest.raises(PolicyError):
        edit_source(TEXT, change)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("double", "25,000", 25_000.0), ("double", "1e25", 1e25), ("double", " 1 500.5 ", 1500.5),
        ("int", "1,024", 1024),
        ("double", "\N{MINUS SIGN}3", -3.0), ("bool", "Yes", True), ("string", " a b ", "a b"),
        ("string_list", "a, b ,", ["a", "b"]), ("int_list", "1, 2", [1, 2]), ("double_list", "0.5, 1e3", [0.5, 1000.0]),
    ],
)  # fmt: skip
def test_values_are_read_as_people_type_them(kind: str, text: str, value: Any) -> None:
    param = Param("x", kind, (DatedValue(value, START, "x"),))
    read = read_value(param, text)
    assert read == value
    assert type(read) is type(value)
    assert read_value(param, as_typed(param, value)) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("double", "2,5"), ("double", "1,00,000"), ("double", "inf"), ("double", ""), ("int", "8.5"), ("int", "9**9"),
        ("bool", "perhaps"), ("string", ""), ("int", "1" * 5_000), ("double", "٣"), ("double", "1_000_000_x"),
    ],
)  # fmt: skip
def test_values_that_could_mean_two_things_are_asked_back(kind: str, text: str) -> None:
    with pytest.raises(BundleError):
        read_value(Param("x", kind, ()), text)


# ------------------------------------------------------------------------ what it means


def test_the_sentences_differ_in_the_number_alone() -> None:
    changes = rule_changes(compile_policy_set([BUNDLE]), compile_policy_set([lowered()]), on=date(2026, 1, 1))
    assert [change.rule_id for change in changes] == ["AL-1", "AL-2"]
    assert all(change.since == START for change in changes)
    gone = {piece.text for change in changes for piece in change.before if piece.mark}
    new = {piece.text for change in changes for piece in change.after if piece.mark}
    assert (gone, new) == ({"2,500\N{NO-BREAK SPACE}USD"}, {"1,500\N{NO-BREAK SPACE}USD"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("a b c", "a b c"),
        ("a b", "c"),
        ("x", ""),
        ("a b a", "b a b"),
        ("at 2, so.", "at 3, so."),
        ("1: x; y", "1: x, y."),
    ],
)
def test_marked_pieces_hold_every_word(before: str, after: str) -> None:
    gone, new = mark_difference(before, after, is_short=False)
    assert plain(gone) == before
    assert plain(new) == after


def test_cases_that_no_longer_hold_are_found_on_the_day_of_the_change_and_settled() -> None:
    review = review_change(BUNDLE, lowered(), on=START, params=frozenset([LIMIT]), is_dated=True)
    assert {(each.case.rule, each.case.name) for each in review.newly_failing} == {
        ("AL-1", "exactly at every limit"), ("AL-2", "exactly 2 500"),
    }  # fmt: skip
    stale = [each.case for each in review.newly_failing]
    settled = edit_source(
        TEXT,
        set_value(LIMIT, 1500.0, START, "x"),
        keep_cases_for(stale, START - timedelta(days=1)),
        add_cases(review.proposed),
    )
    again = review_change(BUNDLE, settled.bundle, on=START, params=frozenset([LIMIT]), is_dated=True)
    assert (again.failing, again.proposed) == ((), ())
    assert all(result.passed for result in run_bundle_tests(settled.bundle))


def test_boundary_cases_stand_below_at_and_above_the_new_line() -> None:
    review = review_change(BUNDLE, lowered(), on=START, params=frozenset([LIMIT]), is_dated=True)
    exposure = [each for each in review.proposed if each.rule == "AL-2"]
    assert [(each.facts["request.exposure_usd"], each.fires) for each in exposure] == [
        (1499.99, False), (1500.0, False), (1500.01, True),
    ]  # fmt: skip


def test_a_limit_that_hides_a_rule_is_a_finding() -> None:
    edited = edit_source(TEXT, set_value("team_lead_max_usd", 1000.0, date(2025, 1, 1), "x"))
    review = review_change(BUNDLE, edited.bundle, on=date(2026, 1, 1))
    assert "rule_never_fires" in {finding.code for finding in review.findings}


def test_a_rule_that_comes_or_goes_or_is_worded_otherwise_is_told_apart() -> None:
    rule = find_rule(BUNDLE, "AL-6")
    for changed, kind in (
        (edit_source(TEXT, remove_rule("AL-6")).bundle, "removed"),
        (edit_source(TEXT, replace_rule("AL-6", replace(rule, message="Owed."))).bundle, "wording"),
        (edit_source(TEXT, replace_rule("AL-6", replace(rule, effect=read_effect_text("deny")))).bundle, "changed"),
    ):
        (change,) = rule_changes(compile_policy_set([BUNDLE]), compile_policy_set([changed]), on=START)
        assert (change.rule_id, change.kind) == ("AL-6", kind)


def test_each_limit_names_the_rules_that_read_it() -> None:
    rows = {row.param.name: row for row in param_rows(BUNDLE, compile_policy_set([BUNDLE]), on=START)}
    assert [reader.rule_id for reader in rows[LIMIT].readers] == ["AL-1", "AL-2"]
    assert rows[LIMIT].now_in_words == "2,500\N{NO-BREAK SPACE}USD"
    assert "5\N{NO-BREAK SPACE}% of such requests" in rows["auto_allow_sample_ratio"].readers[0].phrases[0]


def test_an_ask_is_told_by_what_sets_it_apart() -> None:
    facts = BUNDLE.schema.by_name
    ask = facts_of_case(BUNDLE, None)
    assert example_in_words(ask, facts) == "the plain request"
    said = example_in_words({**ask, "request.exposure_usd": 3000.0}, facts)
    assert said == "request.exposure_usd 3,000\N{NO-BREAK SPACE}USD"
    del ask["request.window_days"]
    assert example_in_words(ask, facts) == "request.window_days unknown"


# ------------------------------------------------------------------------ tables


@pytest.mark.parametrize(("bundle", "name"), TABLES, ids=[name for _, name in TABLES])
def test_a_stored_table_reads_as_cells_and_back(bundle: Bundle, name: str) -> None:
    table = read_table(bundle, name)
    written = set_rows(name, [write_row(table, row) for row in table.rows])(bundle)
    again = read_table(written, name)
    assert [(row.cells, row.rest) for row in again.rows] == [(row.cells, row.rest) for row in table.rows]
    found = differences(compile_policy_set([bundle]), compile_policy_set([written]), on=START, use_solver=False)
    # Guards may stand elsewhere; no request among thousands is judged otherwise.
    assert [each.rule_id for each in found if each.example is not None] == []


def test_cells_become_conditions_and_an_optional_fact_is_guarded() -> None:
    table = read_table(BUNDLE, "AL-8")
    row = new_row(BUNDLE, table, "third")
    columns = [*table.columns, column_of(BUNDLE, "request.evidence_kinds"), column_of(BUNDLE, "request.kind")]
    cells = {
        "budget.forecast_ratio": (CellTest(">", "0.5"), CellTest("<=", "params.forecast_max_ratio")),
        "request.evidence_kinds": (CellTest("lacks", "pilot_run"),),
        "request.kind": (CellTest("in", "new, renewal"),),
    }
    rule = write_row(replace(table, columns=tuple(columns)), replace(row, cells=cells, rest="a || b"))
    assert rule.when == (
        "has(budget.forecast_ratio) && budget.forecast_ratio > 0.5 && "
        "budget.forecast_ratio <= params.forecast_max_ratio && "
        '!("pilot_run" in request.evidence_kinds) && request.kind in ["new", "renewal"] && (a || b)'
    )


@pytest.mark.parametrize(
    "operand",
    [
        "",
        "1; true",
        "params.nope.x",
        "(1)",
        "1 == 1 || true",
        "x" * 500,
        "٣",
        "0x10",
        "--1",
        "2,5",
        "0,500",
        ",500",
        "1,5000",
        "1,500,5",
    ],
)
def test_nothing_but_a_number_or_a_parameter_gets_into_a_number_cell(operand: str) -> None:
    table = read_table(BUNDLE, "AL-8")
    row = table.rows[0]
    with pytest.raises(BundleError):
        write_row(table, replace(row, cells={"budget.headroom_after_usd": (CellTest("<", operand),)}))


@pytest.mark.parametrize(
    ("typed", "written"),
    [("25,000", "25000"), ("-1,500.25", "-1500.25"), ("25 000", "25000"), ("1'000'000", "1000000"), ("2.5", "2.5")],
)
def test_grouped_digits_are_one_number_in_a_cell(typed: str, written: str) -> None:
    table = read_table(BUNDLE, "AL-8")
    row = replace(table.rows[0], cells={"budget.headroom_after_usd": (CellTest("<", typed),)})
    assert write_row(table, row).when == f"budget.headroom_after_usd < {written}"


def test_words_in_a_cell_are_words_whatever_they_hold() -> None:
    column = column_of(BUNDLE, "request.purpose")
    table = replace(read_table(BUNDLE, "AL-8"), columns=(column,))
    row = replace(table.rows[0], cells={column.name: (CellTest("==", 'x" || true || "'),)}, rest="")
    assert write_row(table, row).when == 'request.purpose == "x\\" || true || \\""'


# ------------------------------------------------------------------------ text of a rule


@pytest.mark.parametrize(("bundle", "rule"), RULES, ids=[rule.id for _, rule in RULES])
def test_every_effect_is_typed_and_read_back(bundle: Bundle, rule: Any) -> None:
    assert read_effect_text(effect_text(rule.effect)) == rule.effect
    read, wrong, _ = read_rule(
        bundle, rule, title=rule.title, when=rule.when, effect=effect_text(rule.effect), message=rule.message,
        on_error=rule.on_error.value, legal_source=rule.legal_source or "",
    )  # fmt: skip
    assert (read, wrong) == (rule, [])


def test_a_rule_is_tried_on_an_ask_comparison_by_comparison() -> None:
    rule = find_rule(BUNDLE, "AL-6")
    facts = facts_of_case(BUNDLE, None) | {"estimate.commitment_tail_usd": 60_000.0}
    words, tried = try_rule(BUNDLE, rule, facts, on=START)
    assert words.startswith("When the amount payable after the work ends is above 50,000")
    assert (tried.truth, [truth for _, truth in tried.leaves]) == (True, [True])
    assert "10,000" in tried.leaves[0][0]


@pytest.mark.parametrize(
    ("old", "new", "near"),
    [
        ("    && people.aup_current\n", "    && people.aup_curent\n", "people.aup_curent"),
        ("  when: estimate.commitment_tail_usd >", "  when: estimate.nope >", "estimate.nope"),
        ("when: budget.headroom_after_usd < 0", "when: budget.headroom < 0", "budget.headroom <"),
        ('"{request.exposure_usd} is within', '"{request.exposure} is within', "request.exposure} is"),
    ],
)  # fmt: skip
def test_an_error_in_an_expression_is_placed_in_the_whole_text(old: str, new: str, near: str) -> None:
    text = TEXT.replace(old, new)
    assert text != TEXT
    with pytest.raises(PolicyError) as caught:
        load_bundle(text)
    error = relocated(text, caught.value)
    assert text[error.position.offset :].startswith(near)
    assert error.position.line == text[: text.index(near)].count("\n") + 1


# ------------------------------------------------------------------------ bombs


@pytest.mark.parametrize(
    "when",
    [
        "(" * 5_000,
        "9**9**9",
        "().__class__",
        "x" * 1_000_000,
        "a" + ".a" * 800,
        "[" * 1_900,
        "!" * 1_900,
        "\ud800",
        "\0",
    ],
)
def test_a_bomb_in_a_rule_is_refused_after_little_work(when: str) -> None:
    rule = BUNDLE.rules[0]

    def read() -> None:
        found, wrong, _ = read_rule(
            BUNDLE, rule, title="x", when=when, effect="deny", message="x", on_error="", legal_source=""
        )
        assert found is None
        assert wrong[0].error.position.line >= 1

    assert calls_of(read) < CALLS_MAX


@pytest.mark.parametrize(
    "effect", ["[" * 3_900, "&a [*a]", "!!python/object:x {}", "{deny: {a: 1}}", "", "require", "x" * 1_000_000]
)
def test_a_bomb_in_an_effect_is_refused_after_little_work(effect: str) -> None:
    def read() -> None:
        with pytest.raises(PolicyError):
            read_effect_text(effect)

    assert calls_of(read) < CALLS_MAX


@pytest.mark.parametrize("name", ["AL-1", "AL-5", "", "1", "a b", "x" * 60, "../x"])
def test_a_new_rule_needs_a_free_name(name: str) -> None:
    with pytest.raises(BundleError):
        blank_rule(BUNDLE, name)


def test_limits_have_a_name_in_the_bundle() -> None:
    assert find_param(BUNDLE, LIMIT).unit == "USD"
    with pytest.raises(BundleError) as caught:
        find_param(BUNDLE, "auto_alow_max_usd")
    assert caught.value.suggestion == LIMIT


@pytest.mark.parametrize(
    "name", ["a\N{NO-BREAK SPACE}\nb", "\N{EM SPACE}\nb", "a \nb", "a\nb", "\n\N{NO-BREAK SPACE}b", "a\tb\n"]
)
def test_white_space_before_a_line_break_costs_no_other_line(name: str) -> None:
    text = shipped_text("approval-limits")
    model = load_bundle(text, "x.yaml").tests[0]
    case = replace(model, name=f"new {name}", on=date(2029, 2, 12))
    edited = edit_source(text, add_cases([case]))
    assert edited.kept_text
    assert case in edited.bundle.tests
