"""The decision page: everything that a decision rests on, and the three things that a person can say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from estimator.catalogue import current_snapshot
from governance.admin import access
from governance.admin.approvals.capacity import capacity_plot
from governance.admin.approvals.rules import rule_rows
from governance.admin.approvals.thresholds import Thresholds, thresholds
from governance.admin.site import DeskSite
from governance.display import numbers
from governance.display.lists import joined
from governance.domain.errors import AlreadyDecided, GovernanceError, InvalidInput, StaleRevision
from governance.domain.limits import REASON_CHARS_MAX
from governance.domain.money.money import to_units
from governance.domain.prose import money_in_full, sentence, within
from governance.domain.states.approvals import StageState, Verdict
from governance.models import ApprovalDecision
from governance.selectors.approvals import approvals as reading
from governance.selectors.approvals.approvals import StageFile
from governance.selectors.requests.reasons import crossing_lines
from governance.services.approvals import decisions

SAID = {
    Verdict.APPROVE: "You approved",
    Verdict.CHANGES: "You asked for changes to",
    Verdict.REJECT: "You rejected",
}
NOTIFIER_DUTY, NOTIFIER_PAPER = "name_notification_owner", "notification_owner"
MOVED_WORDS = {
    "policy": "another policy version came into force",
    "catalogue": "a newer catalogue release was published",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A line on the money plot."""

    value: float
    label: str
    is_hard: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a decision was not recorded, shown where the person wrote their reason."""

    title: str
    text: str
    kind: str = "deny"
    is_conflict: bool = False
    next_stage: int | None = None


def decide_view(desk: DeskSite, request: HttpRequest, stage_id: int) -> HttpResponse:
    """GET shows, POST decides. Nothing changes on GET or HEAD."""
    if request.method == "POST":
        return _take(desk, request, stage_id)
    return _show(desk, request, _file(request, stage_id))


def _file(request: HttpRequest, stage_id: int) -> StageFile:
    person = access.of(request)
    return reading.stage_file(stage_id, user=person.user, visibility=person.visibility, now=person.now)


def _take(desk: DeskSite, request: HttpRequest, stage_id: int) -> HttpResponse:
    person = access.of(request)
    reason, verdict = request.POST.get("reason", ""), request.POST.get("verdict", "")
    file = _file(request, stage_id)
    moved = file.pins.moved_from(
        revision_digest=request.POST.get("revision_digest", ""),
        policy_digest=request.POST.get("policy_digest", ""),
        catalogue_digest=request.POST.get("catalogue_digest", ""),
    )
    # A revision that moved is the service's to refuse, under the request's lock.
    if "revision" not in moved and moved and file.mine is not None:
        return _show(desk, request, file, _pins_moved(moved), reason=reason, status=StaleRevision.http_status)
    try:
        decision = decisions.decide(
            stage_id=stage_id,
            actor=person.user,
            verdict=verdict,
            reason=reason,
            revision_digest=request.POST.get("revision_digest", ""),
            now=person.now,
        )
    except GovernanceError as error:
        # The page is read again: what it shows is how things stand after the refusal.
        file = _file(request, stage_id)
        return _show(desk, request, file, _refused(request, file, error), reason=reason, status=error.http_status)
    messages.success(
        request, f"{SAID[Verdict(verdict)]} {file.request.reference} as {within(decision.stage.role.name)}."
    )
    return redirect(_next_url(request, stage_id))


def _pins_moved(moved: Sequence[str]) -> Refused:
    words = joined(MOVED_WORDS[name] for name in moved)
    return Refused(
        "The rules or prices changed while you read",
        f"Since you opened this page {words}. Your decision was not recorded. Your reason is kept below: "
        "if it still holds, decide again.",
        kind="review",
        is_conflict=True,
    )


def _refused(request: HttpRequest, file: StageFile, error: GovernanceError) -> Refused:
    if isinstance(error, InvalidInput):
        return Refused(
            "Not recorded yet", " ".join(sentence(text) for found in error.errors.values() for text in found)
        )
    if isinstance(error, StaleRevision) or (isinstance(error, AlreadyDecided) and file.is_moved):
        person = access.of(request)
        return Refused(
            "This request changed while you read",
            f"It is now revision {file.request.revision_count}. Your decision was not recorded; your reason is kept.",
            kind="review",
            is_conflict=True,
            next_stage=reading.next_open_stage(file.request, user=person.user, now=person.now),
        )
    return Refused("Not recorded", sentence(error.message))


def _next_url(request: HttpRequest, stage_id: int) -> str:
    """The stage after this one in the queue as it was, or the queue."""
    waiting = [item.stage.pk for item in access.of(request).queue]
    after = waiting[waiting.index(stage_id) + 1 :] if stage_id in waiting else []
    return reverse("admin:decide", args=[after[0]]) if after else reverse("admin:queue")


def _show(
    desk: DeskSite,
    request: HttpRequest,
    file: StageFile,
    refused: Refused | None = None,
    *,
    reason: str = "",
    status: int = 200,
) -> HttpResponse:
    current = file.story.current
    estimate, decision = (current.estimate, current.decision) if current else (None, None)
    found = thresholds(estimate, file.request.lineage, decision.fired) if estimate and decision else None
    content = file.story.content
    exposure = file.request.exposure_micro
    context: dict[str, Any] = (
        desk.each_context(request)
        | _position(request, file)
        | {
            "title": f"Decide {file.request.reference}",
            "heading": _heading(file, found),
            "file": file,
            "story": file.story,
            "content": content,
            "starts_on": _day(content.get("start_on")),
            "ends_on": _day(content.get("end_on")),
            "estimate": estimate,
            "judgement": decision,
            "thresholds": found,
            "rules": rule_rows(
                file.lines, providers=_provider_names(file), limits=[each.limit for each in estimate.thresholds]
            )
            if estimate
            else [],
            "notifiers": _notifiers(file),
            "notifier_papers": [each for each in content.get("evidence", ()) if each.get("kind") == NOTIFIER_PAPER],
            "exposure_usd": None if exposure is None else to_units(exposure),
            "money_lines": _money_lines(crossing_lines(decision, "request.exposure_usd"), exposure) if decision else [],
            "money_text": f"The diamond marks the assessed amount: {money_in_full(exposure)}."
            if exposure is not None
            else "",
            "running_usd": _running_usd(file),
            "capacity": capacity_plot(file.capacity) if file.capacity else None,
            "names": _catalogue_names(file),
            "effect": _effect_of_yes(file),
            "refused": refused,
            "reason": reason[:REASON_CHARS_MAX],
            "reason_chars_max": REASON_CHARS_MAX,
            "now": access.of(request).now,
        }
    )
    return TemplateResponse(request, "admin/desk/decide.html", context, status=status)


def _position(request: HttpRequest, file: StageFile) -> dict[str, Any]:
    """Where the stage stands in the person's queue, and its neighbours there."""
    waiting = [item.stage.pk for item in access.of(request).queue]
    crumbs: list[dict[str, str]] = [{"text": "My queue", "url": reverse("admin:queue")}]
    if file.stage.pk not in waiting:
        return {"crumbs": [*crumbs, {"text": file.request.reference}], "previous": None, "next": None}
    index = waiting.index(file.stage.pk)
    return {
        "crumbs": [*crumbs, {"text": f"{file.request.reference} · {index + 1} of {len(waiting)}"}],
        "previous": waiting[index - 1] if index else None,
        "next": waiting[index + 1] if index + 1 < len(waiting) else None,
    }


def _heading(file: StageFile, found: Thresholds | None) -> str:
    """The one fact: what is asked, what it counts as, and the line that it may cross."""
    exposure = file.request.exposure_micro
    amount = f"assessed at {money_in_full(exposure)}" if exposure is not None else "cost unknown"
    text = f"{file.request.title}: {amount}"
    if found and found.mark == "review":
        headline = found.headline.partition(";")[0]
        text += f", {headline[:1].lower()}{headline[1:]}"
    return text


def _effect_of_yes(file: StageFile) -> str:
    """What a yes of this person would bring about."""
    stage = file.stage
    decider = next((each for each in file.deciders if each.is_mine), None)
    yes = (decider.yes_count if decider else 0) + 1
    counted = f"Your approval would be {yes} of {stage.quorum}." if stage.quorum > 1 else ""
    if yes < stage.quorum:
        return counted
    others = [each for each in file.deciders if each.stage.pk != stage.pk]
    if any(each.stage.state == StageState.OPEN for each in others):
        follows = "Other open stages are not affected."
    elif later := [each.stage for each in others if each.stage.state == StageState.WAITING]:
        first = min(each.order for each in later)
        names = joined(within(each.role.name) for each in later if each.order == first)
        follows = f"After your approval, next to decide: {names}."
    else:
        follows = "Yours is the final approval: everything is checked once more, then the grant is issued."
    return f"{counted} {follows}".strip()


def _running_usd(file: StageFile) -> float | None:
    """What counts although this request does not take it: it runs already under the grant that the request raises."""
    hold, exposure = file.story.hold, file.request.exposure_micro
    if hold is None or not hold.is_open or exposure is None or exposure <= hold.amount_micro:
        return None
    return to_units(exposure - hold.amount_micro)


def _money_lines(lines: Sequence[float], exposure_micro: int | None) -> list[Limit]:
    """The approval line just below the amount and the one just above it."""
    if exposure_micro is None:
        return []
    amount = to_units(exposure_micro)
    below, above = [line for line in lines if line < amount], [line for line in lines if line >= amount]
    return [Limit(value, numbers.money(value)) for value in (*below[-1:], *above[:1])]


def _catalogue_names(file: StageFile) -> dict[str, str]:
    """What people call the accelerator and the provider; the short name where the catalogue has no other."""
    content, snapshot = file.story.content, current_snapshot(file.release)
    accelerator = snapshot.accelerators.get(content.get("accelerator") or "")
    provider = snapshot.providers.get(content.get("provider") or "")
    return {
        "accelerator": accelerator.name if accelerator else content.get("accelerator") or "",
        "provider": provider.name if provider else content.get("provider") or "",
    }


def _provider_names(file: StageFile) -> dict[str, str]:
    return {slug: provider.name for slug, provider in current_snapshot(file.release).providers.items()}


def _notifiers(file: StageFile) -> list[ApprovalDecision]:
    """Who said yes where a rule makes the stage name the person that tells the authority, in their own words."""
    decision = file.story.current.decision if file.story.current else None
    wanting = {duty.rule_id for duty in decision.obligations if duty.code == NOTIFIER_DUTY} if decision else set()
    return [said for each in file.deciders if wanting & set(each.stage.rule_ids) for said in each.said if said.approves]


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
