"""Who opens the pages of a policy, and a version in words."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from governance.models import PolicyVersion
from governance.policy.bundle.bundle import load_bundle
from governance.services.rules import policies, policy_checks
from tests.admin.conftest import signed_in
from tests.admin.policies.desk import EDITORS, NBSP, body, limit, live, saving, url
from tests.admin.policies.form import form_of
from tests.cast import Cast
from tests.unit.services.rules.policy_life.steps import with_red_cases

pytestmark = pytest.mark.django_db


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


def test_every_set_opens_in_every_editor(grace: Client, house_cast: Cast) -> None:
    for version in PolicyVersion.objects.all():
        for page in EDITORS:
            assert grace.get(url(page, version)).status_code == 200, (version, page)


def test_a_case_that_fails_is_said_in_words_on_every_page(
    grace: Client, house_cast: Cast, version: PolicyVersion, now: datetime
) -> None:
    limit_of_team_leads = "{value: 25000.0, from:"
    assert limit_of_team_leads in version.source
    source = version.source.replace(limit_of_team_leads, "{value: 30000.0, from:", 1)
    draft = policies.add_version(source=source, actor=house_cast.grace, now=now)
    policy_checks.test_version(version_id=draft.pk, actor=house_cast.grace, now=now)
    record = body(grace.get(reverse("admin:governance_policyversion_change", args=[draft.pk])))
    text = f"{url('text', version)}?rule=*"
    shown = live(grace, text, **(form_of(grace, text) | {"rule": "*", "text": source}))
    for page in (record, body(grace.get(url("words", draft))), shown):
        assert "must agree, expected 1 × " in page
        assert f"where the assessed amount is 25,000.01{NBSP}USD" in page
        assert "{&#x27;" not in page


def test_the_page_of_a_version_counts_every_failing_case(grace: Client, house_cast: Cast, now: datetime) -> None:
    version = policies.import_version(source=with_red_cases(60), actor=house_cast.grace, now=now)
    policy_checks.test_version(version_id=version.pk, actor=house_cast.grace, now=now)
    text = body(grace.get(reverse("admin:governance_policyversion_change", args=[version.pk])))
    assert "13 of 73 cases pass" in text
    assert text.count("fired and should not") == 50
    assert "and 10 more" in text
