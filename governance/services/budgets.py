"""Moves money on the tree of budgets: all levels of a path or none, always as a journal of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from governance.domain.errors import InvalidInput, TooManyUndecided
from governance.domain.ledger import MOVES, Account, JournalKind, post
from governance.domain.limits import (
    BUDGET_DEPTH_MAX,
    HOLD_DAYS_MAX,
    UNDECIDED_HOLDS_PER_PERSON_MAX,
    UNDECIDED_HOLDS_PER_PROJECT_MAX,
)
from governance.domain.money import AMOUNT_MICRO_MAX
from governance.domain.typed import YEAR_MAX, YEAR_MIN, utc_instant
from governance.models import (
    Budget,
    BudgetHold,
    LedgerEntry,
    LedgerJournal,
    Person,
    Project,
    ProvisioningRequest,
    Team,
    User,
)
from governance.selectors.duties import require_duty
from governance.services import audit

_COLUMN = {Account.HELD: "held_micro", Account.COMMITTED: "committed_micro", Account.SPENT: "spent_micro"}


@transaction.atomic(durable=True)
def create_budget(
    *,
    actor: User,
    slug: str,
    name: str,
    limit_micro: int,
    period_start: datetime,
    period_end: datetime,
    now: datetime,
    team: Team | None = None,
    project: Project | None = None,
    parent: Budget | None = None,
    owner: Person | None = None,
    time_zone: str = "UTC",
) -> Budget:
    """Add a budget below `parent` and put its limit into it.

    Raises:
        NotAllowed: the actor may not keep budgets.
        InvalidInput: the amount is out of range, the tree too deep, or the period not within the parent's.
    """
    require_duty(actor, "budgets", now=now)
    if not 0 <= limit_micro <= AMOUNT_MICRO_MAX:
        raise InvalidInput({"limit_micro": [f"`{limit_micro}` must be between 0 and {AMOUNT_MICRO_MAX}"]})
    for field, instant in (("period_start", period_start), ("period_end", period_end)):
        if utc_instant(instant) is None:
            raise InvalidInput({field: [f"`{instant:%Y-%m-%d}` is not a day from {YEAR_MIN} to {YEAR_MAX}"]})
    if parent and len(parent.path_ids) >= BUDGET_DEPTH_MAX:
        raise InvalidInput({"parent": [f"budgets nest at most {BUDGET_DEPTH_MAX} deep"]})
    if parent and not (parent.period_start <= period_start and period_end <= parent.period_end):
        raise InvalidInput({"period_start": [f"the period must lie within that of `{parent.name}`"]})
    budget = Budget.objects.create(
        slug=slug, name=name, team=team, project=project, parent=parent, owner=owner, time_zone=time_zone,
        period_start=period_start, period_end=period_end,
    )  # fmt: skip
    budget.path = f"{parent.path if parent else ''}{budget.pk}."
    budget.save(update_fields=["path"])
    if limit_micro:
        move(JournalKind.FUND, [budget], limit_micro, key=f"fund:{budget.pk}:0", actor=actor, now=now)
    audit.record("budget.created", actor=actor, subject=budget, now=now, limit_micro=limit_micro)
    return budget


@transaction.atomic(durable=True)
def change_limit(*, budget_id: int, actor: User, limit_micro: int, reason: str, now: datetime) -> Budget:
    """Raise or lower a budget's limit; it cannot go below what is held, committed and spent.

    Raises:
        NotAllowed: the actor may not keep budgets.
        BudgetExceeded: the new limit is below what is promised already.
    """
    require_duty(actor, "budgets", now=now)
    budget = Budget.objects.lock(budget_id)
    difference = limit_micro - budget.limit_micro
    if difference:
        count = LedgerJournal.objects.filter(key__startswith=f"fund:{budget.pk}:").count()
        move(JournalKind.FUND, [budget], difference, key=f"fund:{budget.pk}:{count}", actor=actor, now=now)
        audit.record("budget.funded", actor=actor, subject=budget, now=now, difference_micro=difference, reason=reason)
    return budget


def place_hold(
    path: Sequence[Budget], request: ProvisioningRequest, *, amount_micro: int, actor: User, now: datetime
) -> BudgetHold:
    """Set `amount_micro` aside on the budget and every ancestor, or on none.

    The caller holds the request's lock and those of `path` (leaf first, `Budget.objects.lock_path`), and has called
    `refuse_too_many_undecided`.

    Raises:
        BudgetExceeded: some level has too little headroom.
    """
    amount_micro = amount_of_hold(amount_micro)
    hold = _hold(request, path[0], amount_micro, now=now)
    move(JournalKind.HOLD, path, amount_micro, key=_key_of_hold(request), actor=actor, now=now, request=request)
    return hold


def place_and_capture(
    path: Sequence[Budget], request: ProvisioningRequest, *, amount_micro: int, actor: User, now: datetime
) -> BudgetHold:
    """`place_hold`, and at once its capture: what is granted without a person waits for nobody.

    Raises:
        BudgetExceeded: some level has too little headroom.
    """
    amount_micro = amount_of_hold(amount_micro)
    hold = _hold(request, path[0], amount_micro, now=now, state="captured", resolved_at=now)
    moves = [(JournalKind.HOLD, _key_of_hold(request)), (JournalKind.CAPTURE, f"{JournalKind.CAPTURE}:{hold.pk}")]
    _post(moves, path, amount_micro, actor=actor, now=now, request=request)
    return hold


def _hold(
    request: ProvisioningRequest, budget: Budget, amount_micro: int, *, now: datetime, **resolved: Any
) -> BudgetHold:
    return BudgetHold.objects.create(
        provisioning_request=request,
        budget=budget,
        amount_micro=amount_micro,
        placed_at=now,
        expires_at=now + timedelta(days=HOLD_DAYS_MAX),
        **resolved,
    )


def _key_of_hold(request: ProvisioningRequest) -> str:
    """One hold for each revision: its number keeps the holds of a request apart."""
    return f"hold:{request.pk}:{request.revision_count - 1}"


def amount_of_hold(needed_micro: int) -> int:
    """What is set aside for a request, micro-units.

    A hold of nothing would be a row that says nothing: a free request holds a cent's hundredth of a cent, visibly.
    """
    return max(needed_micro, 1)


def refuse_too_many_undecided(request: ProvisioningRequest) -> None:
    """Keep one careless ask from starving a team.

    Raises:
        TooManyUndecided: the person's or project's open holds are at their maximum.
    """
    open_holds = BudgetHold.objects.filter(state="open")
    of_person = open_holds.filter(provisioning_request__requester__person_id=request.requester.person_id).count()
    if of_person >= UNDECIDED_HOLDS_PER_PERSON_MAX:
        raise TooManyUndecided(
            f"{of_person} of your requests wait for an answer, {UNDECIDED_HOLDS_PER_PERSON_MAX} may: "
            "withdraw one or wait for a decision",
            waiting=of_person,
        )
    of_project = open_holds.filter(provisioning_request__project=request.project).count()
    if of_project >= UNDECIDED_HOLDS_PER_PROJECT_MAX:
        raise TooManyUndecided(
            f"{of_project} requests of this project wait for an answer, {UNDECIDED_HOLDS_PER_PROJECT_MAX} may",
            waiting=of_project,
        )


def resolve_hold(
    request: ProvisioningRequest, *, to: str, actor: User, now: datetime, path: Sequence[Budget] | None = None
) -> BudgetHold | None:
    """End the request's open hold once: `captured` by a grant, `released` by an answer, or `expired`.

    The caller holds the request's lock; the budgets are locked here, in id order, unless the caller did that.

    Returns:
        The hold, or None when the request had none open.
    """
    hold = BudgetHold.objects.filter(provisioning_request=request, state="open").first()
    if hold is None:
        return None
    path = path or Budget.objects.lock_path(hold.budget_id)
    # Invariant: rowcount 1 means that this transaction, and no other, resolves the hold.
    resolved = BudgetHold.objects.filter(pk=hold.pk, state="open").update(state=to, resolved_at=now)
    if resolved != 1:
        return None
    kind = JournalKind.CAPTURE if to == "captured" else JournalKind.RELEASE
    move(kind, path, hold.amount_micro, key=f"{kind}:{hold.pk}", actor=actor, now=now, request=request)
    hold.state, hold.resolved_at = to, now
    return hold


def move(
    kind: JournalKind,
    path: Sequence[Budget],
    amount_micro: int,
    *,
    key: str,
    actor: User,
    now: datetime,
    request: ProvisioningRequest | None = None,
) -> LedgerJournal:
    """Post one journal on locked budgets: entries, and the cached balances that follow from them.

    Raises:
        BudgetExceeded: nothing is written.
    """
    return _post([(kind, key)], path, amount_micro, actor=actor, now=now, request=request)[0]


def _post(
    moves: Sequence[tuple[JournalKind, str]],
    path: Sequence[Budget],
    amount_micro: int,
    *,
    actor: User,
    now: datetime,
    request: ProvisioningRequest | None,
) -> list[LedgerJournal]:
    """Journals about one amount, one after the other, in three statements however many there are."""
    journals = LedgerJournal.objects.bulk_create(
        LedgerJournal(key=key, kind=kind.value, provisioning_request=request, actor=actor, posted_at=now)
        for kind, key in moves
    )
    by_id = {budget.pk: budget for budget in path}
    rows: list[LedgerEntry] = []
    moved: dict[str, int] = {}
    for journal, (kind, _) in zip(journals, moves, strict=True):
        entries = post(kind, [budget.balance for budget in path], amount_micro)
        rows += [
            LedgerEntry(
                journal=journal,
                budget_id=entry.budget_id,
                account=entry.account.value,
                amount_micro=entry.amount_micro,
                before_micro=entry.before_micro,
                after_micro=entry.after_micro,
            )
            for entry in entries
        ]
        for entry in entries:
            budget = by_id[entry.budget_id]
            if entry.account in _COLUMN:
                setattr(budget, _COLUMN[entry.account], entry.after_micro)
            elif entry.account is Account.FUNDING:
                budget.limit_micro = -entry.after_micro
        source, target = MOVES[kind]
        for account, by_micro in ((source, -amount_micro), (target, amount_micro)):
            if account in _COLUMN:
                moved[_COLUMN[account]] = moved.get(_COLUMN[account], 0) + by_micro
            elif account is Account.FUNDING:
                moved["limit_micro"] = -by_micro
    LedgerEntry.objects.bulk_create(rows)
    # Every level of a path moves by the same amounts.
    Budget.objects.filter(pk__in=by_id).update(**{column: F(column) + by_micro for column, by_micro in moved.items()})
    return journals
