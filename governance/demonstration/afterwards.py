"""What surrounds the stories: the second statement, an exception that ends, a policy in the shadow, settled mails."""

from __future__ import annotations

from datetime import datetime, timedelta

from governance.demonstration.organisation import acceptable_use, registers
from governance.demonstration.organisation.world import Story, World, within
from governance.display import numbers
from governance.domain.states.approvals import StageState
from governance.domain.states.messages import AlertEvent, AlertKind, AlertState, FlagKind
from governance.domain.states.rules import VersionState
from governance.models import (
    Alert,
    ApprovalDecision,
    ApprovalStage,
    Flag,
    PolicyVersion,
    ProvisioningRequest,
    User,
)
from governance.models.base import move_all
from governance.selectors.rules.policy_checks import run_checks
from governance.services.messages import flags, sweeps
from governance.services.money import crossings
from governance.services.rules import policies, policy_checks, policy_exceptions, shadow

EXCEPTION_ENDS_IN_DAYS = 6
SHADOW_LIMIT_USD = 1_500
SAMPLED_STORY = 3
OF_THE_PAST = "of the demonstration's past: never sent"
OPEN_BUDGET_FLAGS = ("assist-serving", "data-and-synthetic")


def second_statement(world: World) -> Story:
    """Version 2 of the acceptable-use statement: most have accepted it, eight have not."""
    cast = world.cast
    now = yield acceptable_use.published_on(cast)
    version = acceptable_use.publish_second(cast, now)
    owing = acceptable_use.owing(cast)
    humans = [user for user in cast.users if not user.is_service_account and user.person_id not in owing]
    waves = 4
    for wave in range(waves):
        now = yield cast.calendar.at(-9 + 2 * wave, "08:20")
        acceptable_use.accept(version, humans[wave::waves], now)


def exception(world: World) -> Story:
    """An approved exception from the residency rule of terms, which ends in six days."""
    cast = world.cast
    now = yield cast.calendar.at(-24, "09:40")
    asked = within(
        policy_exceptions.request_exception,
        rule_id="VR-1.terms",
        team=cast.teams["research"],
        reason="Lambda's terms are being reviewed; Research may go on using its reserved week until then.",
        valid_to=cast.calendar.start + timedelta(days=EXCEPTION_ENDS_IN_DAYS),
        actor=cast["priya"],
        now=now,
    )
    now = yield now + timedelta(hours=2)
    within(policy_exceptions.answer_exception, exception_id=asked.pk, answer="approve", actor=cast["henrik"], now=now)


def shadow_policy(world: World) -> Story:
    """A version of the approval limits that judges beside the active one: the small limit at 1,500 instead of 2,500."""
    cast = world.cast
    now = yield cast.calendar.at(-5, "14:00")
    active = PolicyVersion.objects.get(policy_set__slug="approval-limits", state=VersionState.ACTIVE)
    was, becomes = "values: [{value: 2500.0, from:", f"values: [{{value: {SHADOW_LIMIT_USD}.0, from:"
    rules, mark, cases = active.source.replace(was, becomes, 1).partition("\ntests:")
    # The cases at the line move with the line.
    source = rules + mark + cases.replace("2500.", f"{SHADOW_LIMIT_USD}.")
    reason = f"Lower the “no person needed” limit to {numbers.count(SHADOW_LIMIT_USD)} USD"
    version = policies.add_version(source=source, actor=cast["priya"], now=now, reason=reason)
    if version.pk == active.pk:
        return
    policy_checks.store_checks(version.pk, run_checks(version, now=now), now=now)
    within(shadow.start_shadow, version_id=version.pk, actor=cast["priya"], now=now)


TURNS = (registers.reviews, second_statement, exception, shadow_policy)


def look_around(world: World, start: datetime) -> None:
    """Let every sweep look once, as beat would within minutes, and let people close what they have looked at.

    Each sweep has its own short transactions, so this comes after the load's.
    """
    sweeps.expire_holds(now=start)
    sweeps.end_grants(now=start)
    sweeps.remind_stages(now=start)
    sweeps.sweep_limits(now=start)
    crossings.sweep_budgets(now=start)
    # The mail that the stage opened has not left yet: a reminder beside it says nothing new.
    unsent = Alert.objects.filter(state=AlertState.PENDING)
    move_all(unsent.filter(kind=AlertKind.STAGE_REMINDED), AlertEvent.SKIP, last_error=OF_THE_PAST)
    for flag in Flag.objects.filter(closed_at=None).select_related("budget", "provisioning_request").order_by("pk"):
        found = _looked_at(world, flag)
        if found is not None:
            flags.close_flag(flag_id=flag.pk, actor=found[0], reason=found[1], now=start)


def _looked_at(world: World, flag: Flag) -> tuple[User, str] | None:
    """Who has looked at a flag, and what they found; None for those that a story is about."""
    cast = world.cast
    if flag.kind == FlagKind.SAMPLED_REVIEW and flag.provisioning_request_id != world.requests[SAMPLED_STORY].pk:
        return cast["bob"], "Looked at: used for what was asked."
    if flag.budget is not None and flag.budget.slug.rsplit("-", 1)[0] not in OPEN_BUDGET_FLAGS:
        owner = next(user for user in cast.people.values() if user.person_id == flag.budget.owner_id)
        return owner, "Planned so: the year's large runs are in it."
    return None


def settle(world: World, start: datetime) -> None:
    """Mark the requests as demonstration, and let only those mails go out that say something still true.

    Loading promised a mail for each step of the past year's stories. Whoever opens the mailbox for the first time
    finds what is open today: stages that wait for that person.
    """
    mine = ProvisioningRequest.objects.filter(is_demonstration=False)
    mine.update(is_demonstration=True)
    decided = set(ApprovalDecision.objects.filter(stage__state=StageState.OPEN).values_list("stage_id", "person_id"))
    keep = []
    unsent = Alert.objects.filter(state=AlertState.PENDING)
    for alert in unsent.filter(kind=AlertKind.STAGE_OPENED):
        stage = ApprovalStage.objects.filter(pk=alert.payload.get("stage"), state=StageState.OPEN).first()
        if stage is not None and (stage.pk, alert.recipient_id) not in decided:
            keep.append(alert.pk)
    move_all(unsent.exclude(pk__in=keep), AlertEvent.SKIP, last_error=OF_THE_PAST)
    Alert.objects.filter(pk__in=keep).update(next_attempt_at=start)
