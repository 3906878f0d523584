"""Sources of the catalogue as people say them."""

from __future__ import annotations

import pytest

from governance.templatetags.catalogue_words import nameplate, source_words


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "NVIDIA datasheet (recalled; cross-checked with Epoch ml_hardware.csv 2026-04-22, CC BY)",
            "NVIDIA datasheet (not read again; as in Epoch AI’s hardware table of 2026-04-22, CC BY)",
        ),
        (
            "AMD datasheet (recalled, no Epoch row)",
            "AMD datasheet (not read again, no second source)",
        ),
        ("own site (recalled)", "own site (not read again)"),
        ("https://example.org/prices", "https://example.org/prices"),
        (None, ""),
    ],
)
def test_a_source_is_told_in_words(written: str | None, said: str) -> None:
    assert source_words(written) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.23, "0.23"),
        (80.0, "80"),
        (42.5, "42.5"),
        (989.4, "989"),
        (4992.0, "4,992"),
        (None, "unknown"),
        ("", "unknown"),
    ],
)
def test_a_small_part_keeps_its_digits(value: float | str | None, said: str) -> None:
    """0.23 GB of memory are not 0 GB."""
    assert nameplate(value) == said
