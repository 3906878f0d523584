"""Judges a sample of stored decisions again each day: the same facts under the same rules give the same answer."""

from __future__ import annotations

from datetime import UTC, datetime

from governance.domain.states.record import JobState
from governance.models import JobRun
from governance.selectors.record import replay
from governance.services.record import jobs

NAME = "replay_sample"
SAMPLE_SIZE = 500
DIFFERENCES_NAMED_MAX = 5


def replay_sample(*, now: datetime) -> int:
    """Replay this day's sample, once a day. A difference, or rules that are gone, make the run fail and say so.

    Returns:
        how many decisions were judged again; 0 when today's run was made already.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if JobRun.objects.filter(name=NAME, started_at__gte=midnight).exclude(state=JobState.RUNNING).exists():
        return 0
    with jobs.sweep(NAME, now=now) as run:
        if run is None:
            return 0
        sample = replay.sample_of(size=SAMPLE_SIZE, turn=midnight.toordinal())
        differing: list[str] = []
        unknown: list[int] = []
        for each in replay.replay(only=sample):
            if not run.has_time:
                break
            run.done_count += 1
            if each.differences is None:
                unknown.append(each.assessment_id)
            elif each.differences:
                differing.append(f"assessment {each.assessment_id}: {', '.join(sorted(each.differences))}")
        run.result = {"replayed": run.done_count, "differing": len(differing), "unknown_rules": len(unknown)}
        if differing:
            named = "; ".join(differing[:DIFFERENCES_NAMED_MAX])
            run.failures.append(f"{len(differing)} decisions came out differently: {named}")
        if unknown:
            named = ", ".join(map(str, unknown[:DIFFERENCES_NAMED_MAX]))
            run.failures.append(f"{len(unknown)} decisions rest on rules that are not stored: {named}")
        return run.done_count
