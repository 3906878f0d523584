"""The app role, under which every test works, cannot rewrite where something stands, or who asked or answered."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, models, transaction

from governance.models import (
    AcceptableUsePublication,
    Grant,
    PolicyActivation,
    PolicyException,
    PolicyVersion,
    ProvisioningRequest,
    Role,
    User,
)
from governance.services.requests import submission
from governance.services.rules import activations, policy_exceptions
from tests.cast import NOW, Cast, add_person, content
from tests.officers import ready_draft

pytestmark = pytest.mark.django_db(transaction=True)

SET = "sustainability"


@pytest.fixture
def cast(cast: Cast) -> Cast:
    cast.users["judy"] = add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root)
    return cast


@contextmanager
def refused(words: str) -> Iterator[None]:
    """The database says no, at the latest at COMMIT, and the transaction leaves nothing."""
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        yield


def change(row: models.Model, **values: object) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**values)


def asked(cast: Cast) -> PolicyActivation:
    version = ready_draft(actor=cast.grace, now=NOW)
    return activations.request_activation(version_id=version.pk, actor=cast.grace, reason="we spend too much", now=NOW)


def agreed(cast: Cast) -> PolicyActivation:
    activation = asked(cast)
    return activations.answer_activation(activation_id=activation.pk, actor=cast.judy, answer="agree", now=NOW)


def test_the_triggers_know_the_moves_of_the_program() -> None:
    migration = importlib.import_module("governance.migrations.0004_two_people")
    for model in (
        AcceptableUsePublication, Grant, PolicyActivation, PolicyException, PolicyVersion, ProvisioningRequest,
    ):  # fmt: skip
        moves = {(str(old), str(new)) for (old, _), new in model.life.moves.items() if old != new}
        assert set(migration.MOVES[model._meta.db_table]) == moves
        assert migration.BORN.get(model._meta.db_table, model.life.first) == model.life.first


def test_no_version_comes_into_force_or_retires_without_its_event(cast: Cast) -> None:
    active = PolicyVersion.objects.get(policy_set__slug=SET, state="active")
    draft = ready_draft(actor=cast.grace, now=NOW)
    with refused("event in the audit log"):
        change(active, state="retired", retired_at=NOW)
    with refused("event in the audit log"):
        change(active, state="retired", retired_at=NOW)
        change(draft, state="active", activated_at=NOW, activated_by=cast.judy)
    with refused("no step of the life cycle"):
        change(active, state="draft")
    with refused("life begins earlier"):
        PolicyVersion.objects.create(
            policy_set=active.policy_set, number=99, source="x", digest="f" * 64, state="retired",
            created_by=cast.grace, created_at=NOW,
        )  # fmt: skip
    for values in ({"activated_by": cast.judy}, {"activated_at": NOW - timedelta(days=400)}):
        with refused("who put it in force stays"):
            change(active, **values)


def test_who_asked_and_who_answered_stay_as_they_were(cast: Cast) -> None:
    ivan = add_person("ivan", team=cast.root, roles=["policy_officer"], scope=cast.root)
    activation = agreed(cast)
    for values in ({"answered_by": ivan}, {"answered_by": None}, {"answered_at": NOW + timedelta(days=1)}):
        with refused("what was answered stays"):
            change(activation, **values)
    for values in (
        {"asked_by": ivan}, {"reason": "another"}, {"effective_at": NOW - timedelta(days=9)}, {"backtest": None},
        {"asked_at": NOW - timedelta(days=9)},
    ):  # fmt: skip
        with refused("what was written first stays"):
            change(activation, **values)
    for state in ("asked", "agreed", "refused", "lapsed", "withdrawn"):
        with refused("no step of the life cycle"):
            change(activation, state=state)
    with refused("kept for ever"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_policyactivation WHERE id = %s", [activation.pk])


def test_an_answer_is_not_written_by_hand(cast: Cast) -> None:
    activation = asked(cast)
    for state in ("agreed", "in_force"):
        with refused("event in the audit log"):
            change(activation, state=state, answered_by=cast.judy, answered_at=NOW)
    twin = User.objects.create_user(email="grace.two@example.com", person=cast.grace.person, password="x" * 14)
    with refused("whoever asks does not answer"):
        change(activation, state="refused", answered_by=twin, answered_at=NOW)
    with refused("life begins earlier"):
        PolicyActivation.objects.create(
            version_id=activation.version_id, policy_set_id=activation.policy_set_id, state="agreed", reason="x",
            asked_by=cast.grace, asked_at=NOW, effective_at=NOW, answered_by=cast.judy, answered_at=NOW,
        )  # fmt: skip


def test_an_account_keeps_its_person_and_a_role_what_it_is(cast: Cast) -> None:
    with refused("what was written first stays"):
        change(cast.judy, person=cast.dave.person)
    for values in ({"slug": "policy_officer_2"}, {"may_approve": True}):
        with refused("what was written first stays"):
            change(Role.objects.get(slug="policy_officer"), **values)


def test_an_exception_is_neither_approved_by_hand_nor_widened(cast: Cast) -> None:
    row = policy_exceptions.request_exception(
        rule_id="SU-1.footprint", reason="a pilot", valid_to=NOW + timedelta(days=9), team=cast.team,
        actor=cast.grace, now=NOW,
    )  # fmt: skip
    with refused("event in the audit log"):
        change(row, state="approved", approved_by=cast.judy, answered_at=NOW)
    policy_exceptions.answer_exception(exception_id=row.pk, answer="approve", actor=cast.judy, now=NOW)
    for values in ({"valid_to": NOW + timedelta(days=99)}, {"valid_from": NOW - timedelta(days=1)}):
        with refused("not widened"):
            change(row, **values)
    for values in ({"rule_id": "AL-1"}, {"team": cast.root}, {"asked_by": cast.dave}):
        with refused("what was written first stays"):
            change(row, **values)
    with refused("what was answered stays"):
        change(row, approved_by=cast.dave)
    with refused("no step of the life cycle"):
        change(PolicyException.objects.get(pk=row.pk), state="asked")


def test_a_publication_is_not_agreed_by_hand(cast: Cast) -> None:
    statement = AcceptableUsePublication._meta.get_field("statement").related_model.objects.get(slug="compute")
    row = AcceptableUsePublication.objects.create(
        statement=statement, text="x", digest="f" * 64, consent_due=NOW, asked_by=cast.grace, asked_at=NOW
    )
    with refused("event in the audit log"):
        change(row, state="published", answered_by=cast.judy, answered_at=NOW, version=statement.versions.first())
    with refused("what was written first stays"):
        change(row, text="y")
    with refused("kept for ever"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_acceptableusepublication")


def test_an_answer_to_a_request_is_not_turned_and_a_grant_not_widened(cast: Cast) -> None:
    denied = submission.create_and_submit(actor=cast.alice, content=content(purpose="malware"), now=NOW)
    assert denied.state == "denied"
    granted = submission.create_and_submit(actor=cast.alice, content=content(), now=NOW)
    for state in ("expired", "rejected", "changes_requested", "draft"):
        with refused("no step of the life cycle"):
            change(denied, state=state)
    for state in ("in_review", "denied", "withdrawn", "draft"):
        with refused("no step of the life cycle"):
            change(granted, state=state)
    with refused("event in the audit log"):
        change(denied, state="granted")
    with refused("event in the audit log"):
        change(denied, state="granted", changed_at=NOW)
    with refused("what was written first stays"):
        change(granted, requester=cast.bob)
    grant = Grant.objects.get(provisioning_request=granted)
    for values in (
        {"cost_cap_micro": 10**12}, {"accelerator_count": 512}, {"provider": "elsewhere"}, {"policy_digest": "0" * 64},
    ):  # fmt: skip
        with refused("what was written first stays"):
            change(grant, **values)
    change(grant, state="ended", ended_at=NOW)
    with refused("no step of the life cycle"):
        change(grant, state="active")
    assert ProvisioningRequest.objects.get(pk=granted.pk).state == "granted"
