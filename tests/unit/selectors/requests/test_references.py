"""What a request may name: what is not the requester's to name reads like what does not exist."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.domain.errors import InvalidRequest
from governance.models import Grant, Project, Provider, RoleAssignment
from governance.selectors.requests import assessments
from governance.services.grants import grants
from governance.services.requests import drafts, submission
from tests.cast import NOW, Cast, add_team, content, granted_elsewhere, offer_every_kind
from tests.house import fingerprint


@pytest.fixture
def judys(cast: Cast) -> Grant:
    """What F01 has: alice is answered 404 in its place."""
    return granted_elsewhere(cast)


@pytest.fixture
def foreign(cast: Cast, judys: Grant) -> Cast:
    return cast


def granted(cast: Cast, who: str = "alice", **changes: Any) -> Grant:
    request = submission.create_and_submit(actor=cast.users[who], content=content(**changes), now=NOW)
    grant = Grant.objects.get(provisioning_request=request)
    Grant.objects.filter(pk=grant.pk).update(utilisation_28d=0.8, gpu_hours_used=900.0)
    grant.refresh_from_db()
    return grant


def about(grant: Grant | str, **changes: Any) -> dict[str, Any]:
    reference = grant if isinstance(grant, str) else grant.reference
    return content(**{"kind": "renewal", "related_grant": reference} | changes)


def refusal(cast: Cast, asked: dict[str, Any], *, who: str = "alice") -> dict[str, list[str]]:
    """What the preview and the submission say: the same, with nothing written."""
    before = fingerprint()
    found = []
    for call in (
        lambda: assessments.preview(asked, actor=cast.users[who], now=NOW),
        lambda: submission.create_and_submit(actor=cast.users[who], content=asked, now=NOW),
    ):
        with pytest.raises(InvalidRequest) as refused:
            call()
        found.append(refused.value.errors)
    assert found[0] == found[1]
    assert fingerprint() == before
    return found[0]


@pytest.mark.parametrize("kind", ["renewal", "top_up", "change", "transfer", "new", "ratification", "emergency"])
def test_a_strangers_grant_reads_like_none(foreign: Cast, judys: Grant, kind: str) -> None:
    """Case F01: neither granted, nor its cap or use read; the sentence is that of a number that does not exist."""
    strange = refusal(foreign, about(judys, kind=kind))
    missing = refusal(foreign, about("G-9999", kind=kind))
    assert set(strange) == {"related_grant"}
    assert strange == {"related_grant": [missing["related_grant"][0].replace("G-9999", judys.reference)]}


@pytest.mark.parametrize("reference", ["G-", "G-0", "G--1", "G-1e3", "G-٣", "g-0001", "0001", "G-99999999999"])
def test_what_is_no_reference_reads_like_a_grant_that_does_not_exist(cast: Cast, reference: str) -> None:
    granted(cast)
    said = refusal(cast, about(reference))["related_grant"][0]
    assert said == f"`{reference}` is not a grant that you can name: write it like G-0108"


def test_a_strangers_lineage_reads_like_none_and_adds_no_compute(foreign: Cast) -> None:
    strange = refusal(foreign, content(lineage="aurora"))
    missing = refusal(foreign, content(lineage="borea"))
    assert strange == {"lineage": [missing["lineage"][0].replace("borea", "aurora")]}


def test_a_closed_project_of_strangers_reads_like_none(foreign: Cast) -> None:
    Project.objects.filter(slug="sharp-eyes").update(is_open=False)
    strange = refusal(foreign, content(project="sharp-eyes"))
    missing = refusal(foreign, content(project="sharp-ears"))
    assert strange == {"project": [missing["project"][0].replace("ears", "eyes")]}


def test_everything_foreign_at_once_is_said_at_once(foreign: Cast, judys: Grant) -> None:
    said = refusal(foreign, about(judys, project="sharp-eyes", lineage="aurora", provider="no-such", purpose="no-such"))
    assert set(said) == {"project", "related_grant", "lineage", "provider", "purpose"}


def test_a_role_elsewhere_renews_nothing_here(foreign: Cast, judys: Grant) -> None:
    assert set(refusal(foreign, about(judys), who="bob")) == {"related_grant"}
    assert set(refusal(foreign, about(judys), who="dave")) == {"project", "related_grant"}


def test_the_owner_and_whoever_works_in_the_project_renew_a_grant(foreign: Cast) -> None:
    grant = granted(foreign)
    for who in ("alice", "heidi"):
        facts = assessments.preview(about(grant), actor=foreign.users[who], now=NOW).facts
        assert facts["history.utilisation_28d"] == 0.8


def test_the_owner_renews_nothing_in_a_project_that_they_left(foreign: Cast) -> None:
    """The draft was right when it was written: the submission answers like that of a stranger."""
    grant = granted(foreign)
    draft = drafts.create_draft(actor=foreign.alice, content=about(grant), now=NOW)
    RoleAssignment.objects.filter(user=foreign.alice).update(valid_to=NOW + timedelta(minutes=1))
    later = NOW + timedelta(minutes=2)
    with pytest.raises(InvalidRequest, match="is not a project that you can ask for"):
        submission.submit_request(request_id=draft.pk, actor=foreign.alice, now=later)
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_a_colleague_who_left_loses_sight_of_the_grant(foreign: Cast) -> None:
    grant = granted(foreign)
    team = add_team("robotics", foreign.root)
    Project.objects.create(slug="arms", name="Arms", team=team, started_on=NOW.date())
    RoleAssignment.objects.filter(user=foreign.heidi).update(team=team)
    assert set(refusal(foreign, about(grant, project="arms"), who="heidi")) == {"related_grant"}


@pytest.mark.parametrize("kind", ["new", "ratification", "emergency"])
def test_a_request_about_no_grant_reads_nothing_from_one(
    cast: Cast, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_every_kind(monkeypatch)
    facts = assessments.preview(about(granted(cast), kind=kind), actor=cast.alice, now=NOW).facts
    assert not [name for name in facts if name.startswith("history.grant_")]
    assert "history.utilisation_28d" not in facts


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("renewal", {"accelerator": "h200-sxm5-141gb"}, "is for `h100-sxm5-80gb`"),
        ("top_up", {"accelerator": "h200-sxm5-141gb"}, "is for `h100-sxm5-80gb`"),
        ("renewal", {"provider": "elsewhere"}, "is at `coreweave`"),
        ("top_up", {"provider": "elsewhere"}, "is at `coreweave`"),
        ("renewal", {"project": "other-work"}, "belongs to `long-context`"),
        ("change", {"project": "other-work"}, "belongs to `long-context`"),
        ("top_up", {"project": "other-work"}, "belongs to `long-context`"),
        ("transfer", {}, "belongs to `long-context` already"),
    ],
)
def test_more_of_a_grant_is_more_of_the_same(cast: Cast, kind: str, changes: dict[str, str], said: str) -> None:
    Project.objects.create(slug="other-work", name="Other work", team=cast.team, started_on=NOW.date())
    Provider.objects.create(slug="elsewhere", name="Elsewhere", provider_type="specialist", hq_country="US")
    assert said in refusal(cast, about(granted(cast), kind=kind, **changes))["related_grant"][0]


@pytest.mark.parametrize("kind", ["change", "top_up", "transfer"])
def test_what_has_ended_is_not_changed(cast: Cast, kind: str) -> None:
    grant = granted(cast)
    Project.objects.create(slug="other-work", name="Other work", team=cast.team, started_on=NOW.date())
    asked = about(grant, kind=kind, project="other-work" if kind == "transfer" else "long-context")
    for state, ends_at in (("active", NOW), ("ended", NOW - timedelta(days=1))):
        Grant.objects.filter(pk=grant.pk).update(state=state, starts_at=NOW - timedelta(days=9), ends_at=ends_at)
        assert "ended on" in refusal(cast, asked)["related_grant"][0]


def test_a_grant_is_renewed_until_its_use_is_no_longer_known(cast: Cast) -> None:
    grant = granted(cast)
    for days, is_renewable in ((27, True), (28, False)):
        Grant.objects.filter(pk=grant.pk).update(
            state="ended", starts_at=NOW - timedelta(days=60), ends_at=NOW - timedelta(days=days)
        )
        if is_renewable:
            assert assessments.preview(about(grant), actor=cast.alice, now=NOW).context.related_grant == grant
        else:
            assert "nothing to renew" in refusal(cast, about(grant))["related_grant"][0]


@pytest.mark.parametrize("state", ["returned", "revoked"])
def test_what_was_given_back_or_taken_away_is_not_renewed(cast: Cast, state: str) -> None:
    grant = granted(cast)
    if state == "returned":
        grants.return_grant(grant_id=grant.pk, actor=cast.alice, now=NOW)
    else:
        Grant.objects.filter(pk=grant.pk).update(state=state, ended_at=NOW)
    assert f"was {state}" in refusal(cast, about(grant))["related_grant"][0]


def test_a_draft_joins_no_project_of_strangers(foreign: Cast) -> None:
    """Else its answer told the project's name, and the project's people saw it in their lists."""
    for slug in ("sharp-eyes", "sharp-ears"):
        draft = drafts.create_draft(actor=foreign.alice, content=content(project=slug), now=NOW)
        assert draft.project is None
    own = drafts.create_draft(actor=foreign.alice, content=content(), now=NOW)
    assert own.project == foreign.project


def test_a_request_that_was_submitted_keeps_its_project_whatever_is_typed(cast: Cast) -> None:
    request = submission.create_and_submit(actor=cast.alice, content=content(purpose="malware"), now=NOW)
    assert request.state == "denied"
    saved = drafts.save_draft(request_id=request.pk, actor=cast.alice, content=content(project="no-such"), now=NOW)
    assert (saved.state, saved.project) == ("denied", cast.project)


def test_a_clone_is_judged_by_what_its_new_requester_may_name(foreign: Cast) -> None:
    grant = granted(foreign)
    source = drafts.create_draft(actor=foreign.alice, content=about(grant), now=NOW)
    clone = drafts.clone_request(request_id=source.pk, actor=foreign.bob, now=NOW)
    RoleAssignment.objects.filter(user=foreign.bob).delete()
    with pytest.raises(InvalidRequest) as refused:
        submission.submit_request(request_id=clone.pk, actor=foreign.bob, now=NOW)
    assert set(refused.value.errors) == {"project", "related_grant"}
