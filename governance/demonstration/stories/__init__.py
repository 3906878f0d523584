"""The requests of the tour: each is a generator that lives through one, step by step, at instants of the past."""

from __future__ import annotations

from collections.abc import Callable

from governance.demonstration.organisation.world import Story, World
from governance.demonstration.stories import large, refused, renewed, services, small, training

Teller = Callable[[World], Story]

STORIES: tuple[Teller, ...] = (
    *small.STORIES,
    *training.STORIES,
    *large.STORIES,
    *services.STORIES,
    *renewed.STORIES,
    *refused.STORIES,
)
