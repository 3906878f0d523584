"""What a policy version is: its states, its text, and the first of an installation."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from governance.domain.errors import (
    IllegalTransition,
    NotReady,
)
from governance.domain.states.rules import VERSION_LIFE, VersionEvent, VersionState
from governance.models import (
    PolicySet,
    PolicyVersion,
)
from governance.policy.bundle.shipped import shipped_text
from governance.selectors.people.people import system_actor
from governance.services.rules import policies
from tests.cast import NOW, Cast
from tests.officers import retire_all
from tests.unit.services.rules.policy_life.steps import (
    SET,
    agree,
    asked,
    draft,
    refused,
)

pytestmark = pytest.mark.django_db


def test_no_state_but_active_retires_and_only_tested_versions_come_into_force() -> None:
    assert {state for state, event in VERSION_LIFE.moves if event is VersionEvent.REPLACE} == {VersionState.ACTIVE}
    assert (VersionState.DRAFT, VersionEvent.PUT_IN_FORCE) not in VERSION_LIFE.moves
    with pytest.raises(IllegalTransition, match="run its cases first"):
        VERSION_LIFE.after("draft", VersionEvent.START_SHADOW)


def test_the_database_keeps_the_text_of_a_version_as_it_is(cast: Cast) -> None:
    version = draft(cast)
    other = PolicySet.objects.exclude(pk=version.policy_set_id).first()
    assert other is not None
    for change in (
        {"source": "other"}, {"digest": "0" * 64}, {"number": 99}, {"policy_set": other}, {"reason": "another"},
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match="is fixed"), transaction.atomic():
            PolicyVersion.objects.filter(pk=version.pk).update(**change)
    active = PolicyVersion.objects.filter(state="active").values_list("pk", flat=True)[0]
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_policyversion WHERE id = %s", [active])


def test_the_first_version_of_an_installation_needs_one_officer_and_a_later_set_two(cast: Cast) -> None:
    own = shipped_text(SET).replace("name: sustainability", "name: house-rules", 1)
    version = draft(cast, own)
    refused(
        lambda: policies.activate_first(version_id=version.pk, actor=cast.grace, now=NOW), NotReady, "second officer"
    )
    retire_all(actor=cast.grace, now=NOW)
    assert policies.activate_first(version_id=version.pk, actor=cast.grace, now=NOW).state == "active"


def test_a_starter_set_is_chosen_by_one_officer_while_only_shipped_texts_have_ruled(cast: Cast) -> None:
    shipped = PolicyVersion.objects.get(policy_set__slug=SET)
    assert policies.one_officer_suffices(shipped)
    assert not policies.one_officer_suffices(draft(cast))
    assert policies.activate_first(version_id=shipped.pk, actor=cast.grace, now=NOW).state == "active"
    # From the first text of their own on, every change takes two.
    agree(asked(cast), cast.judy)
    shipped.refresh_from_db()
    assert shipped.state == "retired"
    refused(lambda: policies.activate_first(version_id=shipped.pk, actor=cast.grace, now=NOW), NotReady, "second")


def test_installing_again_keeps_what_the_organisation_put_in_force(cast: Cast) -> None:
    agree(asked(cast), cast.judy)
    policies.install_shipped(actor=system_actor(), now=NOW)
    assert PolicyVersion.objects.get(policy_set__slug=SET, state="active").number == 2
