"""The panel beside the form: what this request would do, worked out by the same call that decides it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from estimator.core.errors import InputError
from estimator.core.pricing.place import Place
from estimator.core.quantities import QuantityError
from estimator.core.results.estimate import estimate
from estimator.core.results.result import Estimate
from estimator.core.workload.workload import Workload
from governance.domain.errors import GovernanceError, InvalidRequest
from governance.domain.money.money import to_units
from governance.domain.prose import sentence
from governance.domain.requests import fields
from governance.domain.requests.kinds import NEW, kind_of
from governance.domain.requests.parse import RequestContent
from governance.domain.requests.said import phrase
from governance.domain.states.money import HoldState
from governance.domain.states.requests import State
from governance.models import BudgetHold, ProvisioningRequest, User
from governance.selectors.people import people
from governance.selectors.register.usable_places import machine_country
from governance.selectors.requests import similar
from governance.selectors.requests.advice import advice
from governance.selectors.requests.assessments import assess
from governance.selectors.requests.judgement import Assessed
from governance.web.base import page, signed_in
from governance.web.requests import drafts, measures
from governance.web.requests.answers import STEPS, Errors, read_step
from governance.web.requests.places import known_places, window_hours
from governance.web.requests.registers import Registers
from governance.web.requests.verdict import Verdict, verdict

NEEDED_SHOWN_MAX = 4

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Panel:
    """What the panel shows.

    Args:
        wrong: (link, sentence) of answers that cannot be right; nothing is sized while there are any.
        needed: short names of questions without an answer yet.
        assumed: what stands in for them, as sentences.
        problem: why nothing could be judged, as a sentence.
        is_final: every question is answered, so this is what submitting would do.
    """

    now: datetime
    wrong: list[tuple[str, str]] = field(default_factory=list)
    needed: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    problem: str = ""
    is_unavailable: bool = False
    assessed: Assessed | None = None
    verdict: Verdict | None = None
    measures: measures.Measures | None = None

    @property
    def needed_text(self) -> str:
        """The open questions in the form's order, the first few by name."""
        names = [name[:1].lower() + name[1:] if name[1:2].islower() else name for name in self.needed]
        if len(names) <= NEEDED_SHOWN_MAX:
            return ", ".join(names)
        return f"{', '.join(names[:NEEDED_SHOWN_MAX])} and {len(names) - NEEDED_SHOWN_MAX} more"

    @property
    def is_final(self) -> bool:
        return self.assessed is not None and not self.needed

    @property
    def estimate(self) -> Estimate | None:
        return self.assessed.estimate if self.assessed else None

    @property
    def exposure_usd(self) -> float | None:
        exposure = self.assessed.exposure_micro if self.assessed else None
        return None if exposure is None else to_units(exposure)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def request_preview(request: HttpRequest) -> HttpResponse:
    """The panel alone, for the answers on the page laid over the saved draft. Nothing is written.

    A plain post is answered 400 when an answer can never be right; the page itself, which asks while somebody is
    still typing, gets the same fragment as an ordinary answer.
    """
    user, now = signed_in(request), timezone.now()
    data = request.POST if request.method == "POST" else request.GET
    draft = own_request(user, data.get("number"))
    step = data.get("step") or "workload"
    content = drafts.readable(draft.draft if draft else {})
    errors: Errors = {}
    if step in STEPS:
        content, errors = read_step(step, data, content)
    registers = Registers(user, now)
    shown = panel(content, errors=errors, user=user, now=now, registers=registers, request=draft, step=step)
    is_refused = bool(shown.wrong) and not getattr(request, "htmx", False)
    return render(request, "requests/preview_fragment.html", {"panel": shown}, status=400 if is_refused else 200)


def own_request(user: User, number: str | None) -> ProvisioningRequest | None:
    """The person's own request with this number, or None: a stranger's reads like none."""
    text = number or ""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    rows = ProvisioningRequest.objects.filter(number=int(text), requester__person_id=user.person_id)
    return rows.select_related("requester__person").first()


def panel(
    content: Mapping[str, Any],
    *,
    user: User,
    now: datetime,
    registers: Registers,
    errors: Mapping[str, str] | None = None,
    request: ProvisioningRequest | None = None,
    step: str = "",
) -> Panel:
    """Size and judge what is there; say what is still needed and what stands in for it.

    Args:
        errors: answers whose shape is wrong already.
        request: the draft, if it is saved: it is left out of its own history.
        step: the step on the page, so that links to its questions stay on the page.
    """
    today = now.date()
    found = Panel(now)
    findings = drafts.examine(content, today=today, snapshot=None)
    if not findings.is_complete:
        # What is complete is checked against the catalogue by `assess`; reading it twice would cost a query.
        findings = drafts.examine(content, today=today, snapshot=registers.snapshot)
    wrong = findings.wrong | dict(errors or {})
    if wrong:
        found.wrong = drafts.summary(wrong, step=step)
        return found
    found.needed = [drafts.name_of(name) for name in sorted(findings.missing, key=drafts.order_of)]
    filled, found.assumed, is_whole = stand_in(content, findings, registers, today)
    try:
        if is_whole:
            assessed = _assess(filled, user=user, now=now, request=request)
            found.assessed = assessed
            found.verdict = verdict(
                assessed,
                now=now,
                counted=_counted(assessed, user, now),
                advice=advice.advise(assessed, beneficiary_id=request.beneficiary_id if request else None),
            )
            found.measures = measures.of_assessed(assessed)
        else:
            partial = _estimate(content, registers, today)
            found.measures = measures.of_estimate(partial) if partial else None
    except InvalidRequest as error:
        found.wrong = drafts.summary({name: texts[0] for name, texts in error.errors.items()}, step=step)
    except GovernanceError as error:
        found.problem = sentence(error.message)
    except (QuantityError, ArithmeticError):
        log.exception("a request could not be sized")
        found.is_unavailable = True
    return found


def _assess(content: Mapping[str, Any], *, user: User, now: datetime, request: ProvisioningRequest | None) -> Assessed:
    held = 0
    if request is not None and request.state in (State.IN_REVIEW, State.CHANGES_REQUESTED):
        # What it holds already is not missing from the budget a second time.
        open_hold = BudgetHold.objects.filter(provisioning_request=request, state=HoldState.OPEN).first()
        held = open_hold.amount_micro if open_hold else 0
    return assess(
        RequestContent.parse(content),
        requester=user,
        now=now,
        request_id=request.pk if request else None,
        beneficiary_id=request.beneficiary_id if request else None,
        own_hold_micro=held,
    )


def _counted(assessed: Assessed, user: User, now: datetime) -> similar.Listed:
    """What counts together with the request, as this person may see it. No query where nothing does."""
    context = assessed.context
    if not context.similar_count:
        return similar.Listed((), 0)
    visibility = people.visibility_of(user, now=now)
    return similar.listed(context.similar_ids, count=context.similar_count, visibility=visibility)


def stand_in(
    content: Mapping[str, Any], findings: drafts.Findings, registers: Registers, today: date
) -> tuple[dict[str, Any], list[str], bool]:
    """The content with stand-ins for what the form has not asked yet.

    Returns:
        (content, sentences about what was assumed, whether it is enough to be judged).
    """
    filled, assumed = dict(content), []
    open_names = set(findings.missing)
    for row in fields.FIELDS:
        if row.stand_in and row.name in open_names:
            filled[row.name] = row.stand_in
            open_names.discard(row.name)
            if assumption := phrase(row, row.stand_in):
                assumed.append(assumption)
    if "start_on" in open_names:
        filled["start_on"] = today.isoformat()
        open_names.discard("start_on")
        assumed.append("a start today")
    if "purpose" in open_names and registers.purposes:
        filled["purpose"] = registers.purposes[0].slug
        open_names.discard("purpose")
        assumed.append("a permitted purpose")
    if "project" in open_names and registers.projects:
        filled["project"] = registers.projects[0].slug
        open_names.discard("project")
        assumed.append(f"the project {registers.projects[0].name}")
    if "related_grant" in open_names and kind_of(content.get("kind")).is_on_grant:
        filled["kind"] = NEW.slug
        open_names.discard("related_grant")
    if open_names & {"provider", "price_term"} and registers.snapshot is not None:
        places = known_places(content, registers.snapshot, registers.providers, on=today, limit=1)
        if places and places[0].accelerator == content.get("accelerator"):
            filled["provider"], filled["price_term"] = places[0].provider.slug, places[0].term
            open_names -= {"provider", "price_term"}
            assumed.append(places[0].provider.name)
    if not filled.get("country") and filled.get("provider") and registers.snapshot is not None:
        provider = registers.provider(filled["provider"])
        filled["country"] = machine_country(provider, filled.get("region"), registers.snapshot)
    return filled, assumed, not open_names


def _estimate(content: Mapping[str, Any], registers: Registers, today: date) -> Estimate | None:
    """The size alone, while place or number of accelerators are open: FLOP need neither."""
    if registers.snapshot is None or not content.get("workload"):
        return None
    count = content.get("accelerator_count")
    try:
        return estimate(
            Workload.parse(
                str(content["workload"]), content.get("work") or {}, is_sized=content.get("sizing") == "work"
            ),
            Place(
                price_term="on_demand",
                accelerator=content.get("accelerator") or None,
                accelerator_count=count if isinstance(count, int) and count > 0 else 1,
            ),
            registers.snapshot,
            on=today,
            window_hours=window_hours(content),
        )
    except InputError:
        return None
