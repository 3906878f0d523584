"""Sizes and judges a request: the same call behind the preview, the submission and the last check before a grant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from estimator.catalogue import Release, current_snapshot
from governance.domain.requests.kinds import refuse_unoffered
from governance.domain.requests.parse import RequestContent
from governance.models import Budget, User
from governance.selectors.approvals import authority
from governance.selectors.money import balances
from governance.selectors.requests import facts, judgement, references, sizing
from governance.selectors.requests.judgement import Assessed
from governance.selectors.requests.references import References
from governance.selectors.requests.sizing import Ahead
from governance.selectors.rules import policies


@dataclass(frozen=True, slots=True)
class Read:
    """What a page has read already, at the instant at which it asks for an answer.

    Args:
        people: who holds every role over the project that is asked for.
        in_force, release: the policy versions and the catalogue release of the moment.
    """

    people: authority.Authority | None = None
    in_force: policies.InForce | None = None
    release: Release | None = None


NOTHING_READ = Read()
Hold = Callable[[facts.Context], Sequence[Budget]]
"""Takes the locks on what other submissions move; gives the locked budgets, leaf first."""


def preview(content: Mapping[str, Any], *, actor: User, now: datetime) -> Assessed:
    """What would happen if this content were submitted now.

    Raises:
        InvalidRequest: fields are missing or impossible.
        NoBudget, NoActivePolicy, NoCatalogue: nothing could be decided.
    """
    assessed = assess(RequestContent.parse(content), requester=actor, now=now)
    refuse_unoffered(assessed.content.kind_of_request)
    return assessed


def assess(
    content: RequestContent,
    *,
    requester: User,
    now: datetime,
    request_id: int | None = None,
    beneficiary_id: int | None = None,
    own_hold_micro: int = 0,
    ahead: Ahead | None = None,
    hold: Hold | None = None,
    named: References | None = None,
    standing: Mapping[str, Iterable[int]] | None = None,
    read: Read = NOTHING_READ,
) -> Assessed:
    """Size, complete the facts, judge, and find who would decide.

    Args:
        content: a parsed revision.
        requester: whose roles, history and country count.
        now: aware instant at which prices, policies and balances are read.
        own_hold_micro: what the request holds already, so that it is not counted twice.
        ahead: the estimate, if it was made before.
        hold: takes locks on what other submissions move, if the caller is about to write. It is called when
            everything else has been read, so that others wait for the shortest time. What it does not lock, the caller
            locks later and gives to `settle`.
        named: the records that it names, when the caller has read them; else they must be the requester's to name.
        standing: by role, person ids whose approval in it counts already: nobody else has to be found for them.
        read: what the caller has read at this instant already.

    Raises:
        InvalidRequest: the workload contradicts itself, or names something unknown or not the requester's to name.
        NoBudget: nothing pays for the project at the start.
        Moved: the basis of `ahead` has changed.
    """
    named = named or references.named_by(content, requester=requester, now=now)
    context = facts.gather(content, requester=requester, now=now, own_hold_micro=own_hold_micro, named=named)
    in_force = read.in_force or policies.in_force()
    basis = sizing.basis_of(
        content, now=now, provider=context.provider, allowed=context.providers_allowed, lineage=context.lineage,
        versions=in_force.versions, release=read.release,
    )  # fmt: skip
    if ahead is not None and ahead.basis != basis:
        raise sizing.Moved
    estimated = sizing.estimate_of(basis) if ahead is None else ahead.estimate
    exceptions = policies.exceptions_for(context.project, now=now)

    directory = authority.Directories(context.project, now=now, standing=standing, read=read.people)

    def answer(context: facts.Context) -> Assessed:
        assessed = judgement.judge(
            context,
            snapshot=current_snapshot(basis.release),
            policy=in_force.policy,
            exceptions=exceptions,
            directory=directory,
            beneficiary_id=beneficiary_id,
            estimated=estimated,
        )
        return replace(assessed, beside=in_force.beside, judge_again=answer)

    path = hold(context) if hold else balances.budget_path(context.project, at=max(context.starts_at, now))
    facts.add_what_moves(context, path=path, request_id=request_id)
    return answer(context)
