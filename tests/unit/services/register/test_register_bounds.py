"""A register keeps what can be a fact, and nothing else: services say why not, the database does not take it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from governance.domain.errors import InvalidInput
from governance.domain.requests.registers import gaps_in_words, problem_of, register_of
from governance.models import ModelLineage, Person, Project, Provider, Team
from governance.policy.facts.facts_schema import FACTS, SCHEMA
from governance.selectors.people.duties import DUTIES
from governance.selectors.people.people import system_actor
from governance.services.money import budgets
from governance.services.people import people
from governance.services.register import catalogue, register
from tests.cast import NOW, Cast

BAD_TEXTS: list[Any] = [
    ["x" * 201], ["x" * 1_999], [""], ["  "], ["a\0b"], ["\ud800"], [f"t{n}" for n in range(101)],
    [f"t{n}" for n in range(400)], [5], [None], [["a"]],
]  # fmt: skip


def refused(field: str, act: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput) as error:
        act()
    assert set(error.value.errors) == {field}


def test_a_person_has_trainings_that_can_be_facts(cast: Cast) -> None:
    actor, alice = system_actor(), cast.alice.person
    known = {
        "name": "Alice", "team": cast.team, "country": "IE", "requester_type": "employee", "job_title": "",
        "time_zone": "UTC", "is_active": True, "is_staff": False,
    }  # fmt: skip
    for trainings in BAD_TEXTS:
        refused(
            "trainings",
            lambda given=trainings: people.change_person(
                actor=actor, person_id=alice.pk, now=NOW, trainings=given, **known
            ),
        )
    assert Person.objects.get(pk=alice.pk).trainings == []
    people.change_person(actor=actor, person_id=alice.pk, now=NOW, trainings=["b", "a", "a"], **known)
    assert Person.objects.get(pk=alice.pk).trainings == ["a", "b"]
    hundred = [f"t{n}" for n in range(100)]
    people.change_person(actor=actor, person_id=alice.pk, now=NOW, trainings=hundred, **known)


def test_a_provider_has_certifications_and_a_review_that_can_be_facts(cast: Cast) -> None:
    provider = Provider.objects.get(slug="coreweave")

    def change(**changes: Any) -> None:
        values = {
            "name": "CoreWeave", "provider_type": "specialist", "hq_country": "US", "is_approved": True,
            "has_data_processing_agreement": True, "terms_reviewed_on": None, "certifications": [],
        }  # fmt: skip
        register.change_provider(actor=system_actor(), provider_id=provider.pk, now=NOW, **values | changes)

    for certifications in BAD_TEXTS:
        refused("certifications", lambda given=certifications: change(certifications=given))
    for day in (date(1, 1, 1), date(1700, 1, 1), date(1999, 12, 31)):
        refused("terms_reviewed_on", lambda given=day: change(terms_reviewed_on=given))
    change(certifications=["iso27001"], terms_reviewed_on=date(2026, 1, 1))


def test_the_compute_of_a_lineage_can_be_a_fact(cast: Cast) -> None:
    actor = system_actor()
    lineage = register.register_lineage(actor=actor, slug="aurora", name="Aurora", owner=cast.bob.person, now=NOW)
    fields = ("base_model_flop", "direct_flop_p50", "direct_flop_p90", "cumulative_flop_p50", "cumulative_flop_p90")
    for field in fields:
        for value in (float("nan"), float("inf"), -1.0, 1e33, 10**400, True, "1e20"):
            given: Any = {field: value}
            refused(
                field,
                lambda given=given: register.change_lineage(
                    actor=actor, lineage_id=lineage.pk, now=NOW, name="Aurora", owner=cast.bob.person, **given
                ),
            )


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1999, 12, 31), date(2200, 1, 1), date(9999, 12, 31)])
def test_days_are_those_of_the_facts(cast: Cast, day: date) -> None:
    actor = system_actor()
    refused(
        "started_on",
        lambda: people.create_project(actor=actor, slug="p", name="P", team=cast.team, started_on=day, now=NOW),
    )
    at = datetime(day.year, day.month, day.day, tzinfo=NOW.tzinfo)
    for field, period in (("period_start", (at, NOW)), ("period_end", (NOW, at))):
        refused(
            field,
            lambda period=period: budgets.create_budget(
                actor=actor, slug="b", name="B", limit_micro=1, team=cast.team, now=NOW, period_start=period[0],
                period_end=period[1],
            ),
        )  # fmt: skip
    with pytest.raises(InvalidInput):
        catalogue.publish_own_price(
            actor=actor, provider="coreweave", accelerator="h100-sxm5-80gb", price_term="on_demand",
            usd_per_gpu_hour=Decimal(1), effective_from=day, source="contract", now=NOW,
        )  # fmt: skip


def test_a_short_name_is_as_short_as_its_column(cast: Cast) -> None:
    actor = system_actor()
    refused(
        "slug",
        lambda: register.set_purpose(actor=actor, slug="p" * 61, name="Long", is_offered=True, now=NOW),
    )
    register.set_purpose(actor=actor, slug="p" * 60, name="Long", is_offered=True, now=NOW)


@pytest.mark.parametrize("nothing", [None, "", "   "])
def test_a_team_without_a_cost_centre_has_none(cast: Cast, nothing: str | None) -> None:
    actor = system_actor()
    team = people.create_team(actor=actor, slug="new", name="New", parent=cast.root, cost_centre=nothing, now=NOW)
    assert Team.objects.get(pk=team.pk).cost_centre is None
    people.change_team(actor=actor, team_id=team.pk, name="New", cost_centre=" 4100 ", now=NOW)
    assert Team.objects.get(pk=team.pk).cost_centre == "4100"
    people.change_team(actor=actor, team_id=team.pk, name="New", cost_centre=nothing, now=NOW)
    assert Team.objects.get(pk=team.pk).cost_centre is None


def test_the_database_takes_nothing_else_whoever_writes(cast: Cast) -> None:
    lineage = ModelLineage.objects.create(slug="l", name="L", owner=cast.bob.person)
    alice, provider = cast.alice.person, Provider.objects.get(slug="coreweave")
    attempts: list[tuple[models.Model, dict[str, Any]]] = [
        (cast.team, {"cost_centre": ""}),
        *[
            (row, {field: value})
            for row, field in ((alice, "trainings"), (provider, "certifications"))
            for value in ([f"t{n}" for n in range(101)], ["x" * 201], ["x\n" * 150], [""], [5], [None], {}, "aup", 5)
        ],
        *[
            (lineage, {field: value})
            for field in ("base_model_flop", "direct_flop_p50", "direct_flop_p90", "cumulative_flop_p50",
                          "cumulative_flop_p90")
            for value in (float("nan"), float("inf"), -1.0, 1e33)
        ],
    ]  # fmt: skip
    for row, values in attempts:
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row)._default_manager.filter(pk=row.pk).update(**values)
    Person.objects.filter(pk=alice.pk).update(trainings=["x" * 200] + [f"t{n}" for n in range(99)])
    ModelLineage.objects.filter(pk=lineage.pk).update(base_model_flop=1e32)


def test_every_fact_has_a_register_that_somebody_keeps() -> None:
    for fact in FACTS:
        assert register_of(fact.name).duty in DUTIES
        assert register_of(fact.name).words
    assert gaps_in_words({"people.trainings_valid": problem_of("people.trainings_valid", ["x"] * 400) or ""}) == [
        "The trainings of the requester cannot be read: it has 400 items: must have at most 100 items"
    ]
    assert SCHEMA.by_name.keys() >= {"budget.cost_centre"}
    assert Project._meta.get_field("started_on") is not None
