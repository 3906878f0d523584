"""Accelerators as somebody chooses among them: a heading for each class, and each part with its price."""

from __future__ import annotations

from collections.abc import Iterable

from governance.display import numbers
from governance.display.numbers import NBSP
from governance.display.vocabulary import TERM_NAMES
from governance.domain.prose import capital
from governance.selectors.register.accelerators import AcceleratorClass, PricedAccelerator

Groups = list[tuple[str, list[tuple[str, str]]]]
"""(heading, (slug, text) of each part), in the order in which they are offered."""

OWN_HEADING = "Yours: owned or at an agreed price"
# Generations whose name alone is none, or is their vendor's product line already.
_GENERATIONS = {
    "cdna2": "CDNA 2", "cdna3": "CDNA 3", "cdna4": "CDNA 4", "tpu": "TPU", "lpu": "LPU", "cpu": "processors",
    "apple": "silicon", "ada": "Ada Lovelace", "orin": "Jetson Orin",
}  # fmt: skip


def grouped(classes: Iterable[AcceleratorClass]) -> Groups:
    """The groups of a select, the organisation's own first."""
    return [(_heading(each), [(member.part.slug, _text(member)) for member in each.members]) for each in classes]


def _heading(each: AcceleratorClass) -> str:
    if each.is_own:
        return OWN_HEADING
    return f"{each.vendor} {_GENERATIONS.get(each.generation, capital(each.generation))}"


def _text(member: PricedAccelerator) -> str:
    """`H100 SXM5 80GB, 1.85 USD/h, owned pool` or `L40S, from 0.86 USD/h, list price of 24 May 2026`."""
    offer = member.offer
    if offer is None:
        return f"{member.part.name}, no current price"
    price = f"{numbers.rate(offer.usd_per_gpu_hour)}{NBSP}USD/h"
    if offer.is_own:
        return f"{member.part.name}, {price}, {TERM_NAMES.get(offer.price_term, offer.price_term)}"
    # The year always: a list price is read by its age.
    day = offer.as_of
    return f"{member.part.name}, from {price}, list price of {day.day}{NBSP}{day:%b %Y}"
