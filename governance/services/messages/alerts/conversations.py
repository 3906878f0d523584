"""Promises the mail about comments on a request to the other side, bundled."""

from __future__ import annotations

from datetime import datetime

from governance.domain.states.messages import AlertKind
from governance.models import Alert, RequestComment
from governance.selectors.requests.story import conversations
from governance.services.messages.alerts.promises import enqueue


def tell_commented(comment: RequestComment, *, now: datetime) -> None:
    """Mail 17: to the other side, one for all comments of `BUNDLED_FOR`.

    The caller holds the request's lock, so that two comments of one moment share a mail.
    """
    request = comment.provisioning_request
    concerned = conversations.other_side(request, author=comment.author, now=now)
    promised = Alert.objects.filter(
        kind=AlertKind.COMMENTS, provisioning_request=request, created_at__gt=now - conversations.BUNDLED_FOR
    )
    enqueue(
        AlertKind.COMMENTS,
        subject=f"comment:{comment.pk}",
        recipients=concerned - set(promised.values_list("recipient_id", flat=True)),
        request=request,
        payload={"comment": comment.pk},
        now=now,
        due_at=now + conversations.SENT_AFTER,
    )
