"""How long the policy library takes to refuse what was made to exhaust it.

python benchmarks/policy_bombs.py [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.policy_bench.bombs import EXPRESSION_BOMBS, YAML_BOMBS
from governance.policy.bundle.bundle import load_bundle
from governance.policy.errors import PolicyError
from governance.policy.language.checker import check_condition
from governance.policy.language.scope import Scope

RUNS = 5


def refusal(judge: Callable[[str], Any], text: str) -> dict[str, Any]:
    """The best of a few runs in milliseconds, and what was said."""
    best, said = float("inf"), ""
    for _ in range(RUNS):
        began = time.perf_counter()
        try:
            judge(text)
        except PolicyError as error:
            said = f"{error.position.line}:{error.position.column}: {error.message}"
        best = min(best, (time.perf_counter() - began) * 1e3)
    return {"ms": round(best, 2), "refusal": said}


def _check(text: str) -> None:
    check_condition(text, Scope())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {
        name: refusal(lambda text: check_condition(text, Scope()), text) for name, text in EXPRESSION_BOMBS.items()
    }
    found |= {f"yaml: {name}": refusal(load_bundle, text) for name, text in YAML_BOMBS.items()}
    result = {"slowest_ms": max(each["ms"] for each in found.values()), "bombs": found}
    if options.json:
        print(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        for name, each in found.items():
            print(f"{name:28} {each['ms']:8.2f} ms  {each['refusal'][:80]}")
        print(
            f"slowest: {result['slowest_ms']:.1f} ms; accepted: {sum(not each['refusal'] for each in found.values())}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
