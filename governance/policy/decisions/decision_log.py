"""A decision as a log entry under the names that Open Policy Agent uses, sensitive facts masked.

Source: OPA documentation, "Decision Logs" (decision_id, labels, bundles, path, input, result, erased, masked,
timestamp, metrics). What OPA has no name for stands beside it: input_hash, engine_version, prev_hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from governance.policy.decisions.answer import Decision
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.policy.facts.facts import facts_to_json, timestamp_to_text
from governance.policy.facts.facts_schema import SCHEMA, SCHEMA_VERSION
from governance.policy.facts.schema import FactsSchema

PATH = "comptroller/decide"
MASK = "***"


def hash_of(plain: Any) -> str:
    """SHA-256 of the canonical JSON of plain values."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def log_entry(
    decision: Decision,
    facts: Mapping[str, Any],
    policy_set: CompiledPolicySet | None,
    *,
    decision_id: str,
    timestamp: datetime,
    requested_by: str,
    labels: Mapping[str, str] | None = None,
    may_see_sensitive: bool = False,
    trace_id: str = "",
    prev_hash: str = "",
    engine_version: str = "",
    eval_ns: int | None = None,
    erased: Sequence[str] = (),
    channel: str = "",
    schema: FactsSchema = SCHEMA,
) -> dict[str, Any]:
    """One entry, plain values.

    Args:
        policy_set: the rules that it was judged by; None when they are not stored any more, then no bundle is named.
        timestamp: aware instant of the decision.
        may_see_sensitive: whoever reads the log may see sensitive facts; otherwise their values are masked in the input
            and in everything that quotes them, and their paths are listed under `masked`.
        prev_hash: `entry_hash` of the entry before, so that the log is a chain.
        eval_ns: how long judging took.
        erased: paths that the caller left out altogether.
        channel: by which interface the request came; empty where that was not kept, and then left out.
    """
    plain = facts_to_json(facts)
    hidden = (
        set() if may_see_sensitive else {fact.name for fact in schema.facts if fact.sensitive and fact.name in plain}
    )
    entry: dict[str, Any] = {
        "decision_id": decision_id,
        "labels": dict(labels or {}),
        "bundles": {name: {"revision": found} for name, found in policy_set.revisions.items()} if policy_set else {},
        "path": PATH,
        "input": {name: MASK if name in hidden else value for name, value in plain.items()},
        # Of the facts as they were: two entries over the same request agree, whoever reads them.
        "input_hash": hash_of(plain),
        "result": _result(decision, hidden),
        "erased": list(erased),
        "masked": sorted(f"/input/{name}" for name in hidden),
        "requested_by": requested_by,
        "timestamp": timestamp_to_text(timestamp),
        "metrics": {} if eval_ns is None else {"timer_rego_query_eval_ns": eval_ns},
        "trace_id": trace_id,
        "policy_digest": decision.policy_digest,
        "schema_version": SCHEMA_VERSION,
        "engine_version": engine_version,
        "prev_hash": prev_hash,
    }
    if channel:
        entry["channel"] = channel
    entry["entry_hash"] = hash_of(entry)
    return entry


def _result(decision: Decision, hidden: set[str]) -> dict[str, Any]:
    return {
        "decision": decision.outcome.value,
        "roles": {each.role: each.quorum for each in decision.requirements},
        "fired": [_fired(rule, hidden) for rule in decision.to_json()["fired"]],
        "flags": [each.code for each in decision.flags],
        "warnings": [each.code for each in decision.warnings],
        "obligations": [{"code": each.code, **dict(each.values)} for each in decision.obligations],
        "evidence_missing": [each.kind for each in decision.evidence_missing],
        "indeterminate": list(decision.indeterminate),
        "permitted_by": list(decision.permitted_by),
        "exceptions": [
            {"exception_id": each.exception_id, "rule_id": each.rule_id, "expires_on": each.expires_on.isoformat()}
            for each in decision.exceptions_applied
        ],
    }


def _fired(rule: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    """A fired rule; its sentence and comparisons are left out where they would quote a masked value."""
    touched = hidden & set(rule["values"])
    shown = {key: rule[key] for key in ("rule_id", "bundle", "effect", "code", "legal_source", "indeterminate")}
    shown["values"] = {name: MASK if name in touched else value for name, value in rule["values"].items()}
    shown["message"] = MASK if touched else rule["message"]
    shown["leaves"] = [
        leaf if not hidden & set(leaf["facts"]) else {**_without_values(leaf)} for leaf in rule["leaves"]
    ]
    return shown


def _without_values(leaf: dict[str, Any]) -> dict[str, Any]:
    return {"text": leaf["text"], "truth": leaf["truth"], "facts": leaf["facts"]}


class ChainReader:
    """Reads entries in their order and says of each whether the chain holds up to it."""

    def __init__(self) -> None:
        self._previous: str | None = None
        """None before the first entry: a log may begin anywhere."""

    def problem_of(self, entry: Any) -> str:
        """What is wrong with the next entry; empty when it was not changed and follows the one before it."""
        if not isinstance(entry, dict):
            self._previous = None
            return "it is no entry of a decision log"
        follows = self._previous is None or entry.get("prev_hash") == self._previous
        body = {key: value for key, value in entry.items() if key != "entry_hash"}
        is_whole = hash_of(body) == entry.get("entry_hash")
        written = entry.get("entry_hash")
        self._previous = written if isinstance(written, str) else ""
        if not is_whole:
            return "it was changed after it was written"
        return "" if follows else "it does not follow the one before it: an entry was changed, moved, or taken out"
