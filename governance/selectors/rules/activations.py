"""What stands between a policy version and its activation: one reading for the service, the panel and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db.models import Min

from governance.domain.states.requests import Occasion
from governance.domain.states.rules import ACTIVATION_OPEN, ActivationState, VersionState
from governance.models import (
    Assessment,
    Person,
    PolicyActivation,
    PolicyBacktest,
    PolicyFindingNote,
    PolicyVersion,
    User,
)
from governance.policy.bundle.bundle import check_stored
from governance.policy.errors import PolicyError
from governance.selectors.people.duties import people_with
from governance.selectors.rules import officers as officers_of
from governance.selectors.rules import policies, policy_checks
from governance.selectors.rules.policy_checks import Checks, StoredFinding
from governance.selectors.rules.shadow import ShadowSummary, shadow_summary
from governance.selectors.rules.vocabulary import installed_vocabulary

_NO_SECOND = "there is no second policy officer to approve it: assign the role to somebody else"
BACKTESTS_READ_MAX = 20
BACKTEST_SPAN_MIN = timedelta(days=90)
"""A backtest that opens the gate reaches back so far, or to the first decision."""


class BacktestStanding(StrEnum):
    NOT_NEEDED = "not_needed"
    NONE = "none"
    RUNNING = "running"
    STALE = "stale"
    SHORT = "short"
    UNSEEN = "unseen"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a version stands.

    Args:
        checks: the last run; None when its cases have never been run.
        explained: newest explanation of each finding, by the finding's key.
        backtest: the run that counts, or the newest one that does not.
        activation: the open one, else the newest; None when nobody ever asked.
        officers: person id to name of everybody who could answer: of the open activation, else of one that `asker`
            asks for.
        missing: what is still in the way of asking, one sentence each; empty when it can be asked for.
    """

    version: PolicyVersion
    checks: Checks | None
    explained: Mapping[str, PolicyFindingNote]
    unexplained: tuple[StoredFinding, ...]
    shadow: ShadowSummary
    backtest: PolicyBacktest | None
    backtest_standing: BacktestStanding
    activation: PolicyActivation | None
    officers: Mapping[int, str]
    missing: tuple[str, ...]

    @property
    def open_activation(self) -> PolicyActivation | None:
        return self.activation if self.activation and self.activation.state in ACTIVATION_OPEN else None

    @property
    def may_rule_again(self) -> bool:
        """Its exact rules were in force once: activating it is a rollback, which needs no backtest."""
        return has_ruled(self.version)


def has_ruled(version: PolicyVersion) -> bool:
    """Whether these exact rules were in force before. The text of a version never changes, so its row says it."""
    return version.activated_at is not None


def activation_of(activation_id: int) -> PolicyActivation:
    """An activation with everybody and everything that a sentence about it names."""
    return PolicyActivation.objects.select_related(
        "version__policy_set", "asked_by__person", "answered_by__person", "backtest__seen_by__person"
    ).get(pk=activation_id)


def answerers(activation: PolicyActivation, *, now: datetime) -> frozenset[int]:
    """Ids of the people who could answer it: officers who are independent of the one who asked."""
    return frozenset(officers_of.seconds("policies", asked_by=activation.asked_by, now=now))


def waiting_for(person: Person, *, now: datetime) -> list[PolicyActivation]:
    """Activations that this person may answer, the oldest first; at most one of each policy waits."""
    asked = PolicyActivation.objects.filter(state=ActivationState.ASKED).select_related(
        "version__policy_set", "asked_by__person"
    )
    return [each for each in asked.order_by("asked_at") if person.pk in answerers(each, now=now)]


def concerned(activation: PolicyActivation, *, now: datetime) -> frozenset[int]:
    """Ids of the people who expect it to rule: the two who agreed. All officers where neither is one any more."""
    officers = frozenset(people_with("policies", now=now))
    two = {each.person_id for each in (activation.asked_by, activation.answered_by) if each is not None}
    return officers & two or officers


def in_force_beside(activation: PolicyActivation) -> PolicyVersion | None:
    """The version of the same set that decides now."""
    return PolicyVersion.objects.filter(policy_set_id=activation.policy_set_id, state=VersionState.ACTIVE).first()


def standing_of(version: PolicyVersion, *, now: datetime, asker: User | None = None, is_live: bool = False) -> Standing:
    """Everything about one version, in a fixed number of queries.

    Args:
        asker: who asks or would ask for it; None for anybody.
        is_live: run the cases again and count the people again, rather than believing the last run. Such a reading is
            made under the lock of all sets, so what decides nothing is left out: the shadow's figures.
    """
    checks = Checks.from_json(version.checks)
    explained = policy_checks.explanations_of(version, now=now)
    unexplained = checks.unexplained(explained) if checks else ()
    in_force = policies.digest_in_force()
    problems: list[str] = []
    try:
        whole = policies.policy_with(version)
        draft = whole.digest
    except PolicyError as error:
        whole, draft = None, ""
        problems.append(f"it does not work together with the rules in force: {error}")
    backtest, standing = _backtest(version, against=in_force, draft=draft)
    problems += _of_checks(version, checks, unexplained, draft)
    if is_live and whole is not None:
        bundle = policies.bundle_of(version)
        try:
            check_stored(bundle, installed_vocabulary())
        except PolicyError as error:
            problems.append(f"it names something that does not exist: {error.message}")
        again = policy_checks.run_cases(bundle)
        if checks is not None and checks.are_cases_green and not again.are_cases_green:
            problems.append("its cases no longer pass: run them again")
        for finding in policy_checks.empty_stages(whole, bundle, now=now):
            stored = StoredFinding.of(finding)
            known = checks is not None and stored.key in {each.key for each in checks.findings}
            if stored.key not in explained and not known:
                problems.append(f"a stage that nobody could fill: {stored.sentence.rstrip('.')}")
    if in_force:
        problems += _of_backtest(standing)
    activations = PolicyActivation.objects.filter(version=version).select_related(
        "asked_by__person", "answered_by__person"
    )
    activation = activations.order_by("-pk").first()
    if activation is not None and activation.state in ACTIVATION_OPEN:
        asker = activation.asked_by
    officers, problem = _officers(asker, now=now)
    # Of an agreed one the second officer is known: that they still are one is looked at when it comes into force.
    if problem and (activation is None or activation.state != ActivationState.AGREED):
        problems.append(problem)
    return Standing(
        version=version,
        checks=checks,
        explained=explained,
        unexplained=unexplained,
        shadow=ShadowSummary() if is_live else shadow_summary(version),
        backtest=backtest,
        backtest_standing=standing,
        activation=activation,
        officers=officers,
        missing=tuple(problems),
    )


def _officers(asker: User | None, *, now: datetime) -> tuple[dict[int, str], str]:
    """Who could answer, and what stands in the way when nobody could."""
    everybody = officers_of.holders("policies", now=now)
    if asker is None:
        return everybody, "" if len(everybody) > 1 else _NO_SECOND
    others = officers_of.seconds("policies", asked_by=asker, now=now)
    if others:
        return others, ""
    if everybody.keys() <= {asker.person_id}:
        return others, _NO_SECOND
    return others, (
        f"every other policy officer was added, or given the role, by {asker.person.name} or the other way round "
        f"within the last {settings.SECOND_OFFICER_DAYS} days: an officer of longer standing answers"
    )


def _of_checks(
    version: PolicyVersion, checks: Checks | None, unexplained: Sequence[StoredFinding], draft: str
) -> list[str]:
    if checks is None:
        return ["its cases have not been run"]
    problems = []
    if checks.refusal and draft:
        problems.append(f"its last checks refused it ({checks.refusal.partition(chr(10))[0]}): run them again")
    if failed := checks.failed_count:
        problems.append(f"{failed} of {checks.case_count} cases {'fails' if failed == 1 else 'fail'}")
    if not checks.case_count:
        problems.append("it has no cases")
    for rule, kinds in checks.missing.items():
        problems.append(f"`{rule}` has no {' and no '.join(kind.replace('_', '-') for kind in kinds)} case")
    problems += [f"a finding is not explained: {finding.sentence.rstrip('.')}" for finding in unexplained]
    if draft and checks.policy_digest and checks.policy_digest != draft:
        problems.append("the rules beside it have changed since its checks ran: run them again")
    elif not problems and version.state == VersionState.DRAFT:
        problems.append("its findings are explained now: run the cases once more")
    return problems


def _of_backtest(standing: BacktestStanding) -> list[str]:
    match standing:
        case BacktestStanding.NONE:
            return ["no backtest of it has been run"]
        case BacktestStanding.RUNNING:
            return ["its backtest is not finished"]
        case BacktestStanding.STALE:
            return ["its backtest was made against other rules than those in force now: run it again"]
        case BacktestStanding.SHORT:
            return [
                f"its backtest covers too little: evaluate {BACKTEST_SPAN_MIN.days} days again, or all that there are"
            ]
        case BacktestStanding.UNSEEN:
            return ["nobody has reviewed its backtest"]
    return []


def says_enough(run: PolicyBacktest, *, first_at: datetime | None) -> bool:
    """Whether a finished run rests on the history that there is: a quarter of a year at least, or all of it.

    Nobody opens the gate with a run over the last second. Where nothing was decided yet, nothing can be judged again.

    Args:
        first_at: of the first decision that is stored; None when there is none.
    """
    if first_at is None or first_at >= run.until:
        return True
    reaches_back = run.since is None or run.since <= max(first_at, run.until - BACKTEST_SPAN_MIN)
    return reaches_back and int(run.result.get("rows", 0)) > 0


def _backtest(version: PolicyVersion, *, against: str, draft: str) -> tuple[PolicyBacktest | None, BacktestStanding]:
    """The run that counts: finished, looked at, and made between exactly these two policies; else the newest one."""
    runs = list(
        PolicyBacktest.objects.filter(version=version)
        .select_related("seen_by__person")
        .order_by("-pk")[:BACKTESTS_READ_MAX]
    )
    done = [run for run in runs if run.is_done]
    fitting = [run for run in done if run.against_digest == against and run.draft_digest == draft]
    first_at = Assessment.objects.filter(occasion=Occasion.SUBMIT).aggregate(first=Min("assessed_at"))["first"]
    enough = [run for run in fitting if says_enough(run, first_at=first_at)]
    seen = next((run for run in enough if run.seen_at is not None), None)
    if seen is not None:
        return seen, BacktestStanding.SEEN
    if has_ruled(version):
        return next(iter(fitting or done), None), BacktestStanding.NOT_NEEDED
    if enough:
        return enough[0], BacktestStanding.UNSEEN
    going = next((run for run in runs if run.is_live), None)
    if going is not None:
        return going, BacktestStanding.RUNNING
    if fitting:
        return fitting[0], BacktestStanding.SHORT
    return (done[0], BacktestStanding.STALE) if done else (None, BacktestStanding.NONE)
