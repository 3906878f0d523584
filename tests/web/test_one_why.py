"""Why a request is denied or needs people is told in the same sentences by the form, the page and the mail."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from governance.channels import email as emails
from governance.display import why
from governance.models import Alert, ProvisioningRequest
from governance.selectors.requests import assessments
from tests.cast import Cast
from tests.web import reading
from tests.web.test_one_spelling import words_of


def sentences(request: ProvisioningRequest, cast: Cast) -> list[str]:
    assessed = assessments.preview(request.draft, actor=cast.alice, now=cast.now)
    told = why.reviewed(
        assessed.decision,
        assessed.facts.gaps,
        held_back=assessed.held_back,
        is_priced=assessed.exposure_micro is not None,
    )
    return [each.text.rstrip(".") for each in told]


def test_form_and_mail_give_the_same_reasons_for_a_review(cast: Cast) -> None:
    request = reading.waiting(cast)
    told = sentences(request, cast)
    assert told
    browser = Client()
    browser.force_login(cast.alice)
    form = browser.get(reverse("web:request_edit", args=[request.number]) + "?step=review")
    page = words_of(form.content.decode())
    mail = emails.compose(Alert.objects.get(kind="stage_opened", recipient=cast.bob.person), now=cast.now).body
    for text in told:
        assert text in page
        assert text in str(mail)
