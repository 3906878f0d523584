"""A register keeps what can be a fact, and nothing else: services say why not, the database does not take it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

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
from tests.plugins.servers import SERVERS

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


@pytest.mark.django_db(transaction=True)
def test_what_lay_outside_is_trimmed_when_an_installation_is_upgraded(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows as they were kept before the bounds: what no rule could read is gone, and nothing becomes milder."""
    trim = import_module("governance.migrations.0015_register_bounds").trim
    project, provider, alice = cast.project, Provider.objects.get(slug="coreweave"), cast.alice.person
    lineages = {
        name: ModelLineage.objects.create(slug=name, name=name, owner=cast.bob.person, **figures)
        for name, figures in (("within", {"base_model_flop": 1e25, "direct_flop_p90": 2e24}), ("outside", {}))
    }
    bounds = {
        "team_cost_centre_said": Team,
        "person_trainings_texts": Person,
        "provider_certifications_texts": Provider,
        "lineage_flop_range": ModelLineage,
    }
    # Only the owner of the tables may take their constraints away.
    owner = psycopg.connect(SERVERS.url("postgres", connection.settings_dict["NAME"]), autocommit=True)
    rows = owner.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = ANY(%s)", [list(bounds)]
    ).fetchall()
    assert {name for name, _ in rows} == set(bounds)
    for name, model in bounds.items():
        owner.execute(f"ALTER TABLE {model._meta.db_table} DROP CONSTRAINT {name}")
    long_lists = ["kept", "x" * 1_999, "", 5, None, *(f"t{number}" for number in range(400))]
    Team.objects.filter(pk=cast.team.pk).update(cost_centre="")
    Person.objects.filter(pk=alice.pk).update(trainings=long_lists)
    Person.objects.filter(pk=cast.bob.person_id).update(trainings={"aup": True})
    Person.objects.filter(pk=cast.carol.person_id).update(trainings=["export", "aup"])
    Provider.objects.filter(pk=provider.pk).update(
        certifications=["iso27001"] * 101, terms_reviewed_on=date(1700, 1, 1)
    )
    another = Provider.objects.create(
        slug="another", name="Another", provider_type="specialist", hq_country="US", terms_reviewed_on=date(9999, 1, 1)
    )
    Project.objects.filter(pk=project.pk).update(started_on=date(9999, 12, 31))
    ModelLineage.objects.filter(pk=lineages["outside"].pk).update(
        base_model_flop=float("nan"), direct_flop_p50=-1.0, direct_flop_p90=float("inf"),
        cumulative_flop_p50=float("nan"), cumulative_flop_p90=1e33,
    )  # fmt: skip

    with caplog.at_level("WARNING"):
        trim(apps, None)

    assert Team.objects.get(pk=cast.team.pk).cost_centre is None
    assert Person.objects.get(pk=alice.pk).trainings == ["kept", *(f"t{number}" for number in range(99))]
    assert Person.objects.get(pk=cast.bob.person_id).trainings == []
    assert Person.objects.get(pk=cast.carol.person_id).trainings == ["export", "aup"]
    provider.refresh_from_db()
    # A review as old as can be said is one that every rule finds too old.
    assert (provider.certifications, provider.terms_reviewed_on) == (["iso27001"] * 100, date(2000, 1, 1))
    another.refresh_from_db()
    assert another.terms_reviewed_on is None
    assert Project.objects.get(pk=project.pk).started_on == date(2199, 12, 31)
    outside = ModelLineage.objects.get(pk=lineages["outside"].pk)
    assert (outside.base_model_flop, outside.direct_flop_p50) == (None, 0.0)
    assert {outside.direct_flop_p90, outside.cumulative_flop_p50, outside.cumulative_flop_p90} == {1e32}
    within = ModelLineage.objects.get(pk=lineages["within"].pk)
    assert (within.base_model_flop, within.direct_flop_p90) == (1e25, 2e24)
    said = [record.getMessage() for record in caplog.records if "outside the bounds" in record.getMessage()]
    assert {each.partition(":")[0] for each in said} == {
        f"modellineage {outside.pk}", f"person {alice.pk}", f"person {cast.bob.person_id}", f"project {project.pk}",
        f"provider {provider.pk}", f"provider {another.pk}",
    }  # fmt: skip
    assert not [each for each in said if "Alice" in each or "kept" in each], "the log names rows, not what they hold"
    # What is left is within the bounds: the database takes them again.
    for name, definition in rows:
        owner.execute(f"ALTER TABLE {bounds[name]._meta.db_table} ADD CONSTRAINT {name} {definition}")
    owner.close()


def test_every_fact_has_a_register_that_somebody_keeps() -> None:
    for fact in FACTS:
        assert register_of(fact.name).duty in DUTIES
        assert register_of(fact.name).words
    assert gaps_in_words({"people.trainings_valid": problem_of("people.trainings_valid", ["x"] * 400) or ""}) == [
        "The trainings of the requester cannot be read: it has 400 items: must have at most 100 items"
    ]
    assert SCHEMA.by_name.keys() >= {"budget.cost_centre"}
    assert Project._meta.get_field("started_on") is not None
