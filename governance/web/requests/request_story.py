"""The story of one request as its page shows it: where it stands, in steps and sentences, and what may be done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse

from governance.display import numbers, plots, reader, why
from governance.display.lists import joined
from governance.domain.money.money import to_units
from governance.domain.prose import within
from governance.domain.requests import fields
from governance.domain.requests.fields import FieldType
from governance.domain.states.approvals import StageState
from governance.domain.states.requests import EDITABLE, REQUEST_LIFE, Event, State
from governance.domain.typed import finite_number
from governance.models import ApprovalDecision, ApprovalStage, User
from governance.policy.bundle.effects import Outcome
from governance.selectors.approvals import queues
from governance.selectors.requests import reasons
from governance.selectors.requests.provisioning import Story
from governance.selectors.requests.story.timeline import Entry
from governance.web.requests import measures

NAMES_SHOWN_MAX = 4
EVIDENCE_SHOWN_MAX = 20
LINKS = ("https://", "http://")
EXPOSURE_FACT = "request.exposure_usd"


def present(story: Story, *, user: User, now: datetime) -> dict[str, Any]:
    """Everything that `requests/detail.html` needs."""
    request = story.request
    is_mine = request.requester.person_id == user.person_id
    current = story.current
    to_decide = stage_to_decide(story, user)
    return {
        "story": story,
        "provisioning_request": request,
        "content": shown_content(story.content),
        "current": current,
        "estimate": current.estimate if current else None,
        "is_mine": is_mine,
        "standing": standing(story, is_mine=is_mine),
        "accept_first": is_mine and accept_first(story),
        "steps": steps(story),
        "is_exact": is_exact(story),
        "entries": entries(story, is_mine=is_mine, viewer_id=user.person_id),
        "why_title": why_title(story),
        "lines": band_lines(story),
        "exposure_usd": _exposure_usd(story),
        "threshold_text": threshold_text(story),
        "flop_limits": flop_limits(story),
        "decide_stage": to_decide,
        "decide_url": reverse("admin:decide", args=[to_decide.pk]) if to_decide else "",
        "may": permitted(story, is_mine=is_mine),
        "window": window(story.content),
        "evidence": evidence(story.content),
        "now": now,
    }


_NUMBERS = (FieldType.NUMBER, FieldType.COUNT)
_LISTS = (FieldType.CHOICES, FieldType.NAMES, FieldType.COUNTRIES)


def shown_content(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the page may format: a draft holds whatever was typed, so what has the wrong type is left out."""
    shown: dict[str, Any] = {}
    for row in fields.FIELDS:
        value = content.get(row.name)
        if row.type in _NUMBERS:
            shown[row.name] = None if isinstance(value, str) else finite_number(value)
        elif row.type in _LISTS and value is not None:
            shown[row.name] = [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
        elif isinstance(value, str | bool):
            shown[row.name] = value
    return shown


def window(content: Mapping[str, Any]) -> dict[str, date | None]:
    """First and last day; a draft may hold anything, so what is no day is left out."""
    return {"starts": _day(content.get("start_on")), "ends": _day(content.get("end_on"))}


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def evidence(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Links of the request; only http and https become links, whatever a draft may hold."""
    found = content.get("evidence")
    rows = [item for item in found if isinstance(item, Mapping)] if isinstance(found, list | tuple) else []
    return [
        {
            "kind": item.get("kind"),
            "url": str(item.get("url", "")),
            "is_link": str(item.get("url", "")).startswith(LINKS),
        }
        for item in rows[:EVIDENCE_SHOWN_MAX]
    ]


def permitted(story: Story, *, is_mine: bool) -> dict[str, bool]:
    """Which buttons there are; the services check again."""
    state = State(story.request.state)
    return {
        "change": is_mine and (state in EDITABLE or state is State.IN_REVIEW),
        "withdraw": is_mine and (state, Event.WITHDRAW) in REQUEST_LIFE.moves,
        "discard": is_mine and (state, Event.DISCARD) in REQUEST_LIFE.moves,
        "clone": state is not State.DRAFT,
    }


def standing(story: Story, *, is_mine: bool) -> dict[str, str]:
    """The panel's first lines: shape and word, who has it in bold, and what to expect or do."""
    request, waiting = story.request, story.waiting
    you = "No action needed." if is_mine else ""
    match State(request.state):
        case State.DRAFT:
            return _said("draft", "Draft", "Not submitted yet.", "Nothing is held, and nobody was notified.")
        case State.IN_REVIEW if waiting and waiting.stages:
            return _in_review(waiting, you)
        case State.IN_REVIEW:
            return _said("wait", "In review", "Nobody can decide it at the moment.", "")
        case State.CHANGES_REQUESTED:
            todo = (
                "Change the request and submit it again, or withdraw it." if is_mine else "Waiting for the requester."
            )
            return _said("review", "Changes requested", todo, "Nothing is held until it is resubmitted.")
        case State.DENIED:
            return _said("deny", "Denied", _refusal(story), "Nothing was held.")
        case State.REJECTED:
            return _said("deny", "Rejected", "The reason is in the timeline.", "Nothing is held.")
        case State.GRANTED:
            return _granted(story)
        case State.WITHDRAWN:
            return _said("draft", "Withdrawn", "The requester withdrew it.", "Nothing is held.")
        case State.EXPIRED:
            return _said(
                "draft",
                "Expired",
                "Its hold expired without a decision.",
                "The money is released. Clone it to request it again.",
            )
        case _:
            return _said("draft", "Discarded", "This draft was never submitted.", "")


def _said(shape: str, word: str, lead: str, text: str) -> dict[str, str]:
    return {"shape": shape, "word": word, "lead": lead, "text": text}


def _in_review(waiting: queues.Waiting, you: str) -> dict[str, str]:
    roles = joined(dict.fromkeys(within(stage.role.name) for stage in waiting.stages))
    later = joined(within(role) for role in waiting.next_roles)
    course = f"As {roles}; then {later}" if later else f"As {roles}, the final approval"
    due = f"Expect a decision by {reader.moment(waiting.due_at)}. " if waiting.due_at else ""
    return _said("wait", "In review", f"{who_has(waiting)} now.", f"{course}. {due}{you}".strip())


def who_has(waiting: queues.Waiting) -> str:
    """`Dmitri Roy has it`; many names become a few and a number."""
    names = [f"{h.name} (delegate of {h.for_name})" if h.for_name else h.name for h in waiting.holders]
    if not names:
        return "Nobody can decide it at the moment: an administrator has to assign the role. It waits"
    return f"{joined(dict.fromkeys(names), at_most=NAMES_SHOWN_MAX)} {'have' if len(names) > 1 else 'has'} it"


def accept_first(story: Story) -> bool:
    """Whether it was refused because its requester had not accepted a statement."""
    decision = story.current.decision if story.current else None
    return story.request.state == State.DENIED and decision is not None and reasons.lacks_acceptance(decision)


def _refusal(story: Story) -> str:
    decision = story.current.decision if story.current else None
    if story.current is None or decision is None:
        return "A rule denies it."
    return " ".join(each.text for each in why.denied(decision, story.current.assessment.gaps))


def _granted(story: Story) -> dict[str, str]:
    grant = getattr(story.request, "grant", None)
    if grant is None:
        return _said("ok", "Granted", "It is granted.", "")
    cap = f"{numbers.exact(to_units(grant.cost_cap_micro))}{numbers.NBSP}USD"
    last_day = reader.day(grant.ends_at - timedelta(microseconds=1))
    return _said("ok", "Granted", f"{grant.reference} is issued.", f"At most {cap}, until {last_day}.")


def steps(story: Story) -> list[dict[str, str]]:
    """One step per stage of the current revision, then the grant."""
    found = [_step(stage, story.waiting) for stage in story.stages]
    state = State(story.request.state)
    if not found and state is not State.GRANTED:
        return []
    grant = getattr(story.request, "grant", None)
    if grant is not None:
        found.append(_row("ok", "Grant", f"{grant.reference}, issued {reader.moment(grant.issued_at)}", "done"))
    elif state is State.IN_REVIEW:
        found.append(_row("draft", "Grant", "Issued on final approval", ""))
    return found


def _row(shape: str, title: str, text: str, state: str) -> dict[str, str]:
    return {"shape": shape, "title": title, "text": text, "state": state}


def _step(stage: ApprovalStage, waiting: queues.Waiting | None) -> dict[str, str]:
    decisions = [each for each in stage.decisions.all() if each.counts]
    said = "; ".join(f"{_decider(each)}, {reader.moment(each.decided_at)}" for each in decisions)
    yes = sum(each.approves for each in decisions)
    title = stage.role.name if stage.quorum == 1 else f"{stage.role.name}, {yes} of {stage.quorum}"
    match stage.state:
        case StageState.APPROVED:
            return _row("ok", title, said or "Approved", "done")
        case StageState.REJECTED:
            return _row("deny", title, said or "Rejected", "")
        case StageState.CHANGES_REQUESTED:
            return _row("review", title, said or "Changes requested", "")
        case StageState.OPEN:
            due = f"due {reader.moment(stage.due_at)}"
            who = _names_of_only_stage(waiting)
            return _row("wait", title, ", ".join(part for part in (said or who, due) if part), "now")
        case StageState.WAITING:
            return _row("draft", title, "Next", "")
    return _row("draft", title, "No longer needed", "")


def _names_of_only_stage(waiting: queues.Waiting | None) -> str:
    """Names, where one stage is open and few people may decide it."""
    if waiting is None or len(waiting.stages) != 1 or len(waiting.holders) > 2:
        return ""
    return joined((holder.name for holder in waiting.holders), "or")


def is_exact(story: Story) -> bool:
    """The cost has no interval: a fixed number of hours at an own price."""
    cost = story.current.estimate.cost_usd if story.current and story.current.estimate else None
    return cost is not None and cost.is_exact


def _decider(decision: ApprovalDecision) -> str:
    name = decision.person.name
    return f"{name} for {decision.for_person.name}" if decision.for_person else name


def entries(story: Story, *, is_mine: bool, viewer_id: int) -> list[Entry | Mapping[str, Any]]:
    """The timeline, with who has it now on top."""
    found: list[Entry | Mapping[str, Any]] = list(story.entries)
    waiting = story.waiting
    if waiting is not None and waiting.stages:
        roles = joined(dict.fromkeys(within(stage.role.name) for stage in waiting.stages))
        since = f"Since {reader.moment(waiting.since)}." if waiting.since else ""
        found.insert(
            0, {"at": None, "shape": "run", "title": f"{who_has(waiting)} ({roles}).", "text": since, "quote": ""}
        )
    return found


def _exposure_usd(story: Story) -> float | None:
    micro = story.current.assessment.exposure_micro if story.current else None
    return None if micro is None else to_units(micro)


def why_title(story: Story) -> str:
    """The heading over the rules: how many people, or that nobody or no rule stands in the way."""
    if story.current is None:
        return ""
    match story.current.assessment.outcome:
        case Outcome.DENY:
            return "Why it is denied"
        case Outcome.ALLOW if not story.stages:
            return "Why it was approved automatically"
    count = sum(stage.quorum for stage in story.stages)
    words = ("nobody", "one person", "two people", "three people", "four people", "five people", "six people")
    return f"Why it needs {words[count] if count < len(words) else f'{count} people'}"


def band_lines(story: Story) -> list[plots.Limit]:
    """The lines on the amount that counts, nearest first, for the plot of its place between the bands."""
    decision = story.current.decision if story.current else None
    if decision is None or story.current is None or story.current.assessment.exposure_micro is None:
        return []
    limits = reasons.crossing_lines(decision, EXPOSURE_FACT)
    amount = to_units(story.current.assessment.exposure_micro)
    near = sorted(limits, key=lambda limit: abs(limit - amount))[:3]
    return [plots.Limit(limit, numbers.grouped(limit)) for limit in sorted(near)]


def threshold_text(story: Story) -> str:
    """What the compute thresholds say: does exceed (p50), may exceed (p90), or how far the nearest line is."""
    estimate = story.current.estimate if story.current else None
    if estimate is None or not estimate.thresholds:
        return ""
    exceeded = [reading for reading in estimate.thresholds if reading.exceeds]
    possible = [reading for reading in estimate.thresholds if reading.may_exceed and not reading.exceeds]
    notices = "".join(f"; {measures.notice_text(notice).rstrip('.')}" for notice in estimate.notices)
    notices = notices.replace("To be", "to be")
    if exceeded:
        largest = max(exceeded, key=lambda reading: reading.limit)
        return f"exceeds {numbers.flop(largest.limit)} ({largest.jurisdiction}){notices}"
    if possible:
        largest = max(possible, key=lambda reading: reading.limit)
        return f"may exceed {numbers.flop(largest.limit)} ({largest.jurisdiction}){notices}"
    nearest = min(estimate.thresholds, key=lambda reading: reading.limit)
    return f"{numbers.flop(nearest.limit)} not exceeded"


def flop_limits(story: Story) -> list[plots.Limit]:
    """Threshold lines over training compute, each value once."""
    estimate = story.current.estimate if story.current else None
    values = {reading.limit for reading in estimate.thresholds} if estimate else set()
    return [plots.Limit(value, numbers.flop(value)) for value in sorted(values)[:4]]


def stage_to_decide(story: Story, user: User) -> ApprovalStage | None:
    """The open stage that this reader may decide, if there is one."""
    if story.waiting is None or user.is_service_account:
        return None
    if not any(holder.person_id == user.person_id for holder in story.waiting.holders):
        return None
    return story.waiting.stages[0]
