"""The tree of budgets, the holds on it, and the append-only ledger."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.db.models.functions import Left, Length

from governance.domain.errors import NoBudget
from governance.domain.money.ledger import Account, Balance, JournalKind
from governance.domain.money.money import CURRENCY
from governance.domain.states.money import HOLD_LIFE, HoldState
from governance.models.base import LockingQuerySet, Moving, amount_check, amount_field, choices_check
from governance.models.people.people import Person, Project, Team, User
from governance.models.requests.provisioning import ProvisioningRequest
from governance.models.visibility import Visibility


class BudgetQuerySet(LockingQuerySet["Budget"]):
    def lock_path(self, budget_id: int) -> list[Budget]:
        """The budget and all its ancestors `FOR NO KEY UPDATE`, leaf first.

        Locked in id order whatever the tree looks like, so that two submitters cannot wait for each other.

        Raises:
            NoBudget: no such budget.
        """
        leaf = self.filter(pk=budget_id).first()
        if leaf is None:
            raise NoBudget(f"budget `{budget_id}` does not exist", budget=budget_id)
        return self.lock_path_of(leaf)

    def lock_path_of(self, leaf: Budget) -> list[Budget]:
        """`lock_path` of a budget that was read without a lock: its place in the tree stays, its balances may not."""
        ids = leaf.path_ids
        # Evaluated in id order: PostgreSQL locks rows in the order in which the sorted scan returns them.
        rows = {budget.pk: budget for budget in self.locked().filter(pk__in=ids).order_by("pk")}
        return [rows[pk] for pk in reversed(ids)]

    def visible_to(self, visibility: Visibility) -> BudgetQuerySet:
        """Budgets of the teams and projects that this person sees, those that they own, and what lies below these."""
        if visibility.sees_all:
            return self
        owned = Budget.objects.filter(owner_id=visibility.person_id, path=Left(OuterRef("path"), Length("path")))
        return self.filter(
            Q(team_id__in=visibility.team_ids) | Q(project_id__in=visibility.project_ids) | Q(Exists(owned))
        )


def _one_at_a_time(scope: str) -> ExclusionConstraint:
    period = Func("period_start", "period_end", function="tstzrange", output_field=DateTimeRangeField())
    return ExclusionConstraint(
        name=f"budget_one_per_{scope}_at_a_time",
        expressions=[(scope, RangeOperators.EQUAL), (period, RangeOperators.OVERLAPS)],
        condition=Q(**{f"{scope}__isnull": False}),
        violation_error_message=f"the {scope} has a budget for a part of this period already",
    )


class Budget(models.Model):
    """Money for a team or project in a half-open period. Cached balances equal the sum of the ledger's entries.

    Invariant: held + committed + spent never exceeds the limit; one budget pays for a team or project at any instant.
    """

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="budgets")
    project = models.ForeignKey(Project, models.PROTECT, null=True, blank=True, related_name="budgets")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = models.CharField(max_length=200, editable=False, default="")
    owner = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="budgets_owned")
    currency = models.CharField(max_length=3, default=CURRENCY)
    time_zone = models.CharField(max_length=64, default="UTC")
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    may_be_overallocated = models.BooleanField(
        default=False, help_text="The limits of the budgets directly below may together exceed this budget's limit."
    )
    limit_micro = amount_field(default=0)
    held_micro = amount_field(default=0)
    committed_micro = amount_field(default=0)
    spent_micro = amount_field(default=0)

    objects = BudgetQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["path"]
        constraints: ClassVar = [
            *amount_check("budget", "limit_micro", "held_micro", "committed_micro", "spent_micro"),
            models.CheckConstraint(
                condition=Q(limit_micro__gte=F("held_micro") + F("committed_micro") + F("spent_micro")),
                name="budget_promises_within_limit",
                violation_error_message="what is held, committed and spent may not exceed the limit",
            ),
            models.CheckConstraint(
                condition=Q(team__isnull=True) ^ Q(project__isnull=True),
                name="budget_one_scope",
                violation_error_message="a budget belongs to a team or to a project",
            ),
            models.CheckConstraint(
                condition=Q(period_end__gt=F("period_start")),
                name="budget_period",
                violation_error_message="the end of a period lies after its start",
            ),
            _one_at_a_time("team"),
            _one_at_a_time("project"),
            models.CheckConstraint(
                condition=Q(currency=CURRENCY),
                name="budget_currency_usd",
                violation_error_message="budgets are kept in USD until dated exchange rates exist",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def path_ids(self) -> list[int]:
        """Ids from the root budget to this one."""
        return [int(part) for part in self.path.split(".") if part]

    @property
    def balance(self) -> Balance:
        return Balance(self.pk, self.name, self.limit_micro, self.held_micro, self.committed_micro, self.spent_micro)

    @property
    def headroom_micro(self) -> int:
        return self.balance.headroom_micro


class BudgetHold(Moving):
    """Money set aside for one request on a budget and all its ancestors, until it is resolved once."""

    provisioning_request = models.ForeignKey(ProvisioningRequest, models.PROTECT, related_name="holds")
    budget = models.ForeignKey(Budget, models.PROTECT, related_name="holds")
    amount_micro = amount_field()
    state = models.CharField(max_length=10, default=HoldState.OPEN.value)
    placed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    life = HOLD_LIFE
    objects = LockingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-placed_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provisioning_request"],
                condition=Q(state=HoldState.OPEN.value),
                name="hold_one_open_per_request",
                violation_error_message="a request has one open hold",
            ),
            choices_check("hold", "state", HoldState),
            models.CheckConstraint(
                condition=Q(state=HoldState.OPEN.value, resolved_at__isnull=True)
                | (~Q(state=HoldState.OPEN.value) & Q(resolved_at__isnull=False)),
                name="hold_resolved_once",
                violation_error_message="a resolved hold says when, an open one does not",
            ),
            *amount_check("hold", "amount_micro"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], condition=Q(state=HoldState.OPEN.value), name="hold_open_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"hold for {self.provisioning_request}"

    @property
    def is_open(self) -> bool:
        return self.state == HoldState.OPEN


class LedgerJournal(models.Model):
    """One movement of money, on one or more budgets. Append-only; `key` makes it happen once."""

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=10)
    provisioning_request = models.ForeignKey(
        ProvisioningRequest, models.PROTECT, null=True, blank=True, related_name="journals"
    )
    actor = models.ForeignKey(User, models.PROTECT, related_name="journals")
    posted_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-posted_at", "-id"]
        constraints: ClassVar = [choices_check("journal", "kind", JournalKind)]

    def __str__(self) -> str:
        return self.key


class LedgerEntry(models.Model):
    """One side of a movement, with the balance before and after it. Append-only; a journal's entries sum to zero."""

    journal = models.ForeignKey(LedgerJournal, models.PROTECT, related_name="entries")
    budget = models.ForeignKey(Budget, models.PROTECT, related_name="entries")
    account = models.CharField(max_length=10)
    amount_micro = models.BigIntegerField()
    before_micro = models.BigIntegerField()
    after_micro = models.BigIntegerField()

    class Meta:
        ordering: ClassVar = ["journal", "id"]
        verbose_name_plural = "ledger entries"
        constraints: ClassVar = [
            choices_check("entry", "account", Account),
            models.CheckConstraint(
                condition=Q(after_micro=F("before_micro") + F("amount_micro")),
                name="entry_balances_follow",
                violation_error_message="the balance after is the balance before plus the amount",
            ),
            models.UniqueConstraint(fields=["journal", "budget", "account"], name="entry_once_per_account"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_micro} on {self.account}"
