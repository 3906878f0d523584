"""Limits are changed by form and stored as drafts that go over nobody's."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from governance.models import AuditEvent, PolicyVersion
from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.testing import run_bundle_tests
from governance.services.rules import policies
from tests.admin.policies.desk import NBSP, body, limit, live, saving, url
from tests.admin.policies.form import form_of
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def test_the_form_says_what_each_limit_is_and_who_reads_it(grace: Client, version: PolicyVersion) -> None:
    text = body(grace.get(url("limits", version)))
    for said in (
        "Automatic approval limit (USD)",
        f"2,500{NBSP}USD",
        "Used by AL-1, AL-2",
        "Requests up to this amount are approved automatically.",
    ):
        assert said in text


def test_a_typed_value_shows_the_sentences_before_and_after(grace: Client, version: PolicyVersion) -> None:
    text = live(grace, url("limits", version), **limit())
    assert f"<del>2,500{NBSP}USD</del>" in text
    assert f"<ins>1,500{NBSP}USD</ins>" in text
    assert "2 rules change, 2 cases no longer pass" in text
    assert "exactly 2 500" in text
    assert "exactly 1,500 USD in exposure usd" in text
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 1


def test_without_script_the_same_page_shows_the_same(grace: Client, version: PolicyVersion) -> None:
    response = grace.post(url("limits", version), {"action": "check", "title": "Mine", **limit()})
    text = body(response)
    assert response.status_code == 200
    assert f"<ins>1,500{NBSP}USD</ins>" in text
    assert 'value="1,500"' in text
    assert 'value="Mine"' in text


def test_saving_stores_a_draft_with_its_reason_and_an_audit_event(
    grace: Client, version: PolicyVersion, house_cast: Cast
) -> None:
    response = grace.post(url("limits", version), saving(version, **limit()))
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    assert response.status_code == 302
    assert response["Location"] == url("words", draft)
    assert (draft.state, draft.created_by) == ("draft", house_cast.grace)
    assert draft.reason == "Lower the small limit\n\nTwo asks were split."
    bundle = load_bundle(draft.source)
    values = next(param.values for param in bundle.params if param.name == "auto_allow_max_usd")
    assert [(each.value, each.start.isoformat()) for each in values] == [(2500.0, "2024-01-01"), (1500.0, "2030-01-01")]
    assert all(result.passed for result in run_bundle_tests(bundle))
    assert draft.source.startswith(version.source[:200]), "what was not changed stays as it was written"
    event = AuditEvent.objects.order_by("-pk")[0]
    assert (event.action, event.actor) == ("policy.imported", house_cast.grace)
    assert draft.pk != version.pk
    version.refresh_from_db()
    assert version.state == "active"


def test_the_cases_may_be_left_alone(grace: Client, version: PolicyVersion) -> None:
    fields = limit(day="2025-01-01")
    del fields["cases"]
    grace.post(url("limits", version), saving(version, **fields))
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    assert sum(not result.passed for result in run_bundle_tests(load_bundle(draft.source))) == 2


def test_a_list_is_edited_as_it_stands(grace: Client, version: PolicyVersion) -> None:
    fields = form_of(grace, url("limits", version))
    assert fields["value-auto_allow_data_classes"] == "public, internal"
    assert "Changes are shown here" in live(grace, url("limits", version), **fields)
    fields |= {"value-auto_allow_data_classes": "public", "from-auto_allow_data_classes": "2030-01-01"}
    assert grace.post(url("limits", version), fields | saving(version)).status_code == 302
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    values = next(each.values for each in load_bundle(draft.source).params if each.name == "auto_allow_data_classes")
    assert [each.value for each in values] == [("public", "internal"), ("public",)]


def test_a_value_that_begins_later_can_be_taken_away(grace: Client, version: PolicyVersion) -> None:
    grace.post(url("limits", version), saving(version, **limit()))
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    box = "drop-auto_allow_max_usd-2030-01-01"
    assert box in body(grace.get(url("limits", draft)))
    grace.post(url("limits", draft), saving(draft, **{box: "on"}))
    newest = PolicyVersion.objects.get(policy_set=version.policy_set, number=3)
    (value,) = next(param.values for param in load_bundle(newest.source).params if param.name == "auto_allow_max_usd")
    assert value.value == 2500.0


def test_a_draft_that_somebody_stored_meanwhile_is_told(
    grace: Client, version: PolicyVersion, house_cast: Cast, now: datetime
) -> None:
    other = version.source.replace("title: Approval limits", "title: Other limits")
    with_other = policies.add_version(source=other, actor=house_cast.grace, now=now)
    assert with_other.number == 2
    response = grace.post(url("limits", version), saving(version, **limit()))
    text = body(response)
    assert response.status_code == 409
    assert "Version 2 was stored since you opened this page." in text
    assert 'value="1,500"' in text
    assert "Two asks were split." in text
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 2
    # Having seen it, the author saves again.
    assert 'name="seen" value="2"' in text
    assert grace.post(url("limits", version), saving(version, seen=2, **limit()) | {"seen": 2}).status_code == 302


@pytest.mark.parametrize("seen", ["2", "99", "99999999", "0", "", "-1", "1.0", "9" * 40])
def test_only_who_saw_exactly_the_newest_version_saves(grace: Client, version: PolicyVersion, seen: str) -> None:
    response = grace.post(url("limits", version), saving(version, **limit()) | {"seen": seen})
    assert response.status_code == 409
    is_ahead = seen in ("2", "99", "99999999")
    said = f"Version 1 is the newest: there is no version {seen} yet." if is_ahead else "Version 1 was stored since"
    assert said in body(response)
    assert 'name="seen" value="1"' in body(response)
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 1


def test_a_save_that_arrives_twice_is_answered_alike(grace: Client, version: PolicyVersion) -> None:
    answers = [grace.post(url("limits", version), saving(version, **limit())) for _ in range(2)]
    assert [answer["Location"] for answer in answers] == [answers[0]["Location"]] * 2
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 2


def test_an_older_version_again_is_no_way_past_the_newest(
    grace: Client, version: PolicyVersion, house_cast: Cast, now: datetime
) -> None:
    grace.post(url("limits", version), saving(version, **limit()))
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    other = version.source.replace("title: Approval limits", "title: Other limits")
    policies.add_version(source=other, actor=house_cast.grace, now=now)
    # Back to the first version's rules, by somebody who has not seen the third.
    back = {"drop-auto_allow_max_usd-2030-01-01": "on"}
    response = grace.post(url("limits", draft), saving(draft, **back))
    assert response.status_code == 409
    assert "Version 3 was stored since you opened this page." in body(response)


def test_the_same_rules_again_are_not_stored_twice(grace: Client, version: PolicyVersion) -> None:
    grace.post(url("limits", version), saving(version, **limit()))
    response = grace.post(url("limits", version), saving(version, **limit()) | {"seen": 2}, follow=True)
    assert "nothing was saved" in body(response)
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Nothing was changed"),
        (limit(value="many"), "is a number such as 2500"),
        (limit(value="NaN"), "is a number such as 2500"),
        (limit(value="1e400"), "is a number such as 2500"),
        (limit(value="9**9**9"), "is a number such as 2500"),
        (limit(value="2,5"), "is a number such as 2500"),
        (limit(value="0,500"), "is a number such as 2500"),
        (limit(value="٣"), "is a number such as 2500"),
        (limit(value="1" * 5_000), "is a number such as 2500"),
        (limit(day="tomorrow"), "the day from which"),
        (limit(day="0001-01-01"), "enter a day from 1970-01-01 to 2199-12-31"),
        (limit(day="9999-12-31"), "enter a day from 1970-01-01 to 2199-12-31"),
        (limit() | {"title": ""}, "say in one line"),
        (limit() | {"reason": " "}, "Say why"),
        (limit() | {"title": "x" * 200}, "say in one line"),
        ({"value-auto_allow_data_classes": "public, secret", "from-auto_allow_data_classes": "2030-01-01"}, "secret"),
        ({"value-large_accelerator_count": "8.5", "from-large_accelerator_count": "2030-01-01"}, "whole number"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_limit_is_said_and_nothing_is_stored(
    grace: Client, version: PolicyVersion, fields: dict[str, str], said: str
) -> None:
    response = grace.post(url("limits", version), saving(version) | fields)
    assert response.status_code == 400
    assert said.lower() in body(response).lower()
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 1


def test_a_limit_that_waits_is_not_for_a_day_that_has_passed_only(version: PolicyVersion, grace: Client) -> None:
    """The page reads the clock itself, so a midnight during the request leaves two days, and no other."""
    asked = timezone.now()
    page = body(grace.get(url("limits", version)))
    days = {(moment + timedelta(days=1)).date().isoformat() for moment in (asked, timezone.now())}
    assert any(f'value="{day}"' in page for day in days)
