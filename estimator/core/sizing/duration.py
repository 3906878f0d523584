"""Device-hours and wall time: training from dense peak and utilisation, serving from arithmetic and bandwidth."""

from __future__ import annotations

import math
from dataclasses import dataclass

from estimator.core.catalogue import Accelerator, CatalogueSnapshot
from estimator.core.quantities import GB, GIB, HOURS_PER_DAY, HOURS_PER_MONTH, SECONDS_PER_HOUR, Interval
from estimator.core.sizing.flop import FlopCount, TokenLoad, decode_flop, prefill_flop
from estimator.core.sizing.memory import BYTES_BY_PRECISION, usable_gib
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.uncertainty import add, divide, multiply
from estimator.core.sizing.utilisation import dense_peak_flop_s, precision_gain, prior_utilisation, utilisation
from estimator.core.workload.shape import ModelShape
from estimator.core.workload.workload import Workload

SEQUENCES_PER_REPLICA_MAX = 64
"""Sequences that one replica decodes together; more would keep a person waiting, and memory seldom allows more."""
REPLICA_DEVICES_MAX = 1024
REPLICA_FILL = 0.9
"""Share of a replica's memory that weights and cache may fill."""
REPLICA_WEIGHT_FILL = 0.8
"""Share that the weights alone may fill, so that some sequences fit beside them."""
GROWTH_MAX = 1e6
"""No service grows beyond this within one window."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A replica of a served model: devices, sequences at once, and what one device of it does per second."""

    devices: int
    sequences: int
    prefill_tokens_s: Interval
    decode_tokens_s: Interval
    first_token_ms: float


def training_hours(
    workload: Workload,
    flop: FlopCount,
    accelerator: Accelerator,
    catalogue: CatalogueSnapshot,
    ledger: Ledger,
    devices: float,
) -> Interval:
    """Device-hours that the training part of a run takes, failed attempts as far as the scope includes them.

    Source: FLOP / (dense peak × utilisation × 3600), the hardware method solved for time; European Commission,
    Guidelines on the scope of obligations for GPAI models 2025, annex A.2.1.
    """
    if flop.timed_training <= 0:
        return Interval.exact(0.0)
    peak = dense_peak_flop_s(accelerator, workload.text("precision"))
    busy = Interval.exact(flop.timed_training / (peak * SECONDS_PER_HOUR))
    # The priors were fitted to hours over this same formula, so what the formula misses is in them already.
    hours = multiply(divide(busy, utilisation(workload, accelerator, catalogue, ledger, devices)), flop.share)
    if not workload.is_stated("measured_mfu_percent"):
        # A measured utilisation, of the 16-bit peak, has the gain in it.
        hours = divide(hours, precision_gain(workload, accelerator, catalogue, ledger))
    scope = workload.text("scope")
    if scope != "final_run":
        hours = multiply(hours, ledger.prior(catalogue, "scope", "Hours of the whole scope over the final run", scope))
    return hours


def serving(
    workload: Workload,
    shape: ModelShape,
    load: TokenLoad,
    accelerator: Accelerator,
    catalogue: CatalogueSnapshot,
    ledger: Ledger,
) -> Serving | None:
    """How one replica serves a model, or None when no replica of reasonable size can hold it.

    Prefill is bound by arithmetic. A decode step reads the weights once for all sequences together and each
    sequence's cache, and is bound by memory bandwidth or, for many sequences, by arithmetic.
    """
    weight_bytes = BYTES_BY_PRECISION[workload.text("precision")]
    room = usable_gib(accelerator.memory_gb) * GIB
    weights = shape.parameters * weight_bytes
    devices = 1
    while weights > REPLICA_WEIGHT_FILL * room * devices:
        devices *= 2
        if devices > REPLICA_DEVICES_MAX:
            return None
    cache = max(load.context_tokens, 1.0) * shape.key_value_bytes_per_token(min(weight_bytes, 2.0))
    free = REPLICA_FILL * room * devices - weights
    sequences = max(1, min(SEQUENCES_PER_REPLICA_MAX, int(free / cache)))
    peak = dense_peak_flop_s(accelerator, workload.text("precision"))
    arithmetic = ledger.prior(catalogue, "prefill_mfu", "Utilisation of the peak while reading prompts")
    bandwidth = ledger.prior(catalogue, "decode_bandwidth_utilisation", "Utilisation of memory bandwidth while writing")
    arithmetic = multiply(arithmetic, precision_gain(workload, accelerator, catalogue, ledger))
    prefill = arithmetic.scaled(peak / (prefill_flop(shape, 1.0, load.prompt_tokens)))
    touched = weights
    if shape.is_mixture_of_experts:
        # Each sequence picks its own experts, so that many sequences together read most of them.
        active = shape.active_parameters / shape.parameters
        touched = weights * (1.0 - (1.0 - active) ** sequences)
    # A decoder that follows an encoder writes without it.
    touched *= shape.decoder_parameters / shape.active_parameters
    step_bytes = (touched + sequences * cache) / devices
    step_flop = decode_flop(shape, 1.0, load.context_tokens) * sequences / devices
    by_bandwidth = bandwidth.scaled(accelerator.memory_bandwidth_gb_s * GB * sequences / devices / step_bytes)
    by_arithmetic = arithmetic.scaled(peak * sequences / devices / step_flop)
    decode = Interval(
        min(by_bandwidth.p10, by_arithmetic.p10),
        min(by_bandwidth.p50, by_arithmetic.p50),
        min(by_bandwidth.p90, by_arithmetic.p90),
    )
    first_token_ms = 1000.0 * load.prompt_tokens / (prefill.p50 * devices) if load.prompt_tokens else 0.0
    ledger.assume("replica", "Devices of one replica, by memory", float(devices), "devices")
    ledger.assume("sequences", "Sequences that a replica decodes together", float(sequences), "sequences")
    return Serving(devices, sequences, prefill, decode, first_token_ms)


def serving_hours(load: TokenLoad, replica: Serving) -> Interval:
    """Device-hours of prefill and decode for a load without a deadline."""
    parts = []
    if load.prefill_tokens > 0:
        parts.append(divide(Interval.exact(load.prefill_tokens / SECONDS_PER_HOUR), replica.prefill_tokens_s))
    if load.decode_tokens > 0:
        parts.append(divide(Interval.exact(load.decode_tokens / SECONDS_PER_HOUR), replica.decode_tokens_s))
    return add(*parts)


def online_devices(
    workload: Workload, per_day: Interval, replica_devices: int, window_hours: float, ledger: Ledger
) -> Interval:
    """Devices that an online service needs at its busiest hour, whole replicas, at the end of its growth.

    Args:
        per_day: device-hours of an average day at the start.
    """
    growth = growth_factor(workload, window_hours)
    peak = workload.number("peak_to_mean") or 1.0
    if growth != 1.0:
        ledger.assume("growth", "Busiest load over today's, by growth within the window", growth, "ratio")
    ledger.assume("peak_to_mean", "Busiest hour over the average hour", peak, "ratio")
    devices = per_day.scaled(peak * max(growth, 1.0) / HOURS_PER_DAY)
    whole = [
        math.ceil(end / replica_devices - 1e-9) * replica_devices for end in (devices.p10, devices.p50, devices.p90)
    ]
    return Interval(*(float(max(count, replica_devices)) for count in whole))


def growth_factor(workload: Workload, window_hours: float) -> float:
    """Requests at the end of the window over requests at its start."""
    monthly = 1.0 + (workload.number("growth_percent_month") or 0.0) / 100.0
    # In the logarithm: a growth that overflows is only a very large one.
    return math.exp(min(math.log(monthly) * window_hours / HOURS_PER_MONTH, math.log(GROWTH_MAX)))


def hardware_flop(
    workload: Workload,
    accelerator: Accelerator,
    hours: Interval,
    catalogue: CatalogueSnapshot,
    ledger: Ledger,
    devices: float,
) -> Interval:
    """FLOP that hours of this device can amount to: the hardware method.

    Source: C = devices × seconds × dense peak × utilisation; European Commission 2025, annex A.2.1.
    """
    peak = dense_peak_flop_s(accelerator, workload.text("precision"))
    gain = precision_gain(workload, accelerator, catalogue, ledger)
    usual = prior_utilisation(workload, accelerator, catalogue, ledger, devices)
    return multiply(hours.scaled(peak * SECONDS_PER_HOUR), usual, gain)
