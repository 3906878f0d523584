"""Ledger arithmetic: how an amount moves between the accounts of one budget.

Each budget has five accounts. A budget's limit sits in `headroom`; a hold moves money to `held`; a grant moves it to
`committed`; metering moves it to `spent`. Every journal moves money, so its entries sum to zero on each budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from governance.domain.errors import BudgetExceeded
from governance.domain.prose import money_to_the_cent


class Account(StrEnum):
    """Where money of one budget can be."""

    FUNDING = "funding"  # the other side of a limit: minus everything that was ever put into this budget
    HEADROOM = "headroom"
    HELD = "held"
    COMMITTED = "committed"
    SPENT = "spent"


class JournalKind(StrEnum):
    """Why money moved."""

    FUND = "fund"
    HOLD = "hold"
    RELEASE = "release"
    CAPTURE = "capture"
    RETURN = "return"
    SPEND = "spend"


MOVES: dict[JournalKind, tuple[Account, Account]] = {
    JournalKind.FUND: (Account.FUNDING, Account.HEADROOM),
    JournalKind.HOLD: (Account.HEADROOM, Account.HELD),
    JournalKind.RELEASE: (Account.HELD, Account.HEADROOM),
    JournalKind.CAPTURE: (Account.HELD, Account.COMMITTED),
    JournalKind.RETURN: (Account.COMMITTED, Account.HEADROOM),
    JournalKind.SPEND: (Account.COMMITTED, Account.SPENT),
}


@dataclass(frozen=True, slots=True)
class Balance:
    """One budget's accounts, micro-units. headroom = limit - held - committed - spent."""

    budget_id: int
    name: str
    limit_micro: int
    held_micro: int
    committed_micro: int
    spent_micro: int

    @property
    def headroom_micro(self) -> int:
        return self.limit_micro - self.held_micro - self.committed_micro - self.spent_micro

    def of(self, account: Account) -> int:
        """Balance of one account, micro-units; `funding` is minus the limit."""
        return {
            Account.FUNDING: -self.limit_micro,
            Account.HEADROOM: self.headroom_micro,
            Account.HELD: self.held_micro,
            Account.COMMITTED: self.committed_micro,
            Account.SPENT: self.spent_micro,
        }[account]


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a movement on one budget, with the balance before and after it, micro-units."""

    budget_id: int
    account: Account
    amount_micro: int
    before_micro: int
    after_micro: int


def post(kind: JournalKind, path: Sequence[Balance], amount_micro: int) -> list[Entry]:
    """The entries of one journal on every budget of `path`, or none.

    Args:
        kind: why money moves.
        path: the budget and all its ancestors.
        amount_micro: above 0; for `fund` it may be negative (a limit is lowered).

    Raises:
        BudgetExceeded: a source account of some budget has less than the amount.
    """
    if amount_micro == 0 or (amount_micro < 0 and kind is not JournalKind.FUND):
        raise ValueError(f"amount `{amount_micro}` must be above 0")
    source, target = MOVES[kind]
    entries: list[Entry] = []
    for balance in path:
        taken, given = balance.of(source), balance.of(target)
        if source is not Account.FUNDING and taken < amount_micro:
            raise_exceeded(balance, amount_micro)
        if kind is JournalKind.FUND and given + amount_micro < 0:
            raise_exceeded(balance, -amount_micro)
        entries.append(Entry(balance.budget_id, source, -amount_micro, taken, taken - amount_micro))
        entries.append(Entry(balance.budget_id, target, amount_micro, given, given + amount_micro))
    return entries


def raise_exceeded(balance: Balance, needed_micro: int) -> None:
    """Refuse with the budget's name, what is free and what is missing."""
    headroom = balance.headroom_micro
    raise BudgetExceeded(
        f"budget `{balance.name}` has {money_to_the_cent(headroom)} free, "
        f"{money_to_the_cent(needed_micro)} are needed: {money_to_the_cent(needed_micro - headroom)} too many",
        budget=balance.name,
        headroom_micro=headroom,
        needed_micro=needed_micro,
    )
