"""Page positions and references from addresses: anything but a number of ours is no number."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from governance.selectors.filters import NUMBER_MAX, page_by_number, read_number, read_reference


@given(st.text(max_size=30))
def test_any_text_is_read_as_a_number_of_ours_or_as_none(text: str) -> None:
    found = read_number(text)
    assert found is None or (0 <= found <= NUMBER_MAX and text.isdigit())


def test_a_reference_is_read_however_it_is_written() -> None:
    for text in ("REQ-0123", "req-123", " 123 ", "REQ123"):
        assert read_reference(text, "REQ") == 123
    for text in ("G-0123", "12x", "REQ-", "-5", "１２", ""):
        assert read_reference(text, "REQ") is None


@dataclass
class Row:
    number: int


class Rows:
    """A queryset of numbers, as far as paging uses one."""

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = numbers

    def filter(self, **bounds: int) -> Rows:
        low, high = bounds.get("number__gt", -1), bounds.get("number__lt", NUMBER_MAX + 1)
        return Rows([number for number in self.numbers if low < number < high])

    def order_by(self, name: str) -> Rows:
        return Rows(sorted(self.numbers, reverse=name.startswith("-")))

    def __getitem__(self, part: slice) -> list[Row]:
        return [Row(number) for number in self.numbers[part]]


@given(st.sets(st.integers(min_value=1, max_value=10_000), max_size=60), st.integers(min_value=1, max_value=7))
def test_walking_the_pages_meets_every_row_once_and_leads_back(numbers: set[int], length: int) -> None:
    rows: Any = Rows(sorted(numbers))
    met: list[int] = []
    pages = []
    before = None
    for _ in range(len(numbers) + 2):
        page = page_by_number(rows, before=before, length=length)
        met += [row.number for row in page.rows]
        pages.append(page)
        if page.older is None:
            break
        before = page.older
    assert met == sorted(numbers, reverse=True)
    for earlier, later in itertools.pairwise(pages):
        back = page_by_number(rows, after=later.newer, length=length)
        assert [row.number for row in back.rows] == [row.number for row in earlier.rows]
