"""The mail about comments on a request, to the other side of the conversation (17)."""

from __future__ import annotations

from governance.channels.email import pages
from governance.channels.email.letters import Item, Letter, Moot, Reader, quoted, unlinked
from governance.display import numbers
from governance.models import Alert
from governance.selectors.requests.story import conversations

SHOWN_MAX = 60


def commented(alert: Alert, reader: Reader) -> Letter:
    """Mail 17: what others wrote within some minutes, in their words.

    Raises:
        Moot: the reader has answered since, or may no longer see the request.
    """
    request = alert.provisioning_request
    if request is None:
        raise Moot("it names no request")
    if not conversations.may_read(reader.person, request, now=reader.now):
        raise Moot("the reader may no longer see the request")
    until = alert.created_at + conversations.BUNDLED_FOR
    written = [
        comment
        for comment in conversations.comments_between(request, alert.created_at, until)
        if comment.author.person_id != reader.person.pk
    ]
    if not written or conversations.has_answered(request, reader.person, since=written[-1].created_at):
        raise Moot("the reader has answered since")
    first, last = written[0], written[-1]
    names = ", ".join(sorted({unlinked(comment.author.person.name) for comment in written}))
    count = numbers.counted(len(written), "comment")
    return Letter(
        subject=f"{count} on {request.reference}: {quoted(' '.join(last.text.split()), SHOWN_MAX)}",
        reference=request.reference,
        heading=f"{count} on {reader.day(last.created_at)}",
        preview=f"{names} wrote on {unlinked(request.title)}",
        lead=f"{names} wrote on {unlinked(request.title)}:",
        items=tuple(
            Item(f"{unlinked(comment.author.person.name)}, {reader.moment(comment.created_at)}", quoted(comment.text))
            for comment in written
        ),
        action="Open the conversation",
        path=pages.comment_on(request, first.pk),
        note="Answer with a comment on the request.",
        why="You receive this because you made this request, can decide it or have written on it. "
        "Comments within a few minutes share one email; it cannot be turned off.",
        thread=f"request.{request.pk}",
        is_demonstration=request.is_demonstration,
    )
