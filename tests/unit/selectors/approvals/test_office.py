"""What is measured of approvers: minutes where they can be told, waits and refusals by the roles that decided."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from governance.models import ApprovalStage, Role
from governance.selectors.approvals.office import office_between
from governance.services.approvals import decisions
from tests.cast import NOW, Cast, open_stage, submitted


def decide(
    cast: Cast, minute: float, verdict: str = "approve", *, asked: datetime = NOW, then: str | None = None
) -> None:
    """The team lead answers a request. `then`: the role that would be asked after them."""
    request = submitted(cast, who="heidi", now=asked)
    stage = open_stage(request)
    if then is not None:
        ApprovalStage.objects.create(
            provisioning_request=request, revision=stage.revision, order=stage.order + 1, quorum=1,
            role=Role.objects.get(slug=then), due_working_days=2,
        )  # fmt: skip
    decisions.decide(
        stage_id=stage.pk, actor=cast.bob, verdict=verdict, reason="Fine as it is.",
        revision_digest=stage.revision.digest, now=NOW + timedelta(minutes=minute),
    )  # fmt: skip


def test_a_decision_takes_from_the_one_before_or_from_when_it_came(cast: Cast) -> None:
    decide(cast, 12)
    decide(cast, 20)
    # Came while nobody waited: counted from its own opening.
    decide(cast, 50, asked=NOW + timedelta(minutes=45))
    # A long gap says nothing.
    decide(cast, 400)
    office = office_between(None, NOW + timedelta(days=1))
    assert office.minutes == pytest.approx([12, 8, 5])


def test_waits_and_refusals_are_kept_by_roles(cast: Cast) -> None:
    decide(cast, 30)
    decide(cast, 90, "reject")
    office = office_between(None, NOW + timedelta(days=1))
    assert sorted(round(wait.working_hours, 2) for wait in office.waits) == [0.5, 1.5]
    assert {wait.roles for wait in office.waits} == {"team_lead"}
    assert office.verdicts == {"team_lead": (2, 1)}


def test_a_no_counts_for_all_the_roles_that_were_wanted_and_not_for_those_who_were_reached(cast: Cast) -> None:
    decide(cast, 30, "reject", then="finance")
    decide(cast, 90)
    office = office_between(None, NOW + timedelta(days=1))
    assert office.verdicts == {"finance+team_lead": (1, 1), "team_lead": (1, 0)}
    assert sorted(wait.roles for wait in office.waits) == ["finance+team_lead", "team_lead"]


def test_only_the_period_counts(cast: Cast) -> None:
    decide(cast, 30)
    assert office_between(NOW + timedelta(hours=1), NOW + timedelta(days=1)).minutes == []
    assert office_between(None, NOW).waits == []
