"""What every row here shares: locks that insist on a transaction, and one definition of each column type."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction

from governance.display import numbers
from governance.domain.errors import LockOutsideTransaction, NotFound
from governance.domain.money.money import AMOUNT_MICRO_MAX
from governance.domain.states.life import Life
from governance.policy.facts.facts import LIST_ITEMS_MAX, STRING_CHARS_MAX
from governance.policy.facts.facts_schema import FACTS_BY_NAME

RowT = TypeVar("RowT", bound=models.Model)


class LockingQuerySet(models.QuerySet[RowT]):
    """A queryset whose `lock` takes the row for this transaction, or says that it does not exist."""

    def locked(self) -> Self:
        """These rows `FOR NO KEY UPDATE`, joined rows left alone.

        Keys never change here, and rows that point at a locked one are written by others all the time: their foreign
        keys are checked at COMMIT, when the audit stream is locked already, and must not wait for this lock.

        Raises:
            LockOutsideTransaction: a lock that ends at once protects nothing.
        """
        if not transaction.get_connection(self.db).in_atomic_block:
            raise LockOutsideTransaction(f"lock {self.model.__name__} inside a transaction")
        return self.select_for_update(of=("self",), no_key=True)

    def lock(self, pk: int) -> RowT:
        """One row, locked as `locked` does.

        Raises:
            NotFound: no such row.
        """
        row = self.locked().filter(pk=pk).first()
        if row is None:
            raise NotFound(f"{self.model._meta.verbose_name} `{pk}` does not exist", id=pk)
        return row


class Moving(models.Model):
    """A row with a life: its state moves by the table of its life, and in no other way."""

    life: ClassVar[Life[Any, Any]]
    if TYPE_CHECKING:
        state: models.CharField[Any, Any]

    class Meta:
        abstract = True

    def move(self, event: StrEnum) -> None:
        """Set the state that follows from the event; the caller saves it.

        Raises:
            IllegalTransition: the event does not belong to the present state.
        """
        self.state = self.life.after(self.state, event).value


MovingT = TypeVar("MovingT", bound=Moving)


def move_all(rows: models.QuerySet[MovingT], event: StrEnum, **columns: Any) -> int:
    """Move those of the rows that the event can happen to, in one statement. How many moved.

    Args:
        event: leads to one state, from wherever it can happen.
        columns: what else is written on them.
    """
    life = rows.model.life
    return rows.filter(state__in=life.before(event)).update(state=life.to(event), **columns)


def amount_field(**options: Any) -> models.BigIntegerField[Any, Any]:
    """Micro-units of USD, 0 to `AMOUNT_MICRO_MAX`; the table adds the check constraint."""
    return models.BigIntegerField(validators=[MinValueValidator(0), MaxValueValidator(AMOUNT_MICRO_MAX)], **options)


def amount_check(table: str, *names: str) -> list[models.CheckConstraint]:
    """Constraints that keep amounts between 0 and the maximum, whoever writes them."""
    return [
        models.CheckConstraint(
            condition=models.Q(**{f"{name}__gte": 0, f"{name}__lte": AMOUNT_MICRO_MAX}),
            name=f"{table}_{name}_range",
            violation_error_message=f"{name} must be between 0 and {AMOUNT_MICRO_MAX} micro-units",
        )
        for name in names
    ]


# Read by PostgreSQL alone: a list of so many texts at most, none of them empty or too long for a fact.
_TEXTS = (
    'jsonb_path_exists(%(expressions)s, \'strict $ ? (@.type() == "array" && @.size() <= {items} && '
    '!exists(@[*] ? (@.type() != "string" || @ == "" || @ like_regex "^.{{{longest},}}$" flag "s")))\'::jsonpath)'
)


def texts_check(table: str, name: str) -> models.CheckConstraint:
    """Constraint: the JSON column holds a list of texts that can be a fact, within the bounds of the facts schema."""
    listed = models.Func(
        models.F(name),
        template=_TEXTS.format(items=LIST_ITEMS_MAX, longest=STRING_CHARS_MAX + 1),
        output_field=models.BooleanField(),
    )
    return models.CheckConstraint(
        condition=models.Q(listed),
        name=f"{table}_{name}_texts",
        violation_error_message=(
            f"{name} is a list of at most {LIST_ITEMS_MAX} texts of 1 to {STRING_CHARS_MAX} characters"
        ),
    )


def number_check(constraint: str, fact: str, *names: str, or_absent: tuple[str, ...] = ()) -> models.CheckConstraint:
    """Constraint: these columns lie within the range of a fact; NaN, which PostgreSQL puts above all, does not."""
    bounds = FACTS_BY_NAME[fact]
    condition = models.Q()
    for name in (*names, *or_absent):
        within = models.Q(**{f"{name}__gte": bounds.minimum, f"{name}__lte": bounds.maximum})
        condition &= within | models.Q(**{f"{name}__isnull": True}) if name in or_absent else within
    low, high = (numbers.typed(float(end or 0)) for end in (bounds.minimum, bounds.maximum))
    return models.CheckConstraint(
        condition=condition,
        name=constraint,
        violation_error_message=f"figures lie between {low} and {high}",
    )


def choices_check(table: str, name: str, values: Any) -> models.CheckConstraint:
    """Constraint: the column holds one of `values`."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{name}__in": [str(value) for value in values]}),
        name=f"{table}_{name}_known",
        violation_error_message=f"{name} is not a known value",
    )
