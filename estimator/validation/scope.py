"""Which published runs can be used, and which of them count: the written rules, applied from a row's own words."""

from __future__ import annotations

from collections.abc import Mapping

PROJECTED = ("projection",)
DERIVED_MODEL = ("distil", "pruned")
NOT_STATED = ("assumption", "estimate only", "iteration time", "step time")
NOT_A_FIGURE = ("upper bound", "lower bound", "roughly", "rounded")
THIRD_PARTY_HOURS = ("gpu_hours", "gpu-h", "count", "all")
VERIFIED = "verified"
READ_AT_COLLECTION = "verified: read"
"""How a row begins its verification that was collected by the rule of estimator/data/README.md."""
PARAMETERS_ELSEWHERE = ("encoder-decoder", "shared attention", "shared layer", "shared parameters")
DEVICE_UNKNOWN = ("device not stated",)


def why_not_usable(cells: Mapping[str, str]) -> str:
    """Why the stated parameters or the stated device of a row say nothing of its work, or the empty string.

    The rule was fixed before any error of the runs that it concerns was computed (docs/estimator.md, validation). It
    reads the column `note`.
    """
    note = (cells.get("note") or "").lower()
    if _has(note, PARAMETERS_ELSEWHERE):
        return "the parameters that one token passes through are not stated"
    if _has(note, DEVICE_UNKNOWN):
        return "the device is not stated"
    return ""


def is_of_the_collection(cells: Mapping[str, str]) -> bool:
    """Whether a row was read for the collection, after the procedure and its first figures were known."""
    return (cells.get("verification") or "").strip().lower().startswith(READ_AT_COLLECTION)


def why_out_of_scope(cells: Mapping[str, str]) -> str:
    """Why a usable run does not count, or the empty string where it does.

    The rule was fixed before any error was computed (docs/estimator.md, validation). It reads the columns `note`,
    `verification` and `third_party_estimate` and nothing that depends on the outcome.
    """
    verification = (cells.get("verification") or "").strip().lower()
    words = f"{cells.get('note') or ''} {verification}".lower()
    third_party = (cells.get("third_party_estimate") or "").lower()
    if _has(words, PROJECTED):
        return "a projection, not a completed run"
    if _has(words, DERIVED_MODEL):
        return "distilled or pruned from another model"
    if not verification.startswith(VERIFIED):
        return "not checked against a text of the developer"
    if _has(third_party, THIRD_PARTY_HOURS):
        return "hours of a third party"
    if _has(words, NOT_STATED):
        return "hours are assumed or worked out from a step"
    if _has(words, NOT_A_FIGURE):
        return "a bound or a coarse figure"
    return ""


def _has(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)
