"""Owning accelerators: the yearly cost line by line, the cost of an hour used, and when owning beats renting."""

from __future__ import annotations

import math
from dataclasses import dataclass

from estimator.core.errors import InputError
from estimator.core.quantities import HOURS_PER_YEAR
from governance.display import numbers


@dataclass(frozen=True, slots=True)
class OwnershipTerms:
    """What owning a device costs beside its price. Shares are of capital unless the name says otherwise.

    Args:
        server_factor: whole server over bare device; 1.0 for a node price divided by its devices.
        interconnect_share: part of the cluster's cost that is network, so capital is divided by one minus it.
        lifetime_years: until the refresh; 3 to 5 is usual.
        residual_share: of the capital, what the devices still fetch at the end.
        capital_cost_share: yearly cost of the money that is tied up; half of the capital on average.
        space_usd_kw_month: floor space and its maintenance, by power of the facility's load.
        support_share: yearly contract of the vendor.
    """

    server_factor: float = 1.0
    interconnect_share: float = 0.0
    lifetime_years: float = 4.0
    residual_share: float = 0.1
    capital_cost_share: float = 0.08
    electricity_usd_kwh: float = 0.0826
    pue: float = 1.25
    space_usd_kw_month: float = 0.0
    staff_usd_year: float = 0.0
    support_share: float = 0.12

    def __post_init__(self) -> None:
        errors = {}
        bounds = {
            "server_factor": (1.0, 10.0),
            "interconnect_share": (0.0, 0.9),
            "lifetime_years": (0.5, 15.0),
            "residual_share": (0.0, 0.95),
            "capital_cost_share": (0.0, 1.0),
            "electricity_usd_kwh": (0.0, 10.0),
            "pue": (1.0, 5.0),
            "space_usd_kw_month": (0.0, 10_000.0),
            "staff_usd_year": (0.0, 1e9),
            "support_share": (0.0, 1.0),
        }
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                errors[name] = f"use a value from {numbers.figure(low, 6)} to {numbers.figure(high, 6)}"
        if errors:
            raise InputError(errors)


@dataclass(frozen=True, slots=True)
class Ownership:
    """USD per year of a fleet, line by line; `capital_usd` is what is paid at the start."""

    devices: int
    capital_usd: float
    depreciation: float
    financing: float
    power: float
    cooling: float
    space: float
    staff: float
    support: float

    @property
    def usd_year(self) -> float:
        return sum((self.depreciation, self.financing, self.power, self.cooling, self.space, self.staff, self.support))

    def usd_per_hour(self, utilisation: float) -> float:
        """USD per device-hour that is used, at a share of the year's hours.

        Raises:
            InputError: a utilisation that is not above 0 and at most 1.
        """
        if not 0 < utilisation <= 1:
            raise InputError({"utilisation": "use a share above 0 and at most 1"})
        return self.usd_year / (HOURS_PER_YEAR * utilisation * self.devices)

    def break_even_utilisation(self, rent_usd_hour: float) -> float | None:
        """The share of the year's hours from which owning costs less than renting, or None where it never does."""
        if rent_usd_hour <= 0:
            return None
        share = self.usd_per_hour(1.0) / rent_usd_hour
        return share if share <= 1.0 else None

    def to_json(self) -> dict[str, float | int]:
        return {name: getattr(self, name) for name in self.__slots__} | {"usd_year": self.usd_year}


def own(unit_usd: float, devices: int, power_kw: float, terms: OwnershipTerms) -> Ownership:
    """The yearly cost of owning.

    Args:
        unit_usd: price of one device.
        power_kw: drawn by one device with its share of the server, before cooling.

    Source: straight-line depreciation and half the capital financed; server and interconnect factors, electricity
    price (US industrial, 2025) from Epoch AI's training cost model (CC BY 4.0); the lines are those of an on-premises
    cost table: hardware, power, cooling, space, staff and contracts, refresh.
    """
    if unit_usd <= 0 or devices < 1 or power_kw < 0:
        raise InputError({"unit_price_usd": "use a price, a count and a power above 0"})
    capital = unit_usd * devices * terms.server_factor / (1.0 - terms.interconnect_share)
    kwh = power_kw * devices * HOURS_PER_YEAR
    return Ownership(
        devices=devices,
        capital_usd=capital,
        depreciation=capital * (1.0 - terms.residual_share) / terms.lifetime_years,
        financing=capital * terms.capital_cost_share / 2.0,
        power=kwh * terms.electricity_usd_kwh,
        cooling=kwh * (terms.pue - 1.0) * terms.electricity_usd_kwh,
        space=power_kw * devices * terms.pue * terms.space_usd_kw_month * 12.0,
        staff=terms.staff_usd_year,
        support=capital * terms.support_share,
    )


def cost_over(ownership: Ownership, terms: OwnershipTerms, years: float) -> float:
    """USD to run a fleet for `years`: each refresh buys it again; the last one is sold at its straight-line value."""
    fleets = math.ceil(years / terms.lifetime_years - 1e-9)
    running = (ownership.usd_year - ownership.depreciation) * years
    spent = fleets * ownership.capital_usd * (1.0 - terms.residual_share)
    left_years = fleets * terms.lifetime_years - years
    unused = ownership.depreciation * left_years
    return running + spent - unused


@dataclass(frozen=True, slots=True)
class Hybrid:
    """An owned base with the rest rented: devices owned, hours rented per year, and USD per year of both."""

    owned_devices: int
    rented_device_hours: float
    usd_year: float


def best_hybrid(load: list[tuple[int, float]], owned_usd_year: float, rent_usd_hour: float) -> Hybrid:
    """The cheapest owned base for a load that comes and goes.

    Args:
        load: devices in use and hours per year at that level; the hours are those of a year or fewer.
        owned_usd_year: of one owned device, used or not.

    Source: an owned device pays where the load reaches it for more hours than the break-even; so the best base is one
    of the levels of the load, or none.
    """
    if not load or any(devices < 0 or hours < 0 for devices, hours in load):
        raise InputError({"load": "state levels of zero or more devices with hours of zero or more"})
    if sum(hours for _, hours in load) > HOURS_PER_YEAR * (1 + 1e-9):
        raise InputError({"load": f"the hours of all levels are at most {numbers.count(HOURS_PER_YEAR)}, a year"})

    def at(base: int) -> Hybrid:
        rented = sum(max(devices - base, 0) * hours for devices, hours in load)
        return Hybrid(base, rented, base * owned_usd_year + rented * rent_usd_hour)

    return min((at(base) for base in sorted({0, *(devices for devices, _ in load)})), key=lambda each: each.usd_year)


LOAD_LEVELS = 96
"""Steps of a load over the year: a quarter of an hour of the day each."""


@dataclass(frozen=True, slots=True)
class HybridChoice:
    """The cheapest mix for a load, beside owning its peak and renting all of it; USD per year."""

    best: Hybrid
    peak_devices: int
    owned_usd_year: float
    rented_usd_year: float

    def to_json(self) -> dict[str, float | int]:
        return {
            "owned_devices": self.best.owned_devices,
            "rented_device_hours": self.best.rented_device_hours,
            "usd_year": self.best.usd_year,
            "peak_devices": self.peak_devices,
            "all_owned_usd_year": self.owned_usd_year,
            "all_rented_usd_year": self.rented_usd_year,
        }


def service_load(peak_devices: int, peak_to_mean: float) -> list[tuple[int, float]]:
    """The devices that a service uses over a year, busiest hours first, as levels of equal length.

    Source: derived: the share of the peak in use after a share x of the year is (1 - x)^(r - 1), which is 1 at the
    busiest hour and 1/r on average, for any ratio r of peak over mean; it falls evenly to nothing at r = 2.
    """
    hours = HOURS_PER_YEAR / LOAD_LEVELS
    middles = [(level + 0.5) / LOAD_LEVELS for level in range(LOAD_LEVELS)]
    # The first step is the peak itself, so that nobody reads of fewer devices than the busiest hour needs.
    shares = [1.0, *((1.0 - middle) ** (peak_to_mean - 1.0) for middle in middles[1:])]
    return [(math.ceil(peak_devices * share - 1e-9), hours) for share in shares]


def choose_hybrid(load: list[tuple[int, float]], owned_usd_year: float, rent_usd_hour: float) -> HybridChoice:
    """The best owned base for a load, beside both extremes.

    Args:
        load, owned_usd_year: as in `best_hybrid`.
    """
    peak = max(devices for devices, _ in load)
    return HybridChoice(
        best=best_hybrid(load, owned_usd_year, rent_usd_hour),
        peak_devices=peak,
        owned_usd_year=peak * owned_usd_year,
        rented_usd_year=sum(devices * hours for devices, hours in load) * rent_usd_hour,
    )
