from __future__ import annotations

from typing import Any

import pytest

from estimator.core.pricing.place import Place, PlaceError
from tests.unit.estimator.samples import H100


def test_a_place_survives_json() -> None:
    assert Place.from_json(H100.to_json()) == H100


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("price_term", "gift"), ("price_term", ["spot"]), ("provider_type", "uncle"), ("provider", "Not a slug"),
        ("accelerator", "a" * 200), ("accelerator", 5), ("region", "x\0"), ("region", "y" * 61), ("country", "Sweden"),
        ("country", "se"), ("accelerator_count", 0), ("accelerator_count", 2_000_000), ("accelerator_count", True),
        ("accelerator_count", 1.5), ("accelerator_count", float("nan")),
    ],
)  # fmt: skip
def test_a_bad_value_names_its_field(name: str, bad: Any) -> None:
    with pytest.raises(PlaceError) as caught:
        Place(**{"price_term": "on_demand", name: bad})
    assert list(caught.value.errors) == [name]
