"""One authority: whatever is given, taken away and decided, all faces agree on who may decide and what counts."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from rest_framework.test import APIClient

from governance.domain.errors import GovernanceError
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import (
    ApprovalLimit,
    ApprovalStage,
    Delegation,
    ProvisioningRequest,
    Role,
    RoleAssignment,
    User,
)
from governance.selectors.approvals import approvals as pages
from governance.selectors.approvals import authority, queues
from governance.selectors.messages import alerts
from governance.selectors.people.people import system_actor, visibility_of
from governance.services.approvals import decisions, delegations, limits
from governance.services.people import people, roles
from tests.cast import NOW, Cast, add_person, submitted
from tests.prove.counts import COUNTS

STEPS = 14
SEEDS = range(2)
MORE_SEEDS = range(2, 2 + COUNTS.lives)
ROLES = ("team_lead", "infra_lead", "budget_owner", "capacity_manager")
DECIDERS = ("bob", "carol", "dave", "frank", "nora", "olga")


@dataclass
class Basis:
    """What one approval rested on when it was given, kept by the test alone."""

    people: frozenset[int]
    role_id: int
    assignments: frozenset[int]
    delegations: frozenset[int] | None


@dataclass
class Sequence:
    """One random life of a request with three open stages, and an account of it that reads none of the product's."""

    cast: Cast
    request: ProvisioningRequest
    rng: random.Random
    now: datetime = NOW
    taken_away: set[tuple[str, int]] = field(default_factory=set)
    bases: dict[int, Basis] = field(default_factory=dict)

    def user(self, name: str) -> User:
        return User.objects.select_related("person").get(pk=self.cast.users[name].pk)

    def open_stages(self) -> list[ApprovalStage]:
        rows = ApprovalStage.objects.filter(provisioning_request=self.request, state="open")
        return list(rows.select_related("role__fallback", "revision").order_by("pk"))

    # ------------------------------------------------------------------ what may happen

    def give(self) -> None:
        days = self.rng.choice([None, None, 0.1, 2])
        roles.assign_role(
            actor=system_actor(), user=self.user(self.rng.choice(DECIDERS)),
            role=Role.objects.get(slug=self.rng.choice(ROLES)), team=self.cast.team, now=self.now,
            valid_to=None if days is None else self.now + timedelta(days=days),
        )  # fmt: skip

    def end(self) -> None:
        held = list(RoleAssignment.objects.in_force(self.now).filter(role__slug__in=ROLES).order_by("pk"))
        row = self.rng.choice(held)
        roles.end_role(actor=system_actor(), assignment_id=row.pk, now=self.now)
        self.taken_away.add(("assignment", row.pk))

    def delegate(self) -> None:
        one, other = self.rng.sample(DECIDERS, 2)
        delegations.give_delegation(
            actor=system_actor(), delegator=self.user(one).person, delegate=self.user(other).person,
            role=Role.objects.get(slug=self.rng.choice(ROLES)), valid_from=self.now,
            amount_micro_max=self.rng.choice([10, 10_000]) * MICRO_PER_UNIT,
            valid_to=self.now + timedelta(days=self.rng.choice([0.1, 3])), reason="away", now=self.now,
        )  # fmt: skip

    def revoke(self) -> None:
        standing = list(Delegation.objects.filter(revoked_at=None, valid_to__gt=self.now).order_by("pk"))
        row = self.rng.choice(standing)
        delegations.revoke_delegation(actor=system_actor(), delegation_id=row.pk, now=self.now)
        self.taken_away.add(("delegation", row.pk))

    def limit(self) -> None:
        limits.set_limit(
            actor=system_actor(), role=Role.objects.get(slug=self.rng.choice(ROLES)), team=self.cast.team,
            amount_micro_max=self.rng.choice([5, 50_000, 60_000]) * MICRO_PER_UNIT, now=self.now,
        )  # fmt: skip

    def switch(self) -> None:
        person = self.user(self.rng.choice(DECIDERS)).person
        people.change_person(
            actor=system_actor(), person_id=person.pk, name=person.name, team=person.team, country="IE",
            requester_type=person.requester_type, job_title="", time_zone="UTC", is_active=not person.is_active,
            is_staff=True, now=self.now,
        )  # fmt: skip

    def decide(self) -> None:
        stage, who = self.rng.choice(self.open_stages()), self.user(self.rng.choice(DECIDERS))
        decision = decisions.decide(
            stage_id=stage.pk, actor=who, verdict="approve", reason="Looked at it.",
            revision_digest=stage.revision.digest, now=self.now,
        )  # fmt: skip
        holder = decision.for_person_id or decision.person_id
        in_force = RoleAssignment.objects.in_force(self.now).filter(
            role=stage.role, user__person_id=holder, team_id__in=self.cast.team.path_ids
        )
        given = Delegation.objects.filter(
            delegator_id=decision.for_person_id, delegate_id=decision.person_id, role=stage.role, revoked_at=None,
            valid_from__lte=self.now, valid_to__gt=self.now, amount_micro_max__gte=self.request.exposure_micro,
        )  # fmt: skip
        self.bases[decision.pk] = Basis(
            frozenset({holder, decision.person_id}),
            stage.role_id,
            frozenset(in_force.values_list("pk", flat=True)),
            frozenset(given.values_list("pk", flat=True)) if decision.for_person_id else None,
        )

    def wait(self) -> None:
        self.now += timedelta(hours=self.rng.choice([1, 5, 30]))

    def step(self) -> None:
        act: Callable[[], None] = self.rng.choice(
            [self.give, self.end, self.delegate, self.delegate, self.revoke, self.limit, self.switch, self.wait]
            + [self.decide] * 3
        )
        self.now += timedelta(minutes=1)
        # Refused, or nothing to choose from: then nothing happened.
        with suppress(GovernanceError, IndexError):
            act()
        self.request.refresh_from_db()

    # ------------------------------------------------------------------ what must hold

    def may_decide(self, stage: ApprovalStage, who: User) -> bool:
        try:
            decisions.effective_person(stage, self.request, who, now=self.now)
        except GovernanceError:
            return False
        return True

    def faces_agree(self) -> None:
        """Queue, page, mails, decision and API, for everybody and each open stage."""
        request = ProvisioningRequest.objects.select_related("project__team", "requester", "lineage").get(
            pk=self.request.pk
        )
        stages, users = self.open_stages(), [self.user(name) for name in DECIDERS]
        mailed = alerts.stage_holders(stages, request, now=self.now) if stages else {}
        queued = {user.pk: {item.stage.pk for item in queues.approver_queue(user, self.now)} for user in users}
        for stage in stages:
            by_mail = {holder.person_id for holder in mailed[stage.pk]}
            for user in users:
                may = self.may_decide(stage, user)
                assert (stage.pk in queued[user.pk]) == may, ("queue", stage, user, self.now)
                assert (user.person_id in by_mail) == may, ("mails", stage, user, self.now)
            self.page_agrees(stage, self.rng.choice(users))

    def page_agrees(self, stage: ApprovalStage, user: User) -> None:
        may, sees = self.may_decide(stage, user), visibility_of(user, now=self.now)
        try:
            file = pages.stage_file(stage.pk, user=user, visibility=sees, now=self.now)
        except GovernanceError:
            assert not may
            return
        assert (file.mine is not None) == may, ("page", stage, user, self.now)
        decider = next(each for each in file.deciders if each.stage.pk == stage.pk)
        assert decider.yes_count == len(self.counted(stage.pk)), ("page counts", stage, self.now)

    def counted(self, stage_id: int) -> set[int]:
        approvals_given = [each for each in authority.counting(self.stage_revision) if each.stage_id == stage_id]
        return {each.pk for each in approvals_given} - set(
            authority.lapsed(approvals_given, self.request, now=self.now)
        )

    @property
    def stage_revision(self) -> int:
        return ApprovalStage.objects.filter(provisioning_request=self.request).latest("pk").revision_id

    def stands(self, basis: Basis) -> bool:
        """By the test's own account: something of each kind that it rested on was never taken away."""
        active = set(User.objects.filter(is_active=True, person__is_active=True).values_list("person_id", flat=True))
        limit = (
            ApprovalLimit.objects.filter(
                role_id=basis.role_id, team=self.cast.team, valid_from__lte=self.now, valid_to=None
            )
            .order_by("-valid_from")
            .first()
        )
        rests = [("assignment", pk) for pk in basis.assignments if ("assignment", pk) not in self.taken_away]
        stood_in = basis.delegations is None or any(
            ("delegation", pk) not in self.taken_away for pk in basis.delegations
        )
        is_covered = limit is None or limit.amount_micro_max >= (self.request.exposure_micro or 0)
        return bool(rests) and stood_in and is_covered and basis.people <= active

    def last_check_agrees(self) -> None:
        """What counts is what stands by the test's account, and nothing was granted on less."""
        counting = authority.counting(self.stage_revision)
        gone = authority.lapsed(counting, self.request, now=self.now)
        for approval in counting:
            assert (approval.pk not in gone) == self.stands(self.bases[approval.pk]), (approval, gone, self.now)


@pytest.mark.parametrize("seed", [*SEEDS, *(pytest.param(seed, marks=pytest.mark.prove) for seed in MORE_SEEDS)])
def test_all_faces_agree_on_who_may_decide(cast: Cast, seed: int) -> None:
    """Give, end, delegate, revoke, lower, switch off, wait, decide, in any order: five faces and the last check."""
    for name in ("nora", "olga"):
        cast.users[name] = add_person(name, team=cast.team, roles=["infra_lead"], scope=cast.team)
    User.objects.filter(pk=cast.dave.pk).update(is_staff=True)
    request = submitted(cast, accelerator_count=80, gpu_hours_cap=3_000.0)
    life = Sequence(cast, request, random.Random(seed))
    # Each life begins with somebody who stands in for another: the faces differed first of all about them.
    delegations.give_delegation(
        actor=system_actor(), delegator=cast.bob.person, delegate=cast.dave.person,
        role=Role.objects.get(slug="infra_lead"), valid_from=life.now, valid_to=life.now + timedelta(days=3),
        amount_micro_max=10_000 * MICRO_PER_UNIT, reason="away", now=life.now,
    )  # fmt: skip
    life.faces_agree()
    for _ in range(STEPS):
        life.step()
        if life.request.state != "in_review":
            granted = {each.stage_id for each in authority.counting(life.stage_revision)}
            approved = ApprovalStage.objects.filter(provisioning_request=request, state="approved")
            assert granted >= {stage.pk for stage in approved}
            break
        life.faces_agree()
        life.last_check_agrees()


def test_the_api_lets_in_whom_the_queue_names(cast: Cast) -> None:
    """The fifth face: everybody whose queue has a stage reads its request and may post; nobody else gets past."""
    request = submitted(cast)
    delegations.give_delegation(
        actor=cast.bob, delegator=cast.bob.person, delegate=cast.dave.person, role=Role.objects.get(slug="team_lead"),
        amount_micro_max=10**12, valid_from=NOW, valid_to=NOW + timedelta(days=1), reason="away", now=NOW,
    )  # fmt: skip
    for user in cast.users.values():
        queued = bool(queues.approver_queue(user, NOW))
        sees = visibility_of(user, now=NOW)
        try:
            pages.request_to_read(request.number, user=user, visibility=sees, now=NOW)
        except GovernanceError:
            assert not queued, user
    client = APIClient()
    client.force_authenticate(cast.dave)
    # The page reads the clock itself, and by now the delegation is over: the answer is that of a stranger.
    assert client.get(f"/api/v1/requests/{request.number}/").status_code == 404
