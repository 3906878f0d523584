"""Memory per device: weights, gradients, optimizer state, activations and the key-value cache."""

from __future__ import annotations

from dataclasses import dataclass

from estimator.core.quantities import GB, GIB, Interval
from estimator.core.sizing.flop import TRAINING_KINDS
from estimator.core.workload.fields import UNKNOWN, WorkloadKind
from estimator.core.workload.shape import ModelShape
from estimator.core.workload.workload import Workload

BYTES_BY_PRECISION = {"fp32": 4.0, "bf16": 2.0, "fp8": 1.0, "int8": 1.0, "int4": 0.5}
OPTIMIZER_BYTES = {"adamw": 12.0, "adamw_8bit": 6.0, "sgd_momentum": 8.0}
"""Bytes per parameter of master weights and optimizer state.

Source: Rajbhandari et al. 2019, ZeRO, section 3.1: 2 + 2 for weights and gradients, 12 for 32-bit master weights,
momentum and variance. 8-bit state keeps the 32-bit master weights.
"""
GRADIENT_BYTES = Interval(2.0, 2.0, 4.0)
"""16-bit gradients, or 32-bit ones in frameworks that accumulate in full precision (18 bytes per parameter in all)."""
ADAPTER_SHARE = Interval(0.001, 0.005, 0.02)
"""Share of the parameters that adapters add."""
OVERHEAD_GIB = Interval(1.0, 3.0, 5.0)
"""Framework, communication buffers and fragmentation on each device, in GiB."""
COUNT_MAX = 65_536


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """What one device must hold, and the smallest power of two of devices that can hold it."""

    gib_per_device: Interval
    usable_gib: float
    fits: bool
    smallest_count: int | None


def usable_gib(memory_gb: float) -> float:
    """GiB of a card that is sold in GB: an 80 GB card has 74.5 GiB."""
    return memory_gb * GB / GIB


def size_memory(workload: Workload, shape: ModelShape, memory_gb: float, count: int) -> MemoryNeed:
    """Memory of a workload on `count` devices of `memory_gb` each. Fit is judged at the median."""
    usable = usable_gib(memory_gb)
    need = _per_device_gib(workload, shape, count)
    smallest: int | None = 1
    while smallest is not None and _per_device_gib(workload, shape, smallest).p50 > usable:
        smallest = smallest * 2 if smallest < COUNT_MAX else None
    return MemoryNeed(need, usable, need.p50 <= usable, smallest)


def settle_recomputation(workload: Workload, shape: ModelShape, memory_gb: float, count: int) -> Workload:
    """The same work, with full recomputation where nobody has said what is computed again and nothing less fits."""
    if workload.kind not in TRAINING_KINDS or workload.text("recompute") != UNKNOWN:
        return workload
    usable = usable_gib(memory_gb)
    if _per_device_gib(workload.with_answer("recompute", "selective"), shape, count).p50 <= usable:
        return workload
    # Unknown is sized as full: what not even that fits, no answer would.
    fits = _per_device_gib(workload, shape, count).p50 <= usable
    return workload.with_answer("recompute", "full") if fits else workload


def training_state_bytes(workload: Workload, parameters: float, count: int) -> Interval:
    """Bytes of weights, gradients and optimizer state on one device.

    Source: Rajbhandari et al. 2019, ZeRO, section 5: 16 bytes per parameter; stage 1 shards 12 of them, stage 2 14,
    stage 3 all 16 over the devices. Adapters keep state for their own share only.
    """
    weight = BYTES_BY_PRECISION[workload.text("precision")] if workload.text("precision") == "fp32" else 2.0
    optimizer = OPTIMIZER_BYTES[workload.text("optimizer")]
    sharding = workload.text("sharding")
    method = workload.text("method") if workload.kind is WorkloadKind.FINE_TUNING else "full"
    if method in ("lora", "qlora"):
        frozen = parameters * (0.55 if method == "qlora" else 2.0) / (count if sharding == "zero3" else 1)
        return Interval(*(frozen + parameters * share * (4.0 + optimizer) / count for share in _ends(ADAPTER_SHARE)))
    split = {"none": (1, 1, 1), "zero1": (1, 1, count), "zero2": (1, count, count), "zero3": (count, count, count)}
    by_weight, by_gradient, by_state = split[sharding]
    return Interval(
        *(
            parameters * (weight / by_weight + gradient * weight / 2.0 / by_gradient + optimizer / by_state)
            for gradient in _ends(GRADIENT_BYTES)
        )
    )


def activation_bytes(shape: ModelShape, context_tokens: float, recompute: str) -> float:
    """Bytes of activations for one sequence on one device, 16 bit, without tensor parallelism.

    Source: Korthikanti et al. 2022, Reducing Activation Recomputation in Large Transformer Models, table 2: 34 s h per
    layer with selective recomputation (or a fused attention kernel), 2 s h with full recomputation and one layer live;
    the attention scores, 5 a s² per layer with heads of 128 values, are added where nothing is recomputed.
    """
    per_layer = 34.0 * context_tokens * shape.hidden_size
    if recompute == "full":
        return 2.0 * context_tokens * shape.hidden_size * shape.layers + per_layer
    if recompute == "none":
        per_layer += 5.0 * (shape.hidden_size / 128.0) * context_tokens**2
    return per_layer * shape.layers


def parallel_activation_bytes(shape: ModelShape, context_tokens: float, recompute: str, tensor: int) -> float:
    """Bytes of activations of one sequence on one device of the first pipeline stage, 16 bit.

    With tensor and sequence parallelism a layer holds 34 s h / t, and the scores 5 a s² / t where nothing is
    recomputed; with full recomputation 2 s h / t and one layer live. A stage of L/p layers holds p sequences at once,
    which is L layers of one sequence.

    Source: Korthikanti et al. 2022, Reducing Activation Recomputation in Large Transformer Models, table 2 and
    equation 5.
    """
    return activation_bytes(shape, context_tokens, recompute) / tensor


def serving_bytes(workload: Workload, shape: ModelShape) -> tuple[float, float]:
    """Bytes of the weights, and of the key-value cache of one sequence at its full length."""
    weight = BYTES_BY_PRECISION[workload.text("precision")]
    if workload.is_served_by_sample:
        return shape.parameters * weight, 0.0
    into, out = workload.number("input_tokens"), workload.number("output_tokens")
    length = (into or 0.0) + (out or 0.0) or workload.number("context_tokens") or 1.0
    return shape.parameters * weight, length * shape.key_value_bytes_per_token(min(weight, 2.0))


def _per_device_gib(workload: Workload, shape: ModelShape, count: int) -> Interval:
    if workload.is_stated("tensor_parallel") or workload.is_stated("pipeline_parallel"):
        return _parallel_gib(workload, shape, count)
    if workload.kind in TRAINING_KINDS:
        context = workload.number("context_tokens") or 1.0
        state = training_state_bytes(workload, shape.parameters, count)
        logits = 6.0 * context * shape.vocabulary_size
        live = activation_bytes(shape, context, workload.recomputation) + logits
        # A sequence too long for one device is split over several, never over more than there are.
        return Interval(
            *(
                (bytes_held + live / divisor) / GIB + overhead
                for bytes_held, divisor, overhead in zip(
                    _ends(state), (min(count, 8), min(count, 2), 1), _ends(OVERHEAD_GIB), strict=True
                )
            )
        )
    weights, cache = serving_bytes(workload, shape)
    return Interval(
        *(
            (weights + cache * sequences) / count / GIB + overhead
            for sequences, overhead in zip((1.0, 4.0, 16.0), _ends(OVERHEAD_GIB), strict=True)
        )
    )


def _parallel_gib(workload: Workload, shape: ModelShape, count: int) -> Interval:
    """Stated tensor and pipeline parallelism: the model is split over both, its state over the data-parallel rest."""
    tensor = min(int(workload.number("tensor_parallel") or 1), count)
    stages = min(int(workload.number("pipeline_parallel") or 1), max(1, count // tensor))
    replicas = max(1, count // (tensor * stages))
    state = training_state_bytes(workload, shape.parameters / (tensor * stages), replicas)
    context = workload.number("context_tokens") or 1.0
    # The logits stand on the last stage alone, which holds one sequence where the first holds as many as stages.
    live = parallel_activation_bytes(shape, context, workload.recomputation, tensor)
    logits = 6.0 * context * shape.vocabulary_size / tensor if stages == 1 else 0.0
    return Interval(
        *(
            (held + live + logits) / GIB + overhead
            for held, overhead in zip(_ends(state), _ends(OVERHEAD_GIB), strict=True)
        )
    )


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.p10, interval.p50, interval.p90
