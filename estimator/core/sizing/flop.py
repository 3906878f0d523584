"""FLOP of a workload: what changes parameters, what generates data, and what only reads a model, kept apart.

Formula ids F1 to F15 are explained in docs/estimator.md. All figures are model FLOP: recomputation of activations is
time, not training compute, and stands in `timed_training` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from estimator.core.quantities import BILLION, MILLION, Interval
from estimator.core.workload.fields import WorkloadKind
from estimator.core.workload.shape import ModelShape
from estimator.core.workload.workload import Workload

TRAINING_KINDS = frozenset(
    {
        WorkloadKind.PRETRAINING,
        WorkloadKind.CONTINUED_PRETRAINING,
        WorkloadKind.FINE_TUNING,
        WorkloadKind.DISTILLATION,
        WorkloadKind.RL_SYNTHETIC,
    }
)
WHOLE = Interval.exact(1.0)
ENCODER_DECODER_SHARE = Interval(0.5, 0.625, 1.0)
"""F14 where the halves are not stated: share of 6ND that an encoder-decoder computes.

Source: T5-11B, where 6ND is 1.6 times the figure of Patterson et al. 2021, Carbon Emissions and Large Neural Network
Training, table 4; a half is the floor, all of it the ceiling.
"""


ACROSS_SHARE = 1.0 / 8.0
"""Share of a decoder's parameters that read the encoder's output: keys and values of the second attention.

Source: derived; 2 h² of the 16 h² of a plain decoder layer (Vaswani et al. 2017), and of T5-11B's wider ones alike.
"""


@dataclass(frozen=True, slots=True)
class TokenLoad:
    """Tokens that a model reads and writes without learning from them, and the context that each stands in."""

    prefill_tokens: float
    decode_tokens: float
    context_tokens: float
    prompt_tokens: float


@dataclass(frozen=True, slots=True)
class FlopCount:
    """FLOP of one run at the median of its inputs.

    `training` changes parameters; `generation` makes data for training or scores it, which a cumulative count adds;
    `reading` is inference for its own sake. `timed_training` is what the devices execute for `training`.
    """

    training: float = 0.0
    generation: float = 0.0
    reading: float = 0.0
    timed_training: float = 0.0
    share: Interval = WHOLE

    @property
    def total(self) -> float:
        return self.training + self.generation + self.reading


def training_flop(active_parameters: float, tokens: float, shape: ModelShape | None, context_tokens: float) -> float:
    """F1 and F3: 6 FLOP per parameter and token, and causal attention over the sequence.

    Source: Kaplan et al. 2020, section 2.1 (6ND); Chowdhery et al. 2022, PaLM, appendix B (12 L h s per token for full
    attention, half of it under a causal mask).
    """
    attention = 6.0 * shape.layers * shape.hidden_size * context_tokens if shape else 0.0
    return tokens * (6.0 * active_parameters + attention)


def two_part_training_flop(
    shape: ModelShape, tokens: float, targets: float, context_tokens: float, per_parameter: float = 6.0
) -> float:
    """F14: each half of an encoder-decoder sees its own tokens, and attends to what it may.

    Args:
        tokens: read by the encoder, `context_tokens` in a sequence.
        targets: written by the decoder, in sequences shorter or longer by the same ratio.
        per_parameter: FLOP per parameter and token: 6, or 4 where weights are frozen.

    Source: F1 for each half, with the keys and values across the halves computed from the encoder's tokens; attention
    of PaLM's appendix B: 12 L h s a token where all is seen, half of that where only the past is.
    """
    across = ACROSS_SHARE * shape.decoder_parameters
    encoder_layers = shape.layers - shape.decoder_layers
    written = context_tokens * targets / tokens if tokens > 0 else 0.0
    seen = 12.0 * shape.hidden_size * context_tokens
    encoder = tokens * (per_parameter * (shape.encoder_parameters + across) + encoder_layers * seen)
    attention = shape.decoder_layers * (6.0 * shape.hidden_size * written + seen)
    return encoder + targets * (per_parameter * (shape.decoder_parameters - across) + attention)


def adapter_flop(active_parameters: float, tokens: float, shape: ModelShape, context_tokens: float) -> float:
    """F13: with frozen weights the gradient of the weights falls away, 4 FLOP per parameter and token.

    Source: derived from F1; forward 2, gradient of activations 2; attention has no frozen weights.
    """
    return tokens * (4.0 * active_parameters + 6.0 * shape.layers * shape.hidden_size * context_tokens)


def sample_training_flop(forward_flop: float, samples: float) -> float:
    """F10 and F11: three forward passes' worth per sample, whatever the network.

    Source: Sevilla et al. 2022, Compute Trends Across Three Eras of Machine Learning, appendix A.
    """
    return 3.0 * forward_flop * samples


def prefill_flop(shape: ModelShape, tokens: float, prompt_tokens: float) -> float:
    """F2 and F3 forward: 2 FLOP per parameter and token, and causal attention over the prompt.

    Source: Kaplan et al. 2020, section 2.1; attention is a third of F3. An encoder reads alone, and sees both ways.
    """
    if shape.encoder_parameters:
        across = ACROSS_SHARE * shape.decoder_parameters
        seen = 4.0 * (shape.layers - shape.decoder_layers) * shape.hidden_size * prompt_tokens
        return tokens * (2.0 * (shape.encoder_parameters + across) + seen)
    return tokens * (2.0 * shape.active_parameters + 2.0 * shape.layers * shape.hidden_size * prompt_tokens)


def decode_flop(shape: ModelShape, tokens: float, context_tokens: float) -> float:
    """F2 and F4: 2 FLOP per parameter and token, and attention to everything before it.

    Source: derived from F3; 4 L h c per token at context c. A decoder that follows an encoder writes alone; what it
    attends to is the input and what it has written, as in a decoder without one.
    """
    across = ACROSS_SHARE * shape.decoder_parameters if shape.encoder_parameters else 0.0
    attention = 4.0 * shape.decoder_layers * shape.hidden_size * context_tokens
    return tokens * (2.0 * (shape.decoder_parameters - across) + attention)


def compute_optimal_tokens(parameters: float) -> float:
    """F15: the tokens that a model of this size would see under compute-optimal training, about 20 per parameter.

    Source: Hoffmann et al. 2022, Training Compute-Optimal Large Language Models, section 3.
    """
    return 20.0 * parameters


def token_load(workload: Workload, days: float) -> TokenLoad:
    """The tokens of an inference workload: of the whole job, or of `days` days for an online service."""
    into, out = workload.number("input_tokens") or 0.0, workload.number("output_tokens") or 0.0
    requests = workload.number("requests") or 0.0
    match workload.kind:
        case WorkloadKind.INFERENCE_ONLINE:
            requests = (workload.number("requests_per_day") or 0.0) * days
        case WorkloadKind.EVALUATION:
            requests *= workload.number("repeats") or 1.0
        case WorkloadKind.AGENTIC:
            requests = (workload.number("tasks") or 0.0) * (workload.number("steps_per_task") or 0.0)
        case WorkloadKind.EMBEDDING:
            context = workload.number("context_tokens") or 1.0
            return TokenLoad((workload.number("tokens_billion") or 0.0) * BILLION, 0.0, context, context)
        case WorkloadKind.RL_SYNTHETIC:
            context = workload.number("context_tokens") or 1.0
            return TokenLoad(0.0, (workload.number("generated_tokens_billion") or 0.0) * BILLION, context / 2, 0.0)
        case _:
            pass
    fresh = 1.0 - (workload.number("cached_percent") or 0.0) / 100.0
    return TokenLoad(requests * into * fresh, requests * out, into + out / 2.0, into)


def training_tokens(workload: Workload) -> float:
    """Tokens that change parameters: unique tokens times epochs, or the trained tokens of reinforcement learning."""
    if workload.kind is WorkloadKind.RL_SYNTHETIC:
        return (workload.number("trained_tokens_billion") or 0.0) * BILLION
    return (workload.number("tokens_billion") or 0.0) * BILLION * (workload.number("epochs") or 1.0)


def count_flop(workload: Workload, shape: ModelShape | None, generator: ModelShape | None, days: float) -> FlopCount:
    """FLOP of a sized workload; zero for kinds that are sized by hours or money.

    Args:
        generator: the model that generates or scores; the model itself where no teacher is stated.
        days: length of an online service that is counted.
    """
    if workload.kind in TRAINING_KINDS:
        if workload.is_stated("samples_million"):
            return _sample_count(workload)
        return FlopCount() if shape is None else _training_count(workload, shape, generator or shape)
    if workload.is_served_by_sample:
        return FlopCount(reading=served_sample_flop(workload, days))
    if shape is None:
        return FlopCount()
    load = token_load(workload, days)
    reading = prefill_flop(shape, load.prefill_tokens, load.prompt_tokens)
    reading += decode_flop(shape, load.decode_tokens, load.context_tokens)
    return FlopCount(reading=reading)


def served_sample_flop(workload: Workload, days: float) -> float:
    """F10 and F11 forward: one forward pass for each sample of a job, or for each request of `days` of a service."""
    forward = (workload.number("forward_gflop_per_sample") or 0.0) * BILLION
    if workload.kind is WorkloadKind.INFERENCE_ONLINE:
        return forward * (workload.number("requests_per_day") or 0.0) * days
    return forward * (workload.number("samples_million") or 0.0) * MILLION


def _sample_count(workload: Workload) -> FlopCount:
    forward = (workload.number("forward_gflop_per_sample") or 0.0) * BILLION
    samples = (workload.number("samples_million") or 0.0) * MILLION * (workload.number("epochs") or 1.0)
    training = sample_training_flop(forward, samples)
    return FlopCount(training=training, timed_training=training)


def is_adapter(workload: Workload) -> bool:
    """Whether only adapters on frozen weights are trained."""
    return workload.kind is WorkloadKind.FINE_TUNING and workload.text("method") in ("lora", "qlora")


def _training_count(workload: Workload, shape: ModelShape, generator: ModelShape) -> FlopCount:
    tokens, context = training_tokens(workload), workload.number("context_tokens") or 1.0
    targets = (workload.number("target_tokens_billion") or 0.0) * BILLION * (workload.number("epochs") or 1.0)
    has_adapter = is_adapter(workload)
    again = 0.0
    if targets > 0:
        training = two_part_training_flop(shape, tokens, targets, context, 4.0 if has_adapter else 6.0)
        forward = two_part_training_flop(shape, tokens, targets, context) / 3.0
    elif has_adapter:
        training = adapter_flop(shape.active_parameters, tokens, shape, context)
        forward = prefill_flop(shape, tokens, context)
    else:
        training, forward = training_flop(shape.active_parameters, tokens, shape, context), 0.0
    if has_adapter and workload.recomputation == "full":
        # F7: recomputing activations is a second forward pass, which eats what frozen weights save.
        again = forward
    generation = 0.0
    if workload.kind is WorkloadKind.RL_SYNTHETIC:
        load = token_load(workload, 0.0)
        generation = decode_flop(generator, load.decode_tokens, load.context_tokens)
    elif workload.kind is WorkloadKind.DISTILLATION and targets > 0:
        generation = two_part_training_flop(generator, tokens, targets, context) / 3.0
    elif workload.kind is WorkloadKind.DISTILLATION:
        generation = prefill_flop(generator, tokens, context)
    is_range = workload.text("architecture") == "encoder_decoder" and targets == 0 and not has_adapter
    share = ENCODER_DECODER_SHARE if is_range else WHOLE
    return FlopCount(training=training, generation=generation, timed_training=training + again, share=share)
