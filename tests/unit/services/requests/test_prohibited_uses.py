"""Prohibited uses are one question of their own: stated ones are judged, unknown ones refused, old answers read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from governance.domain.errors import InvalidRequest
from governance.models import Assessment, FactRow, ProvisioningRequest, Purpose
from governance.services.requests import submission
from tests.cast import NOW, Cast, content

OMNIBUS = "intimate-imagery-and-child-abuse-material"


def submit(cast: Cast, **changes: Any) -> tuple[ProvisioningRequest, Assessment]:
    request = submission.create_and_submit(actor=cast.alice, content=content(**changes), now=NOW)
    return request, Assessment.objects.get(revision__provisioning_request=request)


def test_a_stated_use_is_denied_with_its_clause(cast: Cast) -> None:
    request, assessment = submit(cast, prohibited_uses=["social-scoring", "social-scoring"])
    assert request.state == "denied"
    assert assessment.facts["request.prohibited_uses"] == ["social-scoring"]
    assert FactRow.objects.get(assessment=assessment).request_prohibited_uses == ["social-scoring"]
    assert "clause 4.1" in str(assessment.decision)


def test_none_stated_is_a_known_answer_and_no_answer_is_absent(cast: Cast) -> None:
    _, answered = submit(cast, prohibited_uses=[])
    assert answered.facts["request.prohibited_uses"] == []
    silent, unanswered = submit(cast)
    assert silent.state == "granted"
    assert "request.prohibited_uses" not in unanswered.facts


def test_an_earlier_purpose_that_named_a_prohibited_use_is_still_denied(cast: Cast) -> None:
    request, _ = submit(cast, purpose="social_scoring")
    assert request.state == "denied"
    offered = set(Purpose.objects.filter(is_offered=True).values_list("slug", flat=True))
    assert "research" in offered
    assert not offered & {"social_scoring", "emotion_recognition_at_work", "untargeted_face_scraping", "malware"}


def test_a_use_that_is_prohibited_later_counts_for_work_that_reaches_the_day(cast: Cast) -> None:
    _, before = submit(cast, prohibited_uses=[OMNIBUS])
    assert before.facts["request.prohibited_uses"] == []
    request, reaching = submit(cast, prohibited_uses=[OMNIBUS], end_on=date(2026, 12, 2).isoformat())
    assert reaching.facts["request.prohibited_uses"] == [OMNIBUS]
    assert request.state == "denied"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (["social-scorin"], "`social-scorin` is not on the list of prohibited uses: did you mean `social-scoring`?"),
        (["zzz"], "`zzz` is not on the list of prohibited uses: it lists"),
        ("malware", "must be a list"),
        ([3], "`3` is not a known name"),
        ([["malware"]], "is not a known name"),
        (["malware"] * 41, "has 41 entries"),
    ],
)
def test_a_use_that_is_not_listed_is_refused(cast: Cast, value: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        submit(cast, prohibited_uses=value)
    assert said in caught.value.errors["prohibited_uses"][0]
    assert not ProvisioningRequest.objects.exists()
