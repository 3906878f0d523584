"""My queue, what waits for others, and what I decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from governance.admin import access
from governance.admin.site import DeskSite
from governance.domain.states.approvals import Verdict
from governance.domain.states.requests import Occasion, State
from governance.models import ApprovalDecision, FactRow, ProvisioningRequest
from governance.selectors.approvals import queues
from governance.selectors.approvals.queues import QueueItem
from governance.selectors.rules import second_answers

DECIDED_PER_PAGE = 30
WAITING_MAX = 100
RULES_SHOWN_MAX = 3


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One stage of the queue with the figures that let a person choose where to begin."""

    item: QueueItem
    facts: Mapping[str, Any]

    @property
    def rules(self) -> Sequence[tuple[str, str]]:
        """The first few rules that ask for the stage: their own id, and the one by which people speak of them."""
        return [(rule, rule.partition(".")[0]) for rule in self.item.stage.rule_ids[:RULES_SHOWN_MAX]]

    @property
    def more_rules(self) -> int:
        return len(self.item.stage.rule_ids) - RULES_SHOWN_MAX

    @property
    def content(self) -> Mapping[str, Any]:
        return self.item.revision.content


def queue_view(desk: DeskSite, request: HttpRequest) -> HttpResponse:
    """Stages that this person can decide now, soonest due first, then the largest amount."""
    person = access.of(request)
    chosen = {name: request.GET.get(name, "")[:80] for name in ("role", "team", "overdue")}
    queue = person.narrow_queue(role=chosen["role"], team=chosen["team"], is_overdue=bool(chosen["overdue"]))
    facts = _facts_of(queue)
    rows = [QueueRow(item, facts.get(item.revision.pk, {})) for item in queue]
    context = desk.each_context(request) | {
        "title": "My queue",
        "crumbs": [{"text": "My queue"}],
        "rows": rows,
        "queue": queue,
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "answers": second_answers.to_answer(person.user, now=person.now, duties=person.duties),
    }
    return TemplateResponse(request, "admin/desk/queue.html", context)


def _facts_of(items: Sequence[QueueItem]) -> dict[int, dict[str, Any]]:
    """A few frozen facts per revision, by its id: one query for the whole queue."""
    rows = (
        FactRow.objects.filter(
            assessment__revision_id__in=[item.revision.pk for item in items], assessment__occasion=Occasion.SUBMIT
        )
        .order_by("assessment__assessed_at")
        .values(
            "assessment__revision_id", "estimate_cost_p50_usd", "estimate_gpu_hours_p50", "estimate_gpu_hours_p90",
            "budget_headroom_after_usd", "lineage_flop_cumulative_p90", "thresholds_exceeded",
            "thresholds_may_exceed",
        )
    )  # fmt: skip
    return {row["assessment__revision_id"]: dict(row) for row in rows}


def waiting_view(desk: DeskSite, request: HttpRequest) -> HttpResponse:
    """Requests that other people have now: those that this person approved, and those that they asked for."""
    person = access.of(request)
    approved = (
        ProvisioningRequest.objects.filter(
            state=State.IN_REVIEW.value,
            stages__decisions__person_id=person.user.person_id,
            stages__decisions__verdict=Verdict.APPROVE,
        )
        .select_related("project__team", "requester__person", "lineage")
        .distinct()
        .order_by("-number")[:WAITING_MAX]
    )
    context = desk.each_context(request) | {
        "title": "Waiting for others",
        "crumbs": [{"text": "Waiting for others"}],
        "approved": queues.who_has(approved, now=person.now),
        "asked": queues.waiting_for(person.user, person.now),
        "now": person.now,
    }
    return TemplateResponse(request, "admin/desk/waiting.html", context)


def decided_view(desk: DeskSite, request: HttpRequest) -> HttpResponse:
    """What this person decided, newest first, with how the request stands today."""
    person = access.of(request)
    rows = (
        ApprovalDecision.objects.filter(person_id=person.user.person_id)
        .select_related("stage__role", "stage__provisioning_request", "for_person")
        .order_by("-decided_at", "-pk")
    )
    page = Paginator(rows, DECIDED_PER_PAGE).get_page(request.GET.get("page"))
    context = desk.each_context(request) | {"title": "Decided", "crumbs": [{"text": "Decided"}], "page": page}
    return TemplateResponse(request, "admin/desk/decided.html", context)
