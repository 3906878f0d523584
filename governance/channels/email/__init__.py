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
    credentials,
    digests,
    in_force,
    registers,
    stages,
)
from governance.channels.email.message import build
from governance.models import Alert
from governance.selectors.messages import alerts

LETTERS: dict[str, Callable[[Alert, Reader], Letter]] = {
    "stage_opened": stages.opened,
    "stage_reminded": stages.reminded,
    "stage_escalated": stages.escalated,
    "request_denied": answers.denied,
    "request_rejected": answers.rejected,
    "request_expired": answers.expired,
    "changes_wanted": answers.changes_wanted,
    "grant_issued": answers.grant_issued,
    "budget_threshold": budgets.threshold_crossed,
    "register_unread": registers.unread,
    "digest": digests.digest,
    "activation_asked": activations.asked,
    "activation_lapsed": activations.lapsed,
    "activation_late": activations.late,
    "password_link": credentials.password_link,
    "password_changed": credentials.password_changed,
    "address_confirm": credentials.address_confirm,
    "address_changed": credentials.address_changed,
    "address_left": credentials.address_left,
    "token_made": credentials.token_made,
    "role_changed": credentials.role_changed,
    "role_announced": credentials.role_announced,
    "delegation_changed": credentials.delegation_changed,
    "activation_in_your_name": activations.in_your_name,
    "policy_in_force": in_force.policy,
    "exception_in_force": in_force.exception,
    "publication_in_force": in_force.publication,
    "publication_asked": acceptable_use.asked,
    "aup_published": acceptable_use.published,
    "consent_due_soon": acceptable_use.due_soon,
    "consent_due": acceptable_use.due,
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
