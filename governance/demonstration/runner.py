"""Advances all stories in the order of their instants, so that the log reads as it would have been written."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import transaction

from governance.demonstration.organisation.world import OutOfStory, Story, World
from governance.domain.errors import GovernanceError

logger = logging.getLogger(__name__)

# The last step of a story lies before the first start, however early in the day that is.
LAST_MINUTES = 20


def run(world: World, tellers: Iterable[Callable[[World], Story]]) -> dict[str, str]:
    """Live through all stories.

    A story whose next step the rules do not permit ends there: what has happened stays, and the others go on.

    Returns:
        Story -> why it ended early; empty when all went as told.
    """
    last = world.cast.calendar.start - timedelta(minutes=LAST_MINUTES)
    waiting: list[tuple[datetime, int, str, Story]] = []
    for turn, tell in enumerate(tellers):
        story = tell(world)
        heapq.heappush(waiting, (min(next(story), last), turn, _name(tell), story))
    cut_short: dict[str, str] = {}
    while waiting:
        at, turn, name, story = heapq.heappop(waiting)
        try:
            # A step that fails half way leaves nothing of itself.
            with transaction.atomic():
                wanted = _take_step(story, at)
        except (GovernanceError, OutOfStory) as error:
            cut_short[name] = str(error)
            logger.warning("demonstration: %s ends early: %s", name, error)
            continue
        if wanted is None:
            continue
        # Weekends move days; a story never runs backwards because of that.
        following = min(max(wanted, at + timedelta(minutes=7)), last)
        heapq.heappush(waiting, (following, turn, name, story))
    return cut_short


def _take_step(story: Story, at: datetime) -> datetime | None:
    """Let a story do what happens now; the instant of its next step, or None at its end."""
    try:
        return story.send(at)
    except StopIteration:
        return None


def _name(tell: Callable[[World], Story]) -> str:
    return f"{tell.__module__.rsplit('.', 1)[-1]}.{tell.__qualname__}"
