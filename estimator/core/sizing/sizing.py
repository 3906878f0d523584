"""Device-hours, wall time and FLOP of one request: from the work where it is stated, from the cap where it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from estimator.core.catalogue import Accelerator, CatalogueSnapshot
from estimator.core.pricing.offers import PriceOffer, PriceUsed
from estimator.core.pricing.place import Place
from estimator.core.quantities import (
    BILLION,
    HOURS_PER_DAY,
    SECONDS_PER_HOUR,
    ZERO,
    Interval,
)
from estimator.core.sizing.duration import hardware_flop, online_devices, serving, serving_hours, training_hours
from estimator.core.sizing.flop import (
    TRAINING_KINDS,
    FlopCount,
    compute_optimal_tokens,
    count_flop,
    is_adapter,
    served_sample_flop,
    token_load,
    training_tokens,
)
from estimator.core.sizing.memory import MemoryNeed, settle_recomputation
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.uncertainty import add, divide, multiply
from estimator.core.sizing.utilisation import MFU_CREDIBLE, dense_peak_flop_s, implied_utilisation, precision_gain
from estimator.core.workload.fields import WorkloadKind
from estimator.core.workload.shape import ModelShape
from estimator.core.workload.workload import Workload
from governance.display import numbers

OPEN_ENDED_HOURS = 90.0 * HOURS_PER_DAY
"""A service without an end is sized for 90 days, after which a grant must be recertified."""
METHODS_WITHIN = 0.30
"""How far the architecture and the hardware method may lie apart before it is said."""
BY_HOURS_KINDS = frozenset({WorkloadKind.LEASE, WorkloadKind.INTERACTIVE})
HOURLESS_KINDS = frozenset({WorkloadKind.PURCHASE, WorkloadKind.HOSTED_API})


@dataclass(frozen=True, slots=True)
class SizingRequest:
    """The checked arguments of one estimate, and the ledger that it writes."""

    workload: Workload
    place: Place
    catalogue: CatalogueSnapshot
    on: date
    window_hours: float | None
    gpu_hours_cap: float | None
    money_cap_usd: float | None
    prices_own: Sequence[PriceOffer]
    accelerator: Accelerator | None
    ledger: Ledger

    @property
    def service_hours(self) -> float:
        """How long a service runs, in hours; open-ended ones are sized for 90 days."""
        return OPEN_ENDED_HOURS if self.window_hours is None else self.window_hours


@dataclass(frozen=True, slots=True)
class Size:
    """Hours and FLOP before any money.

    `training` changes parameters and `generation` makes data for training; `devices` run at once; `first_token_ms` is
    the wait of an online service without a queue.
    """

    gpu_hours: Interval | None = None
    wall_hours: Interval | None = None
    run_flop: Interval | None = None
    training: Interval | None = None
    generation: Interval = ZERO
    devices: float = 1.0
    first_token_ms: float | None = None


def size_request(
    request: SizingRequest, shape: ModelShape | None, price: PriceUsed | None, memory: MemoryNeed | None
) -> Size:
    """Size a request by its work, or by its hours where those are what is asked for.

    Args:
        memory: of the work on the devices that are asked for; None where it is not known.
    """
    workload = request.workload
    if workload.kind in HOURLESS_KINDS:
        return _size_without_hours(request)
    if not workload.is_sized or workload.kind in BY_HOURS_KINDS:
        return _size_by_hours(request, shape, price)
    generator = _generator(request, shape)
    flop = count_flop(workload, shape, generator, request.service_hours / HOURS_PER_DAY)
    formula = request.ledger.prior(request.catalogue, "flop_formula", "Published FLOP over the formula")
    size = Size(
        run_flop=multiply(Interval.exact(flop.total), formula, flop.share),
        training=multiply(Interval.exact(flop.training), formula, flop.share),
        generation=multiply(Interval.exact(flop.generation), formula),
        devices=float(request.place.accelerator_count),
    )
    _explain_flop(request, shape)
    if request.accelerator is None:
        request.ledger.lack("gpu_hours", "no accelerator is chosen")
        return size
    if workload.kind in TRAINING_KINDS:
        settled = _settled(request, request.accelerator, shape, memory)
        return _with_training_time(settled, request.accelerator, size, flop, generator, memory)
    return _with_serving_time(request, request.accelerator, size, shape)


def _size_without_hours(request: SizingRequest) -> Size:
    """A purchase is capital and a hosted model is tokens: neither has device-hours of ours."""
    what = (
        "a purchase is sized as capital"
        if request.workload.kind is WorkloadKind.PURCHASE
        else ("the provider does not say which devices serve a hosted model")
    )
    for name in ("gpu_hours", "run_flop"):
        request.ledger.lack(name, what)
    return Size(training=ZERO, devices=float(request.place.accelerator_count))


def _size_by_hours(request: SizingRequest, shape: ModelShape | None, price: PriceUsed | None) -> Size:
    """Fixed hours: exact, so that a signed price gives an exact cost. FLOP by the hardware method."""
    hours = _requested_hours(request, price)
    count = float(request.place.accelerator_count)
    if hours is None:
        request.ledger.lack("gpu_hours", "neither hours nor a window is stated")
        return Size(training=_no_training(request), devices=count)
    size = Size(gpu_hours=hours, wall_hours=hours.scaled(1.0 / count), devices=count)
    if request.accelerator is None:
        request.ledger.lack("run_flop", "no accelerator is chosen")
        return replace(size, training=_no_training(request))
    flop = hardware_flop(request.workload, request.accelerator, hours, request.catalogue, request.ledger, count)
    request.ledger.assume(
        "hardware_method", "FLOP follow from hours, dense peak and utilisation", source="EC 2025, A.2.1"
    )
    stated = _stated_flop(request, shape)
    if stated is not None:
        _reconcile(request, stated, hours.p50, flop.p50)
        flop = multiply(
            Interval.exact(stated.total), request.ledger.prior(request.catalogue, "flop_formula", "Formula")
        )
    if request.workload.kind in TRAINING_KINDS:
        training = flop
    elif request.workload.kind in BY_HOURS_KINDS:
        # Nobody says what a lease will run: it does not surely train a model, but it may.
        training = Interval(0.0, 0.0, flop.p90)
    else:
        training = ZERO
    return replace(size, run_flop=flop, training=training)


def _requested_hours(request: SizingRequest, price: PriceUsed | None) -> Interval | None:
    """The hours of a request as hours: the cap, else stated hours, else the window, else what the money buys."""
    count = float(request.place.accelerator_count)
    stated = request.workload.number("hours_per_accelerator") if request.workload.kind in BY_HOURS_KINDS else None
    if request.gpu_hours_cap is not None:
        room = None if request.window_hours is None else request.window_hours * count
        if room is not None and request.gpu_hours_cap > room * (1 + 1e-9):
            request.ledger.warn(
                f"{numbers.count(request.gpu_hours_cap)} accelerator-hours do not fit the window: "
                f"{numbers.count(count)} accelerators have {numbers.count(room)}"
            )
        return Interval.exact(request.gpu_hours_cap)
    if stated is not None:
        return Interval.exact(stated * count)
    if request.window_hours is not None:
        return Interval.exact(request.window_hours * count)
    if request.money_cap_usd is not None and price is not None:
        request.ledger.assume("hours_from_money", "Hours are what the money cap buys", request.money_cap_usd, "USD")
        return divide(Interval.exact(request.money_cap_usd), price.usd_per_gpu_hour)
    if request.workload.kind in BY_HOURS_KINDS:
        request.ledger.assume("open_ended", "Open-ended: sized for 90 days", OPEN_ENDED_HOURS, "hours")
        return Interval.exact(OPEN_ENDED_HOURS * count)
    return None


def _no_training(request: SizingRequest) -> Interval | None:
    """Zero for kinds that never train; unknown for the others."""
    is_unknown = request.workload.kind in TRAINING_KINDS or request.workload.kind in BY_HOURS_KINDS
    return None if is_unknown else ZERO


def _stated_flop(request: SizingRequest, shape: ModelShape | None) -> FlopCount | None:
    """FLOP of the work where a request as cap describes it all the same."""
    flop = count_flop(request.workload, shape, _generator(request, shape), request.service_hours / HOURS_PER_DAY)
    return flop if flop.total > 0 else None


def _reconcile(request: SizingRequest, flop: FlopCount, hours: float, by_hardware: float) -> None:
    """Warn when stated hours and stated work do not belong together.

    Source: European Commission 2025, annex A: both methods, and a margin of 30 % of the reported estimate.
    """
    if request.accelerator is None:
        return
    if flop.training > 0 and abs(by_hardware / flop.training - 1.0) > METHODS_WITHIN:
        request.ledger.warn(
            f"the stated work is {numbers.flop(flop.training)} FLOP, and what the stated hours do at the usual "
            f"utilisation is {numbers.flop(by_hardware)}: more than {numbers.percent(METHODS_WITHIN)} apart"
        )
    implied = implied_utilisation(flop, request.accelerator, request.workload, hours)
    if implied is not None and not MFU_CREDIBLE[0] <= implied <= MFU_CREDIBLE[1]:
        request.ledger.warn(
            f"the stated work in the stated hours means {numbers.percent(implied)} of the dense peak; "
            f"{numbers.percent(MFU_CREDIBLE[0])} to {numbers.percent(MFU_CREDIBLE[1])} is credible"
        )


def _generator(request: SizingRequest, shape: ModelShape | None) -> ModelShape | None:
    """The model that generates or scores: the teacher where one is stated, of the same proportions as the model."""
    teacher = request.workload.number("teacher_parameters_billion")
    if shape is None or teacher is None:
        return shape
    count = teacher * BILLION
    growth = (count / shape.active_parameters) ** (1 / 3)
    return replace(
        shape,
        parameters=count,
        active_parameters=count,
        layers=max(1.0, shape.layers * growth),
        hidden_size=shape.hidden_size * growth,
        is_derived=True,
        encoder_parameters=shape.encoder_parameters * count / shape.active_parameters,
    )


def _explain_flop(request: SizingRequest, shape: ModelShape | None) -> None:
    workload, ledger = request.workload, request.ledger
    if workload.is_served_by_sample:
        ledger.assume("F11", "One forward pass per served sample", 1.0, "pass", "Sevilla et al. 2022, app. A")
        return
    if workload.kind not in TRAINING_KINDS:
        ledger.assume("F2", "2 FLOP per parameter and token, and attention", 2.0, "FLOP", "Kaplan et al. 2020, sec 2.1")
        return
    if workload.is_stated("samples_million"):
        ledger.assume("F11", "Three forward passes per training sample", 3.0, "passes", "Sevilla et al. 2022, app. A")
        return
    if workload.kind is WorkloadKind.FINE_TUNING and workload.text("method") != "full":
        ledger.assume("F13", "4 FLOP per frozen parameter and token, and attention", 4.0, "FLOP", "derived from F1")
    else:
        ledger.assume("F1", "6 FLOP per parameter and token", 6.0, "FLOP", "Kaplan et al. 2020, sec 2.1")
        ledger.assume("F3", "6 L h s FLOP of causal attention per token", source="PaLM 2022, app. B")
    if workload.is_stated("target_tokens_billion"):
        ledger.assume("F14", "Encoder and decoder each see their own tokens", source="Patterson et al. 2021, table 4")
    elif workload.text("architecture") == "encoder_decoder":
        ledger.assume("F14", "Half to all of 6 N D: the halves are not stated", source="Patterson et al. 2021, table 4")
    if not workload.is_stated("context_tokens"):
        ledger.assume("context_tokens", "Sequence length", workload.number("context_tokens"), "tokens", "default")
    if workload.kind is WorkloadKind.PRETRAINING and shape is not None:
        ratio = training_tokens(workload) / compute_optimal_tokens(shape.active_parameters)
        ledger.assume(
            "F15", "Tokens over the compute-optimal 20 per parameter", round(ratio, 3), "ratio", "Hoffmann 2022"
        )


def _training_devices(request: SizingRequest, memory: MemoryNeed | None) -> int:
    """The devices a training run uses: no fewer than can hold it, however few are asked for."""
    return max(request.place.accelerator_count, (memory.smallest_count if memory else None) or 0)


def _settled(
    request: SizingRequest, accelerator: Accelerator, shape: ModelShape | None, memory: MemoryNeed | None
) -> SizingRequest:
    """The request with what the memory leaves no choice about."""
    if shape is None or is_adapter(request.workload):
        return request
    devices = _training_devices(request, memory)
    workload = settle_recomputation(request.workload, shape, accelerator.memory_gb, devices)
    if workload is not request.workload:
        request.ledger.assume(
            "recompute", f"On {numbers.count(devices)} devices only full recomputation fits the memory", "full"
        )
    return replace(request, workload=workload)


def _with_training_time(
    request: SizingRequest,
    accelerator: Accelerator,
    size: Size,
    flop: FlopCount,
    generator: ModelShape | None,
    memory: MemoryNeed | None,
) -> Size:
    count = float(request.place.accelerator_count)
    devices = float(_training_devices(request, memory))
    hours = training_hours(request.workload, flop, accelerator, request.catalogue, request.ledger, devices)
    if flop.generation > 0 and generator is not None:
        extra = _generation_hours(request, accelerator, flop, generator)
        if extra is None:
            return size
        hours = add(hours, extra)
    wall = hours.scaled(1.0 / count)
    if request.window_hours is not None and wall.p50 > request.window_hours:
        request.ledger.warn(
            f"the work needs about {numbers.count(wall.p50)} hours on {numbers.count(count)} accelerators; "
            f"the window has {numbers.count(request.window_hours)}"
        )
    _warn_of_cap(request, hours)
    return replace(size, gpu_hours=hours, wall_hours=wall)


def _generation_hours(
    request: SizingRequest, accelerator: Accelerator, flop: FlopCount, generator: ModelShape
) -> Interval | None:
    """Device-hours of sampling (bound by memory bandwidth) or of scoring by a teacher (bound by arithmetic)."""
    if request.workload.kind is WorkloadKind.DISTILLATION:
        rate = request.ledger.prior(request.catalogue, "prefill_mfu", "Utilisation of the peak while a teacher scores")
        peak = dense_peak_flop_s(accelerator, request.workload.text("precision"))
        return divide(Interval.exact(flop.generation / (peak * SECONDS_PER_HOUR)), rate)
    load = token_load(request.workload, 0.0)
    replica = serving(request.workload, generator, load, accelerator, request.catalogue, request.ledger)
    if replica is None:
        request.ledger.lack("gpu_hours", f"no replica of {accelerator.name} can hold the generating model")
        return None
    return serving_hours(load, replica)


def _with_serving_time(request: SizingRequest, accelerator: Accelerator, size: Size, shape: ModelShape | None) -> Size:
    if request.workload.is_served_by_sample:
        return _with_sample_time(request, accelerator, size)
    if shape is None:
        request.ledger.lack("gpu_hours", "the parameters of the model are not stated")
        return size
    load = token_load(request.workload, request.service_hours / HOURS_PER_DAY)
    replica = serving(request.workload, shape, load, accelerator, request.catalogue, request.ledger)
    if replica is None:
        request.ledger.lack("gpu_hours", f"no replica of {accelerator.name} can hold the model")
        return size
    if request.workload.kind is WorkloadKind.INFERENCE_ONLINE:
        per_day = serving_hours(token_load(request.workload, 1.0), replica)
        return _with_online_time(request, size, per_day, replica.devices, replica.first_token_ms)
    hours = serving_hours(load, replica)
    _warn_of_cap(request, hours)
    return replace(size, gpu_hours=hours, wall_hours=hours.scaled(1.0 / request.place.accelerator_count))


def _with_sample_time(request: SizingRequest, accelerator: Accelerator, size: Size) -> Size:
    """Samples in large batches keep the arithmetic busy: bound by the peak, like the reading of a prompt."""
    rate = request.ledger.prior(request.catalogue, "prefill_mfu", "Utilisation of the peak while serving samples")
    peak = dense_peak_flop_s(accelerator, request.workload.text("precision"))
    gain = precision_gain(request.workload, accelerator, request.catalogue, request.ledger)
    days = 1.0 if request.workload.kind is WorkloadKind.INFERENCE_ONLINE else 0.0
    busy = Interval.exact(served_sample_flop(request.workload, days) / (peak * SECONDS_PER_HOUR))
    hours = divide(busy, multiply(rate, gain))
    if request.workload.kind is WorkloadKind.INFERENCE_ONLINE:
        forward_ms = 1000.0 * (request.workload.number("forward_gflop_per_sample") or 0.0) * BILLION / (peak * rate.p50)
        return _with_online_time(request, size, hours, 1, forward_ms)
    _warn_of_cap(request, hours)
    return replace(size, gpu_hours=hours, wall_hours=hours.scaled(1.0 / request.place.accelerator_count))


def _with_online_time(
    request: SizingRequest, size: Size, per_day: Interval, replica_devices: int, first_token_ms: float
) -> Size:
    """An online service holds the devices of its busiest hour for its whole window.

    Args:
        per_day: device-hours of an average day at the start.
        first_token_ms: without a queue, until the first token, or the whole answer for a sample.
    """
    ledger, asked = request.ledger, request.place.accelerator_count
    devices = online_devices(request.workload, per_day, replica_devices, request.service_hours, ledger)
    target = request.workload.number("latency_target_ms")
    what = "answer" if request.workload.is_served_by_sample else "first token"
    ledger.assume("first_token", f"Time to the {what} by arithmetic, without a queue", round(first_token_ms, 1), "ms")
    if target is not None and first_token_ms > target:
        ledger.warn(
            f"the {what} takes about {numbers.count(first_token_ms)} ms without a queue; "
            f"the target is {numbers.count(target)}"
        )
    if request.window_hours is None:
        ledger.assume("open_ended", "Open-ended: sized for 90 days", OPEN_ENDED_HOURS, "hours")
    if devices.p50 > asked:
        ledger.warn(
            f"the busiest hour needs about {numbers.count(devices.p50)} accelerators; "
            f"{numbers.count(asked)} are requested"
        )
    hours = devices.scaled(request.service_hours)
    _warn_of_cap(request, hours)
    return replace(
        size,
        gpu_hours=hours,
        wall_hours=Interval.exact(request.service_hours),
        devices=devices.p50,
        first_token_ms=first_token_ms,
    )


def _warn_of_cap(request: SizingRequest, hours: Interval) -> None:
    if request.gpu_hours_cap is not None and hours.p50 > request.gpu_hours_cap:
        request.ledger.warn(
            f"the cap of {numbers.count(request.gpu_hours_cap)} accelerator-hours would stop the work, "
            f"which needs about {numbers.count(hours.p50)}"
        )
