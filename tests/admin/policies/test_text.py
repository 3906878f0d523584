"""Rules and whole bundles are written as text, checked while one types."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from governance.models import PolicySet, PolicyVersion
from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.shipped import shipped_text
from tests.admin.policies.desk import NBSP, body, live, saving, url

pytestmark = pytest.mark.django_db


def rule_fields(rule_id: str = "AL-6", **changed: str) -> dict[str, str]:
    rule = next(each for each in load_bundle(shipped_text("approval-limits")).rules if each.id == rule_id)
    return {"rule": rule_id, "when": rule.when, "message": rule.message, "title_rule": rule.title} | changed


def test_an_unknown_fact_is_pointed_at_with_what_was_meant(grace: Client, version: PolicyVersion) -> None:
    text = live(grace, url("text", version), **rule_fields(when="request.gpucount > 3"))
    assert "request.accelerator_count" in text
    assert "line 1, column 1" in text
    assert '<pre class="caret">' in text


def test_a_rule_is_read_out_and_tried(grace: Client, version: PolicyVersion) -> None:
    text = live(grace, url("text", version), **rule_fields(when="request.accelerator_count > 4"))
    assert f"is above 4{NBSP}devices" in text or "is above 4" in text
    assert "It fires" in text
    assert "rule changes" in text
    text = live(
        grace, url("text", version), **rule_fields(when="request.accelerator_count > 4", example="a plain cancel")
    )
    assert "It fires" in text


def test_a_rule_saved_as_text_keeps_all_other_text(grace: Client, version: PolicyVersion) -> None:
    fields = rule_fields(
        when="estimate.commitment_tail_usd > params.commitment_tail_max_usd\n&& request.accelerator_count > 0"
    )
    assert grace.post(url("text", version), saving(version, **fields)).status_code == 302
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    gone = set(version.source.split("\n")) - set(draft.source.split("\n"))
    assert gone == {"  when: estimate.commitment_tail_usd > params.commitment_tail_max_usd"}


def test_a_new_rule_and_one_that_goes(grace: Client, version: PolicyVersion) -> None:
    new = {
        "rule": "+", "id": "AL-9", "title_rule": "Nights", "when": "request.accelerator_count > 512", "effect": "warn",
        "message": "Large.",
    }  # fmt: skip
    assert grace.post(url("text", version), saving(version, **new)).status_code == 302
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    assert load_bundle(draft.source).rules[-1].id == "AL-9"
    gone = {"rule": "AL-9", "remove": "on"}
    response = grace.post(url("text", draft), saving(draft, **gone))
    assert response["Location"] == url("words", version)
    # Without it the rules are those of the first version again, and are not stored a second time.
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 2


@pytest.mark.parametrize(
    "when",
    [
        "(" * 5_000 + "true" + ")" * 5_000, "9**9**9", "().__class__", "true" * 10_000, "rеquest.kind == 'new'",
        "request.kind == \"new", "", "1", "request.kind", "a && b", "has(request.nope)", "x" * 200_000, "true\0",
    ],
)  # fmt: skip
def test_bombs_are_refused_with_a_place_and_nothing_is_stored(grace: Client, version: PolicyVersion, when: str) -> None:
    for action in ("check", "save"):
        response = grace.post(url("text", version), saving(version, **rule_fields(when=when)) | {"action": action})
        assert response.status_code == 400
        assert "to fix" in body(response)
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("- id: AL-2", "- id: AL-1"), lambda text: text + "\nextra: 1\n",
        lambda text: text.replace("schema: 1", "schema: &a 1"),
        lambda text: text.replace("kind: PolicyBundle", "kind: !!str x"),
        lambda text: "a: " + "[" * 3_000, lambda text: "", lambda text: "\0", lambda text: text + "\nrules: []\n",
        lambda text: text.replace("name: approval-limits", "name: mine"), lambda text: "x" * 240_000,
    ],
)  # fmt: skip
def test_a_whole_text_that_does_not_check_is_refused(grace: Client, version: PolicyVersion, change: Any) -> None:
    before = (PolicyVersion.objects.count(), PolicySet.objects.count())
    response = grace.post(url("text", version), saving(version, rule="*", text=change(version.source)))
    assert response.status_code == 400
    assert "to fix" in body(response)
    assert (PolicyVersion.objects.count(), PolicySet.objects.count()) == before


def test_a_megabyte_is_refused_before_it_is_read(grace: Client, version: PolicyVersion) -> None:
    response = grace.post(url("text", version), saving(version, rule="*", text="x" * 1_000_000))
    assert response.status_code == 400
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 1


def test_half_a_character_is_no_500(grace: Client, version: PolicyVersion) -> None:
    raw = urlencode(saving(version, rule="AL-6")) + "&when=%ED%A0%80&text=%ED%A0%80"
    response = grace.post(url("text", version), raw, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400


def test_an_error_inside_a_rule_is_found_in_the_whole_text(grace: Client, version: PolicyVersion) -> None:
    text = version.source.replace("    && people.aup_current\n", "    && people.aup_curent\n")
    line = next(number for number, each in enumerate(text.split("\n"), 1) if "aup_curent" in each)
    response = live(grace, url("text", version), rule="*", text=text)
    assert f"line {line}, column 8" in response
    assert "people.aup_current" in response


def test_facts_are_found_by_what_they_are_about(grace: Client, version: PolicyVersion) -> None:
    response = grace.post(
        url("text", version), {"action": "facts", "facts": "accelerator count"}, headers={"HX-Request": "true"}
    )
    text = body(response)
    assert "request.accelerator_count" in text
    assert "params.large_accelerator_count" not in text or "64" in text
    assert "budget.headroom_after_usd" not in text
