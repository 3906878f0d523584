"""Facts of past months packed into columns."""

from __future__ import annotations

from datetime import date, timedelta

from governance.models import (
    FactChunk,
    FactChunkColumn,
)
from governance.selectors.rules.backtests import decision_history
from governance.services.requests import submission
from governance.services.rules import fact_chunks
from tests.cast import NOW, Cast, content
from tests.unit.services.rules.backtests.history import (
    LATER,
    ask,
    ask_all,
    dates,
    run,
)
from tests.unit.services.rules.backtests.singly import assert_same


class TestChunks:
    def test_packing_twice_writes_the_same_bytes(self, history: Cast) -> None:
        after = LATER + timedelta(days=40)
        fact_chunks.pack_history(now=after)

        def stored() -> list[tuple[str, str, bytes]]:
            rows = FactChunkColumn.objects.order_by("chunk__month", "name")
            return [
                (digest, name, bytes(data)) for digest, name, data in rows.values_list("chunk__digest", "name", "data")
            ]

        first = stored()
        assert first
        assert fact_chunks.pack_history(now=after) == 0
        FactChunk.objects.all().delete()
        assert fact_chunks.pack_history(now=after) == 14
        assert stored() == first

    def test_a_month_that_grew_is_read_whole_and_packed_anew(self, cast: Cast) -> None:
        ask_all(cast, starts=(NOW,))
        after = LATER + timedelta(days=40)
        fact_chunks.pack_history(now=after)
        submission.create_and_submit(actor=cast.alice, content=content() | dates(NOW), now=NOW + timedelta(hours=2))
        backtest = run(ask(cast))
        assert backtest.result["rows"] == 8
        assert_same(backtest)
        assert fact_chunks.pack_history(now=after) == 8
        assert FactChunk.objects.get().rows == 8

    def test_a_digest_is_the_same_packed_or_not(self, cast: Cast) -> None:
        ask_all(cast, starts=(NOW,))
        month = date(NOW.year, NOW.month, 1)
        (from_rows,) = decision_history.month_parts(month)
        fact_chunks.pack_history(now=LATER)
        (packed,) = decision_history.month_parts(month)
        assert type(packed) is not type(from_rows)
        assert packed.digest == from_rows.digest
