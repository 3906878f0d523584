"""Device-hours and wall time: training from dense peak and utilisation, serving from arithmetic and bandwidth."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from estimator.core.catalogue import Accelerator, CatalogueSnapshot, UtilisationPrior
from estimator.core.flop import TRAINING_KINDS, FlopCount, TokenLoad, decode_flop, prefill_flop
from estimator.core.memory import BYTES_BY_PRECISION, usable_gib
from estimator.core.priors import Ledger
from estimator.core.quantities import GB, GIB, HOURS_PER_DAY, HOURS_PER_MONTH, SECONDS_PER_HOUR, TERA, Interval
from estimator.core.shape import ModelShape
from estimator.core.uncertainty import add, divide, multiply
from estimator.core.workload import Workload

SEQUENCES_PER_REPLICA_MAX = 64
"""Sequences that one replica decodes together; more would keep a person waiting, and memory seldom allows more."""
REPLICA_DEVICES_MAX = 1024
REPLICA_FILL = 0.9
"""Share of a replica's memory that weights and cache may fill."""
REPLICA_WEIGHT_FILL = 0.8
"""Share that the weights alone may fill, so that some sequences fit beside them."""
SIZE_BANDS = {"tiny": 3e7, "small": 4e8, "medium": 7e9, "large": 7e10}
"""Active parameters for which the catalogue states a utilisation prior; between them it is interpolated."""
FAILURES_DEVICE_HOUR = 419 / (16_384 * 54 * 24)
CHECKPOINT_HOURS = 15 / 3600
"""The time a run stands still while its state is written, asynchronously to a file system: 15 seconds."""
RESTART_HOURS = 10 / 60
"""Finding the failed device, restarting and loading: ten minutes."""
GROWTH_MAX = 1e6
"""No service grows beyond this within one window."""
MFU_CREDIBLE = (0.1, 0.6)
"""Outside this band an implied utilisation says that hours and work do not belong together."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A replica of a served model: devices, sequences at once, and what one device of it does per second."""

    devices: int
    sequences: int
    prefill_tokens_s: Interval
    decode_tokens_s: Interval
    first_token_ms: float


def dense_peak_flop_s(accelerator: Accelerator, precision: str) -> float:
    """Dense peak of one device in FLOP/s: 32 bit where asked for, else 16 bit. Sparse figures cannot enter here."""
    if precision == "fp32" and accelerator.dense_tflop_s_fp32:
        return accelerator.dense_tflop_s_fp32 * TERA
    return accelerator.peak_tflop_s * TERA


def precision_gain(
    workload: Workload, accelerator: Accelerator, catalogue: CatalogueSnapshot, ledger: Ledger
) -> Interval:
    """How much faster than at the 16-bit peak the arithmetic is in FP8, on a device that has a dense FP8 peak; else 1.

    The prior is of whole runs, where not everything is computed in 8 bit; no gain is above the ratio of the peaks.
    """
    ratio = (accelerator.dense_tflop_s_fp8 or 0.0) / accelerator.peak_tflop_s if accelerator.peak_tflop_s else 0.0
    if workload.text("precision") != "fp8" or ratio <= 1.0 or catalogue.prior("fp8_gain", "any") is None:
        return Interval.exact(1.0)
    gain = ledger.prior(catalogue, "fp8_gain", "Speed in FP8 over the 16-bit peak's")
    return Interval(*(min(end, ratio) for end in (gain.p10, gain.p50, gain.p90)))


def utilisation(
    workload: Workload, accelerator: Accelerator, catalogue: CatalogueSnapshot, ledger: Ledger, devices: float = 1.0
) -> Interval:
    """Model FLOP over dense peak and device-time: measured in a pilot where stated, else the prior of the class."""
    measured = workload.number("measured_mfu_percent")
    if measured is not None and workload.is_stated("measured_mfu_percent"):
        overhead = ledger.prior(catalogue, "run_overhead", "Restarts, evaluation and idle time of a run")
        kept = goodput(devices)
        ledger.assume("goodput", f"Share of the time that moves the run forward on {devices:,.0f} devices", kept)
        # The prior was seen on runs of thousands of devices; where failures cost more than it says, they decide.
        return divide(Interval.exact(measured / 100.0), overhead.at_least(1.0 / kept))
    return _prior_utilisation(workload, accelerator, catalogue, ledger)


def goodput(
    devices: float,
    *,
    failures_device_hour: float = FAILURES_DEVICE_HOUR,
    checkpoint_hours: float = CHECKPOINT_HOURS,
    restart_hours: float = RESTART_HOURS,
) -> float:
    """Share of a run's time that moves it forward: the rest writes checkpoints, repeats work and restarts.

    Source: Young 1974 and Daly 2006, the interval √(2 × checkpoint × time between failures) loses as much to writing as
    to repeating; failures of Llama 3.1 405B, 419 unplanned in 54 days on 16,384 devices (Llama 3 Herd of Models 2024,
    section 3.3.4, which reports over 90 % effective time).
    """
    between = 1.0 / (failures_device_hour * devices)
    interval = math.sqrt(2.0 * checkpoint_hours * between)
    lost = checkpoint_hours / interval + (interval / 2.0 + restart_hours) / between
    return 1.0 / (1.0 + lost)


def training_hours(
    workload: Workload,
    flop: FlopCount,
    accelerator: Accelerator,
    catalogue: CatalogueSnapshot,
    ledger: Ledger,
    devices: float = 1.0,
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
    workload: Workload, accelerator: Accelerator, hours: Interval, catalogue: CatalogueSnapshot, ledger: Ledger
) -> Interval:
    """FLOP that hours of this device can amount to: the hardware method.

    Source: C = devices × seconds × dense peak × utilisation; European Commission 2025, annex A.2.1.
    """
    peak = dense_peak_flop_s(accelerator, workload.text("precision"))
    gain = precision_gain(workload, accelerator, catalogue, ledger)
    usual = _prior_utilisation(workload, accelerator, catalogue, ledger)
    return multiply(hours.scaled(peak * SECONDS_PER_HOUR), usual, gain)


def implied_utilisation(flop: FlopCount, accelerator: Accelerator, workload: Workload, hours: float) -> float | None:
    """The utilisation that stated hours and stated work imply together, or None without both."""
    peak = dense_peak_flop_s(accelerator, workload.text("precision"))
    if hours <= 0 or peak <= 0 or flop.training <= 0:
        return None
    return flop.training / (hours * SECONDS_PER_HOUR * peak)


def utilisation_class(generation: str, is_mixture_of_experts: bool, band: str) -> str:
    """The class of a utilisation prior: hardware generation, dense or mixture, and a point of `SIZE_BANDS`."""
    return f"{generation}_{'mixture' if is_mixture_of_experts else 'dense'}_{band}"


def _prior_utilisation(
    workload: Workload, accelerator: Accelerator, catalogue: CatalogueSnapshot, ledger: Ledger
) -> Interval:
    if workload.text("precision") in ("fp8", "int8", "int4") and workload.kind in TRAINING_KINDS:
        # What FP8 gains over it is a factor of its own.
        ledger.assume("peak_16bit", "Training below 16 bit is timed at the 16-bit peak", "16 bit")
    what, active = "Model FLOP over dense peak", workload.active_parameters
    if workload.text("architecture") in ("convolutional", "diffusion") or workload.is_stated("samples_million"):
        return ledger.prior(catalogue, "training_mfu", what, "convolutional")
    if active is not None:
        for generation in (accelerator.generation, "any"):
            rows = [
                catalogue.prior("training_mfu", utilisation_class(generation, workload.is_mixture_of_experts, band))
                for band in SIZE_BANDS
            ]
            if all(rows):
                return _sized_prior([row for row in rows if row], active, ledger)
    return ledger.prior(catalogue, "training_mfu", what)


def _sized_prior(rows: Sequence[UtilisationPrior], active_parameters: float, ledger: Ledger) -> Interval:
    """A prior between the sizes at which the rows hold, straight in both logarithms and flat outside them.

    # Invariant: utilisation rises more slowly than the parameters, so that a larger model never takes fewer hours.
    """
    sizes = list(SIZE_BANDS.values())
    at = min(max(active_parameters, sizes[0]), sizes[-1])
    index = max(0, bisect_left(sizes, at) - 1)
    low, high = rows[index], rows[index + 1]
    share = math.log(at / sizes[index]) / math.log(sizes[index + 1] / sizes[index])
    found = Interval(*(_between(getattr(low, end), getattr(high, end), share) for end in ("p10", "p50", "p90")))
    nearer = low if share < 0.5 else high
    ledger.assume(
        nearer.slug,
        f"Model FLOP over dense peak: {found.p50:.3f} ({found.p10:.3f} to {found.p90:.3f}), "
        f"class {nearer.applies_to.replace('_', ' ')}",
        round(found.p50, 4),
        "",
        nearer.source,
    )
    return ledger.factor("training_mfu", "Model FLOP over dense peak", found)


def _between(low: float, high: float, share: float) -> float:
    return float(low * (high / low) ** share)
