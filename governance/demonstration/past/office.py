"""What the rows would say about a past request, answered from memory: context, history, and who could decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from estimator.catalogue import current_snapshot
from estimator.core.catalogue import CatalogueSnapshot
from governance.demonstration.books import Books
from governance.demonstration.organisation.cast import Cast
from governance.display import dates
from governance.domain.approvals.routing import Directory
from governance.domain.errors import NoBudget
from governance.domain.requests.parse import RequestContent
from governance.domain.states.register import ScreeningState
from governance.models import ApprovalLimit, Budget, Project, Provider, ProviderCommitment, User
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.selectors.approvals import authority
from governance.selectors.requests import facts, judgement, similar
from governance.selectors.requests.judgement import Assessed
from governance.selectors.rules import policies

# Windows of four weeks, and two weeks until the answer: no grant of the plan is open for longer.
OPEN_DAYS_MAX = 45


@dataclass(slots=True)
class Standing:
    """A request that counts towards what is similar to it while it `stands`, and its grant towards what is open.

    Args:
        is_waiting: people have not answered it yet: it counts for its own requester alone.
    """

    request_id: int
    submitted_at: datetime
    person_id: int
    project_id: int
    workload: str
    exposure_micro: int
    stands: bool = True
    is_waiting: bool = False
    granted_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(slots=True)
class Office:
    """Keeps at hand what the selectors would read for each request, because reading it 1,900 times takes a minute.

    Args:
        acceptances: when each person accepted the first version of the acceptable-use statement.
    """

    cast: Cast
    books: Books
    acceptances: dict[int, datetime]
    of_person: dict[int, list[Standing]] = field(default_factory=dict)
    of_project: dict[int, list[Standing]] = field(default_factory=dict)
    commitments: dict[tuple[str, str], int] = field(default_factory=dict)
    _directories: dict[tuple[int, frozenset[str]], Directory] = field(default_factory=dict)
    _limits: dict[str, dict[int, int]] = field(default_factory=dict)
    _snapshot: CatalogueSnapshot = field(init=False)
    _policy: CompiledPolicySet = field(init=False)
    _providers: dict[str, Provider] = field(init=False)

    def __post_init__(self) -> None:
        self._snapshot = current_snapshot()
        self._policy = policies.active_policy()
        self._providers = {provider.slug: provider for provider in Provider.objects.all()}
        for limit in ApprovalLimit.objects.select_related("role"):
            self._limits.setdefault(limit.role.slug, {})[limit.team_id] = limit.amount_micro_max

    def assess(
        self, content: RequestContent, requester: User, project: Project, *, now: datetime, own: Standing | None = None
    ) -> Assessed:
        """The answer as it would have been given at `now`.

        Args:
            own: the request itself when it is judged again before its grant; it then holds its money already.
        """
        counted = self._similar(content, requester, project, now, own)
        context = facts.Context(
            content=content,
            now=now,
            requester=requester,
            project=project,
            team_path=["organisation", project.team.slug],
            requester_roles=["requester"],
            path=self.books.path(self.paying_budget(project, at=max(facts.starts_at(content), now))),
            provider=self._provider(content.provider),
            lineage=None,
            related_grant=None,
            aup_current=True,
            aup_age_days=(now - self.acceptances[requester.person_id]).days,
            screening_state=ScreeningState.NOT_NEEDED,
            similar_count=len(counted),
            similar_micro=sum(each.exposure_micro for each in counted),
            follow_up_micro=0,
            follow_up_count=0,
            open_grants=self._open_grants(project, now),
            commitments=self._committed(now),
            own_hold_micro=own.exposure_micro if own else 0,
            similar_ids=tuple(each.request_id for each in counted),
        )
        return judgement.judge(
            context,
            snapshot=self._snapshot,
            policy=self._policy,
            exceptions=(),
            directory=lambda excluded, exposure: self.directory(project, excluded, exposure),
        )

    def paying_budget(self, project: Project, *, at: datetime) -> Budget:
        """The nearest team's budget that covers an instant, as `balances.budget_path` finds it.

        Raises:
            NoBudget: none does.
        """
        teams = project.team.path_ids
        found = [
            budget
            for budget in self.books.by_id.values()
            if budget.period_start <= at < budget.period_end
            and (budget.project_id == project.pk or budget.team_id in teams)
        ]
        if not found:
            raise NoBudget(f"no budget of `{project.name}` covers {dates.full_day(at)}")
        return max(found, key=lambda b: (b.project_id is not None, teams.index(b.team_id) if b.team_id else 0))

    def directory(self, project: Project, excluded: Iterable[int], exposure: int | None) -> Directory:
        """Who could fill each role: the roles of the founding day hold all year."""
        over = frozenset(self._roles_over_limit(project, exposure))
        key = (project.team_id, over)
        found = self._directories.get(key)
        if found is None:
            found = authority.Directories(project, now=self.cast.calendar.start)((), exposure)
            self._directories[key] = found
        return Directory(found.people_by_role, found.fallback_by_role, frozenset(excluded))

    def keep(self, standing: Standing) -> None:
        """Remember a request that was not refused; they come in order of time."""
        self.of_person.setdefault(standing.person_id, []).append(standing)
        self.of_project.setdefault(standing.project_id, []).append(standing)

    def read_commitments(self) -> None:
        """Take up what the services have committed meanwhile."""
        rows = ProviderCommitment.objects.values_list("provider", "month", "committed_micro")
        self.commitments = {(provider, month.isoformat()): amount for provider, month, amount in rows}

    def _roles_over_limit(self, project: Project, exposure: int | None) -> list[str]:
        if exposure is None:
            return []
        over = []
        for role, by_team in self._limits.items():
            nearest = next((by_team[team] for team in reversed(project.team.path_ids) if team in by_team), None)
            if nearest is not None and nearest < exposure:
                over.append(role)
        return over

    def _provider(self, slug: str | None) -> Provider:
        return self._providers[slug or ""]

    def _similar(
        self, content: RequestContent, requester: User, project: Project, now: datetime, own: Standing | None
    ) -> list[Standing]:
        """What `selectors.similar.counted_with` would find, the newest first."""
        horizon = now - timedelta(days=similar.SIMILAR_DAYS)
        found = {
            each.request_id: each
            for each in _since(self.of_project.get(project.pk, []), horizon)
            if not each.is_waiting or each.person_id == requester.person_id
        }
        found |= {each.request_id: each for each in _since(self.of_person.get(requester.person_id, []), horizon)}
        standing = [
            each for each in found.values() if each.stands and each.workload == content.workload and each is not own
        ]
        return sorted(standing, key=lambda each: each.submitted_at, reverse=True)

    def _open_grants(self, project: Project, now: datetime) -> int:
        return sum(
            1
            for each in _since(self.of_project.get(project.pk, []), now - timedelta(days=OPEN_DAYS_MAX))
            if each.granted_at is not None and each.ended_at is not None and each.granted_at <= now < each.ended_at
        )

    def _committed(self, now: datetime) -> dict[str, int]:
        since = (now - timedelta(days=facts.CONCENTRATION_DAYS)).date().isoformat()
        totals: dict[str, int] = {}
        for (provider, month), amount in self.commitments.items():
            if month >= since:
                totals[provider] = totals.get(provider, 0) + amount
        return totals


def _since(standing: list[Standing], horizon: datetime) -> Iterator[Standing]:
    """The youngest of a list that is in order of time, down to an instant."""
    for each in reversed(standing):
        if each.submitted_at <= horizon:
            return
        yield each
