"""The life of a job: a run of a sweep or of other long work."""

from __future__ import annotations

from enum import StrEnum

from governance.domain.states.life import Labelled, Life


class JobState(Labelled):
    """Where a run stands."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class JobEvent(StrEnum):
    """What can happen to a run."""

    START = "start"
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"


_S, _E = JobState, JobEvent

JOB_LIFE = Life(
    "the job",
    _S.QUEUED,
    {
        (_S.QUEUED, _E.START): _S.RUNNING,
        (_S.RUNNING, _E.FINISH): _S.DONE,
        (_S.RUNNING, _E.FAIL): _S.FAILED,
        (_S.QUEUED, _E.CANCEL): _S.CANCELLED,
        (_S.RUNNING, _E.CANCEL): _S.CANCELLED,
    },
)
