"""Gives out the numbers that people read aloud: dense, in order, never twice."""

from __future__ import annotations

from governance.models import Counter


def next_number(name: str) -> int:
    """The next number of a series. Its row stays locked until COMMIT, so a rolled-back number is given out again."""
    counter = Counter.objects.locked().filter(pk=name).first()
    if counter is None:
        Counter.objects.bulk_create([Counter(name=name)], ignore_conflicts=True)
        counter = Counter.objects.locked().get(pk=name)
    counter.value += 1
    counter.save(update_fields=["value"])
    return counter.value
