"""Case F01 on the pages: the form, its live panel and a clone name only what is the requester's to name."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from governance.models import Grant, ModelLineage, ProvisioningRequest
from governance.services.requests import drafts
from tests.cast import Cast, content, granted_elsewhere
from tests.web import asking, reading


@pytest.fixture
def foreign(cast: Cast) -> Grant:
    return granted_elsewhere(cast, now=timezone.now())


@pytest.fixture
def alice(browser_of: Callable[[str], Client]) -> Client:
    return browser_of("alice")


def draft(cast: Cast, **changes: object) -> ProvisioningRequest:
    days = reading.days()
    return drafts.create_draft(actor=cast.alice, content=content(**days, **changes), now=timezone.now())


def plain(html: bytes, *names: str) -> str:
    """A page without what is different on every page, and without the names that were typed."""
    text = re.sub(r'(name="(csrfmiddlewaretoken|form_mark)" value=")[^"]*', r"\1", html.decode())
    text = re.sub(r'nonce="[^"]*"|/requests/\d+/|REQ-\d+|number=\d+|value="\d+"', "", text)
    for name in names:
        text = text.replace(name, "NAME")
    return text


NAMES = [("related_grant", "", "G-9999"), ("lineage", "aurora", "aurore"), ("project", "sharp-eyes", "sharp-ears")]


@pytest.mark.parametrize(("field", "strange", "missing"), NAMES)
@pytest.mark.parametrize("where", ["panel", "review", "submit"])
def test_a_foreign_name_looks_like_a_missing_one(
    cast: Cast, alice: Client, foreign: Grant, field: str, strange: str, missing: str, where: str
) -> None:
    """Same status, same words, same size; neither its title, its cap nor its use is on the page."""
    strange = strange or foreign.reference
    answers = []
    for name in (strange, missing):
        more = {"kind": "top_up"} if field == "related_grant" else {}
        row = draft(cast, **{field: name}, **more)
        if where == "panel":
            answer = alice.get("/requests/preview/", {"number": row.number, "step": "review"})
        elif where == "review":
            answer = alice.get(f"/requests/{row.number}/edit/?step=review")
        else:
            answer = alice.post(f"/requests/{row.number}/submit/")
        answers.append((answer.status_code, plain(answer.content, name)))
    assert answers[0] == answers[1]
    assert "Secret work" not in answers[0][1]
    assert "1,234" not in answers[0][1]
    assert Grant.objects.count() == 1


def test_the_form_offers_only_lineages_that_one_may_name(cast: Cast, alice: Client, foreign: Grant) -> None:
    ModelLineage.objects.create(slug="tern", name="Tern 7B", owner=cast.bob.person, project=cast.project)
    page = alice.get(f"/requests/{draft(cast).number}/edit/?step=purpose").content.decode()
    assert "Tern 7B" in page
    assert "Aurora of the eyes" not in page


def test_a_grant_that_was_chosen_for_another_kind_is_not_kept(cast: Cast, alice: Client, foreign: Grant) -> None:
    """The question is hidden then, so nobody could mend what is wrong with it."""
    fields = asking.workload(kind="new", related_grant=foreign.reference)
    assert alice.post("/requests/new/", fields).status_code == 302
    assert ProvisioningRequest.objects.latest("pk").draft.get("related_grant") is None
