"""Keeps the budgets in memory while many journals are posted, and writes them in one go.

The arithmetic is `domain/ledger`'s, so what is written here is what the services would have written one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from governance.demonstration.bulk import copy_rows, copy_values, update_rows
from governance.demonstration.ids import Ids
from governance.domain.money.ledger import Account, JournalKind, post
from governance.models import Budget, LedgerEntry, LedgerJournal, User

_COLUMN = {Account.HELD: "held_micro", Account.COMMITTED: "committed_micro", Account.SPENT: "spent_micro"}
_ENTRY_COLUMNS = ("id", "journal_id", "budget_id", "account", "amount_micro", "before_micro", "after_micro")
_BALANCES = ["limit_micro", "held_micro", "committed_micro", "spent_micro"]


class Books:
    """All budgets, and journals that are not written yet. Nobody else writes meanwhile: one transaction, one loader."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids
        self._journals: list[LedgerJournal] = []
        self._entries: list[tuple[Any, ...]] = []
        self._changed: set[int] = set()
        self.by_id: dict[int, Budget] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read every budget again, after the services have moved money."""
        assert not self._journals, "write before reading again"
        self.by_id = {budget.pk: budget for budget in Budget.objects.order_by("pk")}

    def path(self, leaf: Budget) -> list[Budget]:
        """The budget and all its ancestors, leaf first."""
        return [self.by_id[pk] for pk in reversed(leaf.path_ids)]

    def at(self, budgets: Iterable[Budget], when: datetime) -> list[Budget]:
        """Those whose period covers an instant, as they stand in the books."""
        return [self.by_id[b.pk] for b in budgets if b.period_start <= when < b.period_end]

    def move(
        self,
        kind: JournalKind,
        leaf: Budget,
        amount_micro: int,
        *,
        key: str,
        actor: User,
        at: datetime,
        request: int | None = None,
    ) -> None:
        """Post one journal on a budget and all its ancestors; a limit moves on the budget alone.

        Raises:
            BudgetExceeded: nothing is posted.
        """
        path = [self.by_id[leaf.pk]] if kind is JournalKind.FUND else self.path(leaf)
        entries = post(kind, [budget.balance for budget in path], amount_micro)
        journal = LedgerJournal(
            pk=self.ids.next(LedgerJournal), key=key, kind=kind.value, provisioning_request_id=request, actor=actor,
            posted_at=at,
        )  # fmt: skip
        self._journals.append(journal)
        for entry in entries:
            budget = self.by_id[entry.budget_id]
            if entry.account in _COLUMN:
                setattr(budget, _COLUMN[entry.account], entry.after_micro)
            elif entry.account is Account.FUNDING:
                budget.limit_micro = -entry.after_micro
            self._entries.append(
                (
                    self.ids.next(LedgerEntry),
                    journal.pk,
                    entry.budget_id,
                    entry.account.value,
                    entry.amount_micro,
                    entry.before_micro,
                    entry.after_micro,
                )
            )
        self._changed.update(budget.pk for budget in path)

    def write(self) -> None:
        """Write the journals, their entries, and the balances that follow from them."""
        copy_rows(self._journals)
        copy_values(LedgerEntry._meta.db_table, _ENTRY_COLUMNS, self._entries)
        update_rows((self.by_id[pk] for pk in sorted(self._changed)), _BALANCES)
        self._journals, self._entries, self._changed = [], [], set()
