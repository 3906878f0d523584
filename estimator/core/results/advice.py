"""Ways to need less: what changes when the same work is stated differently, and what others have measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from estimator.core.errors import InputError
from estimator.core.pricing.place import Place, PriceTerm
from estimator.core.quantities import Interval
from estimator.core.results.result import Estimate
from estimator.core.sizing.flop import TRAINING_KINDS
from estimator.core.workload.workload import Workload, WorkloadKind
from governance.display import numbers

SAVES_MIN = 0.02
"""Below this share advice is noise."""
SMALL_DEVICES = (
    ("jetson-agx-orin-64gb", "Run it on an edge board (Jetson AGX Orin), slower and on fewer watts"),
    ("epyc-9654", "Run it on a plain CPU, if one stands idle"),
)
SERVING_KINDS = frozenset(
    {
        WorkloadKind.INFERENCE_ONLINE,
        WorkloadKind.INFERENCE_BATCH,
        WorkloadKind.EMBEDDING,
        WorkloadKind.EVALUATION,
        WorkloadKind.AGENTIC,
    }
)
Sizer = Callable[[Workload, Place], Estimate]


@dataclass(frozen=True, slots=True)
class Advice:
    """One way to need less. `kept_share` is what remains of the quantity, so 0.5 halves it.

    `how` is `sized again` where the estimator has sized the changed request, else `published` with the source's range.
    """

    id: str
    text: str
    quantity: str
    kept_share: Interval
    how: str
    source: str

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "text": self.text,
            "quantity": self.quantity,
            "kept_share": self.kept_share.to_json(),
            "how": self.how,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class _Published:
    id: str
    text: str
    quantity: str
    kept_share: Interval
    source: str
    kinds: frozenset[WorkloadKind]


def _kept(low: float, middle: float, high: float) -> Interval:
    return Interval(low, middle, high)


_TRANSFORMERS = ("decoder", "mixture_of_experts", "encoder", "encoder_decoder")
_PUBLISHED = (
    _Published(
        "flash_attention",
        "Fuse the attention kernel (FlashAttention), if the framework does not yet",
        "gpu_hours",
        _kept(0.33, 0.6, 0.87),
        "Dao et al. 2022, FlashAttention: 15 % less time for BERT-large, up to 3 times the speed for GPT-2 at 1K",
        TRAINING_KINDS,
    ),
    _Published(
        "mixed_precision",
        "Train in mixed precision instead of 32 bit",
        "gpu_hours",
        _kept(0.3, 0.45, 0.7),
        "Micikevicius et al. 2018, Mixed Precision Training: 2 to 6 times the speed on parts with tensor cores",
        TRAINING_KINDS,
    ),
    _Published(
        "data_pruning",
        "Prune the data and order it by a curriculum",
        "gpu_hours",
        _kept(0.6, 0.75, 0.9),
        "Sorscher et al. 2022, Beyond neural scaling laws: 20 to 25 % fewer examples at equal accuracy on ImageNet",
        frozenset({WorkloadKind.PRETRAINING, WorkloadKind.CONTINUED_PRETRAINING, WorkloadKind.FINE_TUNING}),
    ),
    _Published(
        "speculative_decoding",
        "Draft with a small model, verify with the large one",
        "gpu_hours",
        _kept(0.33, 0.42, 0.5),
        "Leviathan et al. 2023, Fast Inference from Transformers via Speculative Decoding: 2 to 3 times the speed",
        SERVING_KINDS,
    ),
    _Published(
        "compiled_runtime",
        "Compile the model (ONNX Runtime, TensorRT)",
        "gpu_hours",
        _kept(0.2, 0.4, 0.8),
        "practitioners report 2 to 5 times; upper end for runtimes that are compiled already",
        SERVING_KINDS,
    ),
    _Published(
        "pruning",
        "Prune to two of four weights and use sparse arithmetic",
        "gpu_hours",
        _kept(0.6, 0.75, 0.9),
        "Mishra et al. 2021, Accelerating Sparse Deep Neural Networks: up to 2 times in a layer, less end to end",
        SERVING_KINDS,
    ),
    _Published(
        "distillation",
        "Serve a distilled student",
        "gpu_hours",
        _kept(0.4, 0.6, 0.8),
        "Sanh et al. 2019, DistilBERT: 40 % smaller, 60 % faster, 97 % of the score",
        SERVING_KINDS,
    ),
    _Published(
        "prompt_caching",
        "Cache what requests share",
        "gpu_hours",
        _kept(0.5, 0.7, 0.95),
        "Zheng et al. 2024, SGLang: cache hit rates of 50 to 99 % where prompts share a prefix; much less where not",
        SERVING_KINDS,
    ),
    _Published(
        "scheduling",
        "Run when the grid is clean and the pool is idle",
        "carbon_kg",
        _kept(0.7, 0.88, 0.99),
        "Dodge et al. 2022, Measuring the Carbon Intensity of AI in Cloud Instances: under 30 % by shifting a day",
        frozenset({*TRAINING_KINDS, WorkloadKind.INFERENCE_BATCH, WorkloadKind.EMBEDDING, WorkloadKind.EVALUATION}),
    ),
)


def advise(workload: Workload, place: Place, estimate: Estimate, size: Sizer) -> tuple[Advice, ...]:
    """What would need less, the largest saving at the median first; advice that it already follows is left out.

    Args:
        estimate: the request as it stands.
        size: the same estimate of another workload or place.
    """
    found = [*_sized_again(workload, place, estimate, size), *_as_published(workload)]
    useful = [each for each in found if each.kept_share.p50 <= 1.0 - SAVES_MIN]
    return tuple(sorted(useful, key=lambda each: (each.kept_share.p50, each.id)))


def _as_published(workload: Workload) -> Iterator[Advice]:
    is_transformer = workload.text("architecture") in _TRANSFORMERS and not workload.is_stated("samples_million")
    for each in _PUBLISHED:
        if workload.kind not in each.kinds:
            continue
        if each.id == "mixed_precision" and workload.text("precision") != "fp32":
            continue
        if each.id == "flash_attention" and (not is_transformer or workload.text("fused_attention") == "yes"):
            continue
        yield Advice(each.id, each.text, each.quantity, each.kept_share, "published", each.source)


def _sized_again(workload: Workload, place: Place, estimate: Estimate, size: Sizer) -> Iterator[Advice]:
    """Changed requests, sized by the estimator itself on the same day and catalogue."""
    for id_, text, changes, quantity in _variants(workload):
        changed = _changed(workload, changes)
        other = size(changed, place) if changed is not None else None
        if other is not None and not _outgrows_memory(estimate, other):
            yield from _saving(id_, text, quantity, estimate, other)
    yield from _other_terms(workload, place, estimate, size)
    yield from _edge(workload, place, estimate, size)
    yield from _elsewhere(workload, place, estimate, size)
    smaller = estimate.smallest_count_that_fits
    if smaller is not None and smaller < place.accelerator_count and workload.kind in SERVING_KINDS:
        yield from _saving(
            "fewer_devices",
            f"Request {numbers.count(smaller)} accelerators: they hold the model",
            "run_rate_usd_month",
            estimate,
            size(workload, replace(place, accelerator_count=smaller)),
        )


def _elsewhere(workload: Workload, place: Place, estimate: Estimate, size: Sizer) -> Iterator[Advice]:
    """The same machines on a cleaner grid, with what that does to the price."""
    found = estimate.cleaner_place
    if found is None:
        return
    there = replace(place, provider=found.provider, provider_type=None, region=found.region, country=found.country)
    yield from _saving(
        "cleaner_place",
        f"Run it in {found.region} of {found.provider}, at {numbers.percent(found.cost_ratio)} of the price: "
        f"{numbers.count(found.grid_g_kwh)} g CO2e/kWh",
        "carbon_kg",
        estimate,
        size(workload, there),
    )


def _edge(workload: Workload, place: Place, estimate: Estimate, size: Sizer) -> Iterator[Advice]:
    """A small board or a plain CPU, where the model fits it; nobody may be waiting."""
    if workload.kind not in (WorkloadKind.INFERENCE_BATCH, WorkloadKind.EMBEDDING, WorkloadKind.EVALUATION):
        return
    for slug, text in SMALL_DEVICES:
        try:
            other = size(workload, replace(place, accelerator=slug, accelerator_count=1))
        except InputError:
            # The catalogue in force does not have this device.
            continue
        if other.memory_fits is not False:
            yield from _saving(f"small_device_{slug}", text, "energy_kwh", estimate, other)


def _variants(workload: Workload) -> Iterator[tuple[str, str, Mapping[str, Any], str]]:
    precision = workload.text("precision")
    if workload.kind in SERVING_KINDS:
        if precision in ("fp32", "bf16"):
            yield "quantise_8", "Quantise the weights to 8 bit", {"precision": "int8"}, "gpu_hours"
        if precision != "int4":
            yield "quantise_4", "Quantise the weights to 4 bit", {"precision": "int4"}, "gpu_hours"
        yield from _smaller_model(workload)
    if workload.kind is WorkloadKind.FINE_TUNING and workload.text("method") == "full":
        yield "lora", "Train adapters instead of all parameters", {"method": "lora"}, "gpu_hours"
        yield "qlora", "Train adapters on a 4-bit base", {"method": "qlora"}, "memory_gib_per_device"
    if workload.kind in TRAINING_KINDS and workload.text("recompute") == "full":
        yield "recompute_less", "Compute again only what attention needs", {"recompute": "selective"}, "gpu_hours"
    if workload.kind is WorkloadKind.PRETRAINING:
        stated = workload.number("tokens_billion") or 0.0
        if stated > 20.0:
            yield (
                "pretrained_base",
                "Start from a pre-trained model and fine-tune it on a twentieth of the tokens",
                {"tokens_billion": stated / 20.0, "epochs": 1.0},
                "gpu_hours",
            )
        yield from _smaller_model(workload)
    if workload.kind is WorkloadKind.HOSTED_API:
        yield "api_cache", "Read half of the input from the prompt cache", {"cached_percent": 50.0}, "cost_usd"
        yield "api_batch", "Send what can wait by the batch price", {"batch_percent": 50.0}, "cost_usd"


def _smaller_model(workload: Workload) -> Iterator[tuple[str, str, Mapping[str, Any], str]]:
    parameters = workload.number("parameters_billion")
    if parameters is not None and parameters > 1.0 and not workload.is_stated("layers"):
        half: dict[str, Any] = {"parameters_billion": parameters / 4.0}
        active = workload.number("active_parameters_billion")
        if active is not None:
            half["active_parameters_billion"] = active / 4.0
        yield "start_small", "Start with a model of a quarter of the size", half, "gpu_hours"


def _changed(workload: Workload, changes: Mapping[str, Any]) -> Workload | None:
    if all(workload.stated.get(name) == value for name, value in changes.items()):
        return None
    try:
        return Workload.parse(workload.kind, {**workload.stated, **changes}, is_sized=workload.is_sized)
    except InputError:
        return None


def _other_terms(workload: Workload, place: Place, estimate: Estimate, size: Sizer) -> Iterator[Advice]:
    for term, text in (
        (PriceTerm.SPOT, "Take machines that may be interrupted, with checkpoints"),
        (PriceTerm.RESERVED_1Y, "Commit for a year, if the machines are used all year"),
    ):
        if place.price_term != PriceTerm.ON_DEMAND:
            continue
        other = size(workload, replace(place, price_term=term))
        if term == PriceTerm.SPOT:
            yield from _saving("spot", text, "cost_usd", estimate, other)
        else:
            yield from _saving("reserved", text, "run_rate_usd_month", estimate, other)


def _outgrows_memory(before: Estimate, after: Estimate) -> bool:
    """Whether a change needs more memory than the device has: no advice, whatever it saves."""
    if after.memory_fits is not False or after.memory_gib_per_device is None:
        return False
    return before.memory_gib_per_device is None or after.memory_gib_per_device.p50 > before.memory_gib_per_device.p50


def _saving(id_: str, text: str, quantity: str, before: Estimate, after: Estimate) -> Iterator[Advice]:
    """What is left of a quantity at each end; both are uncertain in the same factors, so ends go with ends."""
    old: Interval | None = getattr(before, quantity)
    new: Interval | None = getattr(after, quantity)
    if old is None or new is None or min(old.p10, new.p10) <= 0:
        return
    ratios = sorted((new.p10 / old.p10, new.p50 / old.p50, new.p90 / old.p90))
    yield Advice(id_, text, quantity, Interval(*ratios), "sized again", "the same estimate of the changed request")
