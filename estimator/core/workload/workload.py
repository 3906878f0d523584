"""A workload as stated by the requester: parsed once, with every wrong field named, and sized by the other modules."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from estimator.core.errors import WorkloadError
from estimator.core.quantities import BILLION
from estimator.core.workload.fields import (
    FIELDS,
    FIELDS_BY_KIND,
    MIXTURE,
    SAMPLE_KINDS,
    SERVED_SAMPLE_KINDS,
    UNKNOWN,
    FieldSpec,
    FieldType,
    WorkloadKind,
)
from governance.display import numbers

__all__ = ["FIELDS", "FIELDS_BY_KIND", "FieldSpec", "FieldType", "Workload", "WorkloadError", "WorkloadKind"]

FieldValue = float | int | str

_NUMERAL = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
_SHOWN_LENGTH_MAX = 40
FORWARD = "forward_gflop_per_sample"
NEXT_TO_NOTHING = 1e-9
"""Below this a number counts as zero: no field means anything so small, and its inverse would overflow."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What is to be computed. `stated` holds the requester's own values; `number` and `text` add the defaults.

    `is_sized` is False for a request as cap: the hours are given, and the fields only describe the model.
    """

    kind: WorkloadKind
    stated: Mapping[str, FieldValue]
    is_sized: bool = True

    @classmethod
    def parse(cls, kind: str, mapping: Mapping[str, Any], *, is_sized: bool = True) -> Workload:
        """Read a workload from plain values: JSON numbers, or text as a form posts it.

        Args:
            kind: one of the fourteen `WorkloadKind` values.
            mapping: field name to value; None and empty text count as not stated.
            is_sized: False when the request is a cap on hours or money; then no field is required.

        Raises:
            WorkloadError: one sentence for each field that is unknown, missing, out of range or contradictory.
        """
        try:
            workload_kind = WorkloadKind(kind)
        except ValueError:
            raise WorkloadError({"workload": f"choose one of {', '.join(WorkloadKind)}"}) from None
        if not isinstance(mapping, Mapping):
            raise WorkloadError({"work": "state the work as named fields"})
        specs = {spec.name: spec for spec in FIELDS_BY_KIND[workload_kind]}
        errors: dict[str, str] = {}
        # Images and other samples stand in for requests and tokens; of a service, its requests are the samples.
        stand_ins = {WorkloadKind.INFERENCE_BATCH: "samples_million", WorkloadKind.INFERENCE_ONLINE: FORWARD}
        is_by_sample = bool(mapping.get(stand_ins.get(workload_kind, "")))
        for name in mapping:
            if name not in specs:
                errors[_shown(name)] = f"this is not a field of `{workload_kind}`"
        stated: dict[str, FieldValue] = {}
        for name, spec in specs.items():
            raw = mapping.get(name)
            if raw is None or (isinstance(raw, str) and not raw.strip()):
                if spec.required and is_sized and not (is_by_sample and name != "requests_per_day"):
                    errors[name] = f"state {_with_unit(spec)}"
                continue
            value, error = _parse_value(spec, raw)
            if error:
                errors[name] = error
            elif value is not None:
                stated[name] = value
        workload = cls(workload_kind, MappingProxyType(stated), is_sized)
        for name, sentence in _contradictions(workload).items():
            errors.setdefault(name, sentence)
        if errors:
            raise WorkloadError(errors)
        return workload

    def is_stated(self, name: str) -> bool:
        return name in self.stated

    def number(self, name: str) -> float | None:
        """The stated value, else the field's default, else None; in the unit of the field."""
        value = self.stated.get(name, FIELDS[name].default)
        return None if value is None else float(value)

    def with_answer(self, name: str, value: FieldValue) -> Workload:
        """The same work with one answer more, or another one."""
        return replace(self, stated=MappingProxyType({**self.stated, name: value}))

    @property
    def recomputation(self) -> str:
        """Which activations are computed again; all of them where nobody knows yet, which needs the least memory."""
        stated = self.text("recompute")
        return "full" if stated == UNKNOWN else stated

    def text(self, name: str) -> str:
        """The stated choice or text, else the default, else the empty string."""
        value = self.stated.get(name, FIELDS[name].default)
        return "" if value is None else str(value)

    @property
    def parameters(self) -> float | None:
        """All parameters of the model, a count."""
        stated = self.number("parameters_billion")
        return None if stated is None else stated * BILLION

    @property
    def active_parameters(self) -> float | None:
        """Parameters that one token passes through, a count; all of them for a dense model."""
        stated = self.number("active_parameters_billion")
        return self.parameters if stated is None else stated * BILLION

    @property
    def encoder_parameters(self) -> float:
        """Parameters of the encoder of an encoder-decoder whose halves are stated, a count; else zero."""
        return (self.number("encoder_parameters_billion") or 0.0) * BILLION

    @property
    def is_served_by_sample(self) -> bool:
        """Whether what is served is counted in images or other samples instead of tokens."""
        return self.kind in SERVED_SAMPLE_KINDS and self.is_stated(FORWARD)

    @property
    def architecture(self) -> str:
        """As stated; whoever states active parameters alone has said that it is a mixture of experts."""
        is_said = self.is_stated("architecture") or not self.is_stated("active_parameters_billion")
        return self.text("architecture") if is_said else MIXTURE

    @property
    def is_mixture_of_experts(self) -> bool:
        return self.text("architecture") == MIXTURE or (
            self.parameters is not None
            and self.active_parameters is not None
            and self.active_parameters < self.parameters
        )

    def to_json(self) -> dict[str, Any]:
        return {"kind": str(self.kind), "is_sized": self.is_sized, "work": dict(self.stated)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Workload:
        return cls.parse(str(data["kind"]), data["work"], is_sized=bool(data["is_sized"]))


def _parse_value(spec: FieldSpec, raw: Any) -> tuple[FieldValue | None, str | None]:
    match spec.type:
        case FieldType.CHOICE:
            allowed = [value for value, _ in spec.choices]
            return (raw, None) if raw in allowed else (None, f"choose one of {', '.join(allowed)}")
        case FieldType.TEXT:
            return _parse_text(spec, raw)
        case FieldType.NUMBER | FieldType.INTEGER:
            return _parse_number(spec, raw)


def _parse_text(spec: FieldSpec, raw: Any) -> tuple[str | None, str | None]:
    if not isinstance(raw, str) or not raw.isprintable():
        return None, "use printable characters on one line"
    text = raw.strip()
    if len(text) < (spec.minimum or 0):
        return None, "must not be empty"
    if len(text) > (spec.maximum or 0):
        return None, f"use at most {int(spec.maximum or 0)} characters"
    return text, None


def _parse_number(spec: FieldSpec, raw: Any) -> tuple[float | int | None, str | None]:
    number = _to_finite(raw)
    if number is None:
        return None, f"state {_with_unit(spec)} as a number"
    if abs(number) < NEXT_TO_NOTHING:
        number = 0.0
    if spec.type is FieldType.INTEGER and number != int(number):
        return None, "use a whole number"
    if (spec.minimum is not None and number < spec.minimum) or (spec.maximum is not None and number > spec.maximum):
        unit = f" {spec.unit}" if spec.unit else ""
        return None, f"use a value from {_plain(spec.minimum)} to {_plain(spec.maximum)}{unit}"
    return (int(number) if spec.type is FieldType.INTEGER else number), None


def _to_finite(raw: Any) -> float | None:
    """A finite float, or None for anything else: booleans, NaN, infinity, huge integers, prose."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, str):
        raw = raw.strip()
        if not _NUMERAL.fullmatch(raw):
            return None
    elif not isinstance(raw, int | float):
        return None
    try:
        number = float(raw)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _contradictions(workload: Workload) -> dict[str, str]:
    """What single fields cannot show: alternatives half stated, experts without their active share."""
    errors: dict[str, str] = {}
    total, active = workload.number("parameters_billion"), workload.number("active_parameters_billion")
    if active is not None and total is None:
        errors["parameters_billion"] = "state all parameters beside the active ones"
    elif active is not None and total is not None and active > total:
        errors["active_parameters_billion"] = (
            f"at most all `{numbers.figure(total, 6)}` billion parameters can be active"
        )
    if workload.text("architecture") == MIXTURE and total is not None and active is None:
        errors["active_parameters_billion"] = "a mixture of experts needs the parameters that one token passes through"
    if workload.is_sized and workload.kind in SAMPLE_KINDS:
        errors |= _training_gaps(workload)
    errors |= _half_gaps(workload)
    if workload.kind is WorkloadKind.INFERENCE_BATCH:
        errors |= _served_sample_gaps(workload)
    if workload.kind is WorkloadKind.INFERENCE_ONLINE and workload.is_stated(FORWARD):
        tokens = [name for name in ("input_tokens", "output_tokens") if workload.is_stated(name)]
        errors |= dict.fromkeys(tokens[:1], "state tokens or a forward pass per sample, not both")
    if workload.is_sized and workload.kind is not WorkloadKind.RL_SYNTHETIC:
        _refuse_zero_pair(workload, ("input_tokens", "output_tokens"), errors)
    _refuse_zero_pair(workload, ("input_tokens_million_month", "output_tokens_million_month"), errors)
    return errors | _of_other_architectures(workload)


def _of_other_architectures(workload: Workload) -> dict[str, str]:
    """What is stated of the model although only models of another architecture have it."""
    labels = dict(FIELDS["architecture"].choices)
    return {
        name: f"only {_one(labels[FIELDS[name].only_for])} has this: choose that architecture, or leave this empty"
        for name in workload.stated
        if not FIELDS[name].is_asked(workload.architecture)
    }


def _one(label: str) -> str:
    article = "an" if label[0] in "AEIOU" else "a"
    return f"{article} {label[0].lower()}{label[1:]}"


def _half_gaps(workload: Workload) -> dict[str, str]:
    """The halves of an encoder-decoder: both or neither, and no more than the model."""
    encoder, active = "encoder_parameters_billion", workload.active_parameters
    target = "target_tokens_billion"
    if not workload.is_stated(encoder):
        return {encoder: "state it where the tokens of the decoder are"} if workload.is_stated(target) else {}
    if active is not None and workload.encoder_parameters >= active:
        return {encoder: f"use less than all `{numbers.figure(active / BILLION, 6)}` billion parameters"}
    if workload.is_stated("tokens_billion") and workload.is_sized and not workload.is_stated(target):
        return {target: "state what the decoder learns to write: each half sees its own tokens"}
    return {}


def _training_gaps(workload: Workload) -> dict[str, str]:
    """Training is sized by parameters and tokens, or by samples and the forward pass of one sample."""
    by_sample = workload.is_stated("samples_million") or workload.is_stated("forward_gflop_per_sample")
    by_token = workload.is_stated("tokens_billion") or not by_sample
    if by_sample and workload.is_stated("tokens_billion"):
        return {"samples_million": "state tokens or samples, not both"}
    needed = ("parameters_billion", "tokens_billion") if by_token else ("samples_million", "forward_gflop_per_sample")
    return {name: f"state {_with_unit(FIELDS[name])}" for name in needed if not workload.is_stated(name)}


def _served_sample_gaps(workload: Workload) -> dict[str, str]:
    """Batch inference is sized by requests of tokens, or by samples and the forward pass of one sample."""
    samples, forward = (workload.is_stated(name) for name in ("samples_million", "forward_gflop_per_sample"))
    if samples and workload.is_stated("requests"):
        return {"samples_million": "state requests or samples, not both"}
    if samples == forward:
        return {}
    missing = "forward_gflop_per_sample" if samples else "samples_million"
    return {missing: f"state {_with_unit(FIELDS[missing])}"}


def _refuse_zero_pair(workload: Workload, names: tuple[str, str], errors: dict[str, str]) -> None:
    values = [workload.stated.get(name) for name in names]
    if values == [0, 0]:
        errors[names[1]] = "input and output cannot both be zero"


def _with_unit(spec: FieldSpec) -> str:
    label = spec.label[0].lower() + spec.label[1:]
    return f"{label} in {spec.unit}" if spec.unit else label


def _plain(number: float | None) -> str:
    if number is None:
        return "any"
    return numbers.figure(number, 6)


def _shown(name: object) -> str:
    """A field name that a stranger sent, safe to show."""
    text = str(name)[:_SHOWN_LENGTH_MAX]
    return text if text.isprintable() else ascii(text)
