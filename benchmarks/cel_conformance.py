"""How much of core CEL the language front end and its Python back end get right, case by case.

    python benchmarks/cel_conformance.py --cases benchmarks/data/cel_core_sample.json [--json]

Takes any file of the form that `benchmarks/data/README.md` describes.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from governance.policy.core.program import compile_core
from governance.policy.core.types import read_type
from governance.policy.core.values import (
    Duration,
    EvaluationError,
    Map,
    Timestamp,
    TypeValue,
    UInt,
    type_of,
)
from governance.policy.errors import PolicyError

SAMPLE = Path(__file__).parent / "data" / "cel_core_sample.json"
MICROSECOND = 1_000
# Cases that are known to fail, each with its reason; reported beside them.
REASONS: dict[str, str] = {
    "parse/bytes_literals/triple_double_quoted_unescaped_punctuation": (
        "the case wants a backslash that its expression does not hold; Google's own evaluator fails it too"
    ),
}


def read_value(plain: list[Any]) -> Any:
    """A value of the file, `[kind, value]`, as a value of the language.

    Raises:
        ValueError: a kind that core CEL does not have.
    """
    kind, *rest = plain
    match kind:
        case "null":
            return None
        case "bool" | "string":
            return rest[0]
        case "int":
            return int(rest[0])
        case "uint":
            return UInt(rest[0])
        case "double":
            return float(rest[0])
        case "bytes":
            return base64.b64decode(rest[0])
        case "list":
            return tuple(read_value(item) for item in rest[0])
        case "map":
            return Map((read_value(key), read_value(value)) for key, value in rest[0])
        case "timestamp":
            return Timestamp(int(rest[0]) * 10**9 + int(rest[1] if len(rest) > 1 else 0))
        case "duration":
            return Duration(int(rest[0]) * 10**9 + int(rest[1] if len(rest) > 1 else 0))
        case "type":
            return TypeValue(rest[0])
    raise ValueError(f"no core value of kind `{kind}`")


def is_same(wanted: Any, found: Any) -> bool:
    """Same type and same value; doubles match when equal or both NaN, times to the microsecond."""
    if type(wanted) is not type(found):
        return False
    if isinstance(wanted, float):
        return wanted == found or (math.isnan(wanted) and math.isnan(found))
    if isinstance(wanted, tuple):
        return len(wanted) == len(found) and all(map(is_same, wanted, found))
    if isinstance(wanted, Map):
        return len(wanted) == len(found) and all(
            key in found and is_same(value, found[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, (Timestamp, Duration)):
        return abs(wanted.nanoseconds - found.nanoseconds) < MICROSECOND
    if isinstance(wanted, TypeValue):
        return wanted.name.rpartition(".")[2].lower() == found.name.rpartition(".")[2].lower()
    return bool(wanted == found)


def run_case(case: Mapping[str, Any]) -> str | None:
    """None when the case passes, else what came instead."""
    wants_error = case["want"][0] == "error"
    try:
        program = compile_core(
            case["expr"],
            {name: read_type(plain) for name, plain in (case.get("vars") or {}).items()},
            container=case.get("container") or "",
            is_checked=not case.get("disable_check"),
            has_macros=not case.get("disable_macros"),
        )
        if case.get("check_only"):
            return None if not wants_error else f"checks as {program.type}"
        found = program.evaluate({name: read_value(plain) for name, plain in (case.get("bindings") or {}).items()})
    except PolicyError as error:
        return None if wants_error else f"refused: {error.message}"
    except EvaluationError as error:
        return None if wants_error else f"error: {error}"
    except (ValueError, TypeError) as error:
        return f"cannot be run: {error}"
    if wants_error:
        return f"{found!r} instead of an error"
    wanted = read_value(case["want"])
    return None if is_same(wanted, found) else f"{type_of(found).name} {found!r} instead of {wanted!r}"


def run_cases(cases: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts, and each failure with its reason where one is known."""
    failures = [
        {"id": case["id"], "expr": case["expr"], "found": problem, "reason": REASONS.get(case["id"], "")}
        for case in cases
        if (problem := run_case(case)) is not None
    ]
    return {"passed": len(cases) - len(failures), "total": len(cases), "failures": failures}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=Path, default=SAMPLE)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = run_cases(json.loads(options.cases.read_text(encoding="utf-8"))["cases"])
    if options.json:
        print(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        for failure in result["failures"]:
            print(f"{failure['id']}: {failure['expr']!r}: {failure['found']}; reason: {failure['reason'] or 'unknown'}")
        print(f"{result['passed']} of {result['total']} cases pass")
    return 0


if __name__ == "__main__":
    sys.exit(main())
