"""A budget's owner is told of the highest line, once, and again only after the budget was well below it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from governance.channels import email as emails
from governance.channels.email.letters import Moot
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import Alert, Budget, Flag
from governance.selectors.money.crossings import crossing_of, level_of
from governance.services.money import crossings
from tests.cast import NOW, Cast, submitted
from tests.concurrency.crowd import at_once


@pytest.fixture
def cast(cast: Cast) -> Cast:
    Budget.objects.update(owner=cast.carol.person)
    return cast


def promised(cast: Cast, usd: int) -> Budget:
    Budget.objects.filter(pk=cast.budget.pk).update(committed_micro=usd * MICRO_PER_UNIT)
    return Budget.objects.get(pk=cast.budget.pk)


@pytest.mark.parametrize(("usd", "level"), [(15_999, None), (16_000, 80), (17_999, 80), (18_000, 90), (20_000, 100)])
def test_a_line_is_reached_exactly_at_its_share(cast: Cast, usd: int, level: int | None) -> None:
    assert level_of(promised(cast, usd), now=NOW) == level


def test_only_the_highest_line_is_told_and_each_once(cast: Cast) -> None:
    promised(cast, 18_500)
    assert crossings.sweep_budgets(now=NOW) == 1
    assert crossings.sweep_budgets(now=NOW) == 0
    assert Flag.objects.get().data["level"] == 90
    promised(cast, 16_500)
    assert crossings.sweep_budgets(now=NOW) == 0
    promised(cast, 20_000)
    assert crossings.sweep_budgets(now=NOW) == 1
    assert list(Flag.objects.filter(closed_at=None).values_list("data__level", flat=True)) == [100]
    assert Alert.objects.filter(kind="budget_threshold").count() == 2


def test_it_is_told_anew_after_the_budget_was_well_below(cast: Cast) -> None:
    promised(cast, 16_500)
    assert crossings.sweep_budgets(now=NOW) == 1
    for usd, news in ((15_500, 0), (16_500, 0), (14_900, 0), (16_500, 1)):
        promised(cast, usd)
        assert crossings.sweep_budgets(now=NOW) == news, usd
    assert list(Flag.objects.order_by("pk").values_list("data__generation", flat=True)) == [0, 1]
    assert Flag.objects.filter(closed_at=None).count() == 1


def test_a_flag_that_somebody_closed_is_not_raised_again_by_the_next_look(cast: Cast) -> None:
    promised(cast, 16_500)
    crossings.sweep_budgets(now=NOW)
    Flag.objects.update(closed_at=NOW, closed_by=cast.carol, close_reason="seen")
    assert crossings.sweep_budgets(now=NOW) == 0


@pytest.mark.django_db(transaction=True)
def test_eight_sweeps_at_once_tell_one_crossing_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: the budget's lock, under which the last flag is read again."""
    from governance.services.record import jobs
    from tests.unit.services.messages.test_sweeps import AlwaysAlone

    promised(cast, 18_500)
    monkeypatch.setattr(jobs, "alone", AlwaysAlone)
    results = at_once([partial(crossings.sweep_budgets, now=NOW) for _ in range(8)])
    assert sorted(results) == [0] * 7 + [1]
    assert Flag.objects.filter(kind="budget_threshold").count() == 1
    assert Alert.objects.filter(kind="budget_threshold").count() == 1


def test_a_forecast_above_the_limit_names_the_days_between_which_it_is_used_up(cast: Cast) -> None:
    now = cast.budget.period_start + timedelta(days=100)
    Budget.objects.filter(pk=cast.budget.pk).update(spent_micro=7_000 * MICRO_PER_UNIT)
    budget = Budget.objects.get(pk=cast.budget.pk)
    found = crossing_of(budget, now=now)
    assert found is not None
    assert (found.level, found.is_forecast) == (100, True)
    assert found.forecast_ratio == pytest.approx(7_000 * 365 / 100 / 20_000)
    # 70 USD a day leave 13,000 USD for 185.7 days.
    assert found.earliest is not None
    assert (found.earliest - now).days == 185


def test_too_little_data_shows_no_forecast(cast: Cast) -> None:
    now = cast.budget.period_start + timedelta(days=59)
    Budget.objects.filter(pk=cast.budget.pk).update(spent_micro=10_000 * MICRO_PER_UNIT)
    assert level_of(Budget.objects.get(pk=cast.budget.pk), now=now) is None


def test_mail_7_names_the_share_the_causes_and_what_to_do(cast: Cast) -> None:
    submitted(cast, title="Ablations")
    promised(cast, 17_000)
    crossings.sweep_budgets(now=NOW)
    alert = Alert.objects.select_related("recipient").get(kind="budget_threshold")
    message = emails.compose(alert, now=NOW)
    assert alert.recipient == cast.carol.person
    assert message.subject == "Long context: 90 % of 20 k USD spent, committed or held"
    text = str(message.body)
    assert "REQ-0001 Ablations, 1,000\N{NO-BREAK SPACE}USD held" in text
    assert "Forecast: not enough data yet" in text
    assert "What you can do: raise the limit" in text
    promised(cast, 1_000)
    crossings.sweep_budgets(now=NOW)
    with pytest.raises(Moot):
        emails.compose(alert, now=NOW)
