"""The request form: five steps over one draft, saved at each step; every step is an ordinary post."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from governance.display.countries import COUNTRIES
from governance.domain.errors import (
    BudgetExceeded,
    GovernanceError,
    InvalidInput,
    NoActivePolicy,
    NoBudget,
    NoCatalogue,
    NotRequester,
    StaleDraft,
    TooManyUndecided,
    UnfillableStage,
)
from governance.domain.prose import sentence
from governance.domain.states.requests import EDITABLE, RequestKind, State
from governance.models import ProvisioningRequest, User
from governance.selectors.register.usable_places import machine_country
from governance.selectors.requests.story import revisions
from governance.services.requests import drafts as draft_service
from governance.services.requests import submission
from governance.web.base import page, signed_in
from governance.web.requests import drafts, steps
from governance.web.requests.answers import STEPS, Content, fields_of, read_step
from governance.web.requests.preview import own_request, panel
from governance.web.requests.registers import Registers
from governance.web.requests.sentences import STEP_HINTS, STEP_TITLES, describe
from governance.web.viewing import known_number

PAST_LISTED = 20
_STARTED = "drafts_started"
_STARTED_REMEMBERED_MAX = 20

# What a refusal at submission leaves to do.
_WAYS_OUT: dict[type[GovernanceError], str] = {
    BudgetExceeded: "Request less or a later start, or ask the budget’s owner for a transfer.",
    UnfillableStage: "Your draft is kept. Ask an administrator to assign the role to somebody, then submit again.",
    TooManyUndecided: "Withdraw one of them, or wait for a decision.",
    NoBudget: "Choose another project or start, or ask the team’s budget owner.",
    NoActivePolicy: "Your draft is kept. Tell the policy officer; submit again later.",
    NoCatalogue: "Your draft is kept. Tell the catalogue’s editor; submit again later.",
}


@dataclass(slots=True)
class Shown:
    """One rendering of the form."""

    request: HttpRequest
    user: User
    now: datetime
    step: str
    content: Content
    draft: ProvisioningRequest | None = None
    posted: QueryDict | None = None
    errors: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    refusal: GovernanceError | None = None
    conflict: list[revisions.Change] | None = None
    status: int = 200


@require_http_methods(["GET", "HEAD", "POST"])
@page
def request_new(request: HttpRequest) -> HttpResponse:
    """A form without a draft yet: the first save makes one."""
    user, now = signed_in(request), timezone.now()
    if request.method == "POST":
        return _answered(request, None, user=user, now=now)
    if request.GET.get("from") == "past":
        return _past_requests(request, user)
    content: Content = {"start_on": now.date().isoformat(), "sizing": "work", "kind": RequestKind.NEW}
    return _show(Shown(request, user, now, "workload", content))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def request_edit(request: HttpRequest, number: int) -> HttpResponse:
    """A draft, or a request that nobody has decided for good yet."""
    user, now = signed_in(request), timezone.now()
    draft = _own(user, number)
    if State(draft.state) not in EDITABLE and draft.state != State.IN_REVIEW:
        messages.info(
            request, f"{draft.reference} is {State(draft.state).label.lower()}: clone it to request it again."
        )
        return redirect("web:request_detail", number=draft.number)
    if request.method == "POST":
        return _answered(request, draft, user=user, now=now)
    content = drafts.readable(draft.draft)
    step = request.GET.get("step") or ""
    if step not in STEPS:
        findings = drafts.examine(content, today=now.date(), snapshot=Registers(user, now).snapshot)
        step = findings.first_open_step()
    return _show(Shown(request, user, now, step, content, draft=draft))


@require_POST
@page
def request_submit(request: HttpRequest, number: int) -> HttpResponse:
    """Hand the saved draft in, as it was shown."""
    user, now = signed_in(request), timezone.now()
    draft = _own(user, number)
    content = drafts.readable(draft.draft)
    shown = Shown(request, user, now, "review", content, draft=draft)
    try:
        answered = submission.submit_request(
            request_id=draft.pk, actor=user, now=now, expected_version=_version(request.POST)
        )
    except InvalidInput as error:
        shown.errors = shown.wrong = {name: texts[0] for name, texts in error.errors.items()}
        return _show(shown)
    except NotRequester as error:
        raise Http404(error.message) from error
    except GovernanceError as error:
        shown.refusal, shown.status = error, 409
        return _show(shown)
    messages.success(request, _said_after(answered))
    return redirect("web:request_detail", number=answered.number)


def _said_after(answered: ProvisioningRequest) -> str:
    match State(answered.state):
        case State.GRANTED:
            return f"{answered.reference} is approved, and the grant is issued."
        case State.DENIED:
            return (
                f"{answered.reference} was denied. The rule is below, with the nearest request that would be allowed."
            )
        case _:
            return f"{answered.reference} is submitted for review. The approvers were notified. No action needed."


def _own(user: User, number: int) -> ProvisioningRequest:
    """The person's own request; a stranger's reads like one that does not exist."""
    found = own_request(user, str(known_number(number)))
    if found is None:
        raise Http404("there is no such request")
    return found


def _answered(request: HttpRequest, draft: ProvisioningRequest | None, *, user: User, now: datetime) -> HttpResponse:
    """One posted step: refuse it with nothing written, or save it and go where the button says."""
    data = request.POST
    step = data.get("step") or ""
    if step not in STEPS:
        raise Http404("there is no such step")
    action = data.get("action") or "continue"
    if draft is None:
        draft = _started_already(request, user)
    before = drafts.readable(draft.draft if draft else {"start_on": now.date().isoformat()})
    content, errors = read_step(step, data, before)
    shown = Shown(request, user, now, step, content, draft=draft, posted=data)
    if action == "refresh" or (step == "workload" and _has_other_questions(content, data)):
        # Another workload has other questions: ask them before anything is judged.
        return _show(shown)
    registers = Registers(user, now)
    _complete_place(step, content, registers)
    findings = drafts.examine(content, today=now.date(), snapshot=registers.snapshot)
    # A known place also says which accelerator: what this step changed is this step's to answer for.
    changed = {name: text for name, text in findings.wrong.items() if content.get(name) != before.get(name)}
    errors = changed | findings.of_step(step, with_missing=action == "continue") | errors
    if errors:
        shown.errors = errors
        shown.wrong = {name: text for name, text in errors.items() if name not in findings.missing}
        return _show(shown)
    try:
        saved = _save(request, draft, content, data, user=user, now=now)
    except StaleDraft as error:
        shown.refusal, shown.status = error, 409
        shown.conflict = revisions.compare_contents(before, content)[0]
        return _show(shown)
    except InvalidInput as error:
        shown.errors = shown.wrong = {name: texts[0] for name, texts in error.errors.items()}
        return _show(shown)
    if action == "save":
        messages.success(request, f"{saved.reference} is saved as a draft. It has not been submitted.")
        return redirect("web:home")
    following = action.removeprefix("go:") if action.startswith("go:") else _next_step(step)
    if action == "more" or following not in STEPS:
        following = step
    return redirect(f"{reverse('web:request_edit', args=[saved.number])}?step={following}")


def _has_other_questions(content: Content, data: QueryDict) -> bool:
    """Whether the page showed the questions of another workload, or of another architecture, than what is chosen."""
    workload = str(content.get("workload") or "")
    if data.get("shown_workload", "") != workload:
        return True
    chosen = (content.get("work") or {}).get("architecture")
    return fields_of(workload, data.get("shown_architecture", chosen)) != fields_of(workload, chosen)


def _next_step(step: str) -> str:
    return STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]


def _complete_place(step: str, content: Content, registers: Registers) -> None:
    """The country follows from the region where nobody says it: residency is judged by it."""
    if step == "place" and not content.get("country") and registers.snapshot is not None:
        found = machine_country(registers.provider(content.get("provider")), content.get("region"), registers.snapshot)
        if found in COUNTRIES:
            content["country"] = found


def _save(
    request: HttpRequest,
    draft: ProvisioningRequest | None,
    content: Mapping[str, Any],
    data: QueryDict,
    *,
    user: User,
    now: datetime,
) -> ProvisioningRequest:
    plain = {name: value for name, value in content.items() if value is not None}
    if draft is None:
        saved = draft_service.create_draft(actor=user, content=plain, now=now)
        _remember(request, data, saved)
        return saved
    return draft_service.save_draft(
        request_id=draft.pk, actor=user, content=plain, now=now, expected_version=_version(data)
    )


def _version(data: QueryDict) -> int | None:
    """The version that the page was opened with; a page that does not say is not checked."""
    text = data.get("draft_version") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _remember(request: HttpRequest, data: QueryDict, saved: ProvisioningRequest) -> None:
    """A form that is sent twice makes one draft: the second post finds it by the form's own mark."""
    mark = data.get("form_mark") or ""
    if mark and len(mark) <= 40:
        started = dict(list(request.session.get(_STARTED, {}).items())[-_STARTED_REMEMBERED_MAX:])
        started[mark] = saved.number
        request.session[_STARTED] = started


def _started_already(request: HttpRequest, user: User) -> ProvisioningRequest | None:
    number = request.session.get(_STARTED, {}).get(request.POST.get("form_mark") or "")
    return own_request(user, str(number)) if number else None


def _show(shown: Shown) -> HttpResponse:
    """The whole page: finished steps as sentences, the present one as questions, the preview beside them."""
    registers = Registers(shown.user, shown.now)
    today = shown.now.date()
    findings = drafts.examine(shown.content, today=today, snapshot=registers.snapshot)
    built = steps.build(
        shown.step, shown.content, registers=registers, posted=shown.posted, errors=shown.errors, today=today
    )
    beside = panel(
        shown.content,
        user=shown.user,
        now=shown.now,
        registers=registers,
        errors=shown.wrong,
        request=shown.draft,
        step=shown.step,
    )
    unanswered = {} if shown.step != "review" else findings.wrong | findings.missing
    context = {
        "draft": shown.draft,
        "version": _version(shown.posted) if shown.posted is not None else None,
        "step": shown.step,
        "form": built,
        "q": built.questions,
        "rows": [_row(name, index, shown, findings, registers) for index, name in enumerate(STEPS, start=1)],
        "next_title": STEP_TITLES[_next_step(shown.step)],
        "panel": beside,
        "errors": drafts.summary(shown.errors, step=shown.step),
        "unanswered": drafts.summary(unanswered, step=shown.step) if not shown.errors else [],
        "refusal": sentence(shown.refusal.message) if shown.refusal else "",
        "way_out": _WAYS_OUT.get(type(shown.refusal), "") if shown.refusal else "",
        "conflict": shown.conflict,
        "is_stale": isinstance(shown.refusal, StaleDraft),
        "is_under_review": bool(shown.draft and shown.draft.state == State.IN_REVIEW),
        "form_mark": (shown.posted.get("form_mark") if shown.posted else None) or uuid4().hex,
        "evidence_error": steps.as_sentence(shown.errors.get("evidence", "")),
        "justification": shown.content.get("justification") or "",
        "title_of_draft": shown.content.get("title") or "",
    }
    return render(shown.request, "requests/form.html", context, status=shown.status)


def _row(name: str, index: int, shown: Shown, findings: drafts.Findings, registers: Registers) -> dict[str, Any]:
    """One line of the list of steps."""
    is_now = name == shown.step
    is_done = not is_now and findings.is_done(name)
    text = describe(name, shown.content, registers) if is_done else STEP_HINTS[name]
    return {
        "name": name,
        "number": index,
        "title": STEP_TITLES[name],
        "is_now": is_now,
        "is_done": is_done,
        "text": text,
        "is_reachable": shown.draft is not None and (name != "review" or findings.is_complete),
    }


def _past_requests(request: HttpRequest, user: User) -> HttpResponse:
    """What the person asked for before, to start from."""
    rows = ProvisioningRequest.objects.filter(requester__person_id=user.person_id).exclude(
        state__in=(State.DRAFT.value, State.DISCARDED.value)
    )
    context = {"requests": rows.select_related("project")[:PAST_LISTED]}
    return render(request, "requests/form_start.html", context)
