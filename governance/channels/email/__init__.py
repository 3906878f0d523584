"""Renders one alert and hands it to the mail backend. Called by `services.alerts` only.

A letter (`letters.py`) says one fact; one module per kind of reader writes letters; `message.py` gives them headers and
HTML; `line.py` speaks to the relay.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.core.mail import EmailMultiAlternatives

from governance.channels.email.letters import Letter, Moot, Reader, Undeliverable
from governance.channels.email.line import Answer, Line, Result
from governance.channels.email.mails import (
    acceptable_use,
    activations,
    answers,
    budgets,
    conversations,
    credentials,
    digests,
    in_force,
    registers,
    stages,
)
from governance.channels.email.message import build
from governance.domain.states.messages import AlertKind
from governance.models import Alert
from governance.selectors.messages import alerts

LETTERS: dict[str, Callable[[Alert, Reader], Letter]] = {
    AlertKind.STAGE_OPENED: stages.opened,
    AlertKind.STAGE_REMINDED: stages.reminded,
    AlertKind.STAGE_ESCALATED: stages.escalated,
    AlertKind.REQUEST_DENIED: answers.denied,
    AlertKind.REQUEST_REJECTED: answers.rejected,
    AlertKind.REQUEST_EXPIRED: answers.expired,
    AlertKind.CHANGES_WANTED: answers.changes_wanted,
    AlertKind.GRANT_ISSUED: answers.grant_issued,
    AlertKind.BUDGET_THRESHOLD: budgets.threshold_crossed,
    AlertKind.REGISTER_UNREAD: registers.unread,
    AlertKind.DIGEST: digests.digest,
    AlertKind.ACTIVATION_ASKED: activations.asked,
    AlertKind.ACTIVATION_LAPSED: activations.lapsed,
    AlertKind.ACTIVATION_LATE: activations.late,
    AlertKind.PASSWORD_LINK: credentials.password_link,
    AlertKind.PASSWORD_CHANGED: credentials.password_changed,
    AlertKind.ADDRESS_CONFIRM: credentials.address_confirm,
    AlertKind.ADDRESS_CHANGED: credentials.address_changed,
    AlertKind.ADDRESS_LEFT: credentials.address_left,
    AlertKind.TOKEN_MADE: credentials.token_made,
    AlertKind.ROLE_CHANGED: credentials.role_changed,
    AlertKind.ROLE_ANNOUNCED: credentials.role_announced,
    AlertKind.DELEGATION_CHANGED: credentials.delegation_changed,
    AlertKind.ACTIVATION_IN_YOUR_NAME: activations.in_your_name,
    AlertKind.POLICY_IN_FORCE: in_force.policy,
    AlertKind.EXCEPTION_IN_FORCE: in_force.exception,
    AlertKind.PUBLICATION_IN_FORCE: in_force.publication,
    AlertKind.PUBLICATION_ASKED: acceptable_use.asked,
    AlertKind.AUP_PUBLISHED: acceptable_use.published,
    AlertKind.CONSENT_DUE_SOON: acceptable_use.due_soon,
    AlertKind.CONSENT_DUE: acceptable_use.due,
    AlertKind.COMMENTS: conversations.commented,
}
"""Kind of alert -> the letter that says it."""


def compose(alert: Alert, *, now: datetime) -> EmailMultiAlternatives:
    """The message of an alert, with names and addresses as they are now.

    Raises:
        Moot: there is nothing left to say.
        Undeliverable: its person is deactivated, or every account of theirs is.
    """
    if not alerts.has_way_in(alert.recipient):
        raise Undeliverable("the person is deactivated")
    return build(alert, LETTERS[alert.kind](alert, Reader(alert.recipient, now)))


__all__ = ["LETTERS", "Answer", "Line", "Moot", "Result", "Undeliverable", "compose"]
