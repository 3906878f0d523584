"""Figures and instants as sentences show them: short money, counts, days in the reader's zone. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from governance.domain.money.money import CURRENCY, to_units

NBSP = "\N{NO-BREAK SPACE}"
EN_DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
# Below this, three significant digits read best in full: 4,280 rather than 4.28 k.
THOUSANDS_FROM = 10_000
YEAR_SHOWN_AFTER = timedelta(days=300)


def amount(units: float) -> str:
    """Three significant digits of a quantity: 142, 4,280, 28.5 k, 2.63 M."""
    if not math.isfinite(units):
        return "unknown"
    sign = MINUS if units < 0 else ""
    value = abs(units)
    if value == 0:
        return "0"
    value = float(f"{value:.3g}")
    if value >= 1e15:
        return sign + flop(value)
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size and value >= THOUSANDS_FROM:
            return f"{sign}{_three_digits(value / size)}{NBSP}{letter}"
    return sign + _three_digits(value)


def money(amount_micro: int) -> str:
    """Money in prose: `28.5 k USD`."""
    return f"{amount(to_units(amount_micro))}{NBSP}{CURRENCY}"


def exact(units: float) -> str:
    """An amount on which a person decides, to the cent where there are cents: `46,771.20`, `1,000`.

    The only spelling of such an amount outside ledgers, which write the empty cents too.
    """
    if not math.isfinite(units):
        return "unknown"
    cents = round(abs(units) * 100)
    text = f"{cents // 100:,}" if cents % 100 == 0 else f"{cents // 100:,}.{cents % 100:02d}"
    return f"{MINUS}{text}" if units < 0 and cents else text


def money_in_full(amount_micro: int) -> str:
    """Money on which a person decides: `28,512.40 USD`."""
    return f"{exact(to_units(amount_micro))}{NBSP}{CURRENCY}"


def money_to_the_cent(amount_micro: int) -> str:
    """Money of the ledger: `28,500.00 USD`."""
    return f"{to_units(amount_micro):,.2f}".replace("-", MINUS) + f"{NBSP}{CURRENCY}"


def dollars(units: float) -> str:
    """Money that an estimate carries as a double."""
    return f"{amount(units)}{NBSP}{CURRENCY}"


def between(low: float, high: float) -> str:
    """`11.9–14.3 k`: a range whose ends share their letter when they can."""
    first, last = amount(low), amount(high)
    if first == last:
        return first
    if NBSP in first and NBSP in last and first.split(NBSP)[1] == last.split(NBSP)[1]:
        first = first.split(NBSP)[0]
    return f"{first}{EN_DASH}{last}"


def flop(count: float) -> str:
    """Two significant digits of a count of FLOP: `2.4e22`."""
    mantissa, exponent = f"{count:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def against(value: float, limit: float) -> str:
    """How far a positive value lies from a limit: `19 % below`, `9 % above`, from twice on `20 × below`."""
    if limit <= 0 or value <= 0:
        return flop(value)
    ratio = value / limit
    side = "above" if ratio > 1 else "below"
    if ratio >= 2 or ratio <= 0.5:
        factor = ratio if ratio > 1 else 1 / ratio
        return f"{factor:,.0f}{NBSP}{TIMES} {side}" if factor < 1e4 else f"far {side}"
    return f"{abs(ratio - 1) * 100:.0f}{NBSP}% {side}"


def percent(ratio: float) -> str:
    """A ratio as whole per cent: `104 %`."""
    return f"{ratio * 100:,.0f}".replace("-", MINUS) + f"{NBSP}%"


def within(name: str) -> str:
    """A name that begins with a capital, within a sentence: `team lead`, but `AI governance`."""
    first = name.split(" ")[0]
    return name if len(first) > 1 and first.isupper() else name[:1].lower() + name[1:]


def capital(text: str) -> str:
    """The text with a capital first and everything else as it is, so that `AI` stays."""
    return text[:1].upper() + text[1:]


def decapital(text: str) -> str:
    """For a name in the middle of a sentence; an abbreviation keeps its letters."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def either(names: Sequence[str]) -> str:
    """`Ann`, `Ann or Bob`, `Ann, Bob or Cy`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 flag`, `2 flags`."""
    return f"{count:,}{NBSP}{one if count == 1 else many or one + 's'}"


def day(at: datetime, zone: str, *, now: datetime, weekday: bool = True) -> str:
    """The reader's day: `Thu 27 Nov`; far away with its year."""
    local = at.astimezone(zone_named(zone))
    text = f"{local:%a}{NBSP}{local.day}{NBSP}{local:%b}" if weekday else f"{local.day}{NBSP}{local:%b}"
    return f"{text}{NBSP}{local.year}" if abs(at - now) > YEAR_SHOWN_AFTER else text


def moment(at: datetime, zone: str, *, now: datetime) -> str:
    """The reader's day and minute: `Thu 27 Nov, 17:00`."""
    return f"{day(at, zone, now=now)}, {at.astimezone(zone_named(zone)):%H:%M}"


def last_day(ends_at: datetime, zone: str, *, now: datetime, weekday: bool = False) -> str:
    """The last day of a half-open window, which ends at midnight of the day after."""
    return day(ends_at - timedelta(microseconds=1), zone, now=now, weekday=weekday)


def span(duration: timedelta) -> str:
    """About how long: `40 min`, `4 h`, `2 days`."""
    minutes = max(1, round(duration.total_seconds() / 60))
    if minutes < 90:
        return f"{minutes}{NBSP}min"
    hours = round(minutes / 60)
    if hours < 36:
        return f"{hours}{NBSP}h"
    return counted(round(hours / 24), "day")


def zone_named(name: str) -> ZoneInfo:
    """The zone, or UTC when the name is not in the database of this machine."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def sentence(message: str) -> str:
    """A message as a sentence on a page: capital first, full stop, quotes instead of backticks."""
    quoted = ""
    for index, part in enumerate(message.strip().split("`")):
        quoted += part if index == 0 else ("“" if index % 2 else "”") + part
    quoted = quoted[:1].upper() + quoted[1:]
    return quoted if quoted.endswith((".", "?", "!", "”.")) else f"{quoted}."
