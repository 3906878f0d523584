"""Which published runs count: the written rule of docs/estimator.md, applied from a row's own words."""

from __future__ import annotations

from collections.abc import Mapping

PROJECTED = ("projection",)
DERIVED_MODEL = ("distil", "pruned")
NOT_STATED = ("assumption", "estimate only", "iteration time", "step time")
NOT_A_FIGURE = ("upper bound", "lower bound", "roughly", "rounded")
THIRD_PARTY_HOURS = ("gpu_hours", "gpu-h", "count", "all")
VERIFIED = "verified"


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
