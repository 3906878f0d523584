"""What a requester may state about a workload: one specification per field, for parser, form, API and documentation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class WorkloadKind(StrEnum):
    PRETRAINING = "pretraining"
    CONTINUED_PRETRAINING = "continued_pretraining"
    FINE_TUNING = "fine_tuning"
    RL_SYNTHETIC = "rl_synthetic"
    DISTILLATION = "distillation"
    EVALUATION = "evaluation"
    INFERENCE_ONLINE = "inference_online"
    INFERENCE_BATCH = "inference_batch"
    EMBEDDING = "embedding"
    AGENTIC = "agentic"
    INTERACTIVE = "interactive"
    HOSTED_API = "hosted_api"
    LEASE = "lease"
    PURCHASE = "purchase"


class FieldType(StrEnum):
    NUMBER = "number"
    INTEGER = "integer"
    CHOICE = "choice"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field: `minimum` and `maximum` are inclusive, and for text they bound the length in characters.

    `only_for` is the architecture whose models have it; of any other model it is neither asked nor accepted.
    """

    name: str
    label: str
    unit: str
    hint: str
    type: FieldType
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False
    default: float | int | str | None = None
    only_for: str = ""

    def is_asked(self, architecture: str) -> bool:
        """Whether a model of this architecture has it."""
        return not self.only_for or self.only_for == architecture


def _number(
    name: str,
    label: str,
    unit: str,
    minimum: float,
    maximum: float,
    hint: str,
    default: float | None = None,
    only_for: str = "",
) -> FieldSpec:
    return FieldSpec(name, label, unit, hint, FieldType.NUMBER, minimum, maximum, default=default, only_for=only_for)


def _integer(
    name: str, label: str, unit: str, minimum: int, maximum: int, hint: str, default: int | None = None
) -> FieldSpec:
    return FieldSpec(name, label, unit, hint, FieldType.INTEGER, minimum, maximum, default=default)


def _choice(name: str, label: str, hint: str, choices: tuple[tuple[str, str], ...], default: str) -> FieldSpec:
    return FieldSpec(name, label, "", hint, FieldType.CHOICE, choices=choices, default=default)


MIXTURE, ENCODER_DECODER = "mixture_of_experts", "encoder_decoder"
ARCHITECTURES = (
    ("decoder", "Decoder (dense)"),
    (MIXTURE, "Mixture of experts"),
    ("encoder", "Encoder"),
    (ENCODER_DECODER, "Encoder-decoder"),
    ("diffusion", "Diffusion"),
    ("convolutional", "Convolutional"),
)
PRECISIONS = (
    ("bf16", "16 bit (BF16 or FP16)"),
    ("fp32", "32 bit"),
    ("fp8", "8-bit floating point"),
    ("int8", "8-bit integer"),
    ("int4", "4 bit"),
)
METHODS = (
    ("full", "Full (all parameters change)"),
    ("lora", "LoRA (adapters on a 16-bit base)"),
    ("qlora", "QLoRA (adapters on a 4-bit base)"),
)
UNKNOWN = "unknown"
_NOT_KNOWN = (UNKNOWN, "Not known yet")
RECOMPUTES = (
    (UNKNOWN, "Not known yet (memory as with full)"),
    ("full", "Full (least memory)"),
    ("selective", "Selective (attention only)"),
    ("none", "None (most memory)"),
)
FUSED_ATTENTIONS = (_NOT_KNOWN, ("yes", "Yes, FlashAttention or a like kernel"), ("no", "No"))
TRAINING_SOFTWARE = (
    _NOT_KNOWN,
    ("megatron", "Megatron-LM, NeMo or a fork"),
    ("neox", "GPT-NeoX"),
    ("deepspeed", "DeepSpeed under an own loop"),
    ("fsdp", "An own PyTorch loop with FSDP"),
    ("composer", "MosaicML Composer, LLM Foundry"),
    ("jax", "JAX: T5X, MaxText, Pax, Levanter"),
    ("hf_trainer", "Hugging Face Trainer or Accelerate"),
    ("metaseq", "metaseq"),
    ("own", "Own software, not published"),
    ("other", "Other"),
)
OPTIMIZERS = (
    ("adamw", "AdamW, 32-bit state"),
    ("adamw_8bit", "AdamW, 8-bit state"),
    ("sgd_momentum", "SGD with momentum, or Muon"),
)
SHARDINGS = (
    ("zero3", "Everything sharded (FSDP, ZeRO-3)"),
    ("zero2", "Gradients and optimizer state sharded (ZeRO-2)"),
    ("zero1", "Optimizer state sharded (ZeRO-1)"),
    ("none", "Nothing sharded (plain data parallel)"),
)
SCOPES = (
    ("final_run", "The final run alone"),
    ("with_failed_runs", "The run and its failed attempts"),
    ("whole_project", "The whole project with its experiments"),
)

_SPECS = (
    _number(
        "parameters_billion",
        "Parameters",
        "billion",
        1e-6,
        1e5,
        "All parameters of the model; of a mixture of experts, all experts.",
    ),
    _number(
        "active_parameters_billion",
        "Active parameters",
        "billion",
        1e-6,
        1e5,
        "Parameters that one token passes through.",
        only_for=MIXTURE,
    ),
    _choice("architecture", "Architecture", "Decides how FLOP and memory are counted.", ARCHITECTURES, "decoder"),
    _number(
        "encoder_parameters_billion",
        "Parameters of the encoder",
        "billion",
        1e-6,
        1e5,
        "The others are its decoder's. Leave empty to count with a range.",
        only_for=ENCODER_DECODER,
    ),
    _integer("layers", "Layers", "layers", 1, 10_000, "Leave empty to derive it from the parameters."),
    _integer("hidden_size", "Hidden size", "values", 8, 1_000_000, "Leave empty to derive it from the parameters."),
    _number(
        "key_value_share",
        "Key-value heads per query head",
        "share",
        0.001,
        1.0,
        "1 for plain attention, 0.125 for eight queries to one key-value head.",
        0.25,
    ),
    _integer("vocabulary_size", "Vocabulary", "tokens", 2, 10_000_000, "Distinct tokens.", 128_000),
    _integer(
        "context_tokens",
        "Sequence length",
        "tokens",
        1,
        100_000_000,
        "Tokens in one training sequence; attention grows with it.",
        4096,
    ),
    _choice("precision", "Precision", "Number format of weights and arithmetic.", PRECISIONS, "bf16"),
    _number("tokens_billion", "Tokens", "billion", 1e-6, 1e9, "Unique tokens, before epochs."),
    _number(
        "target_tokens_billion",
        "Target tokens",
        "billion",
        1e-6,
        1e9,
        "What its decoder learns to write, before epochs; tokens are then its encoder's.",
        only_for=ENCODER_DECODER,
    ),
    _number("epochs", "Epochs", "passes", 0.01, 10_000, "How often each token is seen.", 1.0),
    _number(
        "samples_million",
        "Samples",
        "million",
        1e-6,
        1e9,
        "Images or other examples, when the work is not counted in tokens.",
    ),
    _number(
        "forward_gflop_per_sample",
        "Forward pass per sample",
        "GFLOP",
        1e-9,
        1e12,
        "Two FLOP per multiply-accumulate: 4.1 GMAC are 8.2. Of diffusion: one step in training, all steps in use. "
        "A request is then one sample.",
    ),
    _choice("method", "Method", "How much of the model changes.", METHODS, "full"),
    _choice("recompute", "Activation recomputation", "Trades memory for time.", RECOMPUTES, UNKNOWN),
    _choice(
        "fused_attention", "Fused attention kernel", "Published runs with one were faster.", FUSED_ATTENTIONS, UNKNOWN
    ),
    _choice(
        "training_software", "Training software", "What runs the loop and splits the model.", TRAINING_SOFTWARE, UNKNOWN
    ),
    _choice("optimizer", "Optimizer", "Decides the bytes kept per parameter.", OPTIMIZERS, "adamw"),
    _choice("sharding", "Sharding", "What is split over the accelerators.", SHARDINGS, "zero3"),
    _integer(
        "tensor_parallel",
        "Tensor parallelism",
        "devices",
        1,
        256,
        "Devices that share one layer, with sequence parallelism; leave empty where everything is sharded by data.",
    ),
    _integer(
        "pipeline_parallel",
        "Pipeline parallelism",
        "stages",
        1,
        1024,
        "Stages of layers; leave empty where everything is sharded by data.",
    ),
    _choice("scope", "Scope", "What the hours must cover.", SCOPES, "final_run"),
    _number(
        "measured_mfu_percent",
        "Measured utilisation",
        "% of dense 16-bit peak",
        0.1,
        95.0,
        "Model FLOP utilisation seen in a pilot of your own; narrows the estimate.",
    ),
    _number(
        "generated_tokens_billion",
        "Generated tokens",
        "billion",
        1e-6,
        1e9,
        "Every sampled token, also those that are thrown away.",
    ),
    _number(
        "trained_tokens_billion",
        "Trained tokens",
        "billion",
        0.0,
        1e9,
        "Tokens that change parameters; 0 when data is only generated.",
    ),
    _number(
        "teacher_parameters_billion",
        "Active parameters of the teacher",
        "billion",
        1e-6,
        1e5,
        "The model that generates or scores; leave empty when it is the model itself.",
    ),
    _number("requests", "Requests", "requests", 1, 1e15, "How many prompts the whole job answers."),
    _number("requests_per_day", "Requests per day", "requests/day", 1e-3, 1e13, "On an average day at the start."),
    _number("input_tokens", "Input tokens per request", "tokens", 0, 1e8, "Prompt and context."),
    _number("output_tokens", "Output tokens per request", "tokens", 0, 1e8, "Answer and hidden reasoning."),
    _number(
        "peak_to_mean",
        "Peak over mean load",
        "ratio",
        1,
        1000,
        "Busiest hour over the average hour.",
        3.0,
    ),
    _number(
        "growth_percent_month",
        "Growth",
        "% per month",
        -50,
        1000,
        "Growth of requests per 30 days.",
        0.0,
    ),
    _number(
        "latency_target_ms",
        "Latency target",
        "ms to first token",
        1,
        86_400_000,
        "Leave empty when nobody waits.",
    ),
    _number("cached_percent", "Cached input", "%", 0, 100, "Share of input tokens read from a prompt cache.", 0.0),
    _number("batch_percent", "Batch share", "%", 0, 100, "Share of requests that may wait for the batch price.", 0.0),
    _number("repeats", "Repeats", "runs", 1, 100_000, "How often the suite is run.", 1.0),
    _number("tasks", "Tasks", "tasks", 1, 1e13, "Whole tasks that agents carry out."),
    _number("steps_per_task", "Steps per task", "steps", 1, 1_000_000, "Model calls in one task."),
    _number(
        "hours_per_accelerator",
        "Hours",
        "hours per accelerator",
        0.01,
        100_000,
        "Leave empty to use the whole window.",
    ),
    FieldSpec(
        "api_model",
        "Hosted model",
        "",
        "Name as in the price list of the provider.",
        FieldType.TEXT,
        1,
        200,
    ),
    _number("input_tokens_million_month", "Input tokens", "million/month", 0, 1e12, "Per 30 days."),
    _number("output_tokens_million_month", "Output tokens", "million/month", 0, 1e12, "Per 30 days, reasoning too."),
    _number("months", "Months", "months of 30 days", 0.01, 120, "Leave empty to use the whole window."),
    _number(
        "unit_price_usd",
        "Unit price",
        "USD per accelerator",
        0.01,
        10_000_000,
        "As quoted, with its share of the server; leave empty to use list prices.",
    ),
    _number("lifetime_years", "Years of use", "years", 0.5, 15, "Until it is replaced.", 4.0),
)

FIELDS: dict[str, FieldSpec] = {spec.name: spec for spec in _SPECS}

_MODEL = (
    "parameters_billion",
    "architecture",
    "active_parameters_billion",
    "precision",
    "encoder_parameters_billion",
)
_SHAPE = ("layers", "hidden_size", "key_value_share", "vocabulary_size", "context_tokens")
_TRAINING = (
    "recompute",
    "fused_attention",
    "training_software",
    "optimizer",
    "sharding",
    "tensor_parallel",
    "pipeline_parallel",
    "scope",
    "measured_mfu_percent",
)
_TOKENS = ("tokens_billion", "target_tokens_billion", "epochs")
_SAMPLES = ("samples_million", "forward_gflop_per_sample")
_PER_REQUEST = ("input_tokens", "output_tokens")

# A trailing asterisk marks what work cannot be sized without. Fields that stand in for one another
# (tokens, or samples with their forward pass) are checked together by the parser instead.
_BY_KIND: dict[WorkloadKind, tuple[str, ...]] = {
    WorkloadKind.PRETRAINING: (*_MODEL, *_TOKENS, *_SAMPLES, *_SHAPE, *_TRAINING),
    WorkloadKind.CONTINUED_PRETRAINING: (*_MODEL, *_TOKENS, *_SAMPLES, *_SHAPE, *_TRAINING),
    WorkloadKind.FINE_TUNING: (*_MODEL, "method", *_TOKENS, *_SAMPLES, *_SHAPE, *_TRAINING),
    WorkloadKind.RL_SYNTHETIC: (
        "parameters_billion*",
        *_MODEL[1:],
        "generated_tokens_billion*",
        "trained_tokens_billion*",
        "teacher_parameters_billion",
        *_SHAPE,
        *_TRAINING,
    ),
    WorkloadKind.DISTILLATION: (
        "parameters_billion*",
        *_MODEL[1:],
        "teacher_parameters_billion*",
        "tokens_billion*",
        *_TOKENS[1:],
        *_SHAPE,
        *_TRAINING,
    ),
    WorkloadKind.EVALUATION: (
        "parameters_billion*",
        *_MODEL[1:],
        "requests*",
        "input_tokens*",
        "output_tokens*",
        "repeats",
        *_SHAPE[:4],
    ),
    WorkloadKind.INFERENCE_ONLINE: (
        "parameters_billion*",
        *_MODEL[1:],
        "requests_per_day*",
        "input_tokens*",
        "output_tokens*",
        "peak_to_mean",
        "growth_percent_month",
        "latency_target_ms",
        "forward_gflop_per_sample",
        *_SHAPE[:4],
    ),
    WorkloadKind.INFERENCE_BATCH: (
        "parameters_billion*",
        *_MODEL[1:],
        "requests*",
        "input_tokens*",
        "output_tokens*",
        *_SAMPLES,
        *_SHAPE[:4],
    ),
    WorkloadKind.EMBEDDING: ("parameters_billion*", *_MODEL[1:4], "tokens_billion*", *_SHAPE),
    WorkloadKind.AGENTIC: (
        "parameters_billion*",
        *_MODEL[1:],
        "tasks*",
        "steps_per_task*",
        "input_tokens*",
        "output_tokens*",
        "cached_percent",
        *_SHAPE[:4],
    ),
    WorkloadKind.INTERACTIVE: ("hours_per_accelerator",),
    WorkloadKind.HOSTED_API: (
        "api_model*",
        "input_tokens_million_month*",
        "output_tokens_million_month*",
        "months",
        "cached_percent",
        "batch_percent",
    ),
    WorkloadKind.LEASE: ("hours_per_accelerator",),
    WorkloadKind.PURCHASE: ("unit_price_usd", "lifetime_years"),
}

FIELDS_BY_KIND: dict[WorkloadKind, tuple[FieldSpec, ...]] = {
    kind: tuple(replace(FIELDS[name.rstrip("*")], required=name.endswith("*")) for name in names)
    for kind, names in _BY_KIND.items()
}

SAMPLE_KINDS = frozenset({WorkloadKind.PRETRAINING, WorkloadKind.CONTINUED_PRETRAINING, WorkloadKind.FINE_TUNING})
"""Kinds that may be sized by tokens and parameters, or by samples and their forward pass."""
SERVED_SAMPLE_KINDS = frozenset({WorkloadKind.INFERENCE_BATCH, WorkloadKind.INFERENCE_ONLINE})


def asked(kind: WorkloadKind, architecture: str | None) -> tuple[FieldSpec, ...]:
    """The fields that are asked of a kind of work on a model of this architecture; None is the usual one."""
    known = architecture or str(FIELDS["architecture"].default)
    return tuple(spec for spec in FIELDS_BY_KIND[kind] if spec.is_asked(known))
