"""Who there is: each change by the right hands, written once and in the log."""

from __future__ import annotations

import pytest

from governance.domain.errors import InvalidInput, NotAllowed
from governance.models import AuditEvent, Person, Team, User
from governance.services.people import people
from governance.services.record import audit
from tests.admin.cast import NOW, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(template_desk: Cast) -> Cast:
    return template_desk


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("seq").values_list("action", flat=True))


def test_a_team_stands_below_its_parent_and_in_the_log(cast: Cast) -> None:
    team = people.create_team(actor=cast.ada, slug="vision-lab", name=" Vision lab ", parent=cast.research, now=NOW)
    assert team.path == f"{cast.research.path}{team.pk}."
    assert team.name == "Vision lab"
    assert actions()[-1] == "team.created"
    assert audit.verify() == []


@pytest.mark.parametrize("who", ["alice", "bob", "erin", "finn"])
def test_only_those_who_keep_people_change_them(cast: Cast, who: str) -> None:
    before = Team.objects.count(), AuditEvent.objects.count()
    with pytest.raises(NotAllowed, match="administrator"):
        people.create_team(actor=getattr(cast, who), slug="mine", name="Mine", parent=cast.root, now=NOW)
    assert (Team.objects.count(), AuditEvent.objects.count()) == before


def test_a_superuser_keeps_people(cast: Cast) -> None:
    people.create_project(actor=cast.people["root"], slug="new-one", name="New", team=cast.research, now=NOW)
    assert actions()[-1] == "project.created"


@pytest.mark.parametrize(
    ("slug", "name", "field"),
    [
        ("research", "Taken", "slug"),
        ("Has Space", "Malformed", "slug"),
        ("fine", " ", "name"),
        ("fine", "a\x00b", "name"),
    ],
)
def test_a_team_that_cannot_be_is_refused_by_field(cast: Cast, slug: str, name: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        people.create_team(actor=cast.ada, slug=slug, name=name, parent=cast.root, now=NOW)
    assert list(caught.value.errors) == [field]


def test_all_mistakes_are_named_at_once(cast: Cast) -> None:
    with pytest.raises(InvalidInput) as caught:
        people.add_person(
            actor=cast.ada, name="", email="not an address", team=cast.root, country="Ireland", now=NOW,
            requester_type="robot", time_zone="Mars/Base",
        )  # fmt: skip
    assert {"name", "email", "country", "requester_type", "time_zone"} == set(caught.value.errors)
    assert not Person.objects.filter(name="").exists()


def test_an_address_belongs_to_one_person_whatever_its_case(cast: Cast) -> None:
    with pytest.raises(InvalidInput, match="belongs to another account"):
        people.add_person(actor=cast.ada, name="A", email="ALICE@Example.org", team=cast.root, country="IE", now=NOW)


def test_a_person_comes_with_an_account_and_no_name_enters_the_log(cast: Cast) -> None:
    user = people.add_person(
        actor=cast.ada, name="Nils Berg", email="nils@example.org", team=cast.root, country="SE", now=NOW
    )
    assert user.person.name == "Nils Berg"
    assert not user.has_usable_password()
    event = AuditEvent.objects.latest("seq")
    assert event.action == "person.added"
    assert "Nils" not in str(event.data)
    assert "nils" not in str(event.data)


def change(cast: Cast, who: User, **changes: object) -> Person:
    person = who.person
    values = {
        "name": person.name, "team": person.team, "country": person.country, "requester_type": person.requester_type,
        "job_title": person.job_title, "time_zone": person.time_zone, "is_active": True, "is_staff": True,
    }  # fmt: skip
    return people.change_person(actor=cast.ada, person_id=person.pk, now=NOW, **{**values, **changes})  # type: ignore[arg-type]


def test_switching_a_person_off_switches_off_every_account(cast: Cast) -> None:
    robot = people.add_service_account(actor=cast.ada, person=cast.bob.person, email="svc-ci@example.org", now=NOW)
    change(cast, cast.bob, is_active=False)
    assert not User.objects.filter(pk__in=[robot.pk, cast.bob.pk], is_active=True).exists()


def test_nobody_switches_themselves_off(cast: Cast) -> None:
    with pytest.raises(InvalidInput, match="somebody else"):
        change(cast, cast.ada, is_active=False)


def test_a_change_that_changes_nothing_leaves_no_event(cast: Cast) -> None:
    before = AuditEvent.objects.count()
    change(cast, cast.bob)
    assert AuditEvent.objects.count() == before
