"""SQL: what the text holds and what it never holds. That it answers alike is proven against PostgreSQL elsewhere."""

from __future__ import annotations

import re

import pytest

from governance.policy import ir
from governance.policy.checker import check_condition
from governance.policy.facts_schema import SCHEMA
from governance.policy.scope import ParamInfo, Scope
from governance.policy.sql_backend import COLUMN_TYPES, SqlCondition, compile_sql, quoted_column
from governance.policy.types import Type
from tests.property.expressions import Maker


def _sql(text: str) -> SqlCondition:
    scope = Scope(params={"limit": ParamInfo(Type.DOUBLE, (2500.0,))})
    return compile_sql(ir.bind_params(check_condition(text, scope).node, {"limit": 2500.0}), quoted_column(SCHEMA, "f"))


def test_values_are_bound_and_columns_quoted() -> None:
    sql = _sql("has(request.exposure_usd) && request.exposure_usd > params.limit && request.purpose == 'x; DROP'")
    assert sql.params == (2500.0, "x; DROP")
    assert '"f"."request_exposure_usd"' in sql.text
    assert "DROP" not in sql.text


@pytest.mark.parametrize("seed", range(60))
def test_every_mark_has_its_value_and_no_word_of_the_author_is_in_the_text(seed: int) -> None:
    _, node = Maker(seed).condition()
    sql = compile_sql(node, quoted_column(SCHEMA))
    assert sql.text.count("%s") == sql.text.count("%") == len(sql.params)
    outside = re.sub(r'"[A-Za-z0-9_]+"', "", sql.text)
    assert set(outside) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ()[]_.,:=<>%'+-*/")
    assert set(re.findall(r"'([^']*)'", outside)) <= {"Infinity", "-Infinity"}


def test_a_parameter_without_a_value_is_null() -> None:
    scope = Scope(params={"limit": ParamInfo(Type.DOUBLE, (1.0,))})
    node = ir.bind_params(check_condition("budget.used_ratio > params.limit", scope).node, {})
    assert "NULL::float8" in compile_sql(node, quoted_column(SCHEMA)).text


def test_every_type_of_fact_has_a_column_type() -> None:
    assert {fact.type for fact in SCHEMA.facts} <= set(COLUMN_TYPES)
