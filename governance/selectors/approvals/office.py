"""How approvers worked: minutes a decision, how long asks waited for them, how often they said no."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db.models import F

from governance.domain.rules.backtest_result import Office, Wait
from governance.domain.states.requests import State
from governance.models import ApprovalDecision, ApprovalStage, ProvisioningRequest
from governance.selectors.approvals.due import working_time

LOOKED_AT_MAX = 20_000
"""The newest decisions and requests of a period; older ones add nothing to a median."""
SITTING_MINUTES_MAX = 60.0
"""A longer gap was not spent on the decision alone."""

_ANSWERED = {State.GRANTED.value: False, State.REJECTED.value: True}


def office_between(since: datetime | None, until: datetime) -> Office:
    """What was measured in a period. Three queries."""
    waits, verdicts = _answers(since, until)
    return Office(_minutes(since, until), waits, verdicts)


def _minutes(since: datetime | None, until: datetime) -> list[float]:
    """Minutes that decisions took, where that can be told.

    A decision began when its stage was open and its person had finished the one before; what lies between, up to an
    hour, is taken for the time that it took. After a longer gap nobody knows when the person began.
    """
    rows = ApprovalDecision.objects.filter(decided_at__lt=until, stage__opened_at__isnull=False)
    if since is not None:
        rows = rows.filter(decided_at__gte=since)
    values = rows.order_by("-decided_at", "-pk").values_list("person_id", "decided_at", "stage__opened_at")
    before: dict[int, datetime] = {}
    found: list[float] = []
    for person, decided_at, opened_at in reversed(list(values[:LOOKED_AT_MAX])):
        assert opened_at is not None
        began = max(opened_at, before.get(person, opened_at))
        minutes = (decided_at - began).total_seconds() / 60
        before[person] = decided_at
        if 0 < minutes <= SITTING_MINUTES_MAX:
            found.append(minutes)
    return found


def _answers(since: datetime | None, until: datetime) -> tuple[list[Wait], dict[str, tuple[int, int]]]:
    """Asks that people answered: how long each waited, and for which roles; and what the roles said."""
    rows = ProvisioningRequest.objects.filter(
        state__in=list(_ANSWERED), submitted_at__isnull=False, answered_at__isnull=False, answered_at__lt=until
    )
    if since is not None:
        rows = rows.filter(submitted_at__gte=since)
    values = list(
        rows.order_by("-answered_at", "-pk").values_list("pk", "state", "submitted_at", "answered_at")[:LOOKED_AT_MAX]
    )
    roles: dict[int, set[str]] = defaultdict(set)
    # Every stage of the revision that was answered, opened or not: a no at the first one leaves the others waiting, and
    # counted without them the same roles would seem to agree whenever they were all asked.
    stages = ApprovalStage.objects.filter(
        provisioning_request_id__in=[pk for pk, *_ in values],
        revision__number=F("provisioning_request__revision_count"),
    )
    for pk, asked, stood_in_for in stages.values_list("provisioning_request_id", "role__slug", "fallback_from__slug"):
        # As the rules asked for it: a backtest does not know who would have stood in.
        roles[pk].add(stood_in_for or asked)
    waits: list[Wait] = []
    at_work = working_time()
    verdicts: dict[str, tuple[int, int]] = {}
    for pk, state, submitted_at, answered_at in values:
        if not roles[pk]:
            continue
        assert submitted_at is not None
        assert answered_at is not None
        key = "+".join(sorted(roles[pk]))
        hours = at_work.hours(submitted_at, answered_at)
        waits.append(Wait(key, hours, (answered_at - submitted_at).total_seconds() / 86_400))
        answered, refused = verdicts.get(key, (0, 0))
        verdicts[key] = (answered + 1, refused + _ANSWERED[state])
    return waits, verdicts
