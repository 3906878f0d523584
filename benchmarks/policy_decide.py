"""One decision over twenty rules: this library beside hand-written Python and packaged engines.

    python benchmarks/policy_decide.py [--json] [--rows N] [--runs N]

All judge the same requests and must answer alike before anything is timed. The packaged engines are listed in
`benchmarks/requirements-peers-policy.txt`; one that is not installed is named.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.policy_bench import by_hand, drawn_facts, rules
from benchmarks.policy_bench.facts import SCHEMA
from benchmarks.policy_bench.peers import PEERS, version_of
from governance.policy.backends.python_backend import Layout, compile_rules
from governance.policy.decisions.decision import decide
from governance.policy.facts.valid_facts import ValidFacts

DAY = date(2026, 11, 21)
RULE_COUNT = len(rules.RULES)
NESTED, FLAT = "ours, nested mappings", "ours, flat facts"


def main() -> int:
    options = _options()
    made = drawn_facts.columns(options.rows)
    nested = drawn_facts.nested_rows(made)
    flat = [drawn_facts.flat_row(row) for row in nested]
    # Checked once, where facts come in; then they are judged as often as somebody drawn_facts.
    checked = [ValidFacts(row, SCHEMA) for row in flat]
    policy_set = rules.policy_set()
    dated = policy_set.at(DAY)
    generated = compile_rules(
        [rule.condition for rule in dated.rules[:RULE_COUNT]], SCHEMA.required, layout=Layout.NESTED
    )
    wanted = [by_hand.fired_mask(row) for row in nested]
    peers, absent = _peers()

    def explained(row: ValidFacts) -> list[Any]:
        return [(fired.values, fired.truths) for fired in decide(policy_set, row, on=DAY).fired]

    _check(generated, nested, wanted, "generated function")
    _check(lambda row: dated.fired_mask(row) & (1 << RULE_COUNT) - 1, flat, wanted, "policy set")
    few = options.rows_peers
    for name, judge in peers.items():
        _check(judge, nested[:few], wanted[:few], name)

    # Taken in turns, so that a busy machine is busy for all of them.
    contenders: dict[str, tuple[Callable[[Any], Any], Sequence[Any]]] = {
        "by hand": (by_hand.fired_mask, nested),
        NESTED: (generated, nested),
        FLAT: (dated.fired_mask, flat),
        "decision": (lambda row: decide(policy_set, row, on=DAY), checked),
        "decision with values and leaf truths": (explained, checked),
        **{name: (judge, nested[:few]) for name, judge in peers.items()},
    }
    timings: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(options.runs):
        for name, (judge, rows) in contenders.items():
            timings[name].append(_microseconds(judge, rows))
    result = _summary(timings, absent, list(peers), options.rows)
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        _print(result)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rows-peers", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _peers() -> tuple[dict[str, Callable[[Any], int]], list[str]]:
    peers: dict[str, Callable[[Any], int]] = {}
    absent: list[str] = []
    for name, build in PEERS.items():
        try:
            peers[name] = build()
        except ImportError:
            absent.append(name)
    return peers, absent


def _check(judge: Callable[[Any], int], rows: Sequence[Any], wanted: Sequence[int], name: str) -> None:
    """Nothing is timed that answers differently."""
    wrong = sum(judge(row) != mask for row, mask in zip(rows, wanted, strict=True))
    if wrong:
        raise SystemExit(f"{name} answers {wrong} of {len(rows)} asks differently; nothing was timed")


def _microseconds(judge: Callable[[Any], Any], rows: Sequence[Any]) -> float:
    began = time.perf_counter()
    for row in rows:
        judge(row)
    return (time.perf_counter() - began) / len(rows) * 1e6


def _summary(timings: dict[str, list[float]], absent: list[str], peers: list[str], rows: int) -> dict[str, Any]:
    median = {name: statistics.median(values) for name, values in timings.items()}

    def ratio(ours: str) -> float:
        # Runs of one round are neighbours in time: the ratio is taken within each round.
        pairs = zip(timings[ours], timings["by hand"], strict=True)
        return round(statistics.median(mine / theirs for mine, theirs in pairs), 3)

    fastest = min(peers, key=median.__getitem__, default=None)
    return {
        "rows": rows,
        "rules": RULE_COUNT,
        "microseconds": {
            name: {"median": round(median[name], 3), "best": round(min(values), 3)} for name, values in timings.items()
        },
        # On the very mappings that the hand-written function reads, and on the product's own flat facts.
        "ours_vs_by_hand": ratio(NESTED),
        "ours_flat_vs_by_hand": ratio(FLAT),
        "fastest_peer": fastest,
        "fastest_peer_vs_ours": round(median[fastest] / median[FLAT], 1) if fastest else None,
        "fastest_peer_vs_ours_nested": round(median[fastest] / median[NESTED], 1) if fastest else None,
        "versions": {name: version_of(name) for name in peers},
        "absent": absent,
    }


def _print(result: dict[str, Any]) -> None:
    print(f"{result['rules']} rules, {result['rows']:,} asks, all answers equal; microseconds per decision")
    for name, times in result["microseconds"].items():
        version = result["versions"].get(name, "")
        print(f"  {name + ' ' + version:44} median {times['median']:9.2f}   best {times['best']:9.2f}")
    print(f"ours over hand-written Python: {result['ours_vs_by_hand']:.2f} on the same nested mappings, ", end="")
    print(f"{result['ours_flat_vs_by_hand']:.2f} on flat facts")
    if result["fastest_peer"]:
        print(f"fastest packaged engine, {result['fastest_peer']}, over ours: {result['fastest_peer_vs_ours']:.0f}")
    for name in result["absent"]:
        print(f"NOT MEASURED: {name} is not installed (benchmarks/requirements-peers-policy.txt)")


if __name__ == "__main__":
    sys.exit(main())
