"""Policy is written on the desk at three levels, by those who keep it, and stored as drafts through one service."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from governance.models import AuditEvent, PolicySet, PolicyVersion
from governance.policy.authoring.edits import set_rows
from governance.policy.authoring.tables import COLUMNS_MAX, table_names
from governance.policy.bundle import Param, dump_bundle, load_bundle
from governance.policy.bundle_model import DatedValue
from governance.policy.shipped import shipped_text
from governance.policy.testing import run_bundle_tests
from governance.services import policies
from tests.admin.conftest import signed_in
from tests.cast import Cast

pytestmark = pytest.mark.django_db
EDITORS = ("limits", "table", "text")
NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def version(house_cast: Cast) -> PolicyVersion:
    return PolicyVersion.objects.get(policy_set__slug="approval-limits", state="active")


@pytest.fixture
def grace(house_cast: Cast) -> Client:
    return signed_in(house_cast.grace)


def url(page: str, version: PolicyVersion) -> str:
    return reverse(f"admin:governance_policyversion_{page}", args=[version.pk])


def body(response: Any) -> str:
    assert isinstance(response, HttpResponse)
    return re.sub(r"[ \n\r\t]+", " ", response.content.decode())


def live(client: Client, address: str, **fields: Any) -> str:
    """What the page asks for while somebody types."""
    response = client.post(address, {"action": "check", **fields}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    text = body(response)
    assert "<html" not in text
    return text


def saving(version: PolicyVersion, **fields: Any) -> dict[str, Any]:
    return {
        "action": "save", "seen": version.number, "title": "Lower the small limit", "reason": "Two asks were split.",
        **fields,
    }  # fmt: skip


def limit(day: str = "2030-01-01", value: str = "1,500") -> dict[str, str]:
    return {"value-auto_allow_max_usd": value, "from-auto_allow_max_usd": day, "cases": "on"}


# ------------------------------------------------------------------------ who may


@pytest.mark.parametrize("page", EDITORS)
def test_only_those_who_keep_policies_may_write(house_cast: Cast, version: PolicyVersion, page: str) -> None:
    for name in ("bob", "carol", "erin"):
        stranger = signed_in(house_cast.users[name])
        assert stranger.get(url(page, version)).status_code == 404
        assert stranger.post(url(page, version), saving(version, **limit())).status_code == 404
    assert signed_in(house_cast.grace).get(url(page, version)).status_code == 200
    assert Client().get(url(page, version)).status_code == 302
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 1


@pytest.mark.parametrize("page", ["words", *EDITORS])
def test_a_version_that_is_not_there_is_a_404(grace: Client, page: str) -> None:
    assert grace.get(reverse(f"admin:governance_policyversion_{page}", args=[999_999])).status_code == 404


# ------------------------------------------------------------------------ in words


def test_every_set_reads_in_words(house_cast: Cast) -> None:
    auditor = signed_in(house_cast.erin)
    for version in PolicyVersion.objects.all():
        response = auditor.get(url("words", version))
        assert response.status_code == 200
        text = body(response)
        for rule in load_bundle(version.source).rules:
            assert rule.title.replace("'", "&#x27;") in text
        assert "Change limits" not in text
        assert "Fails" not in text


def test_a_version_shows_what_differs_from_what_is_in_force(
    grace: Client, version: PolicyVersion, house_cast: Cast
) -> None:
    grace.post(url("limits", version), saving(version, **limit()))
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    text = body(grace.get(url("words", draft)))
    assert f"<del>2,500{NBSP}USD</del>" in text
    assert f"<ins>1,500{NBSP}USD</ins>" in text
    assert "Two asks were split." in text
    assert "Against version 1" in text


def test_the_record_leads_to_the_editors(grace: Client, version: PolicyVersion) -> None:
    text = body(grace.get(reverse("admin:governance_policyversion_change", args=[version.pk])))
    for page in ("words", *EDITORS):
        assert url(page, version) in text


# ------------------------------------------------------------------------ limits


def test_the_form_says_what_each_limit_is_and_who_reads_it(grace: Client, version: PolicyVersion) -> None:
    text = body(grace.get(url("limits", version)))
    for said in ("Auto allow max", f"2,500{NBSP}USD", "Read by AL-1, AL-2", "Up to here nobody is asked."):
        assert said in text


def test_a_typed_value_shows_the_sentences_before_and_after(grace: Client, version: PolicyVersion) -> None:
    text = live(grace, url("limits", version), **limit())
    assert f"<del>2,500{NBSP}USD</del>" in text
    assert f"<ins>1,500{NBSP}USD</ins>" in text
    assert "2 rules change, 2 cases no longer hold" in text
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
    assert "What changes is shown here" in live(grace, url("limits", version), **fields)
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
    assert "nothing was stored" in body(response)
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
        (limit(day="tomorrow"), "from which day"),
        (limit(day="0001-01-01"), "say a day from 1970-01-01 to 2199-12-31"),
        (limit(day="9999-12-31"), "say a day from 1970-01-01 to 2199-12-31"),
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


def test_every_set_opens_in_every_editor(grace: Client, house_cast: Cast) -> None:
    for version in PolicyVersion.objects.all():
        for page in EDITORS:
            assert grace.get(url(page, version)).status_code == 200, (version, page)


# ------------------------------------------------------------------------ text


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
        assert "to mend" in body(response)
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
    assert "to mend" in body(response)
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


# ------------------------------------------------------------------------ table


class FormReader(HTMLParser):
    """The fields of the editor's form, as a browser would send them back."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.area = self.choice = ""
        self.is_in = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        had = dict(attrs)
        name = had.get("name") or ""
        if tag == "form":
            self.is_in = had.get("id") == "author"
        if not self.is_in:
            return
        if tag == "input" and name and had.get("type") != "checkbox":
            self.fields[name] = had.get("value") or ""
        elif tag == "textarea":
            self.area = name
            self.fields[name] = ""
        elif tag == "select":
            self.choice = name
            self.fields[name] = ""
        elif tag == "option" and "selected" in had:
            self.fields[self.choice] = had.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.area = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.fields[self.area] += data


def form_of(client: Client, address: str) -> dict[str, str]:
    reader = FormReader()
    reader.feed(client.get(address).content.decode())
    return reader.fields


def test_a_table_that_nobody_touches_changes_nothing(grace: Client, house_cast: Cast) -> None:
    for version in PolicyVersion.objects.all():
        for name in table_names(load_bundle(version.source)):
            address = f"{url('table', version)}?table={name}"
            fields = form_of(grace, address)
            assert len(fields) < 400
            assert "Nothing differs" in live(grace, address, **as_browsers_send(fields)), name


# Each can be written in a bundle, and no cell of the page can hold it as it is written.
ROWS_BY_HAND = (
    "request.accelerator_count in [1, 2]",
    "!(request.accelerator_count in [1, 2])",
    "request.accelerator_count > 0 && request.accelerator_count in [1, 2]",
    "request.purpose < 'm'",
    "'m' >= request.purpose && request.purpose != 'b'",
    "people.aup_current == true",
    "people.aup_current == params.switch",
    "has(budget.forecast_ratio) && budget.forecast_ratio in [0.5]",
    "has(budget.forecast_ratio) && budget.forecast_ratio in [0.5] && budget.forecast_ratio > 0.25",
    "has(request.kind) && request.kind == 'new'",
    'request.purpose == "two\\nlines"',
    "request.purpose == '  m  '",
    "request.purpose in ['a, b', 'c']",
    "has(budget.forecast_ratio)",
    "!has(budget.forecast_ratio) || budget.forecast_ratio > 0.5",
    "!(request.accelerator_count > 4)",
    " && ".join(f"request.accelerator_count != {at}" for at in range(4)),
    "request.accelerator_count >\n  params.large_accelerator_count",
)


def by_hand(version: PolicyVersion, conditions: tuple[str, ...], cast: Cast, now: datetime) -> PolicyVersion:
    """A version whose table AL-5 has a row for each condition."""
    bundle = load_bundle(version.source)
    model = next(rule for rule in bundle.rules if rule.parent == "AL-5")
    switch = Param("switch", "bool", (DatedValue(True, date(2024, 1, 1), "By hand."),), help="A switch.")
    rows = [replace(model, id=f"AL-5.row{at}", when=when) for at, when in enumerate(conditions)]
    changed = set_rows("AL-5", rows)(replace(bundle, params=(*bundle.params, switch)))
    return policies.add_version(source=dump_bundle(changed), actor=cast.grace, now=now)


def test_rows_that_no_cell_can_hold_change_nothing_either(
    grace: Client, version: PolicyVersion, house_cast: Cast, now: datetime
) -> None:
    made = by_hand(version, ROWS_BY_HAND, house_cast, now)
    address = f"{url('table', made)}?table=AL-5"
    fields = form_of(grace, address)
    assert "Nothing differs" in live(grace, address, **fields)
    response = grace.post(address, as_browsers_send(fields) | saving(made))
    assert "Nothing was changed." in body(response)
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 2


def test_a_row_written_again_keeps_what_stands_beside_its_cells(
    grace: Client, version: PolicyVersion, house_cast: Cast, now: datetime
) -> None:
    made = by_hand(version, ("request.accelerator_count in [1, 2] && request.purpose != 'b'",), house_cast, now)
    address = f"{url('table', made)}?table=AL-5"
    fields = form_of(grace, address)
    assert fields["rest-0"] == "request.accelerator_count in [1, 2]"
    assert grace.post(address, fields | {"v-0-0-0": "c"} | saving(made, seen=2)).status_code == 302
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=3)
    (row,) = (rule for rule in load_bundle(draft.source).rules if rule.parent == "AL-5")
    assert row.when == 'request.purpose != "c" && request.accelerator_count in [1, 2]'


def test_a_long_table_keeps_all_its_rows(
    grace: Client, version: PolicyVersion, house_cast: Cast, now: datetime
) -> None:
    made = by_hand(version, tuple(f"request.accelerator_count > {at}" for at in range(30)), house_cast, now)
    address = f"{url('table', made)}?table=AL-5"
    assert "Nothing differs" in live(grace, address, **form_of(grace, address))


def test_a_wide_table_reads_the_rows_with_too_many_facts_as_text(
    grace: Client, version: PolicyVersion, house_cast: Cast, now: datetime
) -> None:
    facts = load_bundle(version.source).schema.facts
    tests = [f"has({fact.name})" for fact in facts if fact.optional][:13]
    assert len(tests) > COLUMNS_MAX
    wide = (tests[0], "\n && ".join(tests))
    made = by_hand(version, wide, house_cast, now)
    address = f"{url('table', made)}?table=AL-5"
    assert "Nothing differs" in live(grace, address, **as_browsers_send(form_of(grace, address)))


def as_browsers_send(fields: dict[str, str]) -> dict[str, str]:
    """A form's line breaks are CR LF on their way."""
    return {name: value.replace("\n", "\r\n") for name, value in fields.items()}


def test_a_cell_is_edited_and_only_its_row_is_written_again(grace: Client, version: PolicyVersion) -> None:
    address = f"{url('table', version)}?table=AL-5"
    fields = form_of(grace, address)
    assert (fields["o-0-0-0"], fields["v-0-0-0"]) == (">", "params.finance_max_usd")
    fields |= {"o-0-0-0": ">=", "v-0-0-0": "750,000"}
    text = live(grace, address, **fields)
    assert "<ins>at least" in text
    assert "Gaps and overlaps" in text
    assert grace.post(address, fields | saving(version)).status_code == 302
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    gone = set(version.source.split("\n")) - set(draft.source.split("\n"))
    assert gone == {"    when: variables.judged_usd > params.finance_max_usd"}
    assert "variables.judged_usd >= 750000" in draft.source


def test_rows_move_go_and_come(grace: Client, version: PolicyVersion) -> None:
    address = f"{url('table', version)}?table=AL-8"
    fields = form_of(grace, address)
    moved = grace.post(address, fields | {"action": "down:overdrawn"})
    assert body(moved).index("AL-8.forecast") < body(moved).index("AL-8.overdrawn")
    added = body(grace.post(address, fields | {"action": "add-row", "new_row": "third"}))
    assert "AL-8.third" in added
    wider = body(grace.post(address, fields | {"action": "add-column", "new_column": "request.kind"}))
    assert "request: kind" in wider
    assert (
        "did you mean"
        in body(grace.post(address, fields | {"action": "add-column", "new_column": "request.kin"})).lower()
    )
    gone = grace.post(address, fields | {"rows": "0"} | saving(version))
    assert gone.status_code == 302
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    assert "AL-8.forecast" not in {rule.id for rule in load_bundle(draft.source).rules}


def test_an_overlap_is_shown_with_an_ask(grace: Client, version: PolicyVersion) -> None:
    text = live(grace, f"{url('table', version)}?table=AL-5", **form_of(grace, f"{url('table', version)}?table=AL-5"))
    assert "Rows exec and board of AL-5 meet." in text
    assert "For example: " in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("v-0-0-0", "lots"), ("v-0-0-0", "2,5"), ("v-0-0-0", "params.nope"), ("v-0-0-0", ""), ("o-0-0-0", "contains"),
        ("effect-0", "!!python/x"),
        ("effect-0", "[" * 2_000), ("rest-0", "(" * 500), ("rest-0", "request.nope == 1"), ("title-0", ""),
        ("message-0", "{"),
        ("columns", "request.nope"), ("rows", ""), ("v-0-0-0", "1" * 100_000), ("rest-0", "\0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_a_cell_is_said(grace: Client, version: PolicyVersion, name: str, value: str) -> None:
    address = f"{url('table', version)}?table=AL-5"
    response = grace.post(address, form_of(grace, address) | saving(version) | {name: value})
    assert response.status_code == 400
    assert "to mend" in body(response)
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 1


def test_a_limit_that_waits_is_not_for_a_day_that_has_passed_only(
    version: PolicyVersion, grace: Client, now: datetime
) -> None:
    day = (now + timedelta(days=1)).date().isoformat()
    assert f'value="{day}"' in body(grace.get(url("limits", version)))
