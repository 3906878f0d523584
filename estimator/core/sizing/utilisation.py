"""Model FLOP over dense peak and device-time: measured in a pilot, or what published runs like it reached."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from estimator.core.catalogue import Accelerator, CatalogueSnapshot, UtilisationPrior
from estimator.core.quantities import SECONDS_PER_HOUR, TERA, Interval
from estimator.core.sizing.flop import TRAINING_KINDS, FlopCount, is_adapter
from estimator.core.sizing.priors import Ledger
from estimator.core.sizing.uncertainty import divide, multiply
from estimator.core.workload.fields import UNKNOWN
from estimator.core.workload.workload import Workload
from governance.display.numbers import count, figure

SIZE_BANDS = {"tiny": 3e7, "small": 4e8, "medium": 7e9, "large": 7e10}
"""Active parameters for which the catalogue states a utilisation prior; between them it is interpolated."""
FAILURES_DEVICE_HOUR = 419 / (16_384 * 54 * 24)
CHECKPOINT_HOURS = 15 / 3600
"""The time a run stands still while its state is written, asynchronously to a file system: 15 seconds."""
RESTART_HOURS = 10 / 60
"""Finding the failed device, restarting and loading: ten minutes."""
PRACTICE = "training_practice"
"""The quantity of the priors for what a run is trained with: factors on utilisation, 1 where nothing is known."""
TENFOLD_DEVICES = "tenfold_devices"
REFERENCE_DEVICES = 256.0
"""Where the effect of the number of devices is 1."""
MFU_CREDIBLE = (0.1, 0.6)
"""Outside this band an implied utilisation says that hours and work do not belong together."""


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
    workload: Workload, accelerator: Accelerator, catalogue: CatalogueSnapshot, ledger: Ledger, devices: float
) -> Interval:
    """Model FLOP over dense peak and device-time: measured in a pilot where stated, else the prior of the class."""
    measured = workload.number("measured_mfu_percent")
    if measured is not None and workload.is_stated("measured_mfu_percent"):
        overhead = ledger.prior(catalogue, "run_overhead", "Restarts, evaluation and idle time of a run")
        kept = goodput(devices)
        ledger.assume("goodput", f"Share of the time that moves the run forward on {count(devices)} devices", kept)
        # The prior was seen on runs of thousands of devices; where failures cost more than it says, they decide.
        return divide(Interval.exact(measured / 100.0), overhead.at_least(1.0 / kept))
    return prior_utilisation(workload, accelerator, catalogue, ledger, devices)


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


def implied_utilisation(flop: FlopCount, accelerator: Accelerator, workload: Workload, hours: float) -> float | None:
    """The utilisation that stated hours and stated work imply together, or None without both."""
    peak = dense_peak_flop_s(accelerator, workload.text("precision"))
    if hours <= 0 or peak <= 0 or flop.training <= 0:
        return None
    return flop.training / (hours * SECONDS_PER_HOUR * peak)


def utilisation_class(generation: str, is_mixture_of_experts: bool, band: str) -> str:
    """The class of a utilisation prior: hardware generation, dense or mixture, and a point of `SIZE_BANDS`."""
    return f"{generation}_{'mixture' if is_mixture_of_experts else 'dense'}_{band}"


def prior_utilisation(
    workload: Workload, accelerator: Accelerator, catalogue: CatalogueSnapshot, ledger: Ledger, devices: float
) -> Interval:
    """What published runs of its class reached, given what is stated of how it is trained and on how many devices."""
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
                of_class = _sized_prior([row for row in rows if row], active, ledger)
                found = multiply(of_class, *_practice(workload, devices, catalogue, ledger))
                # No run does more than the peak.
                return Interval(min(found.p10, 1.0), min(found.p50, 1.0), min(found.p90, 1.0))
    return ledger.prior(catalogue, "training_mfu", what)


def _practice(workload: Workload, devices: float, catalogue: CatalogueSnapshot, ledger: Ledger) -> Iterator[Interval]:
    """Factors on utilisation, of what a run is trained with: nothing for what nobody has said."""
    stated = {
        "recompute": ("Utilisation by recomputation", workload.text("recompute")),
        "fused_attention": ("Utilisation by attention kernel", workload.text("fused_attention")),
        "software": ("Utilisation by training software", workload.text("training_software")),
    }
    if is_adapter(workload):
        # F7 counts what adapters compute again as work.
        del stated["recompute"]
    for name, (what, value) in stated.items():
        if value == UNKNOWN:
            continue
        if catalogue.prior(PRACTICE, f"{name}_{value}") is not None:
            yield ledger.prior(catalogue, PRACTICE, what, f"{name}_{value}")
        else:
            ledger.assume(PRACTICE, f"{what}: no published runs say what `{value}` does", 1.0, "factor")
    if catalogue.prior(PRACTICE, TENFOLD_DEVICES) is not None:
        tenfold = ledger.prior(catalogue, PRACTICE, "Utilisation by ten times the devices", TENFOLD_DEVICES)
        yield tenfold.to_the(math.log10(devices / REFERENCE_DEVICES))


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
        f"Model FLOP over dense peak: {figure(found.p50)} ({figure(found.p10)} to {figure(found.p90)}), "
        f"class {nearer.applies_to.replace('_', ' ')}",
        round(found.p50, 4),
        "",
        nearer.source,
    )
    return ledger.factor("training_mfu", "Model FLOP over dense peak", found)


def _between(low: float, high: float, share: float) -> float:
    return float(low * (high / low) ** share)
