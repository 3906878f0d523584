"""Budgets: one pays at a time, children stay within their parent, limits are lowered to what is used at most."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from governance.domain.errors import InvalidInput, NotAllowed
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import AuditEvent, Budget, Project
from governance.services.money import budgets
from tests.cast import NOW, Cast, add_team, submitted

NBSP = "\N{NO-BREAK SPACE}"
YEAR = {"period_start": NOW - timedelta(days=30), "period_end": NOW + timedelta(days=335)}


def create(cast: Cast, slug: str = "second", usd: int = 1_000, **changes: Any) -> Budget:
    values: dict[str, Any] = {
        "slug": slug, "name": slug.capitalize(), "limit_micro": usd * MICRO_PER_UNIT, "project": cast.project,
        "parent": cast.root_budget, **YEAR,
    } | changes  # fmt: skip
    return budgets.create_budget(actor=cast.carol, now=NOW, **values)


def refused(caught: pytest.ExceptionInfo[InvalidInput], field: str) -> str:
    return caught.value.errors[field][0]


def test_a_second_budget_of_a_project_and_period_is_refused_with_both_names(cast: Cast) -> None:
    with pytest.raises(InvalidInput) as caught:
        create(cast, period_start=datetime(2027, 4, 1, tzinfo=UTC), period_end=datetime(2027, 5, 2, tzinfo=UTC))
    said = refused(caught, "period_start")
    assert said == (
        "`Long context` covers this project from 2\N{NO-BREAK SPACE}May 2026 to 2\N{NO-BREAK SPACE}May 2027 already, "
        "so `Second` cannot: raise the "
        "limit of the first or choose another period"
    )
    assert Budget.objects.count() == 2


def test_a_second_budget_of_a_team_is_refused_as_well(cast: Cast) -> None:
    with pytest.raises(InvalidInput) as caught:
        create(cast, project=None, team=cast.root, parent=None)
    assert "`Organisation` covers this team" in refused(caught, "period_start")


def test_a_period_that_begins_where_the_other_ends_is_fine(cast: Cast) -> None:
    later = create(
        cast, parent=None, period_start=YEAR["period_end"], period_end=YEAR["period_end"] + timedelta(days=9)
    )
    assert later.pk


def test_the_database_refuses_it_as_well(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Budget.objects.create(slug="behind", name="Behind", project=cast.project, **YEAR)


def test_a_short_name_is_taken_once(cast: Cast) -> None:
    with pytest.raises(InvalidInput) as caught:
        create(cast, "organisation", project=None, team=add_team("vision", cast.root))
    assert "taken already" in refused(caught, "slug")


def other_project(cast: Cast) -> Project:
    return Project.objects.create(slug="other", name="Other", team=cast.team, started_on=NOW.date())


def test_the_budgets_below_do_not_exceed_their_parent_together(cast: Cast) -> None:
    with pytest.raises(InvalidInput) as caught:
        create(cast, usd=980_001, project=other_project(cast))
    assert refused(caught, "limit_micro") == (
        f"the budgets below `Organisation` have 20,000.00{NBSP}USD together, 980,001.00{NBSP}USD more would make "
        f"1,000,001.00{NBSP}USD, and its limit is 1,000,000.00{NBSP}USD: lower theirs, raise its limit, or allow "
        "`Organisation` to be over-allocated"
    )
    assert create(cast, usd=980_000, project=Project.objects.get(slug="other")).pk


def test_raising_a_child_and_lowering_a_parent_obey_the_same_rule(cast: Cast) -> None:
    for budget, usd in ((cast.budget, 1_000_001), (cast.root_budget, 19_999)):
        with pytest.raises(InvalidInput) as caught:
            budgets.change_limit(
                budget_id=budget.pk, actor=cast.carol, limit_micro=usd * MICRO_PER_UNIT, reason="Tried", now=NOW
            )
        assert "over-allocated" in refused(caught, "limit_micro")


def test_over_allocation_is_a_stated_switch(cast: Cast) -> None:
    def switch(to: bool, actor: str = "carol") -> Budget:
        return budgets.allow_overallocation(
            budget_id=cast.root_budget.pk, actor=cast.users[actor], may_be_overallocated=to, reason="Oversold", now=NOW
        )

    with pytest.raises(NotAllowed):
        switch(True, "bob")
    switch(True)
    create(cast, usd=2_000_000, project=other_project(cast))
    with pytest.raises(InvalidInput) as caught:
        switch(False)
    assert "2,020,000.00" in refused(caught, "may_be_overallocated")
    assert AuditEvent.objects.filter(action="budget.allocation_changed").count() == 1


def test_a_limit_is_lowered_to_what_is_used_at_most(cast: Cast) -> None:
    """Case F09: the sentence says what is held, committed and spent, and what takes the most of it."""
    request = submitted(cast)
    with pytest.raises(InvalidInput) as caught:
        budgets.change_limit(
            budget_id=cast.budget.pk, actor=cast.carol, limit_micro=500 * MICRO_PER_UNIT, reason="Less", now=NOW
        )
    assert refused(caught, "limit_micro") == (
        f"1,000.00{NBSP}USD is held, committed and spent: the limit can be lowered to that at most; the largest: "
        f"{request.reference} with 1,000.00{NBSP}USD"
    )
    lowered = budgets.change_limit(
        budget_id=cast.budget.pk, actor=cast.carol, limit_micro=1_000 * MICRO_PER_UNIT, reason="Less", now=NOW
    )
    assert lowered.headroom_micro == 0


@pytest.mark.parametrize("limit", [-1, 10**30])
def test_a_limit_out_of_range_is_refused(cast: Cast, limit: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        budgets.change_limit(budget_id=cast.budget.pk, actor=cast.carol, limit_micro=limit, reason="Odd", now=NOW)
    assert "must be between" in refused(caught, "limit_micro")
