"""The five steps, without JavaScript, from an empty page to an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from governance.models import BudgetHold, Grant, Provider, ProvisioningRequest, RequestRevision
from governance.services.requests import drafts
from tests import cast as casting
from tests.cast import Cast
from tests.web import asking

NEW = "/requests/new/"


@pytest.fixture
def alice(browser_of: Callable[[str], Client]) -> Client:
    return browser_of("alice")


def filled_in(alice: Client, **purpose: object) -> ProvisioningRequest:
    """A draft with every question answered."""
    today = timezone.now().date()
    answer = alice.post(NEW, asking.workload())
    assert answer.status_code == 302, answer.content.decode()
    draft = ProvisioningRequest.objects.get()
    for fields in (asking.size(), asking.place(today), asking.purpose(**purpose)):
        answer = alice.post(edit(draft), fields)
        assert answer.status_code == 302, answer.content.decode()
    draft.refresh_from_db()
    return draft


def edit(draft: ProvisioningRequest) -> str:
    return f"/requests/{draft.number}/edit/"


def test_the_five_steps_make_a_grant(alice: Client) -> None:
    draft = filled_in(alice)
    page = alice.get(edit(draft) + "?step=review").content.decode()
    assert "Approved automatically" in page
    assert "1,000\u00a0USD" in page
    answer = alice.post(f"/requests/{draft.number}/submit/", {"draft_version": draft.draft_version})
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/requests/{draft.number}/"
    draft.refresh_from_db()
    assert draft.state == "granted"
    assert Grant.objects.get().gpu_hours_cap == 1000


def test_the_form_makes_the_same_content_as_the_api(alice: Client) -> None:
    draft = filled_in(alice)
    alice.post(f"/requests/{draft.number}/submit/")
    today = timezone.now().date().isoformat()
    typed = RequestRevision.objects.get().content
    wanted = casting.content(start_on=today, end_on=typed["end_on"])
    assert {name: typed[name] for name in wanted} == wanted


def test_each_step_saves_and_the_page_can_be_left(alice: Client) -> None:
    alice.post(NEW, asking.workload())
    draft = ProvisioningRequest.objects.get()
    assert draft.title == "Ablations"
    assert draft.draft_version == 1
    answer = alice.post(edit(draft), asking.size(action="save"))
    assert answer.headers["Location"] == "/"
    page = alice.get(edit(draft)).content.decode()
    assert "for up to 1,000 GPU-hours" in page
    assert 'aria-current="step"' in page


def test_a_form_sent_twice_makes_one_draft(alice: Client) -> None:
    fields = asking.workload(form_mark="0123456789abcdef")
    first, second = alice.post(NEW, fields), alice.post(NEW, fields)
    assert first.headers["Location"] == second.headers["Location"]
    assert ProvisioningRequest.objects.count() == 1


def test_choosing_another_workload_asks_its_questions_and_saves_nothing(alice: Client) -> None:
    answer = alice.post(NEW, asking.workload(workload="fine_tuning", shown_workload="lease", sizing="work"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'name="work-tokens_billion"' in page
    assert "errmsg" not in page
    assert not ProvisioningRequest.objects.exists()


MIXTURE = {
    "workload": "pretraining", "shown_workload": "pretraining", "sizing": "work", "work-parameters_billion": "47",
    "work-tokens_billion": "100", "work-architecture": "mixture_of_experts",
}  # fmt: skip
ACTIVE = 'name="work-active_parameters_billion"'


def test_only_of_a_mixture_its_active_parameters_are_asked(alice: Client) -> None:
    """Without a script too: the answer to Continue is the question."""
    dense = asking.workload(**MIXTURE | {"work-architecture": "decoder", "action": "refresh"})
    assert ACTIVE not in alice.post(NEW, dense).content.decode()
    asked = alice.post(NEW, asking.workload(**MIXTURE, shown_architecture="decoder"))
    assert asked.status_code == 200
    page = asked.content.decode()
    assert ACTIVE in page
    assert 'aria-invalid="true"' not in page, "it was not asked before"
    assert 'name="shown_architecture" value="mixture_of_experts"' in page
    open_one = alice.post(NEW, asking.workload(**MIXTURE, shown_architecture="mixture_of_experts")).content.decode()
    assert "a mixture of experts needs the parameters that one token passes through" in open_one
    assert not ProvisioningRequest.objects.exists()
    active = {"work-active_parameters_billion": "13", "shown_architecture": "mixture_of_experts"}
    assert alice.post(NEW, asking.workload(**MIXTURE | active)).status_code == 302
    assert ProvisioningRequest.objects.get().draft["work"]["active_parameters_billion"] == 13


def test_what_was_answered_of_a_mixture_goes_with_it(alice: Client) -> None:
    typed = MIXTURE | {"work-active_parameters_billion": "13", "work-architecture": "decoder"}
    assert alice.post(NEW, asking.workload(**typed, shown_architecture="decoder")).status_code == 302
    assert "active_parameters_billion" not in ProvisioningRequest.objects.get().draft["work"]


def test_continue_asks_for_what_is_missing_and_names_it(alice: Client) -> None:
    fields = asking.workload(workload="fine_tuning", shown_workload="fine_tuning", sizing="work", title="")
    page = alice.post(NEW, fields).content.decode()
    assert '<a href="#id_title">Title: must not be empty</a>' in page
    assert 'href="#id_work-parameters_billion"' in page
    assert 'id="id_work-tokens_billion"' in page
    assert 'aria-invalid="true"' in page
    assert not ProvisioningRequest.objects.exists()


def test_save_and_leave_keeps_a_half_filled_step(alice: Client) -> None:
    answer = alice.post(NEW, asking.workload(title="", project="", action="save"))
    assert answer.status_code == 302
    assert ProvisioningRequest.objects.get().draft["workload"] == "lease"


def test_going_back_keeps_what_was_typed(alice: Client) -> None:
    alice.post(NEW, asking.workload())
    draft = ProvisioningRequest.objects.get()
    answer = alice.post(edit(draft), asking.size(action="go:workload", accelerator_count="3"))
    assert answer.headers["Location"].endswith("?step=workload")
    draft.refresh_from_db()
    assert draft.draft["accelerator_count"] == 3


def test_a_draft_saved_elsewhere_is_not_overwritten_and_the_text_is_kept(alice: Client) -> None:
    alice.post(NEW, asking.workload())
    draft = ProvisioningRequest.objects.get()
    alice.post(edit(draft), asking.size(draft_version="1", accelerator_count="4"))
    answer = alice.post(edit(draft), asking.size(draft_version="1", accelerator_count="5"))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "This draft changed while you wrote" in page
    assert 'value="5"' in page
    assert "<del>4</del>" in page
    assert "<ins>5</ins>" in page
    draft.refresh_from_db()
    assert draft.draft["accelerator_count"] == 4
    assert 'name="draft_version" value="2"' in page


def test_an_old_page_does_not_submit_what_it_did_not_show(alice: Client) -> None:
    draft = filled_in(alice)
    answer = alice.post(f"/requests/{draft.number}/submit/", {"draft_version": draft.draft_version - 1})
    assert answer.status_code == 409
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_a_budget_that_is_too_small_is_a_sentence_with_a_way_out(alice: Client, cast: Cast) -> None:
    draft = filled_in(alice)
    alice.post(edit(draft), asking.size(gpu_hours_cap="25,000", accelerator_count="16"))
    page = alice.get(edit(draft) + "?step=review").content.decode()
    assert "Long context has 20\u00a0k\u00a0USD left" in page
    answer = alice.post(f"/requests/{draft.number}/submit/")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "20,000.00\u00a0USD free" in page
    assert "ask the budget’s owner for a transfer" in page
    assert not BudgetHold.objects.exists()


def test_an_unfinished_draft_says_what_is_open_and_links_there(alice: Client) -> None:
    alice.post(NEW, asking.workload())
    draft = ProvisioningRequest.objects.get()
    answer = alice.post(f"/requests/{draft.number}/submit/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert '<a href="?step=size#id_accelerator">' in page
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_submitting_twice_answers_once(alice: Client) -> None:
    draft = filled_in(alice)
    for _ in range(2):
        assert alice.post(f"/requests/{draft.number}/submit/").status_code == 302
    assert Grant.objects.count() == 1


def test_a_past_request_can_be_started_from(alice: Client) -> None:
    draft = filled_in(alice)
    alice.post(f"/requests/{draft.number}/submit/")
    page = alice.get(NEW + "?from=past").content.decode()
    assert "Ablations" in page
    assert f"/requests/{draft.number}/clone/" in page


def test_a_request_under_review_says_that_saving_takes_it_back(alice: Client, cast: Cast) -> None:
    request = casting.submitted(cast, now=timezone.now(), start_on=timezone.now().date().isoformat(), end_on=None)
    page = alice.get(edit(request)).content.decode()
    assert "Saving a change takes it back" in page
    alice.post(edit(request), asking.size(accelerator_count="12"))
    request.refresh_from_db()
    assert request.state == "draft"
    assert not BudgetHold.objects.filter(state="open").exists()


def test_a_hosted_api_is_capped_in_money_and_needs_no_accelerator(alice: Client, cast: Cast) -> None:
    Provider.objects.create(
        slug="openai", name="OpenAI", provider_type="hosted_api", hq_country="US", is_approved=True,
        has_data_processing_agreement=True, terms_reviewed_on=timezone.now().date(),
    )  # fmt: skip
    first = asking.workload(workload="hosted_api", shown_workload="hosted_api", sizing="cap")
    assert alice.post(NEW, first | {"work-api_model": "gpt-4o"}).status_code == 302
    draft = ProvisioningRequest.objects.get()
    page = alice.get(edit(draft) + "?step=size").content.decode()
    assert 'name="accelerator"' not in page
    assert alice.post(edit(draft), {"step": "size", "action": "continue"}).status_code == 200
    for fields in (
        {"step": "size", "action": "continue", "money_cap_usd": "1,200"},
        asking.place(timezone.now().date(), place="other", provider="openai", price_term="per_token", country="US"),
        asking.purpose(),
    ):
        answer = alice.post(edit(draft), fields)
        assert answer.status_code == 302, answer.content.decode()
    page = alice.get(edit(draft) + "?step=review").content.decode()
    assert "1,200\u00a0USD" in page
    assert alice.post(f"/requests/{draft.number}/submit/").status_code == 302


def test_work_without_an_end_counts_by_the_month(alice: Client) -> None:
    draft = filled_in(alice)
    assert alice.post(edit(draft), asking.size(gpu_hours_cap="")).status_code == 302
    answer = alice.post(edit(draft), asking.place(timezone.now().date(), end_on=""))
    assert answer.status_code == 200
    assert "End: say how many GPU-hours are asked for, or give an end date" in answer.content.decode()
    alice.post(edit(draft), asking.size(gpu_hours_cap="2,000", accelerator_count="4"))
    assert alice.post(edit(draft), asking.place(timezone.now().date(), end_on="")).status_code == 302
    page = alice.get(edit(draft) + "?step=review").content.decode()
    assert "without an end" in page
    assert "a month while it runs" in page


def test_only_a_ratification_looks_back(alice: Client) -> None:
    past = timezone.now().date() - timedelta(days=11)
    draft = filled_in(alice)
    assert "has passed" in alice.post(edit(draft), asking.place(past)).content.decode()
    assert alice.post(edit(draft), asking.workload(kind="ratification")).status_code == 302
    assert alice.post(edit(draft), asking.place(past)).status_code == 302
    assert alice.post(f"/requests/{draft.number}/submit/").status_code == 302
    draft.refresh_from_db()
    assert (draft.kind, draft.state == "draft") == ("ratification", False)


def test_a_renewal_names_the_grant_that_it_is_about(alice: Client, cast: Cast) -> None:
    first = filled_in(alice)
    alice.post(f"/requests/{first.number}/submit/")
    grant = Grant.objects.get()
    fields = asking.workload(kind="renewal", form_mark="second")
    page = alice.post(NEW, fields).content.decode()
    assert "Grant: name the grant that this renewal is about" in page
    assert grant.reference in page
    assert alice.post(NEW, fields | {"related_grant": grant.reference}).status_code == 302


@pytest.mark.parametrize("path", ["/requests/{}/edit/", "/requests/{}/submit/"])
def test_a_strangers_request_reads_like_a_missing_one(
    browser_of: Callable[[str], Client], cast: Cast, path: str
) -> None:
    draft = drafts.create_draft(actor=cast.alice, content=casting.content(), now=timezone.now())
    dave = browser_of("dave")
    mine = dave.post(path.format(draft.number), asking.size())
    missing = dave.post(path.format(999_999), asking.size())
    assert mine.status_code == missing.status_code == 404


def test_nobody_signed_in_is_sent_to_sign_in(client: Client, db: None) -> None:
    for address in (NEW, "/requests/preview/", "/requests/1/edit/"):
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/sign-in/")


def test_a_decided_request_cannot_be_edited(alice: Client) -> None:
    draft = filled_in(alice)
    alice.post(f"/requests/{draft.number}/submit/")
    assert alice.get(edit(draft)).headers["Location"] == f"/requests/{draft.number}/"


@pytest.mark.parametrize(
    "draft",
    [
        {"work": [1], "evidence": "x", "use_tags": {"a": 1}, "access_countries": [3]},
        {"title": 5, "accelerator_count": "many", "workload": ["x"], "start_on": 9, "kind": {}, "sizing": []},
        {"workload": "fine_tuning", "work": {"method": [], "tokens_billion": "1e400", "x": {}}, "accelerator": {}},
    ],
)
def test_a_draft_in_another_shape_is_still_shown(alice: Client, cast: Cast, draft: dict) -> None:
    saved = drafts.create_draft(actor=cast.alice, content=draft, now=timezone.now())
    for step in ("workload", "size", "place", "purpose", "review"):
        assert alice.get(f"{edit(saved)}?step={step}").status_code == 200


def test_prohibited_uses_are_a_question_of_their_own(alice: Client) -> None:
    alice.post(NEW, asking.workload())
    draft = ProvisioningRequest.objects.get()
    page = alice.get(f"{edit(draft)}?step=purpose").content.decode()
    assert "Does it involve a prohibited use?" in page
    assert 'value="social-scoring"' in page
    assert 'value="social_scoring"' not in page, "an earlier purpose is no longer offered"
    alice.post(edit(draft), asking.purpose(prohibited_uses=["malware"]))
    draft.refresh_from_db()
    assert draft.draft["prohibited_uses"] == ["malware"]
    alice.post(edit(draft), asking.purpose())
    draft.refresh_from_db()
    assert draft.draft["prohibited_uses"] == []
