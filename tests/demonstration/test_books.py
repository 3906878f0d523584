"""What the demonstration writes holds as if the product had written it click by click."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta

from django.db.models import F, Max

from estimator.catalogue import snapshot_of
from governance.demonstration.load import Loaded
from governance.domain.record.canonical import digest
from governance.domain.states.requests import TERMINAL, State
from governance.models import (
    Alert,
    ApprovalStage,
    Assessment,
    AuditEvent,
    BudgetHold,
    Counter,
    Flag,
    Grant,
    PolicyException,
    ProvisioningRequest,
    RequestRevision,
)
from governance.policy.decisions.decision import decide
from governance.policy.facts.facts_schema import FACTS, facts_from_json, facts_to_json
from governance.selectors.rules import policies
from governance.services.messages import sweeps
from governance.services.money import crossings
from tests.demonstration.conftest import PAST, START
from tests.house import broken_promises


def test_log_ledger_and_requests_hold(northlight: Loaded):
    unpriced = ProvisioningRequest.objects.get(pk=northlight.world.requests[37].pk)
    # What has no price has no hold; that is what story 37 shows.
    assert [problem for problem in broken_promises() if not problem.startswith(str(unpriced))] == []


def test_every_past_request_is_there(northlight: Loaded):
    assert northlight.past_count == PAST
    assert ProvisioningRequest.objects.count() == PAST + len(northlight.world.requests)
    assert not ProvisioningRequest.objects.filter(is_demonstration=False).exists()
    numbers = list(ProvisioningRequest.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert Counter.objects.get(pk="request").value == numbers[-1]
    assert Counter.objects.get(pk="grant").value == Grant.objects.aggregate(last=Max("number"))["last"]


def test_every_past_assessment_passes_recomputation(northlight: Loaded):
    """The stored facts give the stored decision under the pinned policy, on the day on which it was judged."""
    policy = policies.active_policy()
    looked_at = 0
    for row in Assessment.objects.select_related("revision__provisioning_request__project__team"):
        assert row.policy_digest == policy.digest
        known = facts_from_json(row.facts)
        assert digest(facts_to_json(known)) == row.facts_digest
        project = row.revision.provisioning_request.project
        assert project is not None
        again = decide(
            policy, known, on=row.assessed_at.date(),
            exceptions=policies.exceptions_for(project, now=row.assessed_at),
        )  # fmt: skip
        assert _as_floats(again.to_json()) == _as_floats(row.decision)
        assert snapshot_of(row.catalogue_digest).digest == row.catalogue_digest
        looked_at += 1
    assert looked_at > PAST


def _as_floats(value: object) -> object:
    """The database prints 6.3e24 in full, and reads it back as a whole number of 25 digits."""
    return json.loads(json.dumps(value), parse_int=float)


def test_fact_columns_say_what_the_facts_say(northlight: Loaded):
    for row in Assessment.objects.select_related("fact_row"):
        known = facts_from_json(row.facts)
        for fact in FACTS:
            assert getattr(row.fact_row, fact.column) == known.get(fact.name), (row.pk, fact.name)


def test_revisions_carry_the_digest_of_their_content(northlight: Loaded):
    for revision in RequestRevision.objects.all():
        assert revision.digest == digest(revision.content)


def test_each_event_follows_the_one_before_it_in_time(northlight: Loaded):
    """What the stories did and what the past did are told in one order; installing came before, at another time."""
    at = [
        event.at
        for event in AuditEvent.objects.order_by("seq")
        if event.action not in ("aup.accepted", "aup.published")
    ]
    installed = next(index for index, when in enumerate(at) if when < START - timedelta(days=365))
    steps = at[installed:]
    assert all(earlier <= later for earlier, later in itertools.pairwise(steps))


def test_nothing_of_the_past_is_open_or_mailed(northlight: Loaded):
    past = ProvisioningRequest.objects.filter(requester__password__startswith="!")
    assert past.count() == PAST
    assert set(past.values_list("state", flat=True)) <= {state.value for state in TERMINAL} | {
        State.GRANTED.value,
        State.DENIED.value,
    }
    assert not ApprovalStage.objects.filter(provisioning_request__in=past, state__in=("open", "waiting")).exists()
    assert not BudgetHold.objects.filter(provisioning_request__in=past, state="open").exists()
    assert not Grant.objects.filter(provisioning_request__in=past, state="active").exists()
    assert not Flag.objects.filter(provisioning_request__in=past, closed_at=None).exists()


def test_only_mails_about_today_are_promised(northlight: Loaded):
    """A stage that waits for the reader, and a budget's line: nothing that a story did long ago."""
    promised = Alert.objects.filter(state="pending")
    assert {alert.kind for alert in promised} == {"stage_opened", "budget_threshold"}
    for alert in promised.filter(kind="stage_opened"):
        stage = ApprovalStage.objects.get(pk=alert.payload["stage"])
        assert stage.state == "open"
        assert not stage.decisions.filter(person_id=alert.recipient_id).exists()
    assert not Alert.objects.filter(state="sent").exists()


def test_sweeps_find_nothing_new(own_northlight: Loaded):
    """The first minutes after a first start bring no flood of flags and mails."""
    before = Flag.objects.count(), Alert.objects.count(), Grant.objects.filter(state="active").count()
    for look in (
        sweeps.expire_holds, sweeps.end_grants, sweeps.remind_stages, sweeps.sweep_limits, crossings.sweep_budgets,
    ):  # fmt: skip
        assert look(now=START + timedelta(minutes=1)) == 0, look.__name__
    assert before == (Flag.objects.count(), Alert.objects.count(), Grant.objects.filter(state="active").count())


def test_windows_and_answers_come_in_order(northlight: Loaded):
    assert not Grant.objects.filter(ends_at__lte=F("starts_at")).exists()
    assert not Grant.objects.filter(ended_at__lt=F("issued_at")).exists()
    assert not ProvisioningRequest.objects.filter(answered_at__lt=F("submitted_at")).exists()
    for instant in ("created_at", "changed_at", "submitted_at", "answered_at"):
        assert not ProvisioningRequest.objects.filter(**{f"{instant}__gt": START}).exists()
    assert PolicyException.objects.get().valid_from < START
