"""Less looking for garbage: modules, tables of the catalogue and collected tests stay until the end of a run.

Python would go through all of them again and again: 6 % of a run's processor time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

# New objects between two looks at the young ones (Python: 700), and looks until the next older generation's turn.
THRESHOLDS = (20_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
