"""The pages of a backtest: every state, who may look and act, and an export that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from governance.models import PolicyBacktest, PolicyBacktestMonth, PolicyVersion
from governance.policy.bundle.shipped import shipped_text
from governance.selectors.rules.backtests import backtest_changes
from governance.services.requests import submission
from governance.services.rules import backtests, policies
from tests.admin.conftest import signed_in
from tests.cast import Cast, content
from tests.officers import put_in_force

OLD = "approved automatically., values: [{value: 2500.0"


@pytest.fixture
def version(house_cast: Cast, now: datetime) -> PolicyVersion:
    text = shipped_text("approval-limits")
    assert OLD in text
    return policies.import_version(
        source=text.replace(OLD, OLD.replace("2500.0", "500.0")), actor=house_cast.grace, now=now
    )


@pytest.fixture
def asked(house_cast: Cast, now: datetime) -> None:
    for number, (hours, title) in enumerate(((100.0, "Small"), (900.0, "=HYPERLINK(1)"), (1400.0, "Benchmark"))):
        submission.create_and_submit(
            actor=house_cast.alice,
            content=content(gpu_hours_cap=hours, title=title, start_on=now.date().isoformat(),
                            end_on=(now.date() + timedelta(days=9)).isoformat()),
            now=now - timedelta(hours=1) + timedelta(minutes=number),
        )  # fmt: skip


def finished(cast: Cast, version: PolicyVersion, now: datetime) -> PolicyBacktest:
    backtest = backtests.request_backtest(version_id=version.pk, actor=cast.grace, now=now)
    backtests.run_due(clock=lambda: now)
    backtest.refresh_from_db()
    assert backtest.state == "done"
    return backtest


def page_of(backtest: PolicyBacktest) -> str:
    return reverse("admin:backtest", args=[backtest.pk])


def test_an_officer_asks_reads_and_says_that_they_looked(
    house_cast: Cast, version: PolicyVersion, asked: None, now: datetime
) -> None:
    client = signed_in(house_cast.grace)
    lists = reverse("admin:backtests", args=[version.pk])
    assert "not judged on history yet" in client.get(lists).content.decode()
    response = client.post(lists, {"period": "all"})
    backtest = PolicyBacktest.objects.get()
    assert response["Location"] == page_of(backtest)

    waiting = client.get(page_of(backtest)).content.decode()
    assert "Waiting for a worker" in waiting
    assert "hx-get" in waiting
    assert "Refresh" in waiting

    backtests.run_due(clock=lambda: now + timedelta(minutes=1))
    assert client.get(page_of(backtest), headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    shown = " ".join(client.get(page_of(backtest)).content.decode().split())
    assert "Lower “automatic approval limit (USD)” to 500" in shown
    assert "<ins>500 USD" in shown
    assert "The 2 that change" in shown
    assert "would need a review" in shown
    assert "1,900 USD above 500 USD" in shown
    # Reading is no saying so.
    backtest.refresh_from_db()
    assert backtest.seen_at is None
    client.post(reverse("admin:backtest_act", args=[backtest.pk, "seen"]))
    backtest.refresh_from_db()
    assert backtest.seen_by == house_cast.grace
    assert "Reviewed" in client.get(lists).content.decode()


def test_a_poll_asks_for_the_progress_alone(
    house_cast: Cast, version: PolicyVersion, asked: None, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(house_cast.grace)
    backtest = backtests.request_backtest(version_id=version.pk, actor=house_cast.grace, now=now)

    def not_needed(*args: object) -> None:
        raise AssertionError("a poll compares no bundles")

    monkeypatch.setattr(backtest_changes, "changes_of", not_needed)
    polled = client.get(page_of(backtest), headers={"HX-Request": "true"}).content.decode()
    assert "Waiting for a worker" in polled
    assert "every 2s" in polled
    backtests.run_due(clock=lambda: now)
    assert client.get(page_of(backtest), headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_an_export_holds_every_change_and_no_formula(
    house_cast: Cast, version: PolicyVersion, asked: None, now: datetime
) -> None:
    backtest = finished(house_cast, version, now)
    response = signed_in(house_cast.grace).get(reverse("admin:backtest_export", args=[backtest.pk]))
    assert response["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [row["title"] for row in rows] == ["Benchmark", "'=HYPERLINK(1)"]
    assert [row["counts_as_usd"] for row in rows] == ["1400.00", "900.00"]
    assert {(row["was"], row["would_be"]) for row in rows} == {("allow", "review")}
    assert all(row["rule"].startswith("AL-") for row in rows)


def test_who_may_not_look_sees_what_does_not_exist(
    house_cast: Cast, version: PolicyVersion, asked: None, now: datetime
) -> None:
    backtest = finished(house_cast, version, now)
    addresses = [
        page_of(backtest), reverse("admin:backtests", args=[version.pk]),
        reverse("admin:backtest_export", args=[backtest.pk]),
    ]  # fmt: skip
    for address in addresses:
        assert signed_in(house_cast.bob).get(address).status_code == 404
        assert signed_in(house_cast.erin).get(address).status_code == 200
    # An auditor reads and changes nothing.
    auditor = signed_in(house_cast.erin)
    assert "Mark as reviewed" not in auditor.get(page_of(backtest)).content.decode()
    assert auditor.post(reverse("admin:backtest_act", args=[backtest.pk, "seen"])).status_code == 403
    assert auditor.post(addresses[1], {"period": "all"}).status_code == 403
    for act in ("seen", "cancel", "resume"):
        assert (
            signed_in(house_cast.grace).get(reverse("admin:backtest_act", args=[backtest.pk, act])).status_code == 405
        )
    assert signed_in(house_cast.grace).post(reverse("admin:backtest_act", args=[backtest.pk, "eat"])).status_code == 404
    assert signed_in(house_cast.grace).get(reverse("admin:backtest", args=[backtest.pk + 1])).status_code == 404
    backtest.refresh_from_db()
    assert backtest.seen_at is None


def test_a_cancelled_and_a_failed_run_say_what_is_kept_and_go_on(
    house_cast: Cast, version: PolicyVersion, asked: None, now: datetime
) -> None:
    client = signed_in(house_cast.grace)
    backtest = backtests.request_backtest(version_id=version.pk, actor=house_cast.grace, now=now)
    client.post(reverse("admin:backtest_act", args=[backtest.pk, "cancel"]))
    assert "0 of 1 months are done and kept" in client.get(page_of(backtest)).content.decode()
    client.post(reverse("admin:backtest_act", args=[backtest.pk, "resume"]))
    PolicyBacktestMonth.objects.update(attempts=99, error="ValueError: the disc is full")
    backtests.run_due(clock=lambda: now)
    failed = client.get(page_of(backtest)).content.decode()
    assert "could not be finished" in failed
    assert "the disc is full" in failed
    client.post(reverse("admin:backtest_act", args=[backtest.pk, "resume"]))
    backtests.run_due(clock=lambda: now)
    assert "The 2 that" in " ".join(client.get(page_of(backtest)).content.decode().split())


def test_what_only_differs_from_the_rules_of_today_is_shown_too(
    house_cast: Cast, version: PolicyVersion, asked: None, now: datetime
) -> None:
    put_in_force(version, actor=house_cast.grace, now=now)
    back = policies.import_version(
        source=shipped_text("approval-limits").replace(OLD, OLD.replace("2500.0", "2400.0")),
        actor=house_cast.grace, now=now,
    )  # fmt: skip
    backtest = finished(house_cast, back, now)
    assert (backtest.result["flipped"], backtest.result["by_draft"]) == (0, 2)
    client = signed_in(house_cast.grace)
    shown = " ".join(client.get(page_of(backtest)).content.decode().split())
    assert "No decision changes." not in shown
    assert "?only=draft#changed" in shown
    narrowed = " ".join(client.get(f"{page_of(backtest)}?only=draft").content.decode().split())
    assert "The 2 that this version changes beside the rules of today" in narrowed
    assert narrowed.count("review under the rules of today") == 2
    assert "below 2,400 USD" in narrowed
    assert "No decision changes in this way" in client.get(f"{page_of(backtest)}?pair=deny>allow").content.decode()
    export = client.get(reverse("admin:backtest_export", args=[backtest.pk]), {"only": "draft"})
    rows = list(csv.DictReader(io.StringIO(b"".join(export.streaming_content).decode())))  # type: ignore[attr-defined]
    assert {(row["was"], row["rules_of_today"], row["would_be"]) for row in rows} == {("allow", "review", "allow")}


def test_without_a_decision_the_page_says_what_will_be_there(
    house_cast: Cast, version: PolicyVersion, now: datetime
) -> None:
    backtest = finished(house_cast, version, now)
    assert "No decision lies in this period." in signed_in(house_cast.grace).get(page_of(backtest)).content.decode()


@pytest.mark.parametrize("query", ["pair=x>y", "pair=allow>review", "only=draft", "page=999", "page=-1", "pair=%00"])
def test_an_odd_address_narrows_nothing_and_breaks_nothing(
    house_cast: Cast, version: PolicyVersion, asked: None, now: datetime, query: str
) -> None:
    backtest = finished(house_cast, version, now)
    response = signed_in(house_cast.grace).get(f"{page_of(backtest)}?{query}")
    assert response.status_code == 200
    assert "Benchmark" in response.content.decode()
