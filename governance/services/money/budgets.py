"""Moves money on the tree of budgets: all levels of a path or none, always as a journal of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Sum

from governance.display import dates
from governance.domain import prose
from governance.domain.errors import InvalidInput, TooManyUndecided
from governance.domain.limits import (
    BUDGET_DEPTH_MAX,
    HOLD_DAYS_MAX,
    UNDECIDED_HOLDS_PER_PERSON_MAX,
    UNDECIDED_HOLDS_PER_PROJECT_MAX,
)
from governance.domain.money.ledger import MOVES, Account, JournalKind, post
from governance.domain.money.money import AMOUNT_MICRO_MAX
from governance.domain.states.money import HoldEvent, HoldState
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
from governance.models.base import move_all
from governance.selectors.money import crossings
from governance.selectors.people.duties import require_duty
from governance.services.record import audit

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
    may_be_overallocated: bool = False,
) -> Budget:
    """Add a budget below `parent` and put its limit into it.

    Args:
        may_be_overallocated: whether the limits of budgets below may together exceed this one's.

    Raises:
        NotAllowed: the actor may not keep budgets.
        InvalidInput: the amount is out of range, the tree too deep, the period not within the parent's, the team or
            project has a budget for a part of it already, or the parent's limit does not cover its children's.
    """
    require_duty(actor, "budgets", now=now)
    # Lock. What else lies below the parent is read under its lock; the scope's own budgets are kept by a constraint.
    parent = Budget.objects.lock(parent.pk) if parent else None
    if not 0 <= limit_micro <= AMOUNT_MICRO_MAX:
        raise InvalidInput({"limit_micro": [f"`{limit_micro}` must be between 0 and {AMOUNT_MICRO_MAX}"]})
    for field, instant in (("period_start", period_start), ("period_end", period_end)):
        if utc_instant(instant) is None:
            raise InvalidInput({field: [f"`{instant:%Y-%m-%d}` is not a day from {YEAR_MIN} to {YEAR_MAX}"]})
    if parent and len(parent.path_ids) >= BUDGET_DEPTH_MAX:
        raise InvalidInput({"parent": [f"budgets nest at most {BUDGET_DEPTH_MAX} deep"]})
    if parent and not (parent.period_start <= period_start and period_end <= parent.period_end):
        raise InvalidInput({"period_start": [f"the period must lie within that of `{parent.name}`"]})
    if parent:
        _refuse_overallocation(parent, added_micro=limit_micro)
    budget = Budget(
        slug=slug, name=name, team=team, project=project, parent=parent, owner=owner, time_zone=time_zone,
        period_start=period_start, period_end=period_end, may_be_overallocated=may_be_overallocated,
    )  # fmt: skip
    try:
        with transaction.atomic():
            budget.save()
    except IntegrityError:
        _refuse_second(budget)
        raise InvalidInput({"slug": [f"`{slug}` is taken already: choose another short name"]}) from None
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
        InvalidInput: the amount is out of range, below what is held, committed and spent, below what the budgets under
            it have together, or above what the budget over it leaves.
    """
    require_duty(actor, "budgets", now=now)
    if not 0 <= limit_micro <= AMOUNT_MICRO_MAX:
        raise InvalidInput({"limit_micro": [f"`{limit_micro}` must be between 0 and {AMOUNT_MICRO_MAX}"]})
    budget, *above = Budget.objects.lock_path(budget_id)
    difference = limit_micro - budget.limit_micro
    if difference:
        _refuse_below_use(budget, limit_micro)
        if difference > 0 and above:
            _refuse_overallocation(above[0], added_micro=difference)
        if difference < 0:
            _refuse_overallocation(budget, limit_micro=limit_micro)
        count = LedgerJournal.objects.filter(key__startswith=f"fund:{budget.pk}:").count()
        move(JournalKind.FUND, [budget], difference, key=f"fund:{budget.pk}:{count}", actor=actor, now=now)
        audit.record("budget.funded", actor=actor, subject=budget, now=now, difference_micro=difference, reason=reason)
    return budget


@transaction.atomic(durable=True)
def allow_overallocation(
    *, budget_id: int, actor: User, may_be_overallocated: bool, reason: str, now: datetime
) -> Budget:
    """Say whether the limits of the budgets directly below may together exceed this budget's limit.

    Raises:
        NotAllowed: the actor may not keep budgets.
        InvalidInput: they exceed it already, so it cannot be forbidden.
    """
    require_duty(actor, "budgets", now=now)
    budget = Budget.objects.lock(budget_id)
    if budget.may_be_overallocated == may_be_overallocated:
        return budget
    budget.may_be_overallocated = may_be_overallocated
    _refuse_overallocation(budget, field="may_be_overallocated")
    budget.save(update_fields=["may_be_overallocated"])
    audit.record(
        "budget.allocation_changed", actor=actor, subject=budget, now=now, may_be_overallocated=may_be_overallocated,
        reason=reason,
    )  # fmt: skip
    return budget


def _refuse_second(budget: Budget) -> None:
    """Two budgets of one team or project at one instant would leave open which of them pays.

    Raises:
        InvalidInput: naming the one that is there.
    """
    if Budget.objects.filter(slug=budget.slug).exists():
        raise InvalidInput({"slug": [f"`{budget.slug}` is taken already: choose another short name"]})
    scope = "team" if budget.team_id else "project"
    same = Budget.objects.filter(**{scope: getattr(budget, scope)})
    first = same.filter(period_start__lt=budget.period_end, period_end__gt=budget.period_start).first()
    if first is not None:
        covered = dates.period(first.period_start, first.period_end)
        sentence = (
            f"`{first.name}` covers this {scope} from {covered} already, so `{budget.name}` cannot: "
            "raise the limit of the first or choose another period"
        )
        raise InvalidInput({"period_start": [sentence]})


def _refuse_below_use(budget: Budget, limit_micro: int) -> None:
    used_micro = budget.limit_micro - budget.headroom_micro
    if limit_micro < used_micro:
        largest = ", ".join(
            f"{hold.provisioning_request.reference} with {prose.money_to_the_cent(hold.amount_micro)}"
            for hold in crossings.causes_of(budget)
        )
        used = prose.money_to_the_cent(used_micro)
        sentence = f"{used} is held, committed and spent: the limit can be lowered to that at most"
        raise InvalidInput({"limit_micro": [f"{sentence}; the largest: {largest}" if largest else sentence]})


def _refuse_overallocation(
    parent: Budget, *, limit_micro: int | None = None, added_micro: int = 0, field: str = "limit_micro"
) -> None:
    """Keep the limits of the budgets directly below within their parent's, unless it says that they may exceed it.

    The caller holds the parent's lock, so no other child can appear or grow meanwhile.

    Args:
        limit_micro: the parent's limit to be; None for the one that it has.
        added_micro: what a child is about to gain.
    """
    if parent.may_be_overallocated:
        return
    limit_micro = parent.limit_micro if limit_micro is None else limit_micro
    below_micro = parent.children.aggregate(total=Sum("limit_micro"))["total"] or 0
    if below_micro + added_micro > limit_micro:
        sentence = f"the budgets below `{parent.name}` have {prose.money_to_the_cent(below_micro)} together"
        if added_micro:
            together = prose.money_to_the_cent(below_micro + added_micro)
            sentence += f", {prose.money_to_the_cent(added_micro)} more would make {together}"
        sentence += (
            f", and its limit is {prose.money_to_the_cent(limit_micro)}: lower theirs, raise its limit, or allow "
            f"`{parent.name}` to be over-allocated"
        )
        raise InvalidInput({field: [sentence]})


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
    hold.save()
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
    hold = _hold(request, path[0], amount_micro, now=now)
    hold.move(HoldEvent.CAPTURE)
    hold.resolved_at = now
    hold.save()
    moves = [(JournalKind.HOLD, _key_of_hold(request)), (JournalKind.CAPTURE, f"{JournalKind.CAPTURE}:{hold.pk}")]
    _post(moves, path, amount_micro, actor=actor, now=now, request=request)
    return hold


def _hold(request: ProvisioningRequest, budget: Budget, amount_micro: int, *, now: datetime) -> BudgetHold:
    return BudgetHold(
        provisioning_request=request,
        budget=budget,
        amount_micro=amount_micro,
        placed_at=now,
        expires_at=now + timedelta(days=HOLD_DAYS_MAX),
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
    open_holds = BudgetHold.objects.filter(state=HoldState.OPEN)
    of_person = open_holds.filter(provisioning_request__requester__person_id=request.requester.person_id).count()
    if of_person >= UNDECIDED_HOLDS_PER_PERSON_MAX:
        raise TooManyUndecided(
            f"{of_person} of your requests are in review, {UNDECIDED_HOLDS_PER_PERSON_MAX} may: "
            "withdraw one or wait for a decision",
            waiting=of_person,
        )
    of_project = open_holds.filter(provisioning_request__project=request.project).count()
    if of_project >= UNDECIDED_HOLDS_PER_PROJECT_MAX:
        raise TooManyUndecided(
            f"{of_project} requests of this project are in review, {UNDECIDED_HOLDS_PER_PROJECT_MAX} may",
            waiting=of_project,
        )


def resolve_hold(
    request: ProvisioningRequest,
    event: HoldEvent,
    *,
    actor: User,
    now: datetime,
    path: Sequence[Budget] | None = None,
) -> BudgetHold | None:
    """End the request's open hold once: captured by a grant, released by an answer, or expired.

    The caller holds the request's lock; the budgets are locked here, in id order, unless the caller did that.

    Returns:
        The hold, or None when the request had none open.
    """
    hold = BudgetHold.objects.filter(provisioning_request=request, state=HoldState.OPEN).first()
    if hold is None:
        return None
    path = path or Budget.objects.lock_path(hold.budget_id)
    # Invariant: rowcount 1 means that this transaction, and no other, resolves the hold.
    if move_all(BudgetHold.objects.filter(pk=hold.pk), event, resolved_at=now) != 1:
        return None
    kind = JournalKind.CAPTURE if event is HoldEvent.CAPTURE else JournalKind.RELEASE
    move(kind, path, hold.amount_micro, key=f"{kind}:{hold.pk}", actor=actor, now=now, request=request)
    hold.move(event)
    hold.resolved_at = now
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
