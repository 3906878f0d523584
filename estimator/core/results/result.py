"""What an estimate says: every quantity as an interval, with the price, the assumptions and the gaps behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from estimator.core.pricing.offers import PriceUsed
from estimator.core.quantities import Interval


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something the requester did not state. `id` is a formula of docs/estimator.md, a prior, or a field name."""

    id: str
    text: str
    value: float | str | None = None
    unit: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """A quantity that could not be given. `what` is a field of `Estimate`; `why` is one sentence."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class ThresholdReading:
    """One legal line read against this work. `exceeds` tests p50, `may_exceed` tests p90."""

    id: str
    jurisdiction: str
    instrument: str
    quantity: str
    operator: str
    limit: float
    unit: str
    p50: float
    p90: float
    exceeds: bool
    may_exceed: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """A duty to notify that starts when a line is, or is known to be, exceeded: known on one day, due on another.

    `threshold` is the id of the line; `is_expected` says that p50 exceeds it, else only p90 does.
    """

    threshold: str
    jurisdiction: str
    instrument: str
    limit: float
    days: int
    known_on: date
    due_on: date
    is_expected: bool


@dataclass(frozen=True, slots=True)
class LineageCompute:
    """Training compute that a model lineage already holds, this request not included, in FLOP.

    `direct` changed parameters of this model; `cumulative` adds synthetic data and the weights it started from.
    `base_model_flop` is None when the compute of the base is unknown; `base_model_systemic` says whether the base is a
    model with systemic risk, None when there is no base.
    """

    direct_p50: float = 0.0
    direct_p90: float = 0.0
    cumulative_p50: float = 0.0
    cumulative_p90: float = 0.0
    base_model_flop: float | None = None
    base_model_systemic: bool | None = None


@dataclass(frozen=True, slots=True)
class CleanerPlace:
    """An offer on a cleaner grid. `cost_ratio` is its price over the price here: the hours are the same."""

    offer: str
    provider: str | None
    region: str
    country: str | None
    grid_g_kwh: float
    cost_ratio: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The answer to one request. Units are in the names; None means unknown, never zero.

    `run_flop` is all model FLOP of the work; `run_flop_training` only what changes parameters;
    `training_flop_direct` and `training_flop_cumulative` are the lineage's sums with this request included.
    `cost_cap_usd` is what the enforced cap can cost at the p90 price; `commitment_tail_usd` stays owed after a cancel.
    `cost_lines` are the parts of `cost_usd` where anything comes on top of the hours. The last six fields were added
    in versions 1.1.0, 1.2.0 and 1.4.0; estimates that were stored before read them as absent.
    """

    gpu_hours: Interval | None
    wall_hours: Interval | None
    run_flop: Interval | None
    run_flop_training: Interval | None
    training_flop_direct: Interval | None
    training_flop_cumulative: Interval | None
    modification_ratio: Interval | None
    memory_gib_per_device: Interval | None
    memory_usable_gib: float | None
    memory_fits: bool | None
    smallest_count_that_fits: int | None
    cost_usd: Interval | None
    cost_cap_usd: float | None
    run_rate_usd_month: Interval | None
    commitment_tail_usd: float
    cost_over_cheapest_ratio: float | None
    cheapest_offer: str | None
    price: PriceUsed | None
    energy_kwh: Interval | None
    carbon_kg: Interval | None
    carbon_market_kg: Interval | None
    grid_g_kwh: float | None
    pue: float | None
    cluster_peak_flop_s: float | None
    chip_tpp: float | None
    chip_density: float | None
    chip_vendor_hq_country: str | None
    thresholds: tuple[ThresholdReading, ...]
    chip_thresholds: tuple[ThresholdReading, ...]
    assumptions: tuple[Assumption, ...]
    missing: tuple[Missing, ...]
    warnings: tuple[str, ...]
    catalogue_digest: str
    estimator_version: str
    cost_lines: tuple[tuple[str, Interval], ...] = ()
    embodied_kg: Interval | None = None
    water_l: Interval | None = None
    first_token_ms: float | None = None
    notices: tuple[Notice, ...] = ()
    cleaner_place: CleanerPlace | None = None

    @property
    def price_age_days(self) -> int | None:
        return None if self.price is None else self.price.age_days

    @property
    def half_width(self) -> float | None:
        """p90/p50 of the cost, or of the GPU-hours when there is no price."""
        quantity = self.cost_usd or self.gpu_hours
        return None if quantity is None else quantity.half_width

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` is its inverse."""
        data: dict[str, Any] = {}
        for name in self.__slots__:
            data[name] = _plain(getattr(self, name))
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Estimate:
        values = dict(data)
        for name in _INTERVALS:
            values[name] = None if data.get(name) is None else Interval.from_json(data[name])
        values["cost_lines"] = tuple((name, Interval.from_json(line)) for name, line in data.get("cost_lines", ()))
        if data["price"] is not None:
            price = dict(data["price"])
            price["usd_per_gpu_hour"] = Interval.from_json(price["usd_per_gpu_hour"])
            price["as_of"] = date.fromisoformat(price["as_of"])
            if price.get("ends_on") is not None:
                price["ends_on"] = date.fromisoformat(price["ends_on"])
            values["price"] = PriceUsed(**price)
        values["thresholds"] = tuple(ThresholdReading(**reading) for reading in data["thresholds"])
        values["chip_thresholds"] = tuple(ThresholdReading(**reading) for reading in data["chip_thresholds"])
        values["notices"] = tuple(
            Notice(**notice | {day: date.fromisoformat(notice[day]) for day in ("known_on", "due_on")})
            for notice in data.get("notices", ())
        )
        if data.get("cleaner_place") is not None:
            values["cleaner_place"] = CleanerPlace(**data["cleaner_place"])
        values["assumptions"] = tuple(Assumption(**assumption) for assumption in data["assumptions"])
        values["missing"] = tuple(Missing(**gap) for gap in data["missing"])
        values["warnings"] = tuple(data["warnings"])
        return cls(**values)


_INTERVALS = (
    "gpu_hours",
    "wall_hours",
    "run_flop",
    "run_flop_training",
    "training_flop_direct",
    "training_flop_cumulative",
    "modification_ratio",
    "memory_gib_per_device",
    "cost_usd",
    "run_rate_usd_month",
    "energy_kwh",
    "carbon_kg",
    "carbon_market_kg",
    "embodied_kg",
    "water_l",
)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | float | int):
        return value
    if isinstance(value, Interval):
        return value.to_json()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__slots__"):
        return {name: _plain(getattr(value, name)) for name in value.__slots__}
    return value
