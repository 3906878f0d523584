"""One request with everything that it is judged by, read once: changed requests are then judged without a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.quantities import QuantityError
from governance.domain.approvals.routing import Directory
from governance.domain.errors import GovernanceError
from governance.domain.requests.parse import RequestContent
from governance.models import Provider
from governance.policy.bundle.effects import Outcome
from governance.policy.errors import PolicyError
from governance.selectors.requests import judgement
from governance.selectors.requests.judgement import Assessed, FindPeople

JUDGED_MAX = 60
"""Changed requests that are judged for one answer: some tens of milliseconds."""
REFUSED, STUCK = 10_000, 5_000
"""Ranks above any number of people: not allowed, and nobody could decide it."""
_SEATS_MAX = 200


class Situation:
    """What one request is judged by.

    Attributes:
        assessed: the request as it is.
        providers: every provider of the register, by short name.
        judged: how many changed requests were judged so far.
    """

    def __init__(
        self,
        assessed: Assessed,
        *,
        beneficiary_id: int | None = None,
        judged_max: int = JUDGED_MAX,
    ) -> None:
        context, policy, directory = assessed.context, assessed.policy, assessed.directory
        if context.snapshot is None or policy is None or directory is None:
            raise ValueError("the request was judged without a catalogue, rules or people")
        self.assessed = assessed
        self.policy = policy
        self.snapshot: CatalogueSnapshot = context.snapshot
        self.providers: Mapping[str, Provider] = context.providers
        self.judged = 0
        self._directory = directory
        self._beneficiary_id = beneficiary_id
        self._judged_max = judged_max
        self._kept: dict[tuple[Any, ...], Assessed | None] = {}

    @property
    def content(self) -> RequestContent:
        return self.assessed.content

    @property
    def is_exhausted(self) -> bool:
        return self.judged >= self._judged_max

    def judge(self, content: RequestContent) -> Assessed | None:
        """The answer to a changed request, as if everybody could be found who is asked for.

        None where it is no request, and after `JUDGED_MAX` of them.
        """
        key = _key(content)
        if key not in self._kept:
            if self.is_exhausted:
                return None
            self.judged += 1
            self._kept[key] = self._judge(content, _anybody)
        return self._kept[key]

    def judge_for_real(self, content: RequestContent) -> Assessed | None:
        """The answer to a changed request with the people who would decide it."""
        return self._judge(content, self._directory)

    def _judge(self, content: RequestContent, directory: FindPeople) -> Assessed | None:
        context = self.assessed.context
        provider = (
            context.provider
            if content.provider == self.content.provider
            else self.providers.get(content.provider or "")
        )
        if provider is None:
            return None
        try:
            return judgement.judge(
                replace(context, content=content, provider=provider),
                snapshot=self.snapshot,
                policy=self.policy,
                exceptions=self.assessed.exceptions,
                directory=directory,
                beneficiary_id=self._beneficiary_id,
            )
        except (GovernanceError, PolicyError, QuantityError, ArithmeticError):
            return None


def rank_of(assessed: Assessed | None) -> int:
    """How many people an answer needs: 0 when it is allowed at once, `REFUSED` when it cannot pass."""
    if assessed is None or any(level.after_micro < 0 for level in assessed.levels):
        return REFUSED
    match assessed.outcome:
        case Outcome.ALLOW:
            return 0
        case Outcome.DENY:
            return REFUSED
    if assessed.unfillable is not None:
        return STUCK
    return max(1, sum(stage.quorum for stage in assessed.stages))


class _Anybody(Directory):
    """Enough people for every role, different ones for each."""

    def eligible(self, role: str) -> frozenset[int]:
        first = abs(hash(role)) % 1_000_003 * _SEATS_MAX
        return frozenset(range(first, first + 12))


def _anybody(_excluded: frozenset[int], _exposure: int | None) -> Directory:
    return _Anybody({}, {})


def _key(content: RequestContent) -> tuple[Any, ...]:
    return (
        content.gpu_hours_cap,
        content.money_cap_usd,
        content.accelerator,
        content.accelerator_count,
        content.start_on,
        content.end_on,
        content.provider,
        content.price_term,
        content.region,
        content.country,
        content.evidence,
    )
