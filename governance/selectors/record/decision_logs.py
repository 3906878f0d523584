"""Stored decisions as entries of a decision log, under Open Policy Agent's names, sensitive facts masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from governance.display.lists import joined
from governance.domain.errors import NotAllowed
from governance.models import Assessment, AuditEvent, RoleAssignment, User
from governance.policy.decisions.answer import Decision
from governance.policy.decisions.decision_log import log_entry
from governance.policy.errors import PolicyError
from governance.policy.facts.facts_schema import facts_from_json
from governance.selectors.people.duties import AUDITOR, duties_of
from governance.selectors.people.people import visibility_of
from governance.selectors.rules.judged_by import rules_of

READERS = ("auditor", "policy_officer")
ROWS_PER_READ = 500


def require_reader(actor: User, *, now: datetime) -> None:
    """The log holds every request of everybody: auditors and policy officers of the whole organisation read it.

    Who has the role over one team sees that team's asks on its pages.

    Raises:
        NotAllowed: naming the roles.
    """
    if not actor.is_service_account and visibility_of(actor, now=now).sees_all:
        audits = RoleAssignment.objects.in_force(now).filter(user__person_id=actor.person_id, role__slug=AUDITOR)
        if "policies" in duties_of(actor, now=now) or audits.exists():
            return
    raise NotAllowed(
        f"the decision log takes the role {joined((f'`{role}`' for role in READERS), 'or')} over the whole organisation"
    )


def rows() -> QuerySet[Assessment]:
    """Assessments with what an entry names of them."""
    return Assessment.objects.select_related("revision__provisioning_request__requester")


def stream(*, since: datetime | None = None, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Entries, oldest first, chained: each carries the hash of the one before it in this export.

    Args:
        since: only decisions at or after this instant.
        limit: at most so many.
    """
    found = rows().order_by("assessed_at", "pk")
    if since is not None:
        found = found.filter(assessed_at__gte=since)
    previous = ""
    left = (found[:limit] if limit is not None else found).iterator(ROWS_PER_READ)
    while some := list(islice(left, ROWS_PER_READ)):
        channels = channels_of(some)
        for assessment in some:
            entry = entry_of(assessment, previous=previous, channels=channels)
            previous = entry["entry_hash"]
            yield entry


def channels_of(assessments: Iterable[Assessment]) -> dict[tuple[int, int], str]:
    """By which interface each revision was submitted, by request and number of the revision, as the audit log says."""
    wanted = {each.revision.provisioning_request_id for each in assessments}
    events = AuditEvent.objects.filter(action="request.submitted", request_id__in=wanted)
    found = events.order_by("seq").values_list("request_id", "data", "channel", "origin")
    return {
        (request, data.get("revision", 0)): f"{channel} ({origin})" if origin else channel
        for request, data, channel, origin in found
        if request is not None
    }


def entry_of(
    assessment: Assessment, *, previous: str = "", channels: Mapping[tuple[int, int], str] | None = None
) -> dict[str, Any]:
    """One entry. Sensitive facts are masked whoever reads it: the record itself is on the desk.

    Facts that an older version wrote in another shape are left out and listed as erased.

    Args:
        channels: what `channels_of` says of it, where it was read for many at once.
    """
    if channels is None:
        channels = channels_of([assessment])
    request = assessment.revision.provisioning_request
    erased: list[str] = []
    try:
        facts = facts_from_json(assessment.facts)
    except PolicyError:
        facts, erased = {}, ["/input"]
    return log_entry(
        Decision.from_json(assessment.decision),
        facts,
        rules_of(assessment),
        decision_id=str(assessment.pk),
        timestamp=assessment.assessed_at,
        requested_by=str(request.requester.person_id),
        labels={"app": "comptroller", "request": request.reference, "occasion": assessment.occasion},
        engine_version=assessment.engine_version,
        prev_hash=previous,
        erased=erased,
        channel=channels.get((request.pk, assessment.revision.number), ""),
    )
