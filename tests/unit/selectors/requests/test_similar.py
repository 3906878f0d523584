"""What counts together with a request: the same kind of work, and never what people approved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.models import Assessment, ModelLineage, Project, ProvisioningRequest, RequestRevision
from governance.selectors import home
from governance.selectors.people import people
from governance.selectors.requests import assessments, provisioning, similar
from governance.services.approvals import decisions
from governance.services.requests import drafts, submission, withdrawal
from tests.cast import NOW, Cast, add_person, content, open_stage, submitted

SMALL = {"gpu_hours_cap": 500.0}


def asked(cast: Cast, who: str = "alice", **changes: Any) -> ProvisioningRequest:
    """A request that is allowed at once, unless something counts along."""
    return submission.create_and_submit(actor=cast.users[who], content=content(**SMALL | changes), now=NOW)


def counted(cast: Cast, who: str = "alice", **changes: Any) -> tuple[int, float]:
    """Count and sum that a next request would be judged by, that request included."""
    later = NOW + timedelta(hours=1)
    facts = assessments.preview(content(**SMALL | changes), actor=cast.users[who], now=later).facts
    return facts["history.similar_count_30d"], facts["history.similar_exposure_30d_usd"]


def approve(request: ProvisioningRequest, cast: Cast, who: str = "bob") -> None:
    stage = open_stage(request)
    decisions.decide(
        stage_id=stage.pk, actor=cast.users[who], verdict="approve", reason="Fine.",
        revision_digest=stage.revision.digest, now=NOW,
    )  # fmt: skip
    request.refresh_from_db()


def test_what_people_approved_is_not_counted(cast: Cast) -> None:
    request = submitted(cast, gpu_hours_cap=12_000.0, end_on=(NOW + timedelta(days=60)).date().isoformat())
    assert counted(cast) == (2, 12_500.0)
    approve(request, cast)
    assert request.state == "granted"
    assert counted(cast) == (1, 500.0)
    assert counted(cast, "heidi") == (1, 500.0)


def test_the_persons_own_count_while_they_wait_and_nobody_elses_do(cast: Cast) -> None:
    request = submitted(cast)
    assert counted(cast) == (2, 1_500.0)
    assert counted(cast, "heidi") == (1, 500.0)
    stage = open_stage(request)
    decisions.decide(
        stage_id=stage.pk, actor=cast.bob, verdict="changes", reason="In one piece, please.",
        revision_digest=stage.revision.digest, now=NOW,
    )  # fmt: skip
    assert counted(cast) == (2, 1_500.0)
    withdrawal.withdraw_request(request_id=request.pk, actor=cast.alice, reason="", now=NOW)
    assert counted(cast) == (1, 500.0)


def test_what_was_allowed_at_once_counts_for_the_whole_project(cast: Cast) -> None:
    assert asked(cast).state == "granted"
    assert counted(cast) == (2, 1_000.0)
    assert counted(cast, "heidi") == (2, 1_000.0)


def test_another_kind_of_work_does_not_count(cast: Cast) -> None:
    asked(cast)
    submitted(cast, workload="fine_tuning", work={"parameters_billion": 8, "tokens_billion": 1})
    assert counted(cast, workload="interactive", work={"hours_per_accelerator": 10}) == (1, 500.0)
    assert counted(cast) == (2, 1_000.0)


def test_another_project_counts_through_the_person_or_the_lineage_alone(cast: Cast) -> None:
    other = Project.objects.create(slug="vision", name="Vision", team=cast.team, started_on=NOW.date())
    lineage = ModelLineage.objects.create(slug="aurora", name="Aurora", owner=cast.carol.person, project=cast.project)
    request = asked(cast)
    assert counted(cast, "heidi", project=other.slug, lineage="aurora")[0] == 1
    ProvisioningRequest.objects.filter(pk=request.pk).update(lineage=lineage)
    assert counted(cast, "heidi", project=other.slug, lineage="aurora") == (2, 1_000.0)
    assert counted(cast, "heidi", project=other.slug) == (1, 500.0)
    assert counted(cast, "alice", project=other.slug) == (2, 1_000.0)


def end(request: ProvisioningRequest, cast: Cast, state: str) -> None:
    """Bring a request that waits to one of the states in which it no longer stands."""
    match state:
        case "rejected":
            stage = open_stage(request)
            decisions.decide(
                stage_id=stage.pk, actor=cast.bob, verdict="reject", reason="No.",
                revision_digest=stage.revision.digest, now=NOW,
            )  # fmt: skip
        case "withdrawn":
            withdrawal.withdraw_request(request_id=request.pk, actor=cast.alice, reason="", now=NOW)
        case "draft":
            drafts.save_draft(request_id=request.pk, actor=cast.alice, content=request.draft, now=NOW)
        case "expired":
            later = NOW + timedelta(days=40)
            assert withdrawal.expire_request(request_id=request.pk, actor=people.system_actor(), now=later)
    request.refresh_from_db()
    assert request.state == state


@pytest.mark.parametrize("state", ["rejected", "withdrawn", "draft", "expired"])
def test_what_no_longer_stands_does_not_count(cast: Cast, state: str) -> None:
    request = submitted(cast)
    assert counted(cast)[0] == 2
    end(request, cast, state)
    assert counted(cast) == (1, 500.0)


def test_what_a_rule_refused_does_not_count(cast: Cast) -> None:
    assert asked(cast, data_class="personal").state == "denied"
    assert counted(cast) == (1, 500.0)


def test_thirty_days_and_no_more(cast: Cast) -> None:
    request = asked(cast)
    for days, count in ((29, 2), (31, 1)):
        ProvisioningRequest.objects.filter(pk=request.pk).update(submitted_at=NOW - timedelta(days=days))
        assert counted(cast)[0] == count


def test_a_first_look_by_people_does_not_excuse_a_later_revision(cast: Cast) -> None:
    """Approved once, changed, and then allowed without a person: nobody saw what runs."""
    request = submitted(cast)
    approve(request, cast)
    RequestRevision.objects.create(
        provisioning_request=request, number=2, content=content(**SMALL), digest="0" * 64, created_by=cast.alice,
        created_at=NOW,
    )  # fmt: skip
    ProvisioningRequest.objects.filter(pk=request.pk).update(revision_count=2)
    assert counted(cast)[0] == 2


def test_what_was_counted_is_remembered_and_named_to_those_who_may_see_it(cast: Cast) -> None:
    first, second = asked(cast), submitted(cast)
    third = submitted(cast, title="Third")
    assert Assessment.objects.get(revision__provisioning_request=third).counted_requests == [second.pk, first.pk]
    read = provisioning.story(
        third.number,
        visibility=people.visibility_of(cast.alice, now=NOW),
        viewer_id=cast.alice.person_id,
        now=NOW,
    )
    assert [each.number for each in read.counted.shown] == [second.number, first.number]
    assert read.counted.hidden_count == 0
    stranger = people.visibility_of(add_person("mallory", team=cast.root), now=NOW)
    assert similar.listed([second.pk, first.pk], count=2, visibility=stranger) == similar.Listed([], 2)


def test_home_counts_the_same(cast: Cast) -> None:
    """The promise of an answer at once holds to the cent, for each kind of work."""
    asked(cast)
    asked(cast, "heidi")
    submitted(cast, gpu_hours_cap=300.0, accelerator_count=16)
    for who in ("alice", "heidi"):
        user = cast.users[who]
        found = home.home(user, visibility=people.visibility_of(user, now=NOW), now=NOW).at_once
        assert found is not None
        [line] = found.used
        assert (line.workload, line.project) == ("lease", cast.project)
        count_along = counted(cast, who)[1] - SMALL["gpu_hours_cap"]
        assert line.used_usd == found.used_usd == count_along
        left = found.money_usd - line.used_usd
        for hours, outcome in ((left, "allow"), (left + 1, "review")):
            ask = content(gpu_hours_cap=hours)
            assert assessments.preview(ask, actor=user, now=NOW + timedelta(hours=1)).outcome == outcome
