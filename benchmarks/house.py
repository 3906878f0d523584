"""How the house stands: files per room, circles, arrows up, literal states, figures written by hand, lines by package.

    python -m benchmarks.house [--before REF] [--json] [--names]

Reads source alone and runs nothing of it. `--before` measures a commit with the same rules beside the working tree;
`--names` lists what each figure counts.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import literal_states

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("config", "governance", "estimator")
FILES_MAX = 14
# Rooms whose files Django or the history of the tables puts there.
EXEMPT = ("migrations", "management/commands")
# From the top down; a name of an older tree stands on the floor that it has now.
FLOORS = (
    ("web", "api", "admin", "tasks", "management"),
    ("demonstration",),
    ("services",),
    ("channels", "emails"),
    ("templatetags",),
    ("display",),
    ("selectors",),
    ("models",),
    ("domain",),
    ("policy",),
)
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}
# How a number, a date and a list are written: pure, below every floor, held by a contract of their own.
BELOW_ALL = ("governance.display.numbers", "governance.display.dates", "governance.display.lists")
FIELDS_OF_A_REQUEST = ("licence_ref", "data_class", "eu_market")
FIELD_PLACES = ("governance", "estimator", "templates")
# How an f-string or a call writes a number for people: thousands, digits, percent.
FIGURE = re.compile(r"^[^a-zA-Z]*(,|,?\.\d+[fg%]|_\.?\d*f?)[fg%]?$")
# And how one writes a power of ten, a day or an instant.
POWER_OR_DAY = re.compile(r"^[^a-zA-Z]*\.\d+e$|^g$|%[aAbB]")
# Where reading begins; addresses, middleware and tasks are named in settings.
ENTRIES = (
    "manage",
    "config.urls",
    "config.settings",
    "config.celery",
    "config.wsgi",
    "governance.apps",
    "estimator.apps",
)


@dataclass
class Tree:
    """Every module of the product: its file, its syntax, and the modules that it imports."""

    root: Path
    files: dict[str, Path] = field(default_factory=dict)
    trees: dict[str, ast.Module] = field(default_factory=dict)
    imports: dict[str, set[str]] = field(default_factory=dict)
    eager: dict[str, set[str]] = field(default_factory=dict)


def read(root: Path) -> Tree:
    tree = Tree(root)
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            tree.files[name] = path
            tree.trees[name] = ast.parse(path.read_text(encoding="utf-8"))
    for name, module in tree.trees.items():
        lazy = {id(each) for part in _lazy(module) for each in ast.walk(part)}
        found = [(node, target) for node in ast.walk(module) for target in _targets(node, tree.files)]
        types = {id(each) for part in _type_checking(module) for each in ast.walk(part)}
        tree.imports[name] = {target for node, target in found if id(node) not in types} - {name}
        tree.eager[name] = {target for node, target in found if id(node) not in types | lazy} - {name}
    return tree


def _targets(node: ast.AST, files: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            if inner in files:
                yield inner
            elif node.module in files:
                yield node.module
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in files)


def _type_checking(module: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(module):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield node


def _lazy(module: ast.Module) -> Iterator[ast.AST]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def is_exempt(path: Path) -> bool:
    return any(f"/{room}/" in path.as_posix() for room in EXEMPT)


def crowded_rooms(tree: Tree) -> list[str]:
    rooms = Counter(path.parent.relative_to(tree.root) for path in tree.files.values() if not is_exempt(path))
    return [f"{room}: {count}" for room, count in rooms.most_common() if count > FILES_MAX]


def circles(tree: Tree) -> list[str]:
    """Groups of modules that import each other, imports inside functions included."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[str] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(tree.imports[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(" <-> ".join(sorted(group)))

    sys.setrecursionlimit(10_000)
    for name in tree.files:
        if name not in index:
            visit(name)
    return found


def arrows_up(tree: Tree) -> list[str]:
    return [
        f"{name} -> {other}"
        for name, others in tree.imports.items()
        for other in sorted(others)
        if (here := _floor(name)) is not None and (there := _floor(other)) is not None and there < here
    ]


def _floor(name: str) -> int | None:
    if name in BELOW_ALL:
        return len(FLOORS)
    parts = name.split(".")
    return FLOOR_OF.get(parts[1]) if parts[0] == "governance" and len(parts) > 1 else None


def figures_by_hand(tree: Tree) -> list[str]:
    """Functions outside of `display` that decide how a number is written for people."""
    found = set()
    for name, module in tree.trees.items():
        if name.startswith(("governance.display", "config", "governance.migrations")) or ".commands" in name:
            continue
        for function in ast.walk(module):
            if isinstance(function, ast.FunctionDef) and any(_writes_a_figure(node) for node in ast.walk(function)):
                found.add(f"{name}.{function.name}")
    return sorted(found)


def _writes_a_figure(node: ast.AST) -> bool:
    match node:
        case ast.FormattedValue(format_spec=ast.JoinedStr(values=[ast.Constant(value=str(spec))])):
            return bool(FIGURE.match(spec) or POWER_OR_DAY.search(spec))
        case ast.FormattedValue(format_spec=ast.JoinedStr(values=[*specs])):
            # A width or a number of digits that is worked out: `{value:,.{decimals}f}`.
            return any(isinstance(each, ast.Constant) and str(each.value).startswith((",", ".")) for each in specs)
        case ast.Call(func=ast.Name(id="format"), args=[_, ast.Constant(value=str(spec))]):
            return bool(FIGURE.match(spec) or POWER_OR_DAY.search(spec))
        case ast.Call(func=ast.Attribute(attr="strftime"), args=[ast.Constant(value=str(spec))]):
            return bool(POWER_OR_DAY.search(spec))
    return False


def files_naming(tree: Tree, word: str) -> list[str]:
    found = []
    for place in FIELD_PLACES:
        for path in sorted((tree.root / place).rglob("*")):
            inside = path.relative_to(tree.root).as_posix()
            if path.suffix not in (".py", ".html", ".txt", ".js") or "/migrations/" in inside:
                continue
            if inside.startswith(("governance/demonstration/", "governance/policy/bundles/")):
                continue
            if re.search(rf"\b{word}\b", path.read_text(encoding="utf-8")):
                found.append(inside)
    return found


def unreached(tree: Tree) -> list[str]:
    """Modules that neither addresses, tasks, commands, settings nor what `make run` starts lead to."""
    told = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (tree.root / "Makefile", *sorted((tree.root / "deploy").rglob("*")), *tree.files.values())
        if path.is_file() and (path.suffix != ".py" or "config" in path.parts)
    )
    named = {
        name
        for name in tree.files
        if re.search(rf"[\"' :=]{re.escape(name)}(?=[\"'.:\s])", told) or f" {name.replace('.', '/')}.py " in told
    }
    todo = [
        name
        for name in tree.files
        if name in ENTRIES or name in named or ".commands." in name or ".migrations" in name or "templatetags" in name
    ] + ["governance.admin", "governance.models", "governance.tasks"]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen or name not in tree.files:
            continue
        seen.add(name)
        todo += tree.imports[name]
    return sorted(
        name
        for name, path in tree.files.items()
        if name not in seen and path.read_text(encoding="utf-8").strip() and path.name != "__init__.py"
    )


def lines(tree: Tree) -> dict[str, int]:
    count: Counter[str] = Counter()
    for path in tree.files.values():
        inside = path.relative_to(tree.root)
        if "migrations" not in inside.parts:
            package = "/".join(inside.parts[: 2 if len(inside.parts) > 2 else 1])
            count[package] += len(path.read_text(encoding="utf-8").splitlines())
    return dict(count.most_common())


def measure(root: Path, values: literal_states.Values) -> dict[str, object]:
    tree = read(root)
    by_package = lines(tree)
    return {
        f"rooms of more than {FILES_MAX} files": crowded_rooms(tree),
        "circles between modules": circles(tree),
        "arrows up": arrows_up(tree),
        "literal states": literal_states.count(root, tree.trees, values),
        "functions that write a figure outside of display": figures_by_hand(tree),
        **{f"files naming {word}": files_naming(tree, word) for word in FIELDS_OF_A_REQUEST},
        "modules that no product code reaches": unreached(tree),
        "lines of product Python without migrations": sum(by_package.values()),
        "lines by package": by_package,
    }


def measure_commit(ref: str, values: literal_states.Values) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", ref], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        return measure(Path(folder), values)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.house", description=__doc__)
    parser.add_argument("--before", metavar="REF", help="a commit to measure beside the working tree")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    parser.add_argument("--names", action="store_true", help="list what each figure counts")
    options = parser.parse_args()
    # One table of states for both: the older tree may not have it.
    values = literal_states.values_by_column()
    measured = {"now": measure(ROOT, values)}
    if options.before:
        measured = {"before": measure_commit(options.before, values)} | measured
    if options.json:
        print(json.dumps(measured, indent=1))
        return 0
    print(f"{'':52}" + "".join(f"{name:>10}" for name in measured))
    for figure in measured["now"]:
        values = [each[figure] for each in measured.values()]
        if isinstance(values[-1], dict):
            for package in sorted({key for value in values for key in value}):  # type: ignore[attr-defined]
                print(f"  {package:50}" + "".join(f"{value.get(package, 0):10,}" for value in values))  # type: ignore[attr-defined]
            continue
        counts = [value if isinstance(value, int) else len(value) for value in values]  # type: ignore[arg-type]
        print(f"{figure:52}" + "".join(f"{count:10,}" for count in counts))
        if options.names and isinstance(values[-1], list):
            print("".join(f"    {name}\n" for name in values[-1]), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
