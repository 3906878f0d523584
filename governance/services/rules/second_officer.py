"""What every change that takes two officers checks: the first one may ask, the second one is somebody else indeed."""

from __future__ import annotations

from datetime import datetime

from governance.display.lists import joined
from governance.domain.errors import NotAllowed, SeparationOfDuties
from governance.models import User
from governance.selectors.people.duties import DUTIES, is_system, people_with, require_duty
from governance.selectors.rules import officers

_GONE = {
    "policies": "is no policy officer any more",
    "acceptable_use": "may not publish acceptable-use versions any more",
}


def require_officer(actor: User, duty: str, *, now: datetime) -> None:
    """Refuse whoever may not ask for it.

    Raises:
        NotAllowed: the actor does not carry the duty, or is the system's own account.
        SeparationOfDuties: the person audits, with whichever of their accounts.
    """
    require_duty(actor, duty, now=now)
    if is_system(actor):
        raise NotAllowed("two people agree on this, so the system's own account neither asks nor answers")
    if officers.audits(actor.person_id, now=now):
        raise SeparationOfDuties(
            "you are an auditor: whoever audits neither asks for a change of the rules nor answers"
        )


def require_second(actor: User, duty: str, *, asked_by: User, what: str, now: datetime) -> None:
    """Refuse whoever may not answer what `asked_by` asked for; a refusal counts as an answer as well.

    Args:
        what: names it in sentences, such as `this activation`.

    Raises:
        NotAllowed: the actor is no officer: a superuser without the role approves nothing.
        SeparationOfDuties: the same person asked, whichever account they use; the person audits; or one of the two
            made the other lately, directly or by way of others.
    """
    require_officer(actor, duty, now=now)
    if asked_by.person_id == actor.person_id:
        raise SeparationOfDuties(f"you asked for {what}, so another officer answers it")
    if actor.person_id not in officers.holders(duty, now=now):
        roles = joined((f"`{name}`" for name in sorted(DUTIES[duty][1])), "or")
        raise NotAllowed(f"to answer takes the role {roles}, also for a superuser", duty=duty)
    tie = officers.tie_between(duty, asked_by=asked_by, other=actor, now=now)
    if tie:
        raise SeparationOfDuties(f"{tie}: another officer answers {what}")


def gone(user: User | None, duty: str, *, did: str, now: datetime) -> str:
    """That one of the two is no officer any more, as a part of a sentence; empty while they are.

    Args:
        did: `asked` or `agreed`.
    """
    if user is None or user.person_id in people_with(duty, now=now):
        return ""
    return f"{user.person.name}, who {did}, {_GONE[duty]}: ask again"
