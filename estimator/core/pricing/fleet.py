"""One workload on every kind of accelerator: hours, devices and fit, each sized by the same code as an estimate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from estimator.core.catalogue import Accelerator, CatalogueSnapshot
from estimator.core.pricing.place import ACCELERATOR_COUNT_MAX, Place, PriceTerm
from estimator.core.quantities import Interval
from estimator.core.results.thresholds import read_chip_thresholds
from estimator.core.sizing.memory import MemoryNeed, size_memory
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.sizing import BY_HOURS_KINDS, Size, SizingRequest, size_request
from estimator.core.sizing.uncertainty import multiply
from estimator.core.workload.shape import ModelShape
from estimator.core.workload.workload import Workload, WorkloadKind


@dataclass(frozen=True, slots=True)
class Fit:
    """A workload on one kind of accelerator. None means unknown; `devices` is 0 where no count holds the work.

    `power_kw` is drawn by one device with its share of the server; it times hours and PUE is energy.
    """

    gpu_hours: Interval | None
    devices: int
    first_token_ms: float | None
    power_kw: Interval | None
    is_listed_chip: bool
    why_not: str


def fit_all(
    workload: Workload,
    shape: ModelShape | None,
    accelerators: Sequence[str],
    catalogue: CatalogueSnapshot,
    *,
    on: date,
    count: int,
    window_hours: float | None,
    deadline_hours: float | None,
) -> list[Fit]:
    """Size a workload on each accelerator, in the order given.

    Devices are the smallest count that is not below `count`, holds the work in memory, and meets the deadline.
    """
    chip_rows = [row for row in catalogue.thresholds if row.quantity == "chip_tpp" and row.in_force_on(on)]
    fits = []
    for slug in accelerators:
        part = catalogue.accelerators[slug]
        listed = any(reading.exceeds for reading in read_chip_thresholds(part, chip_rows))
        fits.append(_fit(workload, shape, part, catalogue, on, count, window_hours, deadline_hours, listed))
    return fits


def _fit(
    workload: Workload,
    shape: ModelShape | None,
    part: Accelerator,
    catalogue: CatalogueSnapshot,
    on: date,
    count: int,
    window_hours: float | None,
    deadline_hours: float | None,
    is_listed: bool,
) -> Fit:
    power = power_kw(part, catalogue)
    if part.peak_tflop_s <= 0:
        return Fit(None, 0, None, power, is_listed, "the catalogue has no dense peak of this part")
    devices, by_hours = count, workload.kind in BY_HOURS_KINDS or not workload.is_sized
    need = None
    if shape is not None and not by_hours:
        need = size_memory(workload, shape, part.memory_gb, count)
        if need.smallest_count is None:
            return Fit(None, 0, None, power, is_listed, "no number of devices holds the model")
        devices = count if need.fits else max(count, need.smallest_count)
    ledger = Ledger()
    size = _size(workload, shape, part, catalogue, on, devices, window_hours, need, ledger)
    if size.gpu_hours is None:
        why = ledger.missing[-1].why if ledger.missing else "the hours are not known"
        return Fit(None, 0, None, power, is_listed, why)
    if workload.kind is WorkloadKind.INFERENCE_ONLINE:
        # A service holds what its busiest hour needs, whatever was asked for.
        devices = math.ceil(size.devices)
    elif deadline_hours is not None and not by_hours:
        # More devices are used a little worse, so the hours are sized again until the count stands.
        while size.gpu_hours is not None and (more := _needed(size.gpu_hours, deadline_hours)) > devices:
            devices = more
            size = _size(workload, shape, part, catalogue, on, devices, window_hours, need, ledger)
    return Fit(size.gpu_hours, devices, size.first_token_ms, power, is_listed, "")


def _needed(hours: Interval, deadline_hours: float) -> int:
    """Devices on which device-hours are done by the deadline, at the median, or as many as may be asked for."""
    return min(math.ceil(hours.p50 / deadline_hours - 1e-9), ACCELERATOR_COUNT_MAX)


def _size(
    workload: Workload,
    shape: ModelShape | None,
    part: Accelerator,
    catalogue: CatalogueSnapshot,
    on: date,
    devices: int,
    window_hours: float | None,
    need: MemoryNeed | None,
    ledger: Ledger,
) -> Size:
    request = SizingRequest(
        workload=workload,
        place=Place(price_term=PriceTerm.ON_DEMAND, accelerator=part.slug, accelerator_count=devices),
        catalogue=catalogue,
        on=on,
        window_hours=window_hours,
        gpu_hours_cap=None,
        money_cap_usd=None,
        prices_own=(),
        accelerator=part,
        ledger=ledger,
    )
    return size_request(request, shape, None, need)


def power_kw(part: Accelerator, catalogue: CatalogueSnapshot) -> Interval | None:
    """Kilowatts that one device draws with its share of the server, before cooling; None without a nameplate."""
    if part.board_power_w is None:
        return None
    ledger = Ledger()
    share = ledger.prior(catalogue, "board_power_share", "Power drawn over nameplate power")
    server = ledger.prior(catalogue, "server_power_factor", "Server power over device power", part.generation)
    return multiply(Interval.exact(part.board_power_w / 1000.0), share, server)
