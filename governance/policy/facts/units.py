"""What numbers count: units with their dimensions, so that a sum of money never meets a number of hours.

A literal has no unit of its own and takes that of the other side. Shares, ratios and counts have no dimension. A unit
that a bundle declares (`words: {unit: [...]}`) is a dimension by itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

_DAY = 86_400.0

# Name to dimension and scale. The same dimension in another scale does not compare either: 24 hours are not 24 days.
_ATOMS: dict[str, tuple[tuple[tuple[str, int], ...], float]] = {
    "USD": ((("money", 1),), 1.0),
    "FLOP": ((("flop", 1),), 1.0),
    "ms": ((("time", 1),), 1e-3),
    "s": ((("time", 1),), 1.0),
    "minutes": ((("time", 1),), 60.0),
    "hours": ((("time", 1),), 3_600.0),
    "h": ((("time", 1),), 3_600.0),
    "days": ((("time", 1),), _DAY),
    "d": ((("time", 1),), _DAY),
    "working days": ((("working time", 1),), 1.0),
    "weeks": ((("time", 1),), 7 * _DAY),
    "months": ((("time", 1),), 30 * _DAY),
    "month": ((("time", 1),), 30 * _DAY),
    "years": ((("time", 1),), 365 * _DAY),
    "year": ((("time", 1),), 365 * _DAY),
    "device-hours": ((("device", 1), ("time", 1)), 3_600.0),
    "device-hour": ((("device", 1), ("time", 1)), 3_600.0),
    "devices": ((("device", 1),), 1.0),
    "device": ((("device", 1),), 1.0),
    "kWh": ((("energy", 1),), 1.0),
    "MWh": ((("energy", 1),), 1e3),
    "GWh": ((("energy", 1),), 1e6),
    "W": ((("power", 1),), 1.0),
    "kW": ((("power", 1),), 1e3),
    "MW": ((("power", 1),), 1e6),
    "g CO2e": ((("carbon", 1),), 1e-3),
    "kg CO2e": ((("carbon", 1),), 1.0),
    "t CO2e": ((("carbon", 1),), 1e3),
    "TPP": ((("chip performance", 1),), 1.0),
    "mm2": ((("area", 1),), 1.0),
    "GB": ((("memory", 1),), 1.0),
    "GiB": ((("memory", 1),), 1.073741824),
    "tokens": ((("token", 1),), 1.0),
    "token": ((("token", 1),), 1.0),
    "ratio": ((), 1.0),
    "share": ((), 1.0),
    "factor": ((), 1.0),
    "index": ((), 1.0),
    "percent": ((), 1e-2),
    "count": ((), 1.0),
    "people": ((), 1.0),
}
COUNTS = frozenset({"count", "people"})
KNOWN_UNITS = (*_ATOMS, "USD/30 d", "USD/month", "USD/device-hour", "FLOP/s", "g CO2e/kWh", "TPP/mm2")

# What a fact counts where its unit in the schema, which every stored digest is bound to, says less.
FACT_UNITS: Mapping[str, str] = MappingProxyType({"estimate.run_rate_p90_usd_month": "USD/30 d"})

_FACTOR = re.compile(r"(?:(\d{1,6}(?:\.\d{1,6})?) )?(\D.*)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that can be compared.

    Attributes:
        text: as a person writes it.
        dimensions: name to exponent; nothing for a pure number.
        scale: size in the dimension's own unit; None after a product with a literal, which may convert one.
        is_count: so many of anything; fits a number of devices.
        is_derived: the result of a product or a quotient, where devices may have cancelled out.
    """

    text: str
    dimensions: tuple[tuple[str, int], ...] = ()
    scale: float | None = field(default=1.0, compare=False)
    is_count: bool = False
    is_derived: bool = False

    def fits(self, other: Unit) -> bool:
        """Whether the two may be compared, added, or chosen between."""
        one, two = dict(self.dimensions), dict(other.dimensions)
        if self.is_count or other.is_count or self.is_derived or other.is_derived:
            one.pop("device", None)
            two.pop("device", None)
        if one != two:
            return False
        return self.scale is None or other.scale is None or math.isclose(self.scale, other.scale, rel_tol=1e-9)

    def times(self, other: Unit | None, operator: str) -> Unit:
        """The unit of a product or quotient; `other` is None for a literal or a number without a unit."""
        sign = -1 if operator == "/" else 1
        if other is None:
            return Unit(self.text, self.dimensions, None, is_derived=True)
        exponents = dict(self.dimensions)
        for name, exponent in other.dimensions:
            exponents[name] = exponents.get(name, 0) + sign * exponent
        scale = None if self.scale is None or other.scale is None else self.scale * other.scale**sign
        dimensions = tuple(sorted((name, exponent) for name, exponent in exponents.items() if exponent))
        mark = "/" if operator == "/" else " × "
        text = self.text if not other.dimensions else f"{self.text}{mark}{other.text}"
        return Unit(text, dimensions, scale, is_derived=True)

    def inverse(self) -> Unit:
        """The unit of a literal divided by this."""
        dimensions = tuple((name, -exponent) for name, exponent in self.dimensions)
        return Unit(f"1/{self.text}", dimensions, None, is_derived=True)


COUNT = Unit("count", is_count=True)


@lru_cache(maxsize=1_000)
def read_unit(text: str, own: tuple[str, ...] = ()) -> Unit | None:
    """A unit by its name, alone or as a quotient: `USD`, `g CO2e/kWh`, `USD/30 d`. None when it is not known.

    Args:
        own: names that a bundle declares for itself.
    """
    found: Unit | None = None
    for index, part in enumerate(text.split("/")):
        factor = _factor(part.strip(), own)
        if factor is None:
            return None
        found = factor if index == 0 or found is None else found.times(factor, "/")
    if found is None:
        return None
    return Unit(text, tuple(sorted(found.dimensions)), found.scale, is_count=text in COUNTS)


def _factor(text: str, own: tuple[str, ...]) -> Unit | None:
    if text in own:
        return Unit(text, ((f"own: {text}", 1),))
    match = _FACTOR.fullmatch(text)
    if match is None or match[2] not in _ATOMS:
        return None
    dimensions, scale = _ATOMS[match[2]]
    return Unit(text, dimensions, scale * float(match[1] or 1))
