"""The functions and macros of the policy profile, each with the check of its arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from governance.policy.facts.facts import TIMESTAMP_MAX, TIMESTAMP_MIN, timestamp_from_text
from governance.policy.language import ast, ir
from governance.policy.language.guards import Known
from governance.policy.language.types import ELEMENT, NUMBERS, Type
from governance.policy.suggest import closest

if TYPE_CHECKING:
    from governance.policy.language.checker import Checker

_DURATION = re.compile(r"-?(?=\d)(?:(\d{1,7})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?")
_TEXT_TESTS = ("startsWith", "endsWith", "contains")
# CEL's readers of a calendar.
_CALENDAR = (
    "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours", "getMilliseconds",
    "getMinutes", "getMonth", "getSeconds",
)  # fmt: skip


def check_call(checker: Checker, tree: ast.Call, known: Known) -> ir.Node:
    """Check a call of the profile.

    Raises:
        ExpressionTypeError: unknown function, or arguments that it does not take.
    """
    target = tree.target
    if target is None:
        handler = _GLOBAL.get(tree.function)
        if handler is not None:
            return handler(checker, tree, known)
    elif isinstance(target, ast.Name) and target.name == "math":
        # The names that CEL's own extension uses for the same two functions.
        kind = {"greatest": "max", "least": "min"}.get(tree.function)
        if kind is not None:
            return _extreme(checker, tree, known, kind)
    elif tree.function in _TEXT_TESTS:
        return _text_test(checker, tree, target, known)
    elif tree.function in ("exists", "all"):
        return _quantifier(checker, tree, target, known)
    elif tree.function == "size":
        return _size_of(checker, tree, target, known)
    if tree.function in _CALENDAR:
        raise checker.refuse(
            "a policy reads no weekday, day or hour of an instant, since it would depend on a place; compare instants "
            '(`clock.decided_at < timestamp("2026-12-24T12:00:00Z")`) or their distance '
            '(`request.start_at - clock.decided_at < duration("72h")`)',
            tree.span,
        )
    if tree.function == "matches":
        raise checker.refuse("a policy has no regular expressions; use startsWith, endsWith or contains", tree.span)
    raise checker.refuse(f"unknown function `{tree.function}`", tree.span, closest(tree.function, FUNCTION_NAMES))


def _one_argument(checker: Checker, tree: ast.Call) -> ast.Expression:
    if len(tree.arguments) != 1:
        raise checker.refuse(f"`{tree.function}` takes one argument, found {len(tree.arguments)}", tree.span)
    return tree.arguments[0]


def _has(checker: Checker, tree: ast.Call, known: Known) -> ir.Node:
    argument = _one_argument(checker, tree)
    dotted = ast.dotted_name(argument)
    if dotted is None or not isinstance(argument, ast.Select):
        raise checker.refuse("`has` takes a fact, e.g. has(request.end_at)", argument.span)
    fact = checker.resolve_fact(dotted, argument.span)
    if not fact.optional:
        checker.warnings.append(f"`has({dotted})` is always true: the fact is never absent")
    return ir.Has(name=dotted, span=tree.span)


def _size(checker: Checker, tree: ast.Call, known: Known) -> ir.Node:
    return _size_of(checker, tree, _one_argument(checker, tree), known)


def _size_of(checker: Checker, tree: ast.Call, operand_tree: ast.Expression, known: Known) -> ir.Node:
    if tree.target is not None and tree.arguments:
        raise checker.refuse("`size` takes no argument here", tree.span)
    operand = checker.check(operand_tree, known)
    if operand.type is not Type.STRING and operand.type not in ELEMENT:
        raise checker.refuse(f"`size` needs a text or a list, found a {operand.type}", operand_tree.span)
    return ir.Size(operand=operand, span=tree.span)


def _double(checker: Checker, tree: ast.Call, known: Known) -> ir.Node:
    argument = _one_argument(checker, tree)
    operand = checker.check(argument, known)
    if operand.type not in NUMBERS:
        raise checker.refuse(f"`double` needs a number, found a {operand.type}", argument.span)
    if operand.type is Type.DOUBLE:
        return operand
    if isinstance(operand, ir.Const):
        return ir.Const(value=float(operand.value), type=Type.DOUBLE, span=tree.span)
    return ir.ToDouble(operand=operand, span=tree.span)


def _constant_text(checker: Checker, tree: ast.Call) -> str:
    argument = _one_argument(checker, tree)
    if not (isinstance(argument, ast.Literal) and isinstance(argument.value, str)):
        raise checker.refuse(f"`{tree.function}` takes a constant text", argument.span)
    return argument.value


def _timestamp(checker: Checker, tree: ast.Call, known: Known) -> ir.Node:
    text = _constant_text(checker, tree)
    try:
        instant = timestamp_from_text(text)
    except (ValueError, OverflowError):
        raise checker.refuse(
            f"`{text[:40]}` is not an instant", tree.arguments[0].span, "2026-01-31T09:00:00Z"
        ) from None
    if not TIMESTAMP_MIN <= instant <= TIMESTAMP_MAX:
        raise checker.refuse(
            f"an instant lies between {TIMESTAMP_MIN.year} and {TIMESTAMP_MAX.year}", tree.arguments[0].span
        )
    return ir.Const(value=instant, type=Type.TIMESTAMP, span=tree.span)


def _duration(checker: Checker, tree: ast.Call, known: Known) -> ir.Node:
    text = _constant_text(checker, tree)
    match = _DURATION.fullmatch(text)
    if match is None:
        raise checker.refuse(f"`{text[:40]}` is not a duration", tree.arguments[0].span, "336h")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    value = timedelta(hours=hours, minutes=minutes, seconds=seconds) * (-1 if text.startswith("-") else 1)
    # Invariant: an instant plus a duration stays inside the calendar.
    if abs(value) > timedelta(days=3_660):
        raise checker.refuse("a duration is at most 10 years", tree.arguments[0].span)
    return ir.Const(value=value, type=Type.DURATION, span=tree.span)


def _extreme(checker: Checker, tree: ast.Call, known: Known, kind: str) -> ir.Node:
    if not 2 <= len(tree.arguments) <= 8:
        raise checker.refuse(f"`{tree.function}` takes 2 to 8 numbers, found {len(tree.arguments)}", tree.span)
    operands = [checker.check(argument, known) for argument in tree.arguments]
    if any(operand.type is Type.DOUBLE for operand in operands):
        operands = [checker.as_double(operand) for operand in operands]
    for operand, argument in zip(operands, tree.arguments, strict=True):
        if operand.type not in NUMBERS:
            raise checker.refuse(f"`{tree.function}` needs numbers, found a {operand.type}", argument.span)
        if operand.type is not operands[0].type:
            raise checker.mixed(tree.function, operands[0], operand, argument.span)
        checker.check_units(operands[0], operand, argument.span)
    return ir.Extreme(kind=kind, operands=tuple(operands), type=operands[0].type, span=tree.span)


def _text_test(checker: Checker, tree: ast.Call, target: ast.Expression, known: Known) -> ir.Node:
    argument_tree = _one_argument(checker, tree)
    operand, argument = checker.check(target, known), checker.check(argument_tree, known)
    for node, part in ((operand, target), (argument, argument_tree)):
        if node.type is not Type.STRING:
            raise checker.refuse(f"`{tree.function}` needs texts, found a {node.type}", part.span)
    checker.check_part_of_word(operand, tree.function, argument)
    return ir.TextTest(function=tree.function, operand=operand, argument=argument, span=tree.span)


def _quantifier(checker: Checker, tree: ast.Call, target: ast.Expression, known: Known) -> ir.Node:
    if len(tree.arguments) != 2 or not isinstance(tree.arguments[0], ast.Name):
        raise checker.refuse(
            f"`{tree.function}` takes a name and a condition, e.g. list.{tree.function}(item, …)", tree.span
        )
    if checker.is_in_quantifier:
        raise checker.refuse("a quantifier inside a quantifier", tree.span)
    item = tree.arguments[0].name
    if item in ("params", "variables") or any(name.startswith(f"{item}.") for name in checker.scope.facts):
        raise checker.refuse(f"`{item}` already names a group of facts", tree.arguments[0].span)
    list_node = checker.check(target, known)
    if list_node.type not in ELEMENT:
        raise checker.refuse(f"`{tree.function}` needs a list, found a {list_node.type}", target.span)
    checker.items, checker.is_in_quantifier = {item: ELEMENT[list_node.type]}, True
    checker.meanings.items = {item: list_node}
    body = checker.check(tree.arguments[1], known)
    checker.items, checker.is_in_quantifier = {}, False
    checker.meanings.items = {}
    if body.type is not Type.BOOL:
        raise checker.refuse(f"`{tree.function}` needs a condition, found a {body.type}", tree.arguments[1].span)
    # One name for the item in the checked form, so that renaming it changes no hash.
    return ir.Quantifier(kind=tree.function, list=list_node, item="item", body=_rename(body, item), span=tree.span)


def _rename(node: ir.Node, item: str) -> ir.Node:
    if isinstance(node, ir.ItemRef):
        return ir.ItemRef(name="item", type=node.type, span=node.span)
    return ir.map_children(node, lambda child: _rename(child, item))


_GLOBAL: dict[str, Callable[[Checker, ast.Call, Known], ir.Node]] = {
    "has": _has,
    "size": _size,
    "double": _double,
    "timestamp": _timestamp,
    "duration": _duration,
    "max": lambda checker, tree, known: _extreme(checker, tree, known, "max"),
    "min": lambda checker, tree, known: _extreme(checker, tree, known, "min"),
}
FUNCTION_NAMES = (*_GLOBAL, *_TEXT_TESTS, "exists", "all", "math.greatest", "math.least")
