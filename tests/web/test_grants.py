"""Grants as their owner and others read them, and giving one back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.models import Budget, Flag, Grant
from tests.cast import Cast
from tests.web import reading

Browser = Callable[[str], Client]


def test_a_grant_shows_its_cap_its_window_and_the_label_for_jobs(cast: Cast, browser_of: Browser) -> None:
    grant = reading.granted(cast, title="Small lease")
    html = browser_of("alice").get(reverse("web:grant_detail", args=[grant.number])).content.decode()
    assert "<h1>Small lease</h1>" in html
    assert "1,000 USD" in html
    assert "1,000\u00a0h" in html
    assert f"<code>grant={grant.reference}</code>" in html
    assert "no use reported yet" in html
    assert "CoreWeave" in html


def test_use_is_shown_against_time(cast: Cast, browser_of: Browser) -> None:
    grant = reading.granted(cast)
    now = timezone.now()
    Grant.objects.filter(pk=grant.pk).update(
        gpu_hours_used=630.0, starts_at=now - timedelta(days=5), ends_at=now + timedelta(days=5)
    )
    html = browser_of("alice").get("/grants/").content.decode()
    assert "63\u00a0% of hours used, 50\u00a0% of time gone" in html
    assert "Likely over" in html


def test_filters_narrow_the_list_and_stay(cast: Cast, browser_of: Browser) -> None:
    first, second = reading.granted(cast, title="First"), reading.granted(cast, title="Second")
    client = browser_of("bob")
    html = client.get("/grants/?q=first&state=active").content.decode()
    assert "First</a>" in html
    assert "Second</a>" not in html
    assert 'value="first"' in html
    assert "Second</a>" in client.get(f"/grants/?q={second.reference}").content.decode()
    assert "No grant matches." in client.get("/grants/?state=revoked").content.decode()
    assert client.get("/grants/?state=nonsense&before=x&q=%00").status_code == 200
    assert first.number < second.number


def test_returning_frees_what_was_not_spent(cast: Cast, browser_of: Browser) -> None:
    grant = reading.granted(cast)
    Grant.objects.filter(pk=grant.pk).update(spent_micro=250_000_000)
    before = Budget.objects.get(slug="long-context").headroom_micro
    client = browser_of("alice")
    address = reverse("web:grant_return", args=[grant.number])
    assert "cannot be undone" in client.get(address).content.decode()
    answer = client.post(address, follow=True)
    assert f"{grant.reference} is returned." in answer.content.decode()
    budget = Budget.objects.get(slug="long-context")
    assert budget.headroom_micro - before == 750_000_000
    assert budget.spent_micro == 250_000_000
    # A second click finds it returned and changes nothing.
    assert client.post(address).status_code == 302
    assert Budget.objects.get(slug="long-context").headroom_micro == budget.headroom_micro


def test_a_grant_that_ended_cannot_be_returned_and_says_why(cast: Cast, browser_of: Browser) -> None:
    grant = reading.granted(cast)
    Grant.objects.filter(pk=grant.pk).update(state="ended", ended_at=timezone.now())
    answer = browser_of("alice").post(reverse("web:grant_return", args=[grant.number]))
    assert answer.status_code == 409
    assert "It was not returned" in answer.content.decode()
    page = browser_of("alice").get(reverse("web:grant_detail", args=[grant.number])).content.decode()
    assert "Return it</a>" not in page


def test_open_flags_of_a_grant_are_named(cast: Cast, browser_of: Browser) -> None:
    grant = reading.granted(cast)
    Flag.objects.create(
        key=f"idle:{grant.pk}", kind="idle", grant=grant, sentence="Idle for 6 days", raised_at=timezone.now()
    )
    assert "Idle for 6 days" in browser_of("bob").get(f"/grants/{grant.number}/").content.decode()


def test_what_was_asked_about_a_grant_since_is_listed(cast: Cast, browser_of: Browser) -> None:
    grant = reading.granted(cast)
    change = reading.waiting(cast, title="Half as many hours again", kind="renewal", related_grant=grant.reference)
    html = browser_of("alice").get(f"/grants/{grant.number}/").content.decode()
    assert f'<a class="bold" href="/requests/{change.number}/">Half as many hours again</a>' in html
