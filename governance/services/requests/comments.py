"""Adds to the conversation of a request."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from governance.domain.limits import COMMENT_CHARS_MAX
from governance.domain.text import clean_reason
from governance.models import ProvisioningRequest, RequestComment, User
from governance.selectors.people import people
from governance.services.commit import BeforeCommit, nothing
from governance.services.messages import alerts
from governance.services.record import audit


@transaction.atomic(durable=True)
def add_comment(
    *, request_id: int, actor: User, text: str, now: datetime, before_commit: BeforeCommit = nothing
) -> RequestComment:
    """Add a remark to the conversation of a request that the actor may see. The other side is told by mail, bundled.

    Raises:
        NotFound: missing or not visible.
        InvalidInput: empty, too long, or control characters.
    """
    request = ProvisioningRequest.objects.visible_to(people.visibility_of(actor, now=now)).lock(request_id)
    text = clean_reason("text", text, COMMENT_CHARS_MAX)
    comment = RequestComment.objects.create(provisioning_request=request, author=actor, text=text, created_at=now)
    alerts.tell_commented(comment, now=now)
    audit.record("request.commented", actor=actor, subject=request, now=now, comment=comment.pk)
    before_commit(comment)
    return comment
