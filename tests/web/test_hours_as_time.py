"""Beside GPU-hours stands how long they last: in the form, on the pages of a request, its grant and its mail."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from governance.channels import email as emails
from governance.models import Alert, ApprovalStage
from tests.cast import Cast
from tests.web import reading

Browser = Callable[[str], Client]
LASTS = "3 days 6 hours on 16 accelerators"


def text_of(client: Client, path: str) -> str:
    return " ".join(client.get(path).content.decode().replace("&nbsp;", " ").replace("\u00a0", " ").split())


def test_hours_are_said_as_time_on_every_page_of_a_request(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast, gpu_hours_cap=1_248.0, accelerator_count=16)
    alice, bob = browser_of("alice"), browser_of("bob")
    form = reverse("web:request_edit", args=[request.number])
    stage = ApprovalStage.objects.get(provisioning_request=request, state="open")
    assert f"Now {LASTS}." in text_of(alice, f"{form}?step=size"), "at the question"
    assert "for up to 1,248 GPU-hours (3 days 6 hours)" in text_of(alice, f"{form}?step=review"), "in the finished step"
    assert f"{LASTS[0].upper()}{LASTS[1:]}." in text_of(alice, f"{form}?step=review"), "in the preview"
    assert LASTS in text_of(alice, reverse("web:request_detail", args=[request.number]))
    assert LASTS in text_of(bob, reverse("admin:decide", args=[stage.pk]))
    assert LASTS in text_of(bob, reverse("admin:queue"))


def test_hours_of_a_grant_are_said_as_time(cast: Cast, browser_of: Browser) -> None:
    grant = reading.granted(cast, gpu_hours_cap=672.0, accelerator_count=8)
    alice = browser_of("alice")
    lasts = "3 days 12 hours on 8 accelerators"
    for path in ("/", reverse("web:grant_list"), reverse("web:grant_detail", args=[grant.number])):
        assert lasts in text_of(alice, path), path
    letter = emails.compose(Alert.objects.get(kind="grant_issued", recipient=cast.alice.person), now=cast.now)
    assert f"672 H100-hours ({lasts})" in " ".join(letter.body.split())
