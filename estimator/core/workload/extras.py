"""What comes on top of accelerator-hours: the host, storage, egress, network, people, and a minimum spend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from estimator.core.errors import InputError
from estimator.core.quantities import Interval

EXTRA_MAX = 1e12


@dataclass(frozen=True, slots=True)
class Extras:
    """Additions to the cost of hours. Zero means that the price includes it, or that there is none.

    Args:
        host_surcharge: share of the accelerator price for processors and memory that the price leaves out; 0.25 for an
            A2 instance of Google (a16z, Navigating the High Cost of AI Compute 2023).
        storage_gb_months, storage_usd_gb_month: kept data.
        egress_gb, egress_usd_gb: data that leaves the provider.
        network_usd_hour: dedicated fabric for the whole cluster, per hour of wall time.
        staff_hours, staff_usd_hour: people.
        minimum_spend_usd: agreed spending; what the work does not reach is owed all the same.
    """

    host_surcharge: float = 0.0
    storage_gb_months: float = 0.0
    storage_usd_gb_month: float = 0.0
    egress_gb: float = 0.0
    egress_usd_gb: float = 0.0
    network_usd_hour: float = 0.0
    staff_hours: float = 0.0
    staff_usd_hour: float = 0.0
    minimum_spend_usd: float = 0.0

    def __post_init__(self) -> None:
        errors = {
            name: "use a number from 0 to 1e12"
            for name in self.__slots__
            if not (math.isfinite(getattr(self, name)) and 0 <= getattr(self, name) <= EXTRA_MAX)
        }
        if errors:
            raise InputError(errors)

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Lines of a total, in USD; `shortfall` is what a minimum spend adds at the median.

    Ends of the lines do not add up to the ends of the total where a minimum spend lifts it.
    """

    lines: Mapping[str, Interval]
    total: Interval
    shortfall: float


def break_down(hours_usd: Interval, wall_hours: Interval | None, extras: Extras) -> Breakdown:
    """The cost of hours with everything on top. Parts of one run rise and fall together, so ends add to ends."""
    wall = wall_hours or Interval.exact(0.0)
    lines = {
        "accelerators": hours_usd,
        "host": hours_usd.scaled(extras.host_surcharge),
        "storage": Interval.exact(extras.storage_gb_months * extras.storage_usd_gb_month),
        "egress": Interval.exact(extras.egress_gb * extras.egress_usd_gb),
        "network": wall.scaled(extras.network_usd_hour),
        "staff": Interval.exact(extras.staff_hours * extras.staff_usd_hour),
    }
    spent = Interval(*(sum(getattr(line, end) for line in lines.values()) for end in ("p10", "p50", "p90")))
    total = spent.at_least(extras.minimum_spend_usd)
    kept = {name: line for name, line in lines.items() if line.p90 > 0}
    return Breakdown(kept, total, total.p50 - spent.p50)
