"""What must hold in the house after anything that happened, and what it looks like, to compare before and after."""

from __future__ import annotations

from functools import cache

from django.db import connection
from django.db.models import Sum

from governance.domain.money.ledger import Account
from governance.models import (
    ApprovalStage,
    Budget,
    BudgetHold,
    Grant,
    LedgerEntry,
    ProvisioningRequest,
    RequestRevision,
)
from governance.services.record import audit


def fingerprint() -> dict[str, tuple[int, int]]:
    """Row count and content hash of every table of ours."""
    return _of_every_table("sum(hashtextextended(t::text, 0))")


def row_versions() -> dict[str, tuple[int, int]]:
    """Row count and the sum of the transactions that wrote the rows, of every table of ours.

    As sharp as `fingerprint` and a quarter of its price, for a test that looks after every statement: whatever is
    written raises the sum or changes the count. A row that was written again as it was counts as changed.
    """
    return _of_every_table("sum(t.xmin::text::bigint)")


def _of_every_table(total: str) -> dict[str, tuple[int, int]]:
    with connection.cursor() as cursor:
        # In one statement: tests look after every single statement of what they break.
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', count(*), coalesce({total}, 0) FROM \"{table}\" t" for table in _tables()
            )
        )
        return {table: (count, int(found)) for table, count, found in cursor.fetchall()}


@cache
def _tables() -> tuple[str, ...]:
    """The same in every copy of every template."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
    return tuple(name for name in names if name.startswith(("governance_", "estimator_", "knox_")))


def broken_promises() -> list[str]:
    """Every invariant that does not hold, as a sentence."""
    problems = audit.verify()
    for budget in Budget.objects.all():
        sums = dict(
            LedgerEntry.objects.filter(budget=budget)
            .values_list("account")
            .annotate(total=Sum("amount_micro"))
            .values_list("account", "total")
        )
        for account in Account:
            if sums.get(account.value, 0) != budget.balance.of(account):
                problems.append(
                    f"{budget}: {account} is {budget.balance.of(account)}, its entries say {sums.get(account.value, 0)}"
                )
        if budget.headroom_micro < 0:
            problems.append(f"{budget} is overdrawn by {-budget.headroom_micro}")
    for request in ProvisioningRequest.objects.all():
        problems += _request_problems(request)
    for journal, total in LedgerEntry.objects.values_list("journal").annotate(total=Sum("amount_micro")):
        if total:
            problems.append(f"journal {journal} sums to {total}")
    return problems


def _request_problems(request: ProvisioningRequest) -> list[str]:
    problems = []
    holds = set(BudgetHold.objects.filter(provisioning_request=request).values_list("state", flat=True))
    open_stages = ApprovalStage.objects.filter(provisioning_request=request, state__in=("open", "waiting")).count()
    grants = Grant.objects.filter(provisioning_request=request).count()
    if request.state == "in_review" and not ("open" in holds and open_stages):
        problems.append(f"{request} is in review without a hold or a stage")
    if request.state != "in_review" and ("open" in holds or open_stages):
        problems.append(f"{request} is {request.state} with an open hold or stage")
    if (request.state == "granted") != (grants == 1):
        problems.append(f"{request} is {request.state} with {grants} grants")
    if request.revision_count != RequestRevision.objects.filter(provisioning_request=request).count():
        problems.append(f"{request} counts {request.revision_count} revisions")
    return problems
