"""The nearest facts are still those of a request."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from governance.policy.bundle.bundle import load_bundle
from governance.policy.decisions.counterfactual import LEAST, nearest_allowed
from governance.policy.decisions.policy_set import compile_policy_set
from governance.policy.facts.examples import plain_facts

BUNDLE = """
apiVersion: comptroller.policy/v1
kind: PolicyBundle
schema: 1
metadata: {{name: lines, title: Lines, summary: One line., owner: policy_officer}}
rules:
- id: L-1
  title: Nothing of it
  when: has({fact}) && {fact} > {limit}
  effect: {{deny: {{code: too_much}}}}
  message: "{{{fact}}} is too much."
"""


@pytest.mark.parametrize("fact", ["request.exposure_usd", "request.accelerator_count", "request.gpu_hours_cap"])
def test_what_would_leave_nothing_is_not_offered(fact: str) -> None:
    limit = 0 if fact == "request.accelerator_count" else 0.0
    policy = compile_policy_set([load_bundle(BUNDLE.format(fact=fact, limit=limit))])
    assert nearest_allowed(policy, plain_facts(), on=date(2026, 11, 25)) is None


@pytest.mark.parametrize("fact", ["request.exposure_usd", "request.accelerator_count"])
def test_what_leaves_a_request_is(fact: str) -> None:
    limit: Any = 4 if fact == "request.accelerator_count" else 4.0
    policy = compile_policy_set([load_bundle(BUNDLE.format(fact=fact, limit=limit))])
    found = nearest_allowed(policy, plain_facts(), on=date(2026, 11, 25))
    assert found is not None
    assert found.changes[0].after >= LEAST[fact]
