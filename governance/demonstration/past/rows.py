"""Rows of the past that are not written yet: added as they come about, written together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import models

from governance.demonstration.bulk import copy_rows, copy_values, update_rows
from governance.demonstration.ids import Ids
from governance.models import (
    ApprovalDecision,
    ApprovalStage,
    Assessment,
    AuditEvent,
    BudgetHold,
    FactRow,
    Flag,
    Grant,
    LedgerEntry,
    LedgerJournal,
    ProviderCommitment,
    ProvisioningRequest,
    RequestRevision,
)
from governance.policy.facts.facts_schema import FACTS

# In the order of their references. What may still change after it was written names its columns.
_KINDS: dict[type[models.Model], tuple[str, ...]] = {
    ProvisioningRequest: ("state", "changed_at", "answered_at"),
    RequestRevision: (),
    Assessment: (),
    BudgetHold: ("state", "resolved_at"),
    ApprovalStage: ("state", "opened_at", "due_at", "closed_at"),
    ApprovalDecision: (),
    Grant: ("state", "ended_at", "gpu_hours_used", "spent_micro", "utilisation_28d"),
    Flag: ("closed_at", "closed_by", "close_reason"),
}


class Rows:
    """Collects new and changed rows; ids are known before anything is written."""

    def __init__(self) -> None:
        self.ids = Ids(*_KINDS, LedgerJournal, LedgerEntry, AuditEvent)
        self._facts: list[list[Any]] = []
        self._new: dict[type[models.Model], list[Any]] = {kind: [] for kind in _KINDS}
        self._changed: dict[type[models.Model], dict[int, Any]] = {kind: {} for kind in _KINDS}
        self._unwritten: dict[type[models.Model], set[int]] = {kind: set() for kind in _KINDS}

    def add(self, row: models.Model) -> None:
        """A row that does not exist yet; it may change until it is written."""
        kind = type(row)
        if row.pk is None:
            row.pk = self.ids.next(kind)
        self._new[kind].append(row)
        self._unwritten[kind].add(row.pk)

    def add_facts(self, assessment_id: int, facts: Mapping[str, Any]) -> None:
        """The fact row of an assessment: its hundred columns are never changed, so no model instance is needed."""
        # The driver writes a tuple as a record; these columns are arrays.
        values = (facts.get(fact.name) for fact in FACTS)
        self._facts.append([assessment_id, *(list(each) if isinstance(each, tuple) else each for each in values)])

    def changed(self, *rows: models.Model) -> None:
        """Rows whose columns were set; one that is not written yet needs nothing more."""
        for row in rows:
            kind = type(row)
            if row.pk not in self._unwritten[kind]:
                self._changed[kind][row.pk] = row

    def write(self) -> None:
        """Write everything, the referred-to first."""
        for kind, columns in _KINDS.items():
            if self._new[kind]:
                copy_rows(self._new[kind])
                self._new[kind] = []
                self._unwritten[kind] = set()
            if self._changed[kind]:
                update_rows(self._changed[kind].values(), columns)
                self._changed[kind] = {}
        if self._facts:
            copy_values(FactRow._meta.db_table, ["assessment_id", *(fact.column for fact in FACTS)], self._facts)
            self._facts = []


def write_commitments(changed: Sequence[tuple[str, str, int]]) -> None:
    """What was committed to providers: provider, first day of the month as ISO text, micro-units."""
    ProviderCommitment.objects.bulk_create(
        [
            ProviderCommitment(provider=provider, month=date.fromisoformat(month), committed_micro=amount)
            for provider, month, amount in changed
        ],
        update_conflicts=True,
        unique_fields=["provider", "month"],
        update_fields=["committed_micro"],
    )
