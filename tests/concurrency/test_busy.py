"""Somebody sits on a budget for longer than a person should wait: both faces say so, and nothing is written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from config.database import LOCK_TIMEOUT_MS
from governance.models import Budget
from governance.services.requests import drafts
from tests.cast import Cast, content
from tests.house import fingerprint

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def budgets_held() -> Iterator[None]:
    """Another connection holds every budget until the block ends."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                list(Budget.objects.select_for_update())
                held.set()
                done.wait(60)
        finally:
            connection.close()

    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    assert held.wait(30)
    try:
        yield
    finally:
        done.set()
        holder.join(30)


@pytest.fixture(autouse=True)
def short_of_patience(cast_today: Cast) -> None:
    """This connection gives up a lock sooner than after the product's three seconds, which it has as well."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == (f"{LOCK_TIMEOUT_MS // 1000}s",)
        cursor.execute("SET lock_timeout = '300ms'")


def draft(cast: Cast) -> int:
    now = timezone.now()
    dates = {"start_on": now.date().isoformat(), "end_on": (now.date() + timedelta(days=13)).isoformat()}
    return drafts.create_draft(actor=cast.alice, content=content(**dates), now=now).number


def test_a_page_says_that_others_are_at_it_and_keeps_the_draft(cast_today: Cast):
    number = draft(cast_today)
    browser = Client(raise_request_exception=False)
    browser.force_login(cast_today.alice)
    url = reverse("web:request_submit", args=[number])
    before = fingerprint()
    with budgets_held():
        refused = browser.post(url)
    assert refused.status_code == 503
    assert "Others are changing the same thing" in refused.content.decode()
    assert int(refused["Retry-After"]) > 0
    assert fingerprint() == before
    assert browser.post(url).status_code == 302, "the same again, a moment later, goes through"


def test_the_api_says_busy_and_the_same_call_goes_through_later(cast_today: Cast):
    number = draft(cast_today)
    client = APIClient()
    client.force_authenticate(cast_today.alice)
    url = reverse("api:request-submit", args=[number])
    before = fingerprint()
    with budgets_held():
        refused = client.post(url, {}, format="json", headers={"Idempotency-Key": "once"})
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert int(refused["Retry-After"]) > 0
    assert fingerprint() == before
    again = client.post(url, {}, format="json", headers={"Idempotency-Key": "once"})
    assert again.status_code == 200
