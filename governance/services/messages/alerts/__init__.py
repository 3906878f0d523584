"""The outbox: promises a mail in the transaction that causes it, and delivers it later, once.

Delivery is the one service that is not one transaction: claim (tx), send (no tx), settle (tx).
"""

from governance.services.messages.alerts.conversations import tell_commented
from governance.services.messages.alerts.credentials import (
    tell_address_changed,
    tell_address_confirm,
    tell_delegation_changed,
    tell_password_changed,
    tell_password_link,
    tell_role_changed,
    tell_token_made,
)
from governance.services.messages.alerts.delivery import backoff, deliver_due, redrive
from governance.services.messages.alerts.promises import (
    enqueue,
    message_id,
    tell_activation_asked,
    tell_activation_lapsed,
    tell_activation_late,
    tell_budget_crossed,
    tell_changes_requested,
    tell_consent,
    tell_exception_in_force,
    tell_grant_issued,
    tell_in_force,
    tell_publication_asked,
    tell_published,
    tell_register_unread,
    tell_request_denied,
    tell_request_expired,
    tell_request_rejected,
    tell_stage_escalated,
    tell_stage_reminded,
    tell_stages_opened,
)

__all__ = [
    "backoff",
    "deliver_due",
    "enqueue",
    "message_id",
    "redrive",
    "tell_activation_asked",
    "tell_activation_lapsed",
    "tell_activation_late",
    "tell_address_changed",
    "tell_address_confirm",
    "tell_budget_crossed",
    "tell_changes_requested",
    "tell_commented",
    "tell_consent",
    "tell_delegation_changed",
    "tell_exception_in_force",
    "tell_grant_issued",
    "tell_in_force",
    "tell_password_changed",
    "tell_password_link",
    "tell_publication_asked",
    "tell_published",
    "tell_register_unread",
    "tell_request_denied",
    "tell_request_expired",
    "tell_request_rejected",
    "tell_role_changed",
    "tell_stage_escalated",
    "tell_stage_reminded",
    "tell_stages_opened",
    "tell_token_made",
]
