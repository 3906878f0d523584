"""Versions in shadow: judged beside each submission, recorded, and never able to touch the decision."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.domain.errors import IllegalTransition, NotAllowed, NotReady
from governance.models import Assessment, AuditEvent, PolicyVersion, ProvisioningRequest, ShadowDecision
from governance.policy.bundle.shipped import shipped_text
from governance.selectors.rules.policies import Beside
from governance.selectors.rules.shadow import shadow_summary
from governance.services.requests import submission
from governance.services.rules import policies, policy_checks, shadow
from tests.cast import NOW, Cast, content
from tests.house import broken_promises

pytestmark = pytest.mark.django_db


def in_shadow(
    cast: Cast, name: str = "acceptable-use", old: str = 'purpose == "malware"', new: str = 'purpose == "research"'
) -> PolicyVersion:
    """A version that would refuse research; its state is set by hand, because its own cases are red on purpose."""
    source = shipped_text(name).replace(old, new)
    version = policies.import_version(source=source, actor=cast.grace, now=NOW)
    for state in ("tested", "shadow"):
        PolicyVersion.objects.filter(pk=version.pk).update(state=state, shadow_since=NOW)
    version.refresh_from_db()
    return version


def submit(cast: Cast, **changes: Any) -> ProvisioningRequest:
    return submission.create_and_submit(actor=cast.alice, content=content(**changes), now=NOW)


def test_a_shadow_that_would_refuse_changes_nothing_and_is_counted(cast: Cast) -> None:
    version = in_shadow(cast)
    request = submit(cast)
    assert request.state == "granted"
    row = ShadowDecision.objects.get()
    assert (row.version, row.outcome, row.flips, row.error) == (version, "deny", True, "")
    assert "AU-2" in {rule.split(".")[0] for rule in row.rule_ids} or row.rule_ids
    assert Assessment.objects.get().outcome == "allow"
    summary = shadow_summary(version)
    assert (summary.judged, summary.flipped, summary.errors) == (1, 1, 0)
    assert summary.by_direction == {("allow", "deny"): 1}
    assert summary.since == NOW
    assert not broken_promises()


def test_a_shadow_that_agrees_is_no_flip(cast: Cast) -> None:
    version = in_shadow(cast, "sustainability", "value: 250000.0", "value: 251000.0")
    submit(cast)
    assert not ShadowDecision.objects.get().flips
    assert shadow_summary(version).by_direction == {}


def test_a_shadow_that_changes_a_deadline_alone_is_counted_apart(cast: Cast) -> None:
    version = in_shadow(cast, "approval-limits", "sample_due_working_days: 5", "sample_due_working_days: 3")
    submit(cast)
    row = ShadowDecision.objects.get()
    assert not row.flips
    assert row.changes.replace("\u00a0", " ") == (
        "sampled for review: 5 % within 3 working days, not 5 % within 5 working days"
    )
    summary = shadow_summary(version)
    assert (summary.flipped, summary.otherwise) == (0, 1)


def test_an_error_in_the_shadow_is_recorded_and_the_decision_stands(cast: Cast) -> None:
    version = in_shadow(cast)
    with mock.patch.object(Beside, "policy", side_effect=ZeroDivisionError("no such luck")):
        request = submit(cast)
    assert request.state == "granted"
    row = ShadowDecision.objects.get()
    assert (row.outcome, row.flips) == ("", False)
    assert row.error == "ZeroDivisionError: no such luck"
    assert shadow_summary(version).errors == 1


def test_a_database_error_of_the_shadow_leaves_the_submission_whole(cast: Cast) -> None:
    in_shadow(cast)

    def broken(*args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    with mock.patch("governance.services.rules.shadow.ShadowDecision.objects.bulk_create", broken):
        request = submit(cast)
    assert request.state == "granted"
    assert not ShadowDecision.objects.exists()
    assert AuditEvent.objects.filter(action="request.submitted").count() == 1
    assert not broken_promises()


def test_without_a_shadow_version_a_submission_costs_no_query_more(cast: Cast) -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            submit(cast)
        return [query["sql"] for query in captured]

    queries()  # whatever a process reads once is read
    alone = queries()
    assert not any("shadowdecision" in sql for sql in alone)
    # The versions in shadow come with those in force, in the queries that were there before: one without locks and one
    # under them.
    assert sum('FROM "governance_policyversion"' in sql for sql in alone) == 2
    in_shadow(cast)
    assert sum("INSERT" in sql and "shadowdecision" in sql for sql in queries()) == 1
    in_shadow(cast, "sustainability", "value: 250000.0", "value: 251000.0")
    submit(cast)
    assert sum("INSERT" in sql and "shadowdecision" in sql for sql in queries()) == 1


def test_only_a_tested_version_goes_into_the_shadow_and_comes_back(cast: Cast) -> None:
    text = shipped_text("sustainability").replace("value: 250000.0", "value: 251000.0", 1)
    version = policies.import_version(source=text, actor=cast.grace, now=NOW)

    def start(who: Any = None) -> PolicyVersion:
        return shadow.start_shadow(version_id=version.pk, actor=who or cast.grace, now=NOW)

    with pytest.raises(IllegalTransition, match="run its cases first"):
        start()
    policy_checks.test_version(version_id=version.pk, actor=cast.grace, now=NOW)
    with pytest.raises(NotAllowed):
        start(cast.bob)
    assert start().shadow_since == NOW
    count = AuditEvent.objects.count()
    assert start().state == "shadow"
    assert AuditEvent.objects.count() == count
    submit(cast)
    ended = shadow.end_shadow(version_id=version.pk, actor=cast.grace, now=NOW + timedelta(days=1))
    assert (ended.state, ended.shadow_since) == ("tested", None)
    submit(cast)
    assert shadow_summary(ended).judged == 1


def test_no_more_than_a_few_versions_run_in_shadow(cast: Cast) -> None:
    for count in range(4):
        in_shadow(cast, "sustainability", "value: 250000.0", f"value: 25{count + 1}000.0")
    text = shipped_text("sustainability").replace("value: 250000.0", "value: 299000.0", 1)
    version = policies.import_version(source=text, actor=cast.grace, now=NOW)
    policy_checks.test_version(version_id=version.pk, actor=cast.grace, now=NOW)
    with pytest.raises(NotReady, match="4 versions run in shadow"):
        shadow.start_shadow(version_id=version.pk, actor=cast.grace, now=NOW)
