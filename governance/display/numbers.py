"""Numbers as people read them here: rounded in one way, with a no-break space before the unit.

Every function takes None and answers "unknown": a figure that nobody knows is never shown as 0.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from estimator.core.quantities import Interval
from governance.domain import prose
from governance.domain.money.money import MICRO_PER_UNIT

NBSP = "\u00a0"
EN_DASH = "–"
MINUS = "\u2212"
UNKNOWN = "unknown"
TIMES = "×"

_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
# Up to here money and hours are written out; above, in thousands and millions.
PLAIN_BELOW = 10_000.0
WHOLE_BELOW = 100_000.0


def round_significant(value: float, digits: int) -> float:
    """`value` rounded to that many significant digits; 0 stays 0."""
    if not value or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def grouped(value: float, decimals: int = 0) -> str:
    """Thousands separated by commas, a true minus in front."""
    text = f"{abs(value):,.{decimals}f}"
    return f"{MINUS}{text}" if value < 0 and text.strip("0,.") else text


def scaled(value: float | None, digits: int = 3, *, plain_below: float = PLAIN_BELOW) -> str:
    """A quantity in prose: 68.4, 4,280, 28.5 k, 2.63 M."""
    if value is None:
        return UNKNOWN
    value = round_significant(float(value), digits)
    scale, suffix = _scale_of(abs(value), plain_below)
    return _digits(value / scale, digits) + (f"{NBSP}{suffix}" if suffix else "")


def scaled_range(low: float | None, high: float | None, digits: int = 3, *, plain_below: float = PLAIN_BELOW) -> str:
    """Two ends in one scale with an en dash: 3,560–5,240 or 29.4–33.0 k."""
    if low is None or high is None:
        return UNKNOWN
    low, high = round_significant(low, digits), round_significant(high, digits)
    if low == high:
        return scaled(low, digits, plain_below=plain_below)
    scale, suffix = _scale_of(max(abs(low), abs(high)), plain_below)
    if abs(low) < scale / 10 and scale > 1:
        return f"{scaled(low, digits, plain_below=plain_below)}{EN_DASH}{scaled(high, digits, plain_below=plain_below)}"
    ends = f"{_digits(low / scale, digits)}{EN_DASH}{_digits(high / scale, digits)}"
    return ends + (f"{NBSP}{suffix}" if suffix else "")


def _scale_of(magnitude: float, plain_below: float) -> tuple[float, str]:
    if magnitude < plain_below:
        return 1.0, ""
    return next(((scale, suffix) for scale, suffix in _SCALES if magnitude >= scale), (1.0, ""))


def _digits(value: float, digits: int) -> str:
    """`digits` significant digits, whole numbers above them grouped: 2.63, 28.5, 142, 4,280."""
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return grouped(value, min(decimals, 6))


# ---------------------------------------------------------------------------- money


def money(amount: float | None, digits: int = 3) -> str:
    """Currency units in prose, without the currency."""
    if amount is not None and 0 < abs(amount) < 10:
        return grouped(amount, 2)
    return scaled(amount, digits)


def money_range(low: float | None, high: float | None) -> str:
    return scaled_range(low, high)


def deciding_money(amount: float | None) -> str:
    """The number that decides, to the cent."""
    return UNKNOWN if amount is None else prose.exact(amount)


def money_line(amount: float) -> str:
    """A round amount at a tick or a limit: 25 k, without empty decimals."""
    text = money(amount)
    digits, _, suffix = text.partition(NBSP)
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return f"{digits}{NBSP}{suffix}" if suffix else digits


def cents(amount_micro: int | None) -> str:
    """Micro-units in a ledger: 2,861,204.66, with every cent and a true minus."""
    if amount_micro is None:
        return UNKNOWN
    return grouped(float(Decimal(amount_micro) / MICRO_PER_UNIT), 2)


def units(amount_micro: int | None) -> float | None:
    """Micro-units as currency units, for the filters above."""
    return None if amount_micro is None else amount_micro / MICRO_PER_UNIT


def rate(amount: float | None) -> str:
    """A price by the hour: 1.45, or 0.0042 when cents would hide it."""
    if amount is None:
        return UNKNOWN
    return grouped(amount, 2) if amount >= 0.1 else _digits(round_significant(amount, 2), 2)


# --------------------------------------------------------------------- compute, energy


def hours(value: float | None) -> str:
    """GPU-hours: 3,614 h, 118 k h, 1.72 M h."""
    if value is None:
        return UNKNOWN
    if value < WHOLE_BELOW:
        return f"{grouped(value) if value >= 100 else _trim(value)}{NBSP}h"
    return f"{scaled(value)}{NBSP}h"


def hours_range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return UNKNOWN
    if low == high:
        return hours(low).removesuffix(f"{NBSP}h")
    if high < WHOLE_BELOW:
        return f"{grouped(low)}{EN_DASH}{grouped(high)}" if high >= 100 else f"{_trim(low)}{EN_DASH}{_trim(high)}"
    return scaled_range(low, high)


def _trim(value: float) -> str:
    return f"{round_significant(value, 3):g}"


def flop(value: float | None) -> str:
    """A count of FLOP in two digits: 8.1e24."""
    if value is None:
        return UNKNOWN
    return prose.flop(value) if value > 0 else "0"


def flop_line(value: float) -> str:
    """A threshold: 1e23, without an empty decimal."""
    return flop(value).replace(".0e", "e")


def flop_range(low: float | None, high: float | None) -> str:
    """3.5–5.1e21 where both ends share the exponent, else 6.0e24–1.1e25."""
    if low is None or high is None:
        return UNKNOWN
    first, last = flop(low), flop(high)
    if "e" in first and "e" in last and first.split("e")[1] == last.split("e")[1]:
        return f"{first.split('e')[0]}{EN_DASH}{last}"
    return f"{first}{EN_DASH}{last}"


def energy(kwh: float | None) -> str:
    """MWh above a thousand kWh."""
    if kwh is None:
        return UNKNOWN
    return f"{_trim3(kwh / 1000)}{NBSP}MWh" if kwh >= 1000 else f"{_trim3(kwh)}{NBSP}kWh"


def energy_range(interval: Interval) -> str:
    """Both ends in the unit that `energy` chooses for the median."""
    scale = 1000 if interval.p50 >= 1000 else 1
    return f"{_trim3(interval.p10 / scale)}{EN_DASH}{_trim3(interval.p90 / scale)}"


def carbon(kilograms: float | None) -> str:
    """CO2e; tonnes above a thousand kilograms."""
    if kilograms is None:
        return UNKNOWN
    unit, scale = ("t", 1000) if kilograms >= 1000 else ("kg", 1)
    return f"{_trim3(kilograms / scale)}{NBSP}{unit} CO2e"


def carbon_range(interval: Interval) -> str:
    """Both ends in the unit that `carbon` chooses for the median."""
    scale = 1000 if interval.p50 >= 1000 else 1
    return f"{_trim3(interval.p10 / scale)}{EN_DASH}{_trim3(interval.p90 / scale)}"


def _trim3(value: float) -> str:
    if value >= 1000:
        return scaled(value)
    return f"{round_significant(value, 2):g}" if value < 10 else f"{value:.0f}"


def memory(gib: float | None) -> str:
    return UNKNOWN if gib is None else f"{gibibytes(gib)}{NBSP}GiB"


def gibibytes(value: float) -> str:
    """Whole above ten; below it two digits, so that what is small is not shown as nothing."""
    return f"{value:.0f}" if value >= 10 else f"{round_significant(value, 2):g}"


def nameplate(value: float | None) -> str:
    """A figure of a datasheet: 4,992 or 80 or 42.5 or 0.23."""
    if value is None:
        return UNKNOWN
    return grouped(value) if value >= 100 else f"{round_significant(value, 3):g}"


def duration(hours_: float | None) -> str:
    """Wall time: minutes, hours or days, whichever reads best."""
    if hours_ is None:
        return UNKNOWN
    if hours_ < 1:
        return f"{max(1, round(hours_ * 60))}{NBSP}min"
    if hours_ < 48:
        return f"{round_significant(hours_, 2):g}{NBSP}h"
    return f"{_trim3(hours_ / 24)}{NBSP}days"


def duration_range(low: float, high: float) -> str:
    """`3.2 to 7.4 days`; the unit is written once where both ends share it."""
    first, last = duration(low), duration(high)
    if first == last:
        return first
    if first.split(NBSP)[1:] == last.split(NBSP)[1:]:
        first = first.split(NBSP)[0]
    return f"{first} to {last}"


def percent(share: float | None, decimals: int = 0) -> str:
    """A share as per cent, with the no-break space."""
    return UNKNOWN if share is None else f"{grouped(share * 100, decimals)}{NBSP}%"


def count(value: float | None) -> str:
    return UNKNOWN if value is None else grouped(float(value))


# ---------------------------------------------------------------------------- dates


def day(value: date | datetime | None, *, today: date | None = None) -> str:
    """Thu 27 Nov; the year is added when it is not this one. Instants are read in the reader's zone."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    reference = today or timezone.localdate()
    text = f"{value:%a} {value.day}{NBSP}{value:%b}"
    return text if value.year == reference.year else f"{text} {value.year}"


def moment(value: datetime | None) -> str:
    """Thu 27 Nov, 17:00, in the reader's zone."""
    return "" if value is None else f"{day(value)}, {timezone.localtime(value):%H:%M}"


def days_left(due: datetime, now: datetime) -> str:
    """`17 days left`, counted in the reader's days; the last day says so."""
    days = (timezone.localtime(due).date() - timezone.localtime(now).date()).days
    return "last day" if days <= 0 else f"{days}{NBSP}day{'' if days == 1 else 's'} left"


def period(start: datetime, end: datetime) -> str:
    """A half-open period of whole days in UTC by its first and last day: 1 Feb 2026 to 31 Jan 2027."""
    first, last = start.astimezone(UTC), (end - timedelta(microseconds=1)).astimezone(UTC)
    return f"{first.day}{NBSP}{first:%b %Y} to {last.day}{NBSP}{last:%b %Y}"


def ago(value: datetime | None, now: datetime) -> str:
    """Today 09:10 or Mon 24 Nov, 16:22."""
    if value is None:
        return ""
    local, reference = timezone.localtime(value), timezone.localtime(now)
    if local.date() == reference.date():
        return f"today {local:%H:%M}"
    return moment(value)
