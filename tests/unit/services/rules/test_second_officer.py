"""Who is no second officer: whoever audits, and whoever the first one made, by whatever way round."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from governance.domain.errors import NotAllowed, NotReady, SeparationOfDuties
from governance.models import Alert, Delegation, Person, PolicyActivation, PolicyVersion, Role, RoleAssignment, User
from governance.selectors.rules import activations as reading
from governance.selectors.rules import officers
from governance.services.approvals import delegations
from governance.services.people import people, roles
from governance.services.rules import activations, policy_exceptions
from tests.cast import NOW, Cast, add_person
from tests.officers import ready_draft

pytestmark = pytest.mark.django_db

SOON = NOW + timedelta(seconds=2)
LATER = NOW + timedelta(days=31)


@pytest.fixture
def cast(cast: Cast) -> Cast:
    """Grace keeps policies, and people as well; judy keeps policies and has for long; ada keeps people."""
    cast.users["judy"] = add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root)
    cast.users["ada"] = add_person("ada", team=cast.root, roles=["administrator"], scope=cast.root)
    give(cast.grace, "administrator", by=cast.ada, when=NOW - timedelta(days=80))
    return cast


def role(slug: str) -> Role:
    return Role.objects.get(slug=slug)


def give(user: User, slug: str, *, by: User, when: datetime = NOW) -> RoleAssignment:
    root = user.person.team.__class__.objects.get(parent=None)
    return roles.assign_role(actor=by, user=user, role=role(slug), team=root, now=when)


def make(name: str, *, by: User, when: datetime = NOW) -> User:
    root = by.person.team.__class__.objects.get(parent=None)
    return people.add_person(
        actor=by, name=name.capitalize(), email=f"{name}@example.com", team=root, country="IE", time_zone="UTC",
        requester_type="employee", job_title="", trainings=[], is_staff=True, now=when,
    )  # fmt: skip


def asked(by: User, *, now: datetime = NOW) -> PolicyActivation:
    version = ready_draft(actor=by, now=now)
    return activations.request_activation(version_id=version.pk, actor=by, reason="we spend too much", now=now)


def agree(activation: PolicyActivation, who: User, *, now: datetime = SOON) -> PolicyActivation:
    return activations.answer_activation(activation_id=activation.pk, actor=who, answer="agree", now=now)


def refused(act: Callable[[], object], words: str) -> None:
    with pytest.raises(SeparationOfDuties, match=words):
        act()
    assert PolicyVersion.objects.get(policy_set__slug="sustainability", state="active").number == 1


def test_an_administrator_who_makes_a_second_officer_is_not_answered_by_them(cast: Cast) -> None:
    puppet = make("puppet", by=cast.grace)
    give(puppet, "policy_officer", by=cast.grace)
    refused(lambda: agree(asked(cast.grace), puppet), "Grace added Puppet")
    # Nor the other way round, and an officer of longer standing answers.
    activation = PolicyActivation.objects.get()
    activations.withdraw_activation(activation_id=activation.pk, actor=cast.grace, reason="again", now=SOON)
    again = activations.request_activation(
        version_id=activation.version_id, actor=puppet, reason="we spend too much", now=SOON
    )
    refused(lambda: agree(again, cast.grace), "Grace added Puppet")
    assert agree(again, cast.judy).state == "in_force"


def test_the_role_alone_ties_and_the_tie_ends_with_its_days(cast: Cast) -> None:
    give(cast.dave, "policy_officer", by=cast.grace)
    activation = asked(cast.grace)
    refused(lambda: agree(activation, cast.dave), "30 days")
    assert cast.dave.person_id not in reading.answerers(activation, now=SOON)
    assert cast.dave.person_id in reading.answerers(activation, now=LATER)


def test_who_got_the_role_from_a_third_person_answers(cast: Cast) -> None:
    give(cast.dave, "policy_officer", by=cast.ada)
    assert agree(asked(cast.grace), cast.dave).state == "in_force"


def ways_round() -> dict[str, Callable[[Cast], User]]:
    def through_a_second_administrator(cast: Cast) -> User:
        helper = make("helper", by=cast.grace)
        give(helper, "administrator", by=cast.grace)
        give(cast.dave, "policy_officer", by=helper)
        return cast.dave

    def through_an_administrator_whom_the_asker_appointed(cast: Cast) -> User:
        give(cast.bob, "administrator", by=cast.grace)
        give(cast.dave, "policy_officer", by=cast.bob)
        return cast.dave

    def reactivated(cast: Cast) -> User:
        change(cast, cast.judy, by=cast.ada, is_active=False, when=NOW - timedelta(days=60))
        change(cast, cast.judy, by=cast.grace, is_active=True)
        return User.objects.get(pk=cast.judy.pk)

    def renamed(cast: Cast) -> User:
        change(cast, cast.judy, by=cast.grace, name="Somebody Else")
        return cast.judy

    def with_a_password_of_the_askers(cast: Cast) -> User:
        from governance.services.record import audit

        with transaction.atomic():
            audit.record(
                "person.changed", actor=cast.grace, subject=cast.judy.person, now=NOW, fields=["password"],
                user=cast.judy.pk,
            )  # fmt: skip
        return cast.judy

    def by_a_second_account(cast: Cast) -> User:
        twin = User.objects.create_user(email="dave.two@example.com", person=cast.dave.person, password="x" * 14)
        give(twin, "policy_officer", by=cast.grace)
        return cast.dave

    def the_role_ended_and_given_again(cast: Cast) -> User:
        held = RoleAssignment.objects.get(user=cast.judy)
        roles.end_role(actor=cast.ada, assignment_id=held.pk, now=NOW)
        give(cast.judy, "policy_officer", by=cast.grace, when=SOON)
        return cast.judy

    def in_a_team_below(cast: Cast) -> User:
        roles.assign_role(actor=cast.grace, user=cast.dave, role=role("policy_officer"), team=cast.team, now=NOW)
        return cast.dave

    return {each.__name__: each for each in (
        through_a_second_administrator, through_an_administrator_whom_the_asker_appointed, reactivated, renamed,
        with_a_password_of_the_askers, by_a_second_account, the_role_ended_and_given_again, in_a_team_below,
    )}  # fmt: skip


@pytest.mark.parametrize("way", ways_round())
def test_no_way_round_makes_a_second_officer(cast: Cast, way: str) -> None:
    third = add_person("ivan", team=cast.root, roles=["policy_officer"], scope=cast.root)
    second = ways_round()[way](cast)
    activation = asked(cast.grace, now=SOON)
    refused(lambda: agree(activation, second, now=SOON), "within the last 30 days")
    told = Alert.objects.filter(kind="activation_asked").values_list("recipient_id", flat=True)
    assert second.person_id not in told
    assert third.person_id in told


def change(cast: Cast, user: User, *, by: User, when: datetime = NOW, **values: object) -> Person:
    person = Person.objects.get(pk=user.person_id)
    given = {
        "name": person.name, "team": person.team, "country": person.country, "time_zone": person.time_zone,
        "requester_type": person.requester_type, "job_title": person.job_title, "trainings": person.trainings,
        "is_staff": True, "is_active": person.is_active,
    } | values  # fmt: skip
    return people.change_person(actor=by, person_id=person.pk, now=when, **given)


def test_what_makes_nobody_ties_nobody(cast: Cast) -> None:
    change(cast, cast.judy, by=cast.grace, job_title="Head of policy", time_zone="Europe/Oslo")
    give(cast.judy, "requester", by=cast.grace)
    assert agree(asked(cast.grace), cast.judy).state == "in_force"


def test_two_who_were_made_by_one_hand_do_not_answer_each_other_beside_an_older_officer(cast: Cast) -> None:
    pair = [make(name, by=cast.ada) for name in ("pim", "pam")]
    for each in pair:
        give(each, "policy_officer", by=cast.ada)
    activation = asked(pair[0])
    refused(lambda: agree(activation, pair[1]), "Ada added both of you")
    assert agree(activation, cast.judy).state == "in_force"


def test_in_a_new_organisation_one_administrator_makes_both(cast: Cast) -> None:
    RoleAssignment.objects.filter(role__slug="policy_officer").update(valid_to=NOW - timedelta(days=1))
    pair = [make(name, by=cast.ada) for name in ("pim", "pam")]
    for each in pair:
        give(each, "policy_officer", by=cast.ada)
    assert agree(asked(pair[0]), pair[1]).state == "in_force"


def test_where_only_the_askers_own_could_answer_it_cannot_be_asked_for(cast: Cast) -> None:
    RoleAssignment.objects.filter(user=cast.judy).update(valid_to=NOW - timedelta(days=1))
    give(cast.dave, "policy_officer", by=cast.grace)
    with pytest.raises(NotReady, match="an officer of longer standing answers"):
        asked(cast.grace)


def test_the_days_are_a_setting(cast: Cast, settings: object) -> None:
    give(cast.dave, "policy_officer", by=cast.grace, when=NOW - timedelta(days=5))
    activation = asked(cast.grace)
    settings.SECOND_OFFICER_DAYS = 4  # type: ignore[attr-defined]
    assert agree(activation, cast.dave).state == "in_force"


def test_a_superuser_without_the_role_does_not_answer(cast: Cast) -> None:
    root = User.objects.create_superuser(email="root@example.com", password="correct horse battery")
    activation = asked(cast.grace)
    with pytest.raises(NotAllowed, match="superuser"):
        agree(activation, root)
    assert root.person_id not in officers.holders("policies", now=SOON)


def test_an_exception_takes_the_same_second_officer(cast: Cast) -> None:
    give(cast.dave, "policy_officer", by=cast.grace)
    row = policy_exceptions.request_exception(
        rule_id="SU-1.footprint", reason="a pilot", valid_to=NOW + timedelta(days=9), team=cast.team,
        actor=cast.grace, now=NOW,
    )  # fmt: skip
    with pytest.raises(SeparationOfDuties, match="Grace added Dave"):
        policy_exceptions.answer_exception(exception_id=row.pk, answer="approve", actor=cast.dave, now=SOON)
    approve = policy_exceptions.answer_exception(exception_id=row.pk, answer="approve", actor=cast.judy, now=SOON)
    assert approve.state == "approved"


def test_an_agreed_version_lapses_when_the_second_officer_lost_the_role_before_its_instant(cast: Cast) -> None:
    add_person("ivan", team=cast.root, roles=["policy_officer"], scope=cast.root)
    version = ready_draft(actor=cast.grace, now=NOW)
    activation = activations.request_activation(
        version_id=version.pk, actor=cast.grace, reason="we spend", now=NOW, effective_at=NOW + timedelta(days=3)
    )
    assert agree(activation, cast.judy).state == "agreed"
    roles.end_role(actor=cast.ada, assignment_id=RoleAssignment.objects.get(user=cast.judy).pk, now=SOON)
    assert activations.activate_due(now=NOW + timedelta(days=3)) == 0
    activation.refresh_from_db()
    assert (activation.state, "Judy, who agreed" in activation.answer_reason) == ("lapsed", True)


# -- auditor and policy officer are two people


def test_an_auditor_is_not_made_policy_officer_nor_the_other_way_round(cast: Cast) -> None:
    for user, slug in ((cast.erin, "policy_officer"), (cast.judy, "auditor")):
        with pytest.raises(SeparationOfDuties, match="auditor"):
            give(user, slug, by=cast.ada)


def test_neither_by_a_second_account_nor_for_later_nor_while_deactivated(cast: Cast) -> None:
    twin = User.objects.create_user(email="erin.two@example.com", person=cast.erin.person, password="x" * 14)
    with pytest.raises(SeparationOfDuties, match="auditor"):
        give(twin, "policy_officer", by=cast.ada)
    with pytest.raises(SeparationOfDuties, match="auditor"):
        roles.assign_role(
            actor=cast.ada, user=cast.judy, role=role("auditor"), team=cast.root, valid_from=LATER, now=NOW
        )
    change(cast, cast.erin, by=cast.ada, is_active=False)
    with pytest.raises(SeparationOfDuties, match="auditor"):
        give(cast.erin, "policy_officer", by=cast.ada)


def test_one_after_the_other_is_fine(cast: Cast) -> None:
    held = RoleAssignment.objects.get(user=cast.erin)
    roles.end_role(actor=cast.ada, assignment_id=held.pk, now=NOW)
    assert give(cast.erin, "policy_officer", by=cast.ada, when=SOON).role.slug == "policy_officer"


def test_whoever_stands_in_for_somebody_who_decides_does_not_audit_meanwhile(cast: Cast) -> None:
    delegations.give_delegation(
        actor=cast.carol, delegator=cast.carol.person, delegate=cast.dave.person, role=role("budget_owner"),
        amount_micro_max=10**9, valid_from=NOW + timedelta(days=5), valid_to=NOW + timedelta(days=9),
        reason="away", now=NOW,
    )  # fmt: skip
    with pytest.raises(SeparationOfDuties, match="standing in"):
        give(cast.dave, "auditor", by=cast.ada)
    roles.assign_role(
        actor=cast.ada,
        user=cast.heidi,
        role=role("auditor"),
        team=cast.root,
        valid_from=NOW + timedelta(days=7),
        now=NOW,
    )
    with pytest.raises(SeparationOfDuties, match="auditor"):
        delegations.give_delegation(
            actor=cast.carol, delegator=cast.carol.person, delegate=cast.heidi.person, role=role("budget_owner"),
            amount_micro_max=10**9, valid_from=NOW + timedelta(days=5), valid_to=NOW + timedelta(days=9),
            reason="away", now=NOW,
        )  # fmt: skip


def test_whoever_audits_neither_asks_nor_answers_even_as_a_superuser(cast: Cast) -> None:
    activation = asked(cast.grace)
    User.objects.filter(pk=cast.erin.pk).update(is_superuser=True)
    erin = User.objects.get(pk=cast.erin.pk)
    with pytest.raises(SeparationOfDuties, match="auditor"):
        agree(activation, erin)
    with pytest.raises(SeparationOfDuties, match="auditor"):
        activations.request_activation(version_id=activation.version_id, actor=erin, reason="because", now=NOW)


@pytest.mark.parametrize(("who", "slug"), [("erin", "policy_officer"), ("erin", "team_lead"), ("judy", "auditor")])
def test_the_database_refuses_what_goes_past_the_service(cast: Cast, who: str, slug: str) -> None:
    twin = User.objects.create_user(email="two@example.com", person=cast.users[who].person, password="x" * 14)
    with pytest.raises(DatabaseError, match="does not audit and decide"), transaction.atomic():
        RoleAssignment.objects.create(user=twin, role=role(slug), team=cast.root, valid_from=LATER)
    ended = RoleAssignment.objects.create(
        user=twin, role=role(slug), team=cast.root, valid_from=NOW - timedelta(days=200),
        valid_to=NOW - timedelta(days=150),
    )  # fmt: skip
    with pytest.raises(DatabaseError, match="does not audit and decide"), transaction.atomic():
        RoleAssignment.objects.filter(pk=ended.pk).update(valid_to=LATER)


def test_the_database_refuses_a_deciding_delegation_to_an_auditor(cast: Cast) -> None:
    with pytest.raises(DatabaseError, match="does not audit and decide"), transaction.atomic():
        Delegation.objects.create(
            delegator=cast.carol.person, delegate=cast.erin.person, role=role("finance"), amount_micro_max=1,
            valid_from=NOW, valid_to=LATER, reason="away",
        )  # fmt: skip
