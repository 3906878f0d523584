"""Whether decisions still are what was decided: the stored ones by their pins, an exported log by what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Count, Q

from governance.domain.record.canonical import digest, doubles
from governance.domain.states.requests import Occasion
from governance.models import Assessment, AuditEvent
from governance.policy.decisions.decision_log import ChainReader
from governance.selectors.record import decision_logs
from governance.selectors.record.decision_logs import ROWS_PER_READ

PROBLEMS_MAX = 100
"""Problems that are told; the rest are counted. One change breaks one line, so a flood says no more than its start."""
ID_DIGITS_MAX = 18
Place = tuple[datetime, int]
"""Where a decision stands in the log: its instant, then its id."""


@dataclass(slots=True)
class Proof:
    """What was looked at, and what does not hold.

    Attributes:
        count: decisions, or entries of a file.
        problems: sentences, the first ones.
        problem_count: all of them.
    """

    count: int = 0
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0

    def add(self, problem: str) -> None:
        self.problem_count += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


def prove_stored(proof: Proof) -> None:
    """Each stored decision against the digest of its facts, and against what the audit log says of its submission."""
    rows = Assessment.objects.select_related("revision").defer("estimate").order_by("pk").iterator(ROWS_PER_READ)
    while some := list(islice(rows, ROWS_PER_READ)):
        told = _submissions(some)
        for row in some:
            proof.count += 1
            for problem in _problems_of(row, told):
                proof.add(f"decision {row.pk}: {problem}")


def channels() -> dict[str, int]:
    """How many audit events came by which interface; the empty name is of those from before it was kept."""
    return dict(AuditEvent.objects.order_by("channel").values_list("channel").annotate(Count("pk")))


def _submissions(rows: Iterable[Assessment]) -> dict[tuple[int, int], Mapping[str, Any]]:
    """What the audit log says of submissions, by request and number of its revision."""
    wanted = {row.revision.provisioning_request_id for row in rows if row.occasion == Occasion.SUBMIT}
    events = AuditEvent.objects.filter(action="request.submitted", request_id__in=wanted)
    found = events.values_list("request_id", "data")
    return {(request, data.get("revision", 0)): data for request, data in found if request is not None}


def _problems_of(row: Assessment, told: Mapping[tuple[int, int], Mapping[str, Any]]) -> Iterator[str]:
    if _digest(row.facts) != row.facts_digest:
        yield "its facts are not those that were judged"
    decision = row.decision if isinstance(row.decision, dict) else {}
    if decision.get("outcome") != row.outcome:
        yield f"it is stored as {row.outcome}, and its decision says {decision.get('outcome')}"
    if decision.get("policy_digest") != row.policy_digest:
        yield "its decision names other rules than those that it is stored under"
    if row.occasion != Occasion.SUBMIT:
        return
    event = told.get((row.revision.provisioning_request_id, row.revision.number))
    if event is None:
        yield "the audit log has no submission of it"
        return
    if event.get("outcome") != row.outcome:
        yield f"it is stored as {row.outcome}, and the audit log says {event.get('outcome')}"
    if event.get("digest") != row.revision.digest:
        yield "the audit log says that something else was asked for"
    fired = sorted(str(rule.get("rule_id")) for rule in decision.get("fired", ()) if isinstance(rule, dict))
    if sorted(event.get("rules") or ()) != fired:
        yield "the audit log says that other rules fired"


def _digest(facts: Any) -> str:
    """Of stored facts, as it was taken before they were stored; empty when no facts of ours look like this."""
    try:
        return digest(doubles(facts))
    except (ValueError, RecursionError, OverflowError):
        return ""


def prove_export(entries: Iterable[Any], proof: Proof) -> None:
    """An exported log: its chain, then each entry against the decision that is stored, then what is stored between.

    A chain without a key can be forged as a whole, so it proves a file only together with the store, or a store only
    together with a file that was kept elsewhere.

    Args:
        entries: as they were read, in order; anything that is no entry is a problem of its own.
    """
    chain = ChainReader()
    seen: set[int] = set()
    ends: tuple[Place, Place] | None = None
    left = iter(entries)
    while some := list(islice(left, ROWS_PER_READ)):
        stored = _stored(some)
        channels = decision_logs.channels_of(stored.values())
        for entry in some:
            proof.count += 1
            where = f"entry {proof.count}"
            problem = chain.problem_of(entry)
            if problem:
                proof.add(f"{where}: {problem}")
            decision_id = _id_of(entry)
            if decision_id is None:
                proof.add(f"{where}: it names no decision")
                continue
            if decision_id in seen:
                proof.add(f"{where}: decision {decision_id} is in the log twice")
            seen.add(decision_id)
            row = stored.get(decision_id)
            if row is None:
                proof.add(f"{where}: decision {decision_id} is not stored")
                continue
            ends = (min(ends[0], _place(row)), max(ends[1], _place(row))) if ends else (_place(row), _place(row))
            parts = _differing(entry, decision_logs.entry_of(row, channels=channels))
            if parts:
                proof.add(f"{where}: decision {decision_id} is stored with another {', '.join(parts)}")
    if ends is not None:
        _between(*ends, seen, proof)


def _stored(entries: Iterable[Any]) -> dict[int, Assessment]:
    wanted = [found for found in map(_id_of, entries) if found is not None]
    return {row.pk: row for row in decision_logs.rows().filter(pk__in=wanted).defer("estimate")}


def _place(row: Assessment) -> Place:
    return row.assessed_at, row.pk


def _id_of(entry: Any) -> int | None:
    text = entry.get("decision_id") if isinstance(entry, dict) else None
    is_id = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= ID_DIGITS_MAX
    return int(text) if is_id else None  # type: ignore[arg-type]


def _differing(entry: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """Names of what was decided otherwise. Words and shapes that a newer program writes otherwise are left out."""
    names = {
        "input_hash": "input", "policy_digest": "policy", "timestamp": "instant", "requested_by": "requester",
        "labels": "request",
    }  # fmt: skip
    if stored["erased"]:
        # Facts in a shape that is no longer read have no digest of this form; `prove_stored` has the one of their day.
        del names["input_hash"]
    if "channel" in entry:
        # Entries from before it was kept have none.
        names["channel"] = "channel"
    found = [words for name, words in names.items() if entry.get(name) != stored.get(name)]
    return found + (["result"] if _decided(entry.get("result")) != _decided(stored["result"]) else [])


def _decided(result: Any) -> Any:
    """The part of a result that people act on: the answer, whom it asks, which rules fired."""
    if not isinstance(result, dict):
        return None
    fired = result.get("fired")
    rules = [rule.get("rule_id") for rule in fired if isinstance(rule, dict)] if isinstance(fired, list) else None
    return result.get("decision"), result.get("roles"), rules


def _between(first: Place, last: Place, seen: set[int], proof: Proof) -> None:
    """Stored decisions between the first and the last one of the log that it does not have."""
    after = Q(assessed_at__gt=first[0]) | Q(assessed_at=first[0], pk__gte=first[1])
    before = Q(assessed_at__lt=last[0]) | Q(assessed_at=last[0], pk__lte=last[1])
    ids = Assessment.objects.filter(after & before).order_by("assessed_at", "pk").values_list("pk", flat=True)
    for pk in ids.iterator(ROWS_PER_READ):
        if pk not in seen:
            proof.add(f"decision {pk} lies between the first and the last entry and is not in the log")
