"""The shape of a model: parameters, layers and width, stated or derived from the parameters."""

from __future__ import annotations

from dataclasses import dataclass

from estimator.core.workload.workload import Workload

ASPECT_RATIO = 112.0
"""Width over depth, near the middle of published decoders: 102 (80 × 8192) to 128 (32 × 4096, 96 × 12288)."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Counts, all of them: parameters, layers, values per layer, tokens of vocabulary.

    `encoder_parameters` is zero unless the halves of an encoder-decoder are known; `layers` are those of both.
    """

    parameters: float
    active_parameters: float
    layers: float
    hidden_size: float
    key_value_share: float
    vocabulary_size: float
    is_derived: bool
    encoder_parameters: float = 0.0

    @property
    def decoder_parameters(self) -> float:
        return self.active_parameters - self.encoder_parameters

    @property
    def decoder_layers(self) -> float:
        """Layers that write: all of them, or the decoder's.

        Source: derived; a plain encoder layer has 12 h² parameters and a decoder layer 16 h², as it attends twice.
        """
        if not self.encoder_parameters:
            return self.layers
        encoder, decoder = self.encoder_parameters / 12.0, self.decoder_parameters / 16.0
        return self.layers * decoder / (encoder + decoder)

    @property
    def is_mixture_of_experts(self) -> bool:
        return self.active_parameters < self.parameters

    def key_value_bytes_per_token(self, bytes_per_value: float) -> float:
        """Bytes of key and value cache that one token of one sequence occupies.

        Source: 2 × layers × key-value width × bytes, one part each for keys and values (docs/estimator.md, memory).
        """
        return 2.0 * self.decoder_layers * self.hidden_size * self.key_value_share * bytes_per_value


def model_shape(workload: Workload) -> ModelShape | None:
    """The model of a workload, or None when its parameters are not stated."""
    parameters, active = workload.parameters, workload.active_parameters
    if parameters is None or active is None:
        return None
    return shape_of(
        parameters=parameters,
        active_parameters=active,
        layers=workload.number("layers"),
        hidden_size=workload.number("hidden_size"),
        key_value_share=workload.number("key_value_share") or 1.0,
        vocabulary_size=workload.number("vocabulary_size") or 1.0,
        encoder_parameters=workload.encoder_parameters,
    )


def shape_of(
    *,
    parameters: float,
    active_parameters: float,
    layers: float | None = None,
    hidden_size: float | None = None,
    key_value_share: float = 1.0,
    vocabulary_size: float = 1.0,
    encoder_parameters: float = 0.0,
) -> ModelShape:
    """A shape from what is known; layers and width that are not stated follow from the active parameters.

    Source: N = 12 L h² for a plain transformer block; Kaplan et al. 2020, Scaling Laws for Neural Language Models,
    section 2.1.
    """
    is_derived = hidden_size is None or layers is None
    if hidden_size is None:
        per_layer = active_parameters / (12.0 * layers) if layers else None
        hidden_size = per_layer**0.5 if per_layer else (ASPECT_RATIO * active_parameters / 12.0) ** (1 / 3)
    if layers is None:
        layers = max(1.0, active_parameters / (12.0 * hidden_size**2))
    return ModelShape(
        parameters=parameters,
        active_parameters=active_parameters,
        layers=layers,
        hidden_size=max(hidden_size, 1.0),
        key_value_share=key_value_share,
        vocabulary_size=vocabulary_size,
        is_derived=is_derived,
        encoder_parameters=encoder_parameters,
    )
