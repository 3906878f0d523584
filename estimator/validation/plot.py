"""The calibration plot: each held-out run's interval over its actual hours, as one SVG without script or font files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from estimator.validation.report import Part
from governance.display import numbers

ROW, LEFT, RIGHT, TOP, WIDTH = 18, 190, 24, 44, 820
SPAN = 4.0
"""The axis runs from a quarter of the actual hours to four times as many."""


def calibration_svg(part: Part, title: str) -> str:
    """Intervals relative to what the run took: a bar that holds the line at 1 covers it. Sorted by developer."""
    return "\n".join(_lines(part, title)) + "\n"


def _lines(part: Part, title: str) -> Iterator[str]:
    predictions = part.predictions
    height = TOP + ROW * len(predictions) + 34
    covered = f"{sum(each.is_covered for each in predictions)} of {len(predictions)} intervals hold the actual hours"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img" '
        f'aria-label="{escape(title)}: {covered}" font-family="system-ui, sans-serif" font-size="12">'
    )
    yield f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    yield f'<text x="8" y="18" font-weight="600" font-size="14">{escape(title)}</text>'
    yield f'<text x="8" y="34" fill="#54575d">{covered}; bar p10 to p90, tick p50, over the actual hours</text>'
    bottom = TOP + ROW * len(predictions)
    for factor in (0.25, 0.5, 1.0, 2.0, 4.0):
        stroke = "#1a1b1e" if factor == 1.0 else "#e2e2dc"
        yield f'<path d="M{_x(factor)} {TOP}V{bottom}" stroke="{stroke}"/>'
        yield (
            f'<text x="{_x(factor)}" y="{bottom + 16}" text-anchor="middle" fill="#54575d">'
            f"×{numbers.figure(factor)}</text>"
        )
    for row, each in enumerate(predictions):
        y = TOP + row * ROW
        colour = "#1f4fb2" if each.is_covered else "#ab2222"
        low, middle, high = (_x(end / each.actual) for end in (each.p10, each.p50, each.p90))
        yield f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(each.run[:28])}</text>'
        yield (
            f'<rect x="{low}" y="{y + 4}" width="{round(high - low, 1)}" height="10" rx="2" fill="{colour}" '
            'fill-opacity="0.3"/>'
        )
        yield f'<path d="M{middle} {y + 2}v14" stroke="{colour}" stroke-width="2.5"/>'
    yield "</svg>"


def _x(factor: float) -> float:
    share = (math.log(min(max(factor, 1 / SPAN), SPAN)) + math.log(SPAN)) / (2 * math.log(SPAN))
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)
