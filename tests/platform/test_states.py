"""Each column of a state is kept by its enum: in the database, in the models and in the source."""

from __future__ import annotations

import ast
import re

import pytest
from django.apps import apps
from django.db import connection, models

from benchmarks import literal_states
from benchmarks.house import ROOT, read
from benchmarks.state_columns import COLUMNS
from governance.channels.email import LETTERS
from governance.domain.states.messages import AlertKind
from governance.models.base import Moving


def _column(name: str) -> tuple[type[models.Model], models.Field[object, object]]:
    model, column = name.split(".")
    found = apps.get_model("governance", model)
    field = found._meta.get_field(column)
    assert isinstance(field, models.Field)
    return found, field


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "Alert.kind"])
def test_the_database_knows_the_values_of_the_enum_and_no_others(name: str) -> None:
    model, field = _column(name)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid "
            "WHERE c.contype = 'c' AND t.relname = %s AND c.conname LIKE %s",
            [model._meta.db_table, f"%{field.column}\\_known"],
        )
        (constraint,) = [row[0] for row in cursor.fetchall()]
    known = set(re.findall(r"'([^']*)'::character varying", constraint))
    # A shadow decision that could not be made has no outcome.
    assert known - {""} == {member.value for member in COLUMNS[name]}


def test_every_kind_of_mail_has_its_letter() -> None:
    """The outbox has no constraint on it: whoever finds an older row still says that it cannot be written."""
    assert set(LETTERS) == set(AlertKind)


def test_every_column_of_a_state_and_every_row_with_a_life_is_in_the_table() -> None:
    moving = {model for model in apps.get_models() if issubclass(model, Moving)}
    assert {f"{model.__name__}.state" for model in moving} == {name for name in COLUMNS if name.endswith(".state")}
    for model in moving:
        assert type(model.life.first) is COLUMNS[f"{model.__name__}.state"]
        default = model._meta.get_field("state").get_default()
        assert default == model.life.first
        assert type(default) is str
    known = {
        f"{model.__name__}.{constraint.name.removesuffix('_known').split('_', 1)[1]}"
        for model in apps.get_app_config("governance").get_models()
        for constraint in model._meta.constraints
        if constraint.name.endswith(("_state_known", "_verdict_known", "_outcome_known"))
    }
    assert len(known) == sum(name.endswith(("state", "verdict", "outcome")) for name in COLUMNS)


def test_no_text_stands_in_the_place_of_a_state() -> None:
    trees = read(ROOT).trees
    assert literal_states.count(ROOT, trees, literal_states.values_by_column()) == []


@pytest.mark.parametrize(
    "source",
    [
        'x.state == "open"',
        '"open" != stage.state',
        'state in ("open", "waiting")',
        'rows.filter(stage__state__in=["open"])',
        'rows.update(state="open")',
        'Q(hold_state="open")',
        'row.state = "open"',
        'row.state, row.at = "open", now',
        'row.state = "open" if first else other',
        'row["state"] = "open"',
        'data.get("state") == "open"',
        'answer = {"state": "open"}',
        'word = {"open": 1}[row.state]',
        'word = {"open": 1}.get(row.state, 0)',
        'state = CharField(default="open")',
        'def close(*, state="open"): ...',
        'match row.state:\n    case "open" | "other":\n        pass',
    ],
)
def test_a_text_in_the_place_of_a_state_is_counted(source: str) -> None:
    values = {"state": frozenset({"open", "waiting"})}
    assert "open" in [text.value for text in literal_states.in_module(ast.parse(source), values)]


def test_texts_that_are_no_state_are_not_counted() -> None:
    values = {"state": frozenset({"open"})}
    source = 'row.kind == "open"\nrow.state == "shut"\nlabel = "open"\nopen(mode="open")'
    assert list(literal_states.in_module(ast.parse(source), values)) == []


@pytest.mark.parametrize(
    "template",
    [
        '{% if row.state == "open" %}',
        "{% if row.state != 'open' and x %}",
        '{% if "open" == row.state %}',
        '{% if row.state in "open shut" %}',
        '{% include "x.html" with state="open" %}',
    ],
)
def test_a_text_in_the_place_of_a_state_is_counted_in_templates(template: str) -> None:
    assert list(literal_states.in_template(template, {"state": frozenset({"open"})})) == ["open"]


def test_states_change_by_their_table_alone() -> None:
    """Nothing but the two movers of `models/base.py` writes a state on a row that exists."""
    found = []
    for name, tree in read(ROOT).trees.items():
        if name == "governance.models.base" or ".migrations" in name or not name.startswith("governance."):
            continue
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=targets):
                    written = [part for target in targets for part in ast.walk(target)]
                    if any(isinstance(part, ast.Attribute) and part.attr == "state" for part in written):
                        found.append(f"{name}:{node.lineno}")
                case ast.Call(func=ast.Attribute(attr="update"), keywords=keywords):
                    if any(keyword.arg == "state" for keyword in keywords):
                        found.append(f"{name}:{node.lineno}")
    assert found == []
