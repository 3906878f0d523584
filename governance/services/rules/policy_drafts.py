"""Stores what an author made of a version as a new draft of the same set."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max

from governance.domain.errors import InvalidInput, StaleDraft
from governance.models import PolicyVersion, User
from governance.services.rules import policies

TITLE_CHARS_MAX = 120


def save_draft(
    *, set_id: int, newest_seen: int, source: str, title: str, reason: str, actor: User, now: datetime
) -> PolicyVersion:
    """Store an edited text. The same rules again are the version that exists.

    Args:
        set_id: the set that the author opened.
        newest_seen: number of its newest version when the author last looked.
        title: one line that says what changes; it stands before the reason.

    Raises:
        NotAllowed: the actor is no policy officer.
        InvalidInput: the text does not check, is about another set, or title or reason are missing.
        StaleDraft: somebody stored a version since, or the one that was seen is not there. In every case nothing is
            written.
    """
    title = " ".join(title.split())
    errors = {}
    if not 0 < len(title) <= TITLE_CHARS_MAX:
        errors["title"] = [f"say in one line of at most {TITLE_CHARS_MAX} characters what changes"]
    if not reason.strip():
        errors["reason"] = ["say why; the second officer and the log read it"]
    if errors:
        raise InvalidInput(errors)

    stored = _newest(set_id)

    def refuse_what_moved(version: PolicyVersion) -> None:
        # Under the lock of the set: nobody stores another version between this look and COMMIT.
        if version.policy_set_id != set_id:
            raise InvalidInput({"source": [f"the text is named `{version.policy_set.slug}`: import it as another set"]})
        is_new = version.number > stored
        newest = version.number - 1 if is_new else _newest(set_id)
        # The same text sent twice is answered alike: the first one stored what the second one finds.
        if newest_seen == newest or (not is_new and version.number == newest == newest_seen + 1):
            return
        if newest_seen > newest:
            raise StaleDraft(f"version {newest} is the newest: there is no version {newest_seen} yet", newest=newest)
        raise StaleDraft(f"version {newest} was stored since you opened this page", newest=newest)

    return policies.import_version(
        source=source, reason=f"{title}\n\n{reason.strip()}", actor=actor, now=now, before_commit=refuse_what_moved
    )


def _newest(set_id: int) -> int:
    """Number of the newest version; 0 when there is none."""
    found = PolicyVersion.objects.filter(policy_set=set_id).aggregate(newest=Max("number"))
    return found["newest"] or 0
