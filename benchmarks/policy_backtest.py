"""Twenty rules over a million stored decisions: resident, on two cores, from files and PostgreSQL, one rule changed.

    python benchmarks/policy_backtest.py [--json] [--rows N] [--many N] [--runs N]

Every figure ends at the finished matrix of old and new outcomes, and every matrix is compared with the hand-written one
before anything is timed. Files and chunks are written first, to a temporary folder and a throw-away server; that is not
timed. Times depend on what else the machine does, so its load stands beside them, and for two cores the processor time.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import policy_store
from benchmarks.policy_bench import by_hand, by_hand_numpy, drawn_facts, rules
from benchmarks.policy_bench.folder_store import FolderStore
from benchmarks.policy_bench.parts import backtest_parts, masks
from benchmarks.policy_bench.peers import PEERS, version_of
from governance.policy.backends.bitmaps import run
from governance.policy.backends.columns import Column, Columns
from governance.policy.backends.columns_backend import ColumnsProgram
from governance.policy.backtest.backtest import (
    OUTCOME_COLUMN,
    OUTCOMES,
    Backtest,
    Matrix,
    MemoryCache,
    outcomes_of,
)
from governance.policy.decisions.policy_set import CompiledPolicySet

DAY = date(2026, 11, 21)
MONTHS = 12
# Matrices that one process and two work through in turns, so that a turn lasts for about a second.
PASSES = 40
# Comparisons of a thousand numbers, about half a second of them.
ARITHMETIC = 400_000
RULE_COUNT = len(rules.RULES)
KINDS = [rule[1] for rule in rules.RULES]
WORDS = ("allow", "review", "deny")
# A draft that lowers one limit: some requests that were allowed would now need a manager.
CHANGED = {"R09": "request.cost_usd > 4000.0"}


def main() -> int:
    options = _options()
    policy_set = rules.policy_set()
    whole = _part(options.rows, drawn_facts.SEED)
    result: dict[str, Any] = {"rows": options.rows, "rules": RULE_COUNT}
    _check(policy_set, whole)
    result["resident"] = _resident(policy_set, whole, options.runs)
    with tempfile.TemporaryDirectory() as folder:
        store = _write(Path(folder), whole)
        result["from_files"] = _from_files(policy_set, store, options.runs)
        result["one_changed_rule"] = _changed(policy_set, store, options.runs)
    if not options.without_postgresql:
        result["from_postgresql"] = _from_postgresql(policy_set, whole, options.runs)
    del whole
    if options.many:
        result["many"] = _many(policy_set, options.many, options.rows)
    result["packaged_engine_loop"] = _peer_loop(options.peer_rows, options.rows)
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        _print(result)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--many", type=int, default=10_000_000, help="rows of the large history; 0 leaves it out")
    parser.add_argument("--peer-rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--without-postgresql", action="store_true", help="start no server")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _part(count: int, seed: int) -> Columns:
    """Asks with the outcome that the hand-written rules give them: what was decided then."""
    facts = by_hand_numpy.as_columns(drawn_facts.columns(count, seed))
    old = Column(by_hand_numpy.outcomes(facts, KINDS), None, WORDS)
    return Columns(count, {**facts.columns, OUTCOME_COLUMN: old})


def _fresh(policy_set: CompiledPolicySet, columns: Columns, workers: int = 1) -> Matrix:
    """The matrix of resident columns, nothing remembered from before."""
    return backtest_parts(Backtest(policy_set, on=DAY, workers=workers), [("all", columns)])


def _by_hand(columns: Columns) -> Any:
    return by_hand_numpy.matrix(columns, KINDS, columns.columns[OUTCOME_COLUMN].values)


def _as_array(matrix: Matrix) -> Any:
    order = tuple(reversed(OUTCOMES))
    return np.array([[matrix.counts[old, new] for new in order] for old in order])


def _check(policy_set: CompiledPolicySet, columns: Columns) -> None:
    """Nothing is timed that answers differently."""
    program = ColumnsProgram([rule.condition for rule in policy_set.at(DAY).rules[:RULE_COUNT]])
    ours = masks(run(program, columns, RULE_COUNT), columns.count)
    same = [bool((ours == by_hand_numpy.masks(columns)).all())]
    same.append(bool((_as_array(_fresh(policy_set, columns)) == _by_hand(columns)).all()))
    few = drawn_facts.columns(5_000)
    rows = drawn_facts.nested_rows(few)
    same.append(
        [by_hand.fired_mask(row) for row in rows] == by_hand_numpy.masks(by_hand_numpy.as_columns(few)).tolist()
    )
    if not all(same):
        raise SystemExit("the answers differ; nothing was timed")


def _milliseconds(task: Callable[[], Any]) -> float:
    began = time.perf_counter()
    task()
    return (time.perf_counter() - began) * 1e3


def _in_turns(tasks: dict[str, Callable[[], Any]], runs: int) -> dict[str, list[float]]:
    """Taken in turns, so that a busy machine is busy for all of them."""
    timings: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(runs):
        for name, task in tasks.items():
            timings[name].append(_milliseconds(task))
    return timings


def _ratio(timings: dict[str, list[float]], above: str, below: str) -> float:
    pairs = zip(timings[above], timings[below], strict=True)
    return round(statistics.median(one / other for one, other in pairs), 3)


class _Workers:
    """Processes that each repeat a task of their own: as workers share a backtest by month."""

    def __init__(self, tasks: Sequence[Callable[[], Any]]) -> None:
        self.workers = []
        self.seconds: list[float] = []
        context = multiprocessing.get_context("fork")
        for task in tasks:
            ours, theirs = context.Pipe()
            worker = context.Process(target=_serve, args=(theirs, task), daemon=True)
            worker.start()
            # Not timed: each touches its rows once.
            ours.send(1)
            ours.recv()
            self.workers.append((worker, ours))

    def all(self, passes: int = 1) -> Any:
        """The sum of all answers, so many times over; `seconds` then holds the processor time of each."""
        for _, pipe in self.workers:
            pipe.send(passes)
        found = [pipe.recv() for _, pipe in self.workers]
        self.seconds = [seconds for _, seconds in found]
        return sum(answer for answer, _ in found)

    def first(self) -> Any:
        """One while the others rest: what all would take on cores that nobody else uses."""
        self.workers[0][1].send(1)
        return self.workers[0][1].recv()[0]

    def close(self) -> None:
        for worker, pipe in self.workers:
            pipe.send(0)
            worker.join()


def _serve(pipe: Connection, task: Callable[[], Any]) -> None:
    while passes := pipe.recv():
        began = time.process_time()
        for _ in range(passes):
            answer = task()
        pipe.send((answer, time.process_time() - began))


def _halves(policy_set: CompiledPolicySet, columns: Columns) -> _Workers:
    """Two processes, each with half of the rows resident."""
    size = -(-columns.count // 2)
    parts = [columns.slice(start, start + size) for start in (0, size)]
    return _Workers([lambda part=part: _as_array(_fresh(policy_set, part)) for part in parts])


def _arithmetic(times: int) -> Callable[[], int]:
    """A loop within the first-level cache: what two cores of this machine give to work that shares nothing."""
    values = np.linspace(0.0, 1.0, 1_000)

    def task() -> int:
        return sum(int((values > 0.5)[0]) for _ in range(times))

    return task


def _resident(policy_set: CompiledPolicySet, columns: Columns, runs: int) -> dict[str, Any]:
    shares = _halves(policy_set, columns)
    if not (shares.all() == _by_hand(columns)).all():
        raise SystemExit("the shares of two processes come to another matrix; nothing was timed")
    tasks: dict[str, Callable[[], Any]] = {
        "by_hand": lambda: _by_hand(columns),
        "ours": lambda: _fresh(policy_set, columns),
        "ours_two_processes": shares.all,
        "one_of_two_alone": shares.first,
        "ours_two_threads": lambda: _fresh(policy_set, columns, workers=2),
    }
    timings = _in_turns(tasks, runs)
    speedups = _two_cores(policy_set, columns, shares, runs)
    shares.close()
    best = {name: min(values) for name, values in timings.items()}
    return {
        "ms": {name: round(statistics.median(values), 1) for name, values in timings.items()},
        "best_ms": {name: round(value, 1) for name, value in best.items()},
        "million_rows_per_second": round(columns.count / 1e3 / best["ours"], 1),
        "ours_vs_by_hand": _ratio(timings, "ours", "by_hand"),
        "two_cores_one_matrix": _ratio(timings, "ours", "ours_two_processes"),
        **speedups,
        "load_average": [round(each, 2) for each in os.getloadavg()],
    }


def _two_cores(policy_set: CompiledPolicySet, columns: Columns, shares: _Workers, runs: int) -> dict[str, float]:
    """How much faster two processes with half of the rows each are than one with all of them, in turns.

    Each turn lasts through many matrices: on a busy machine a single one of some milliseconds measures how soon the
    system wakes two processes, and not what they do. Beside the time on the wall the processor time of the busier one,
    and what the same two cores give to arithmetic that shares nothing.
    """
    whole, half = _arithmetic(ARITHMETIC), _Workers([_arithmetic(ARITHMETIC // 2)] * 2)
    wall, processor, bare = [], [], []
    for _ in range(runs):
        began, used = time.perf_counter(), time.process_time()
        for _ in range(PASSES):
            _fresh(policy_set, columns)
        alone, alone_used = time.perf_counter() - began, time.process_time() - used
        wall.append(alone * 1e3 / _milliseconds(lambda: shares.all(PASSES)))
        processor.append(alone_used / max(shares.seconds))
        bare.append(_milliseconds(whole) / _milliseconds(half.all))
    half.close()
    return {
        "two_cores_speedup": round(statistics.median(wall), 2),
        "two_cores_speedup_best": round(max(wall), 2),
        "two_cores_processor_time": round(statistics.median(processor), 2),
        "two_cores_arithmetic": round(statistics.median(bare), 2),
    }


def _from_postgresql(policy_set: CompiledPolicySet, columns: Columns, runs: int) -> dict[str, Any]:
    found = policy_store.measure(policy_set, columns, on=DAY, months=MONTHS, runs=runs)
    if not (_as_array(found.pop("matrix")) == _by_hand(columns)).all():
        raise SystemExit("PostgreSQL's chunks come to another matrix; nothing was timed")
    return found


def _write(folder: Path, columns: Columns, months: int = MONTHS, first: int = 0) -> FolderStore:
    store = FolderStore(folder)
    size = -(-columns.count // months)
    for month in range(months):
        number = first + month
        name = f"{2010 + number // 12}-{number % 12 + 1:02d}"
        store.write(name, columns.slice(month * size, (month + 1) * size))
    return store


def _wanted(backtest: Backtest) -> tuple[str, ...]:
    return (*backtest.facts(), OUTCOME_COLUMN)


def _from_store(policy_set: CompiledPolicySet, store: FolderStore) -> Matrix:
    backtest = Backtest(policy_set, on=DAY)
    return backtest_parts(backtest, store.parts(_wanted(backtest)))


def _from_files(policy_set: CompiledPolicySet, store: FolderStore, runs: int) -> dict[str, Any]:
    size = sum(path.stat().st_size for path in store.folder.iterdir())
    timings = [_milliseconds(lambda: _from_store(policy_set, store)) for _ in range(runs)]
    return {"ms": round(statistics.median(timings), 1), "best_ms": round(min(timings), 1), "megabytes": size // 10**6}


def _changed(policy_set: CompiledPolicySet, store: FolderStore, runs: int) -> dict[str, Any]:
    """One rule of a draft differs: compile it, read its columns, judge it alone, finish the matrix."""
    timings, flipped = [], 0
    for _ in range(runs):
        cache = MemoryCache()
        first = Backtest(policy_set, on=DAY, cache=cache)
        backtest_parts(first, store.parts(_wanted(first)))
        began = time.perf_counter()
        draft = Backtest(rules.policy_set(CHANGED), on=DAY, cache=cache)
        matrix = Matrix()
        for name in store.names():
            columns = store.read(name, (*draft.facts_missing(name), OUTCOME_COLUMN))
            matrix.add(outcomes_of(columns.columns[OUTCOME_COLUMN], columns.count), draft.outcomes(name, columns))
        timings.append((time.perf_counter() - began) * 1e3)
        flipped = matrix.flipped
    return {"ms": round(statistics.median(timings), 1), "best_ms": round(min(timings), 1), "flipped": flipped}


class _FirstParts(FolderStore):
    """The first year of a longer history."""

    def names(self) -> list[str]:
        return super().names()[:MONTHS]


def _many(policy_set: CompiledPolicySet, count: int, rows: int) -> dict[str, Any]:
    """A history ten times as long, in as many more parts, in turns with its first year; memory is that of one part."""
    parts = max(1, count // rows) * MONTHS
    with tempfile.TemporaryDirectory() as folder:
        for index in range(parts // MONTHS):
            store = _write(Path(folder), _part(rows, drawn_facts.SEED + index), first=index * MONTHS)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        year = _FirstParts(store.folder)
        tasks = {"large": lambda: _from_store(policy_set, store), "small": lambda: _from_store(policy_set, year)}
        timings = _in_turns(tasks, 3)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "rows": rows * (parts // MONTHS),
        "ms": round(statistics.median(timings["large"]), 1),
        "times_the_small_one": _ratio(timings, "large", "small"),
        "peak_memory_grew_megabytes": (after - before) // 1024,
    }


def _peer_loop(count: int, rows: int) -> dict[str, Any]:
    """A loop over every installed engine; the fastest is named."""
    nested = drawn_facts.nested_rows(drawn_facts.columns(count))
    found: dict[str, Any] = {}
    absent: list[str] = []
    for name, build in PEERS.items():
        try:
            judge = build()
        except ImportError:
            absent.append(name)
            continue
        few = nested[:2_000]
        found[name] = (_milliseconds(lambda judge=judge, few=few: [judge(row) for row in few]) / len(few), judge)
    if not found:
        return {"fastest": None, "absent": absent}
    fastest = min(found, key=lambda name: found[name][0])
    judge = found[fastest][1]
    spent = _milliseconds(lambda: [judge(row) for row in nested])
    return {
        "fastest": fastest,
        "version": version_of(fastest),
        "measured_rows": count,
        "ms": round(spent, 1),
        "seconds_at_the_same_rate_for_all_rows": round(spent / count * rows / 1e3, 1),
        "absent": absent,
    }


def _print(result: dict[str, Any]) -> None:
    resident, files, changed = result["resident"], result["from_files"], result["one_changed_rule"]
    lines = [f"{result['rows']:,} decisions x {result['rules']} rules, each to the finished matrix; all matrices equal"]
    for name, value in resident["ms"].items():
        lines.append(f"  resident, {name:18} median {value:8.1f} ms   best {resident['best_ms'][name]:8.1f} ms")
    best, load = resident["two_cores_speedup_best"], f"load {resident['load_average'][0]} on {os.cpu_count()} cores"
    processor = resident["two_cores_processor_time"]
    lines += [
        f"  ours over hand-written NumPy: {resident['ours_vs_by_hand']:.2f}",
        f"  two processes over one: {resident['two_cores_speedup']:.2f} times as fast, at best {best:.2f}; {load}",
        f"  two processes over one in processor time of the busier: {processor:.2f} times as fast",
        f"  arithmetic that shares nothing, two processes over one: {resident['two_cores_arithmetic']:.2f}",
        f"  from monthly files ({files['megabytes']} MB): median {files['ms']:.1f} ms",
        f"  one changed rule: median {changed['ms']:.1f} ms, {changed['flipped']:,} decisions flip",
    ]
    if "from_postgresql" in result:
        stored = result["from_postgresql"]
        lines.insert(
            -1,
            f"  from PostgreSQL ({stored['megabytes']} MB in {MONTHS} chunks): median {stored['ms']:.1f} ms, best "
            f"{stored['best_ms']:.1f} ms; shared by two processes {stored['two_processes_ms']:.1f} ms",
        )
    if "many" in result:
        many = result["many"]
        grew = f"peak memory grew by {many['peak_memory_grew_megabytes']} MB"
        lines.append(
            f"  {many['rows']:,} rows: {many['ms']:,.1f} ms, {many['times_the_small_one']} times the small; {grew}"
        )
    loop = result["packaged_engine_loop"]
    if loop["fastest"]:
        seconds = loop["seconds_at_the_same_rate_for_all_rows"]
        measured = f"{loop['measured_rows']:,} rows in {loop['ms']:,.1f} ms"
        lines.append(
            f"  loop over {loop['fastest']} {loop['version']}: {measured}, {seconds:.1f} s for all at that rate"
        )
    for name in loop["absent"]:
        lines.append(f"NOT MEASURED: {name} is not installed (benchmarks/requirements-peers-policy.txt)")
    print("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
