"""How a number is written: money, counts, FLOP, shares, distances, quantities with a unit.

The only place that decides it, for pages, desk, mails, API, command line and the sentences of policy and estimator.
Pure, and without imports of ours, so that every floor may use it (ADR 0029).

Rules: thousands have commas, a no-break space stands before a unit, there is a true minus and no empty decimal
(`25 k`, `1e25`) except in ledgers, and what nobody knows is `unknown`, never 0. A rounded figure has three significant
digits; an amount or share on which somebody decides is written in full.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

NBSP = "\N{NO-BREAK SPACE}"
EN_DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
UNKNOWN = "unknown"

_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
# Below this, three significant digits read best in full: 4,280 rather than 4.28 k.
_SCALED_FROM = 10_000.0
_SCALED_BELOW = 1e15
# Hours are whole up to here: people compare them with what they typed.
_WHOLE_HOURS_BELOW = 100_000.0
_FLOP_IN_FULL_BELOW = 1e6
# So close to a limit, a third digit tells on which side a figure lies.
_NEAR_SHARE = 0.1


class Quantiles(Protocol):
    """A quantity known by three quantiles."""

    @property
    def p10(self) -> float: ...
    @property
    def p50(self) -> float: ...
    @property
    def p90(self) -> float: ...


# ---------------------------------------------------------------------------- digits


def round_significant(value: float, digits: int) -> float:
    """`value` rounded to that many significant digits; 0 stays 0."""
    if not value or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def grouped(value: float | Decimal, decimals: int = 0) -> str:
    """Thousands separated by commas, exactly that many decimals, a true minus in front."""
    text = f"{abs(value):,.{decimals}f}"
    return f"{MINUS}{text}" if value < 0 and text.strip("0,.") else text


def count(value: float | None) -> str:
    """A whole number: 1,024."""
    return UNKNOWN if value is None else grouped(value)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 flag`, `2 flags`."""
    return f"{count(number)}{NBSP}{one if number == 1 else many or one + 's'}"


def figure(value: float | None, digits: int = 3) -> str:
    """Whole numbers in full, smaller ones in that many significant digits: 4,992, 42.5, 0.23."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    value = value if abs(value) >= 10**digits else round_significant(value, digits)
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -4 or exponent >= 15:
        return _scientific(value, digits - 1)
    return _trimmed(grouped(value, max(0, digits - 1 - exponent)))


def figure_range(low: float, high: float, digits: int = 3) -> str:
    """`18.2–20.4`; one figure when both ends are written alike."""
    return _between(figure(low, digits), figure(high, digits))


def in_full(value: float, decimals: int = 2) -> str:
    """At most that many decimals; what would then be nothing keeps two significant digits: 12,345.67, 0.75, 0.0042."""
    if abs(value) >= _SCALED_BELOW:
        return _scientific(value, 1)
    text = _trimmed(grouped(value, decimals))
    return figure(value, 2) if text == "0" else text


def scaled(value: float | None, digits: int = 3) -> str:
    """A quantity in that many significant digits: 68.4, 4,280, 28.5 k, 2.63 M."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    value = round_significant(float(value), digits)
    if abs(value) >= _SCALED_BELOW:
        return _scientific(value, 1)
    scale, suffix = _scale_of(abs(value))
    return figure(value / scale, digits) + (f"{NBSP}{suffix}" if suffix else "")


def scaled_range(low: float | None, high: float | None, digits: int = 3) -> str:
    """Two ends with an en dash, their letter written once: 3,560–5,240 or 29.4–33 k."""
    if low is None or high is None:
        return UNKNOWN
    return _between(scaled(low, digits), scaled(high, digits))


def billions(value: float) -> str:
    """Parameters and tokens, which are typed in billions: 70 B, 350 M, 1.4 T."""
    scale, letter = (1000.0, "T") if value >= 1000 else (1.0, "B") if value >= 1 else (0.001, "M")
    return f"{figure(value / scale)}{NBSP}{letter}"


def times(number: float, what: str) -> str:
    """`64 × H200`."""
    return f"{count(number)}{NBSP}{TIMES}{NBSP}{what}"


def typed(value: float | Decimal, decimals: int | None = None) -> str:
    """A number as a box of a form or a cell of a file holds it: without commas, and read back as the same number."""
    return str(value) if isinstance(value, int) else f"{value:.12g}" if decimals is None else f"{value:.{decimals}f}"


def _scale_of(magnitude: float) -> tuple[float, str]:
    if magnitude < _SCALED_FROM:
        return 1.0, ""
    return next((scale, suffix) for scale, suffix in _SCALES if magnitude >= scale)


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scientific(value: float, decimals: int) -> str:
    mantissa, exponent = f"{abs(value):.{decimals}e}".split("e")
    power = exponent.replace("-", MINUS) if exponent.startswith("-") else str(int(exponent))
    return f"{MINUS if value < 0 else ''}{_trimmed(mantissa)}e{power}"


def _between(first: str, last: str) -> str:
    """A range whose ends share what stands behind the no-break space when they can."""
    if first == last:
        return first
    if NBSP in first and first.partition(NBSP)[2] == last.partition(NBSP)[2]:
        first = first.partition(NBSP)[0]
    return f"{first}{EN_DASH}{last}"


# ---------------------------------------------------------------------------- money, in currency units


def money(amount: float | None) -> str:
    """Three significant digits, without the currency; below ten with cents: 28.5 k, 4.50."""
    return exact(amount) if amount is not None and abs(amount) < 10 else scaled(amount)


def money_range(low: float | None, high: float | None) -> str:
    return UNKNOWN if low is None or high is None else _between(money(low), money(high))


def exact(amount: float | None) -> str:
    """An amount on which a person decides, to the cent where there are cents: `46,771.20`, `1,000`.

    The only spelling of such an amount outside of ledgers, which write the empty cents too.
    """
    if amount is None or not math.isfinite(amount):
        return UNKNOWN
    return grouped(amount, 2).removesuffix(".00")


def cents(amount: float | Decimal | None) -> str:
    """An amount of a ledger, with every cent: 2,861,204.60."""
    return UNKNOWN if amount is None else grouped(amount, 2)


def rate(amount: float | None) -> str:
    """A price by the hour: 1.45, or 0.0042 when cents would hide it."""
    if amount is None:
        return UNKNOWN
    return grouped(amount, 2) if amount >= 0.1 else figure(amount, 2)


# ---------------------------------------------------------------------------- shares and distances


def percent(share: float | None) -> str:
    """A share, rounded: `64 %`, `3.4 %`, `less than 0.1 %`."""
    if share is None:
        return UNKNOWN
    size = abs(share)
    if 0 < size < 0.001:
        return f"less than 0.1{NBSP}%"
    return f"{_trimmed(grouped(share * 100, 0 if size >= 0.0995 else 1))}{NBSP}%"


def exact_percent(share: float) -> str:
    """A share on which a rule decides, with one decimal where there is one: `101.7 %`, `80 %`."""
    return f"{in_full(share * 100, 1)}{NBSP}%"


def signed(value: float, text: str) -> str:
    """What an increase or a decrease is written as, with its sign before the size: `+28.5 k`."""
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{text}"


def against(value: float, limit: float) -> str:
    """How far a positive value lies from a limit: `19 % below`, `9 % above`, from twice on `20 × below`."""
    if limit <= 0 or value <= 0:
        return flop(value)
    ratio = value / limit
    side = "above" if ratio > 1 else "below"
    if ratio >= 2 or ratio <= 0.5:
        factor = ratio if ratio > 1 else 1 / ratio
        return f"{count(factor)}{NBSP}{TIMES} {side}" if factor < 1e4 else f"far {side}"
    return f"{count(abs(ratio - 1) * 100)}{NBSP}% {side}"


# ---------------------------------------------------------------------------- compute, energy, time


def hours(value: float | None) -> str:
    """GPU-hours: 3,614 h, 118 k h, 1.72 M h."""
    return UNKNOWN if value is None else f"{_hours(value)}{NBSP}h"


def hours_range(low: float | None, high: float | None) -> str:
    """Without the unit: 3,100–4,200."""
    return UNKNOWN if low is None or high is None else _between(_hours(low), _hours(high))


def _hours(value: float) -> str:
    return figure(value) if value < _WHOLE_HOURS_BELOW else scaled(value)


def flop(value: float | None, limits: Sequence[float] = ()) -> str:
    """A count of FLOP in two digits, and in three beside a limit, where two could hide a crossing: 8.1e24, 1.04e25."""
    if value is None:
        return UNKNOWN
    if abs(value) < _FLOP_IN_FULL_BELOW:
        return count(value) if abs(value) >= 1 else figure(value, 2)
    is_near = any(limit > 0 and value != limit and abs(value / limit - 1) < _NEAR_SHARE for limit in limits)
    return _scientific(value, 2 if is_near else 1)


def flop_range(low: float | None, high: float | None, limits: Sequence[float] = ()) -> str:
    """3.5–5.1e21 where both ends share the exponent, else 6e24–1.1e25."""
    if low is None or high is None:
        return UNKNOWN
    first, last = flop(low, limits), flop(high, limits)
    if "e" in first and first != last and first.partition("e")[2] == last.partition("e")[2]:
        first = first.partition("e")[0]
    return first if first == last else f"{first}{EN_DASH}{last}"


def energy(kwh: float | None) -> str:
    """MWh above a thousand kWh."""
    if kwh is None:
        return UNKNOWN
    return f"{_two_digits(kwh / 1000)}{NBSP}MWh" if kwh >= 1000 else f"{_two_digits(kwh)}{NBSP}kWh"


def energy_range(interval: Quantiles) -> str:
    """Both ends in the unit that `energy` chooses for the median."""
    return _range_at(interval)


def carbon(kilograms: float | None) -> str:
    """CO2e; tonnes above a thousand kilograms."""
    if kilograms is None:
        return UNKNOWN
    unit, scale = ("t", 1000) if kilograms >= 1000 else ("kg", 1)
    return f"{_two_digits(kilograms / scale)}{NBSP}{unit} CO2e"


def carbon_range(interval: Quantiles) -> str:
    """Both ends in the unit that `carbon` chooses for the median."""
    return _range_at(interval)


def _range_at(interval: Quantiles) -> str:
    scale = 1000 if interval.p50 >= 1000 else 1
    return _between(_two_digits(interval.p10 / scale), _two_digits(interval.p90 / scale))


def _two_digits(value: float) -> str:
    return scaled(value) if value >= 1000 else figure(value, 2)


def memory(gib: float | None) -> str:
    return UNKNOWN if gib is None else f"{figure(gib, 2)}{NBSP}GiB"


def duration(hours_: float | None) -> str:
    """About how long: minutes, hours or days, whichever reads best: 12 s, 40 min, 4 h, 2 days."""
    if hours_ is None:
        return UNKNOWN
    if hours_ < 1 / 60:
        return f"{figure(hours_ * 3600, 2)}{NBSP}s"
    if hours_ < 1:
        return f"{max(1, round(hours_ * 60))}{NBSP}min"
    if hours_ < 48:
        return f"{figure(hours_, 2)}{NBSP}h"
    return f"{_two_digits(hours_ / 24)}{NBSP}days"


def duration_range(low: float, high: float) -> str:
    """`3.2 to 7.4 days`; the unit is written once where both ends share it."""
    first, last = duration(low), duration(high)
    if first == last:
        return first
    if first.partition(NBSP)[2] == last.partition(NBSP)[2]:
        first = first.partition(NBSP)[0]
    return f"{first} to {last}"


_WRITERS = {"kWh": energy, "kg CO2e": carbon, "h": hours}
_SILENT_UNITS = ("", "ratio", "factor", "index", "count")
"""Units that only say what kind of number it is."""


def quantity(value: float, unit: str) -> str:
    """A number of a rule, with its unit, as precisely as it is compared.

    Args:
        unit: `percent` or `share` for a share, `USD`, `FLOP` and rates of it, or any other; empty for none.
    """
    if unit in ("percent", "share"):
        return exact_percent(value)
    if unit == "USD":
        # Below zero by less than a cent is below zero: a rule may refuse for that.
        return f"{MINUS if value < 0 and exact(value) == '0' else ''}{exact(value)}{NBSP}{unit}"
    if unit.startswith("FLOP"):
        return f"{flop(value)}{NBSP}{unit}"
    text = count(value) if isinstance(value, int) else in_full(value)
    return text if unit in _SILENT_UNITS else f"{text}{NBSP}{unit}"


def rounded_quantity(value: float | None, unit: str) -> str:
    """The same for a narrow column: large figures in three digits, 2.19 M USD, 1,150 MWh."""
    if value is None:
        return UNKNOWN
    if abs(value) < _WHOLE_HOURS_BELOW:
        return quantity(value, unit)
    if unit == "USD":
        return f"{money(value)}{NBSP}{unit}"
    return _WRITERS[unit](value) if unit in _WRITERS else quantity(value, unit)
