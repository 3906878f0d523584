"""Electricity and carbon of a run, at the facility: accelerators, their servers, and cooling and losses once."""

from __future__ import annotations

from dataclasses import dataclass

from estimator.core.catalogue import Accelerator, CatalogueSnapshot, Facility, GridIntensity
from estimator.core.pricing.place import Place, ProviderType
from estimator.core.quantities import Interval
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.uncertainty import multiply

PUE_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Footprint:
    """kWh at the facility, kg CO2e by location and by contract, and the grid and facility figures behind them."""

    energy_kwh: Interval | None
    carbon_kg: Interval | None
    carbon_market_kg: Interval | None
    grid_g_kwh: float | None
    pue: float | None
    embodied_kg: Interval | None = None
    water_l: Interval | None = None


def size_footprint(
    place: Place,
    accelerator: Accelerator | None,
    hours: Interval | None,
    catalogue: CatalogueSnapshot,
    ledger: Ledger,
    renewable_share: float | None = None,
) -> Footprint:
    """Energy, carbon and water of `hours` device-hours.

    The market-based figure needs a share of carbon-free electricity: of the requester's contract, else of the region.

    Source: energy = device-hours × board power × share drawn × server factor × PUE; carbon = energy × grid intensity
    (docs/estimator.md, energy). PUE is applied once, to power drawn inside the facility.
    """
    pue = choose_pue(place, catalogue, ledger)
    grid = choose_grid(place, catalogue, ledger)
    grid_g_kwh = grid.g_co2e_per_kwh if grid else None
    if hours is None or accelerator is None or accelerator.board_power_w is None:
        ledger.lack("energy_kwh", _why_no_energy(hours, accelerator))
        ledger.lack("carbon_kg", "there is no energy to multiply")
        return Footprint(None, None, None, grid_g_kwh, pue.p50 if pue else None)
    if pue is None:
        ledger.lack("energy_kwh", "the catalogue has no power usage effectiveness for this operator")
        return Footprint(None, None, None, grid_g_kwh, None)
    ledger.assume("board_power", "Nameplate power of one device", accelerator.board_power_w, "W", accelerator.source)
    ledger.assume("boundary", "Energy is counted at the facility: device, server, cooling and losses", "facility")
    share = ledger.prior(catalogue, "board_power_share", "Power drawn over nameplate power")
    server = ledger.prior(catalogue, "server_power_factor", "Server power over device power", accelerator.generation)
    energy = multiply(hours.scaled(accelerator.board_power_w / 1000.0), share, server, pue)
    embodied, water = _embodied_kg(hours, catalogue, ledger), _water_l(energy, catalogue, ledger)
    if grid is None:
        is_placed = bool(place.country or place.region)
        why = "the catalogue has no grid intensity for this region or country"
        ledger.lack("carbon_kg", why if is_placed else "no country of the machines is stated")
        return Footprint(energy, None, None, None, pue.p50, embodied, water)
    carbon = energy.scaled(grid.g_co2e_per_kwh / 1000.0)
    market = None
    if renewable_share is not None:
        ledger.assume("renewable_share", "Share of the electricity that a contract covers", renewable_share, "share")
        market = carbon.scaled(1.0 - renewable_share)
    elif grid.carbon_free_share is not None:
        ledger.assume(
            "carbon_free_share",
            "Share of the region's hourly use that the provider matches with carbon-free energy",
            grid.carbon_free_share,
            "share",
            grid.source,
        )
        market = carbon.scaled(1.0 - grid.carbon_free_share)
    return Footprint(energy, carbon, market, grid_g_kwh, pue.p50, embodied, water)


def _embodied_kg(hours: Interval, catalogue: CatalogueSnapshot, ledger: Ledger) -> Interval | None:
    """The share of making devices and servers that these hours use up, where the catalogue has a figure."""
    if catalogue.prior("embodied_kg_device_hour", "any") is None:
        return None
    return multiply(hours, ledger.prior(catalogue, "embodied_kg_device_hour", "Embodied kg CO2e of a device-hour"))


def _water_l(energy_kwh: Interval, catalogue: CatalogueSnapshot, ledger: Ledger) -> Interval | None:
    """Water that cooling evaporates on site, where the catalogue has a figure; water of power plants is not in it."""
    if catalogue.prior("water_l_kwh", "any") is None:
        return None
    return multiply(energy_kwh, ledger.prior(catalogue, "water_l_kwh", "Litres of water on site for each kWh"))


def choose_pue(place: Place, catalogue: CatalogueSnapshot, ledger: Ledger) -> Interval | None:
    """Power usage effectiveness: the provider's own rows, else its type of operator, else any facility."""
    rows = [row for row in catalogue.facilities if place.provider and row.provider == place.provider]
    operator = _operator_type(place, catalogue)
    rows = rows or [row for row in catalogue.facilities if row.operator_type == operator]
    rows = rows or [row for row in catalogue.facilities if row.operator_type == "any"]
    if not rows:
        return None
    newest = max(row.year for row in rows)
    used = sorted((row for row in rows if row.year == newest), key=lambda row: row.slug)
    low, high = min(row.pue_low for row in used), max(row.pue_high for row in used)
    middle = round(sum(row.pue_low + row.pue_high for row in used) / (2 * len(used)), PUE_DECIMALS)
    ledger.assume("pue", f"Power usage effectiveness, {_names(used)}", middle, "ratio", used[0].source)
    return Interval(low, min(max(middle, low), high), high)


def choose_grid(place: Place, catalogue: CatalogueSnapshot, ledger: Ledger) -> GridIntensity | None:
    """Grid intensity of the cloud region, else of the country; the newest year, rows without a year last."""
    provider = catalogue.providers.get(place.provider or "")
    rows: tuple[GridIntensity, ...] = ()
    if provider and provider.grid_key and place.region:
        rows = catalogue.grid_by_code.get(f"{provider.grid_key}:{place.region.strip().lower()}", ())
    if not rows and place.country:
        rows = catalogue.grid_by_code.get(place.country, ())
    if not rows:
        return None
    chosen = max(rows, key=lambda row: (row.year or 0, row.slug))
    when = f"{chosen.year}" if chosen.year else "year not stated"
    ledger.assume(
        "grid",
        f"Grid intensity of {chosen.code} ({when}; {chosen.basis})",
        chosen.g_co2e_per_kwh,
        "g CO2e/kWh",
        chosen.source,
    )
    return chosen


def _operator_type(place: Place, catalogue: CatalogueSnapshot) -> str:
    known = catalogue.providers.get(place.provider or "")
    kind = place.provider_type or (known.provider_type if known else None)
    if kind == ProviderType.HYPERSCALER:
        return "hyperscaler"
    return "specialist" if kind in (ProviderType.SPECIALIST, ProviderType.MARKETPLACE) else "any"


def _why_no_energy(hours: Interval | None, accelerator: Accelerator | None) -> str:
    if hours is None:
        return "there are no device-hours to multiply"
    if accelerator is None:
        return "no accelerator is chosen"
    return f"the catalogue has no power figure for {accelerator.name}"


def _names(rows: list[Facility]) -> str:
    return rows[0].provider or f"{rows[0].operator_type} operator"
