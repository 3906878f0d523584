"""The nearest ask that would have passed: exact, from what was stored, and cheap enough to be computed on reading."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import Assessment, PolicyVersion
from governance.policy.answer import Outcome
from governance.policy.decision import decide
from governance.policy.facts_schema import facts_from_json
from governance.selectors import nearest, policies
from governance.selectors.nearest import nearest_change
from governance.services import policies as writing
from governance.services import provisioning
from tests.cast import NOW, Cast, content, submitted
from tests.officers import put_in_force

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_a_person_decides_names_the_size_that_nobody_would_have_had_to(cast: Cast) -> None:
    submitted(cast)
    assessment = Assessment.objects.get()
    found = nearest_change(assessment)
    assert found is not None
    assert found.outcome is Outcome.ALLOW
    assert found.text == "8 accelerators instead of 16."
    changed = facts_from_json(assessment.facts) | {each.fact: each.after for each in found.changes}
    again = decide(policies.active_policy(), changed, on=NOW.date())
    assert again.outcome is Outcome.ALLOW


def test_what_was_allowed_has_nothing_nearer(cast: Cast) -> None:
    provisioning.ask_at_once(actor=cast.alice, content=content(), now=NOW)
    assert nearest_change(Assessment.objects.get()) is None
    assert nearest_change(None) is None


def test_a_smaller_ask_also_counts_less_beside_its_like(cast: Cast) -> None:
    submitted(cast, accelerator_count=8, gpu_hours_cap=4_000.0)
    found = nearest_change(Assessment.objects.get())
    assert found is not None
    assert found.outcome is Outcome.ALLOW
    assert found.text.startswith("2,500")
    assert "as the amount that counts" in found.text


def test_the_rules_of_the_day_count_not_those_of_today(cast: Cast) -> None:
    submitted(cast)
    version = PolicyVersion.objects.get(policy_set__slug="approval-limits", state="active")
    stricter = version.source.replace("value: 8,", "value: 4,", 1)
    assert stricter != version.source
    newer = writing.import_version(source=stricter, actor=cast.grace, now=NOW)
    put_in_force(newer, actor=cast.grace, now=NOW + timedelta(hours=1))
    nearest._nearest.cache_clear()
    found = nearest_change(Assessment.objects.get())
    assert found is not None
    assert found.text == "8 accelerators instead of 16."


def test_reading_it_costs_one_query_and_few_decisions(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted(cast)
    assessment = Assessment.objects.get()
    nearest._nearest.cache_clear()
    tries: list[int] = []
    from governance.policy import counterfactual

    judge = counterfactual.outcome_of
    monkeypatch.setattr(counterfactual, "outcome_of", lambda *a, **k: tries.append(1) or judge(*a, **k))
    with CaptureQueriesContext(connection) as captured:
        first = nearest_change(assessment)
    assert len(captured) <= 2  # the versions in force, and their texts when nobody has read them yet
    with CaptureQueriesContext(connection) as again:
        nearest_change(assessment)
    assert len(again) == 0
    assert 0 < len(tries) <= nearest.TRIES_MAX
    tries.clear()
    assert nearest_change(assessment) == first
    assert not tries  # the answer of an assessment never changes


def test_facts_of_another_shape_say_nothing(cast: Cast) -> None:
    submitted(cast)
    assessment = Assessment.objects.get()
    assessment.facts = {"no.such.fact": 1}
    assessment.facts_digest = "0" * 64
    assert nearest_change(assessment) is None
