"""Texts in the source that stand where a member of an enum of states belongs.

The enums and the columns that they belong to are those of `state_columns`. A text counts when it
is a value of a column's enum and is compared with something of the column's name, filtered by it, assigned to it,
passed as a keyword or a key of that name, given as its default, matched, or used to look something up by it.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.state_columns import COLUMNS

PLACE = "governance.domain.states"
Values = Mapping[str, frozenset[str]]
LOOKUPS = frozenset({"in", "exact", "iexact", "startswith", "isnull"})


def values_by_column() -> Values:
    """For each column's name, all values of the enums that any column of that name has."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, enum in COLUMNS.items():
        found[name.split(".")[1]] |= {member.value for member in enum}
    return {column: frozenset(values) for column, values in found.items()}


def in_module(tree: ast.Module, values: Values) -> Iterator[ast.Constant]:
    """Each counted text of a module once, in order of its place."""
    found = {id(text): text for node in ast.walk(tree) for text in _of(node, values)}
    return iter(sorted(found.values(), key=lambda text: (text.lineno, text.col_offset)))


def in_template(text: str, values: Values) -> Iterator[str]:
    """Counted texts within the tags of a template."""
    quoted = r"[\"']([\w ]+)[\"']"
    for tag in re.findall(r"{%.*?%}", text, flags=re.DOTALL):
        for column, known in values.items():
            name = rf"(?:\b|_){column}(?:\|\w+)*"
            for pattern in (rf"{name}\s*(?:[!=]=|not in|in|=)\s*{quoted}", rf"{quoted}\s*[!=]=\s*[\w.]*{name}\b"):
                for match in re.finditer(pattern, tag):
                    yield from (word for word in match[1].split() if word in known)


def _of(node: ast.AST, values: Values) -> Iterator[ast.Constant]:
    match node:
        case ast.Compare(left=left, comparators=others):
            sides = [left, *others]
            known = frozenset[str]().union(*(_known(_name(side), values) for side in sides))
            for side in sides:
                yield from _texts(side, known)
        case ast.keyword(arg=str(name), value=value):
            yield from _texts(value, _known(name, values))
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _assigned(target, value, values)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _assigned(target, value, values)
        case ast.Dict(keys=keys, values=entries):
            for key, entry in zip(keys, entries, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield from _texts(entry, _known(key.value, values))
        case ast.Subscript(value=ast.Dict(keys=keys), slice=index):
            yield from _keys(keys, _known(_name(index), values))
        case ast.Call(func=ast.Attribute(value=ast.Dict(keys=keys), attr="get"), args=[index, *_]):
            yield from _keys(keys, _known(_name(index), values))
        case ast.Match(subject=subject, cases=cases):
            known = _known(_name(subject), values)
            for case in cases:
                yield from (text for each in ast.walk(case.pattern) for text in _texts(each, known))
        case ast.arguments(args=args, defaults=defaults, kwonlyargs=named, kw_defaults=named_defaults):
            pairs = [
                *zip(args[len(args) - len(defaults) :], defaults, strict=False),
                *zip(named, named_defaults, strict=True),
            ]
            for parameter, default in pairs:
                if default is not None:
                    yield from _texts(default, _known(parameter.arg, values))


def _assigned(target: ast.expr, value: ast.expr, values: Values) -> Iterator[ast.Constant]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for each, part in zip(target.elts, value.elts, strict=True):
            yield from _assigned(each, part, values)
    else:
        known = _known(_name(target), values)
        yield from _texts(value, known)
        # A column's default: `state = CharField(default="open")`.
        if isinstance(value, ast.Call):
            for keyword in value.keywords:
                if keyword.arg == "default":
                    yield from _texts(keyword.value, known)


def _keys(keys: list[ast.expr | None], known: frozenset[str]) -> Iterator[ast.Constant]:
    for key in keys:
        if key is not None:
            yield from _texts(key, known)


def _name(node: ast.AST) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(name)), *_]):
            return name
        case ast.Call(func=ast.Name(id="str"), args=[inner]):
            return _name(inner)
    return ""


def _known(name: str, values: Values) -> frozenset[str]:
    """The values of the column that a name stands for: `state`, `stage__state__in`, `hold_state`."""
    parts = name.split("__")
    while len(parts) > 1 and parts[-1] in LOOKUPS:
        parts.pop()
    for column, known in values.items():
        if parts[-1] == column or (parts[-1].endswith(f"_{column}") and parts[-1] not in values):
            return known
    return frozenset()


def _texts(node: ast.AST, known: frozenset[str]) -> Iterator[ast.Constant]:
    if not known:
        return
    match node:
        case ast.Constant(value=str(text)):
            if text in known:
                yield node
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts) | ast.BoolOp(values=parts):
            for part in parts:
                yield from _texts(part, known)
        case ast.IfExp(body=body, orelse=other):
            yield from _texts(body, known)
            yield from _texts(other, known)
        case ast.MatchValue(value=value):
            yield from _texts(value, known)
        case ast.Call(func=ast.Name(id="Value" | "frozenset" | "set" | "tuple"), args=[value]):
            yield from _texts(value, known)


def count(root: Path, trees: Mapping[str, ast.Module], values: Values) -> list[str]:
    """Every counted text of the product: where it stands, and what it says."""
    found = [
        f"{name}:{text.lineno} {text.value}"
        for name, tree in trees.items()
        if ".migrations" not in name and not name.startswith(PLACE)
        for text in in_module(tree, values)
    ]
    for path in sorted((root / "templates").rglob("*")):
        if path.is_file():
            words = in_template(path.read_text(encoding="utf-8"), values)
            found += [f"{path.relative_to(root)} {word}" for word in words]
    return found
