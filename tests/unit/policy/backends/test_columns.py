"""Columns: rows in and out, bytes in and out, and answers that keep what is absent apart from what is false."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from benchmarks.policy_bench import by_hand, by_hand_numpy, drawn_facts
from benchmarks.policy_bench.facts import SCHEMA as BENCH
from benchmarks.policy_bench.folder_store import FolderStore
from governance.policy.backends.bitmaps import count_bits, full, run
from governance.policy.backends.columns import Columns, concatenate, encode
from governance.policy.backends.columns_backend import ColumnsProgram
from governance.policy.backends.columns_store import MAGIC, read_columns, write_columns
from governance.policy.errors import BundleError
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts_schema import SCHEMA
from governance.policy.language.checker import check_condition
from governance.policy.language.scope import Scope
from tests.policy_columns import decode_row, rows_of
from tests.property.expressions import Maker

ROWS = [Maker(7).row() for _ in range(50)]


def _node(text: str) -> object:
    return check_condition(text, Scope()).node


def test_rows_become_columns_and_rows_again() -> None:
    columns = encode(ROWS, SCHEMA)
    assert [decode_row(columns, index, SCHEMA) for index in range(len(ROWS))] == ROWS


def test_columns_become_bytes_and_columns_again() -> None:
    columns = encode(ROWS, SCHEMA)
    again = read_columns(write_columns(columns))
    assert [decode_row(again, index, SCHEMA) for index in range(len(ROWS))] == ROWS
    some = read_columns(write_columns(columns), ["request.purpose", "place.country", "nobody.knows"])
    assert list(some.columns) == ["request.purpose", "place.country"]


def test_parts_are_joined_under_one_dictionary() -> None:
    first, second = encode(ROWS[:20], SCHEMA), encode(ROWS[20:], SCHEMA, ["request.purpose", "request.end_at"])
    joined = concatenate([first, second])
    assert decode_row(joined, 5, SCHEMA) == ROWS[5]
    wanted = {name: ROWS[30][name] for name in ("request.purpose", "request.end_at") if name in ROWS[30]}
    assert decode_row(joined, 30, SCHEMA) == wanted


@pytest.mark.parametrize("cut", [0, 5, 11, 40, -1])
def test_bytes_that_are_cut_or_changed_are_refused(cut: int) -> None:
    data = write_columns(encode(ROWS, SCHEMA))
    with pytest.raises(BundleError, match="not a part"):
        read_columns(data[:cut])


def test_a_header_that_promises_too_much_is_refused() -> None:
    for header in ({"rows": 10**12, "columns": {}}, {"rows": -1, "columns": {}}, {"columns": {}}, []):
        text = json.dumps(header).encode()
        with pytest.raises(BundleError, match="not a part"):
            read_columns(MAGIC + struct.pack("<I", len(text)) + text)
    with pytest.raises(BundleError, match="not a part"):
        read_columns(MAGIC + struct.pack("<I", 2**31) + b"{}")


def test_a_code_outside_of_its_dictionary_is_refused() -> None:
    data = write_columns(encode(ROWS, SCHEMA, ["request.purpose"]))
    shorter = data.replace(b'"dictionary":["', b'"dictionarx":["')
    assert shorter != data
    with pytest.raises(BundleError):
        read_columns(shorter)


def test_a_folder_keeps_parts_by_name(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    columns = encode(ROWS, SCHEMA)
    store.write("2026-02", columns.slice(20, 50))
    store.write("2026-01", columns.slice(0, 20))
    assert store.names() == ["2026-01", "2026-02"]
    counts = {name: part.count for name, part in store.parts(["request.purpose"])}
    assert counts == {"2026-01": 20, "2026-02": 30}
    before = store.read("2026-01")
    store.write("2026-01", columns.slice(20, 21))
    assert decode_row(before, 3, SCHEMA) == ROWS[3]


def test_one_fact_behind_a_guard_and_without_one_are_judged_apart() -> None:
    nodes = [
        _node("has(request.window_days) && request.window_days > 1.0"),
        _node("request.window_days > 1.0"),
    ]
    rows = [{**plain_facts(), "request.window_days": 2.0}, plain_facts()]
    del rows[1]["request.window_days"]
    guarded, bare = ColumnsProgram(nodes).run_block(encode(rows, SCHEMA))  # type: ignore[arg-type]
    assert guarded.fired.tolist() == [True, False]
    assert guarded.unsure is None
    assert bare.fired.tolist() == [True, False]
    assert bare.unsure is not None
    assert bare.unsure.tolist() == [False, True]


def test_a_fact_without_a_column_is_absent_everywhere() -> None:
    program = ColumnsProgram([_node("place.country == 'DE'"), _node("!has(place.country)"), _node("true")])  # type: ignore[list-item]
    first, second, third = program.run_block(Columns(3, {}))
    assert first.unsure is not None
    assert first.unsure.all()
    assert second.fired.all()
    assert third.fired.tolist() == [True, True, True]


def test_blocks_and_threads_change_nothing() -> None:
    columns = by_hand_numpy.as_columns(drawn_facts.columns(300_000))
    node = check_condition("request.cost_usd > 5000.0", Scope(facts=BENCH.by_name)).node
    program = ColumnsProgram([node])
    [one], [two] = run(program, columns, 1), run(program, columns, 1, workers=2)
    assert one.fired.tobytes() == two.fired.tobytes()
    wanted = columns.columns["request.cost_usd"].values > 5000.0
    assert one.fired.tobytes() == np.packbits(wanted).tobytes()
    assert rows_of(one.fired, columns.count, limit=5) == np.flatnonzero(wanted)[:5].tolist()


def test_bits_past_the_last_row_are_no_rows() -> None:
    assert count_bits(full(13)) == 13
    assert rows_of(full(13), 13) == list(range(13))


def test_the_hand_written_columns_are_the_hand_written_function() -> None:
    made = drawn_facts.columns(3_000)
    wanted = [by_hand.fired_mask(row) for row in drawn_facts.nested_rows(made)]
    assert by_hand_numpy.masks(by_hand_numpy.as_columns(made)).tolist() == wanted
