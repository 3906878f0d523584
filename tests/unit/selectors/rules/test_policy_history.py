"""The rules of a stored decision are found again: after rewording, going back, another schema, a text that is gone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.models import Assessment, PolicyVersion
from governance.policy.facts import facts_schema
from governance.selectors.record.replay import replay
from governance.selectors.rules import policies as reading
from governance.selectors.rules import policy_history
from governance.selectors.rules.policy_history import PolicyHistory
from governance.services.rules import policies
from tests.cast import NOW, Cast, submitted
from tests.officers import put_in_force

pytestmark = pytest.mark.django_db


def activate(cast: Cast, old: str, new: str, *, days: int) -> PolicyVersion:
    now = NOW + timedelta(days=days)
    source = PolicyVersion.objects.get(policy_set__slug="approval-limits", number=1).source
    assert old in source
    version = policies.import_version(source=source.replace(old, new, 1), actor=cast.grace, now=now)
    return put_in_force(version, actor=cast.grace, now=now)


def test_a_reworded_rule_changes_no_decision_that_was_made_in_the_old_words(cast: Cast) -> None:
    submitted(cast, gpu_hours_cap=3000.0)
    assert [each["rule_id"] for each in Assessment.objects.get().decision["fired"]] == ["AL-2"]
    before = reading.digest_in_force()
    activate(cast, "a team lead decides.", "the lead of the team decides.", days=1)
    assert reading.digest_in_force() == before, "wording is no logic"
    submitted(
        cast, who="heidi", now=NOW + timedelta(days=3), start_on="2026-06-10", end_on="2026-06-20", gpu_hours_cap=3000.0
    )
    assert [each.differences for each in replay()] == [{}, {}]


def test_a_version_that_went_and_came_back_is_found_for_every_time(cast: Cast) -> None:
    first = PolicyVersion.objects.get(policy_set__slug="approval-limits")
    digests = [(reading.digest_in_force(), NOW + timedelta(hours=1))]
    for days, value in ((1, "1500.0"), (2, "900.0")):
        activate(cast, "{value: 2500.0,", f"{{value: {value},", days=days)
        digests.append((reading.digest_in_force(), NOW + timedelta(days=days, hours=1)))
    second = PolicyVersion.objects.get(policy_set__slug="approval-limits", number=2)
    for days, version in ((3, second), (4, first), (5, second)):
        put_in_force(version, actor=cast.grace, now=NOW + timedelta(days=days))
    history = PolicyHistory()
    assert [history.rules(digest, at=at).digest for digest, at in digests] == [digest for digest, _ in digests]
    assert history.rules("0" * 64, at=NOW) is None


def test_decisions_outlive_their_schema(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later program has another facts schema: the digest is looked for under that of the day."""
    old = reading.active_policy().digest_under("1" * 64)
    assert PolicyHistory().rules(old, at=NOW) is None
    monkeypatch.setitem(facts_schema.SCHEMA_DIGESTS, 0, "1" * 64)
    found = PolicyHistory().rules(old, at=NOW)
    assert found is not None
    assert found.digest == reading.digest_in_force()


def test_a_text_that_today_takes_no_more_is_rules_that_are_gone(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, **_: object) -> None:
        raise policy_history.PolicyError("unknown field")

    digest = reading.digest_in_force()
    reading._compiled.cache_clear()
    reading._bundle.cache_clear()
    monkeypatch.setattr(reading, "load_bundle", refuse)
    assert PolicyHistory().rules(digest, at=NOW) is None
