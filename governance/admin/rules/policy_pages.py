"""What the pages about one policy version share: who may open them, the tabs, the review of a change, saving it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from governance.admin import access
from governance.admin.site import DeskSite
from governance.domain.errors import GovernanceError, InvalidInput, StaleDraft
from governance.domain.limits import REASON_CHARS_MAX
from governance.domain.prose import sentence
from governance.models import PolicyVersion
from governance.policy.authoring.edits import Edited
from governance.policy.authoring.review import Review, example_in_words
from governance.policy.errors import PolicyError
from governance.selectors.rules.policy_drafts import Ground, ground_of
from governance.services.rules.policy_drafts import TITLE_CHARS_MAX, save_draft

DUTY = "policies"
FIELDS_MAX = 2_000
"""Fields that the form of an editor sends at most. 24 rows of 12 columns with three tests each take 1,848, and a
bundle's limits always fit. A table that needs more is changed as text."""
FIELDS_BESIDE = 24
"""Of these, fields that are no cells: the token, names of a new row and column, title, reason and the like."""
PREFIX = "governance/policyversion/<int:version_id>"
TABS = (
    ("words", "In words"),
    ("limits", "Change limits"),
    ("table", "Change a table"),
    ("text", "Change the text"),
)

_NO_DIFFERENCE = "Nothing differs from the version you opened."
_NOTHING_CHANGED = {"limits": "Nothing was changed. Type a new value beside a limit."}
NOTHING_YET = {
    "limits": "Changes are shown here as you type.",
    "table": _NO_DIFFERENCE,
    "text": _NO_DIFFERENCE,
}


def may_write(request: HttpRequest) -> bool:
    return DUTY in access.of(request).duties


def writer_ground(request: HttpRequest, version_id: int) -> Ground:
    """The version that an author opens.

    Raises:
        Http404: missing, or the person does not keep policies: the two look the same.
    """
    if not may_write(request):
        raise Http404("missing, or not for this person")
    return ground_of(version_id)


def address(page: str, version: PolicyVersion) -> str:
    return reverse(f"admin:governance_policyversion_{page}", args=[version.pk])


def version_links(request: HttpRequest, version: PolicyVersion) -> list[tuple[str, str]]:
    """For the version's record: its page in words, and for those who keep policies the three editors."""
    pages = TABS if may_write(request) else TABS[:1]
    return [(words, address(page, version)) for page, words in pages]


def first_day(request: HttpRequest) -> date:
    """The day from which a change is usually meant: tomorrow, for those who decide today know today's rules."""
    return access.of(request).now.date() + timedelta(days=1)


@dataclass(slots=True)
class Problem:
    """Something that an author has to mend, with its place when it has one."""

    text: str
    field: str = ""
    where: str = ""
    excerpt: str = ""
    suggestion: str = ""

    @classmethod
    def of(cls, error: PolicyError, *, field: str = "", where: str = "") -> Problem:
        has_place = bool(error.excerpt) or error.position.offset > 0
        place = f"line {error.position.line}, column {error.position.column}" if has_place else ""
        return cls(
            sentence(error.message),
            field,
            ", ".join(part for part in (where or _within(error.source_name), place) if part),
            error.excerpt,
            error.suggestion or "",
        )


def _within(source_name: str) -> str:
    """`approval-limits AL-1.when` as “AL-1, when”."""
    _, _, inside = source_name.partition(" ")
    rule_id, _, part = inside.rpartition(".")
    return f"{rule_id}, {part}" if rule_id else ""


@dataclass(slots=True)
class Draft:
    """What an author has typed so far, and what it comes to."""

    edited: Edited | None = None
    review: Review | None = None
    problems: list[Problem] = field(default_factory=list)
    stale: str = ""
    seen: int = 0
    title: str = ""
    reason: str = ""

    @property
    def status(self) -> int:
        return StaleDraft.http_status if self.stale else 400 if self.problems else 200


def read_draft(request: HttpRequest, ground: Ground) -> Draft:
    """The fields that every editor has: title, reason, and the newest version that the author knows of."""
    seen = request.POST.get("seen", "")
    # A save that does not say what its author saw has seen nothing.
    unsaid = 0 if request.POST.get("action") == "save" else ground.newest
    return Draft(
        seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 9 else unsaid,
        title=request.POST.get("title", "")[: TITLE_CHARS_MAX + 1],
        reason=request.POST.get("reason", "")[: REASON_CHARS_MAX + 1],
    )


def _save(request: HttpRequest, ground: Ground, draft: Draft, edited: Edited) -> HttpResponse | None:
    """Store the draft and lead to its page; None with the problems in `draft` when it was refused."""
    person = access.of(request)
    try:
        version = save_draft(
            set_id=ground.version.policy_set_id,
            newest_seen=draft.seen,
            source=edited.text,
            title=draft.title,
            reason=draft.reason,
            actor=person.user,
            now=person.now,
        )
    except StaleDraft as error:
        draft.stale = sentence(error.message)
        draft.seen = int(error.data["newest"])
        return None
    except InvalidInput as error:
        draft.problems += [Problem(sentence(text), name) for name, texts in error.errors.items() for text in texts]
        return None
    except GovernanceError as error:
        draft.problems.append(Problem(sentence(error.message)))
        return None
    if version.number <= draft.seen:
        messages.info(request, f"These are already the rules of version {version.number}; nothing was saved.")
    else:
        messages.success(request, f"Saved as a draft: version {version.number}.")
    return redirect(address("words", version))


def show(
    desk: DeskSite, request: HttpRequest, ground: Ground, page: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """A whole page under the version's heading and tabs."""
    version = ground.version
    tabs = [
        (words, address(each, version), each == page) for each, words in TABS if each == "words" or may_write(request)
    ]
    whole = desk.each_context(request) | {
        "title": f"{version}: {dict(TABS)[page].lower()}",
        "crumbs": [
            {"text": "Policies", "url": reverse("admin:governance_policyversion_changelist")},
            {"text": str(version), "url": reverse("admin:governance_policyversion_change", args=[version.pk])},
            {"text": dict(TABS)[page]},
        ],
        "version": version,
        "ground": ground,
        "tabs": [*tabs, ("Record", reverse("admin:governance_policyversion_change", args=[version.pk]), False)],
        "title_chars_max": TITLE_CHARS_MAX,
        "reason_chars_max": REASON_CHARS_MAX,
    }
    return TemplateResponse(request, f"admin/desk/policy_{page}.html", whole | context, status=status)


def show_draft(
    desk: DeskSite, request: HttpRequest, ground: Ground, page: str, draft: Draft, context: dict[str, Any]
) -> HttpResponse:
    """An editor: whole, or only what its change means when the page asks for that while the author types.

    With `action=save` a draft without problems is stored, and its own page comes next.
    """
    if request.POST.get("action") == "save" and not draft.problems:
        if draft.edited is None:
            draft.problems.append(Problem(_NOTHING_CHANGED.get(page, "Nothing was changed.")))
        elif (stored := _save(request, ground, draft, draft.edited)) is not None:
            return stored
    shown = context | {
        "draft": draft,
        "version_words": f"Version {ground.version.number}",
        "nothing_yet": NOTHING_YET[page],
        **review_context(draft),
    }
    if is_live(request):
        return TemplateResponse(request, "admin/desk/policy_review.html", shown | {"is_live": True})
    return show(desk, request, ground, page, shown, status=draft.status if request.method == "POST" else 200)


def is_live(request: HttpRequest) -> bool:
    """Whether the page itself asks, for a part of itself."""
    return bool(getattr(request, "htmx", False)) and request.POST.get("action") == "check"


def review_context(draft: Draft) -> dict[str, Any]:
    review, edited = draft.review, draft.edited
    if review is None or edited is None:
        return {"review": None}
    facts = edited.bundle.schema.by_name
    findings = [
        (each, example_in_words(each.example, facts) if each.example is not None else "") for each in review.findings
    ]
    return {
        "review": review,
        "findings": findings,
        "summary": _summary(review),
        "kept_text": edited.kept_text,
        "case_count": review.passing + len(review.failing),
    }


def _summary(review: Review) -> str:
    def some(number: int, one: str, many: str) -> str:
        return f"{number} {one if number == 1 else many}"

    parts = [some(len(review.changes), "rule changes", "rules change")]
    if review.newly_failing:
        parts.append(some(len(review.newly_failing), "case no longer passes", "cases no longer pass"))
    if review.findings:
        parts.append(some(len(review.findings), "new finding", "new findings"))
    return ", ".join(parts)
