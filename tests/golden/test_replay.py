"""Decisions that an earlier engine made, judged by today's: an upgrade of the engine changes no answer.

`replay/` holds 1,500 asks (each value at which a shipped rule changes its mind by itself, then three at a time), what
the engine before full CEL (November 2026) decided, and the bundles that were in force. None of it is ever written anew:
a difference is a fault of the engine, or an upgrade that needs a schema version of its own.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from governance.policy.bundle.bundle import load_bundle
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set
from governance.policy.decisions.replay import replayed_differences

FOLDER = Path(__file__).parent / "replay"
DIGEST = "9215a494776f0a11f66704f3a0dd33a75430b677ad8e9f88fe303f44e64e6102"
DECIDED_ON = date(2026, 11, 21)


def policy_of_the_day() -> CompiledPolicySet:
    return compile_policy_set([load_bundle(path.read_text()) for path in sorted(FOLDER.glob("bundles/*.yaml"))])


def stored() -> list[dict[str, Any]]:
    with lzma.open(FOLDER / "decisions.jsonl.xz", "rt") as lines:
        return [json.loads(line) for line in lines]


def test_the_rules_of_the_day_have_the_digest_that_was_pinned():
    assert policy_of_the_day().digest == DIGEST


def test_every_decision_of_an_earlier_engine_comes_out_the_same():
    policy_set, decisions = policy_of_the_day(), stored()
    assert Counter(each["decision"]["outcome"] for each in decisions) == {"allow": 734, "review": 399, "deny": 367}
    different = [
        (number, found)
        for number, each in enumerate(decisions)
        if (found := replayed_differences(policy_set, each["facts"], each["decision"], on=DECIDED_ON))
    ]
    assert different == []


def test_a_changed_fact_is_noticed():
    policy_set = policy_of_the_day()
    allowed = next(each for each in stored() if each["decision"]["outcome"] == "allow")
    dearer = allowed["facts"] | {"request.exposure_usd": 5_000_000.0}
    assert "outcome" in replayed_differences(policy_set, dearer, allowed["decision"], on=DECIDED_ON)
