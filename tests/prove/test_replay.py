"""Stored decisions judged again: after policies, prices and the order of rule changed, each comes out the same.

That an upgrade of the engine changes none is `tests/golden/test_replay.py`: decisions that an earlier engine made.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from governance.models import Assessment, PolicyVersion
from governance.policy.analysis.samples import candidates, draw
from governance.policy.decisions.decision import decide
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts_schema import SCHEMA, facts_to_json
from governance.selectors.record.replay import replay
from governance.selectors.rules import policies as reading
from governance.services.rules import policies
from tests.cast import NOW, Cast, add_own_price, submitted
from tests.officers import put_in_force
from tests.prove.counts import COUNTS

pytestmark = [pytest.mark.prove, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

EVERY = COUNTS.decisions // 4
"""So many decisions under each of the four policies that rule in turn."""


def asks(count: int) -> list[dict[str, Any]]:
    """Each value at which a shipped rule changes its mind, then three of them at a time."""
    policy = reading.active_policy().at(NOW.date())
    values = candidates([rule.condition for rule in policy.rules], SCHEMA)
    rows = draw(values, plain_facts(), 1 + sum(map(len, values.values())), seed=3)
    random = Random(5)
    while len(rows) < count:
        some = {name: values[name] for name in random.sample(sorted(values), 3)}
        rows += draw(some, plain_facts(), 60, seed=len(rows))[-20:]
    return rows[:count]


def store(cast: Cast, facts: list[dict[str, Any]], *, days: int) -> None:
    """Decisions of one day, made by the policy in force."""
    policy, at = reading.active_policy(), NOW + timedelta(days=days)
    ground = Assessment.objects.order_by("pk").first()
    assert ground is not None
    rows = []
    for each in facts:
        decision = decide(policy, each, on=at.date())
        rows.append(
            Assessment(
                revision_id=ground.revision_id, assessed_at=at, occasion="submit", outcome=decision.outcome.value,
                exposure_micro=None, facts=facts_to_json(each), estimate={}, decision=decision.to_json(),
                facts_digest="0" * 64, policy_digest=policy.digest, catalogue_digest=ground.catalogue_digest,
                engine_version=ground.engine_version, schema_version=ground.schema_version,
            )
        )  # fmt: skip
    Assessment.objects.bulk_create(rows, batch_size=500)


def change_limit(cast: Cast, value: str, *, days: int) -> None:
    now = NOW + timedelta(days=days)
    source = PolicyVersion.objects.get(policy_set__slug="approval-limits", number=1).source
    changed = source.replace("{value: 2500.0,", f"{{value: {value},")
    assert changed != source
    put_in_force(policies.import_version(source=changed, actor=cast.grace, now=now), actor=cast.grace, now=now)


def test_decisions_stand_whatever_changed_since(cast: Cast):
    submitted(cast)
    facts = asks(COUNTS.decisions)
    first = PolicyVersion.objects.get(policy_set__slug="approval-limits", state="active")
    store(cast, facts[:EVERY], days=1)
    change_limit(cast, "1500.0", days=2)
    store(cast, facts[EVERY : 2 * EVERY], days=3)
    change_limit(cast, "900.0", days=4)
    store(cast, facts[2 * EVERY : 3 * EVERY], days=5)
    # Back to the first one: its own columns then say that it rules from this day on only.
    put_in_force(first, actor=cast.grace, now=NOW + timedelta(days=6))
    store(cast, facts[3 * EVERY :], days=7)
    change_limit(cast, "600.0", days=8)
    add_own_price(usd=Decimal("9.99"), term="spot", now=NOW + timedelta(days=8))

    outcomes = {name: Assessment.objects.filter(outcome=name).count() for name in ("allow", "review", "deny")}
    assert min(outcomes.values()) > COUNTS.decisions // 20, outcomes
    assert Assessment.objects.values("policy_digest").distinct().count() == 3
    replayed = list(replay())
    assert len(replayed) >= COUNTS.decisions
    assert [each for each in replayed if each.differences is None] == []
    assert [each for each in replayed if each.differences] == []
