"""Less looking for garbage: modules, tables of the catalogue and collected tests stay until the end of a run.

Python would go through all of them again and again: 6 % of a run's processor time. The
thresholds are the product's own, of `config/__init__.py`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
