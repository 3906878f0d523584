"""Stored decisions under the rules that were in force then, found again by their digest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models.functions import Mod

from governance.models import Assessment, PolicyVersion
from governance.policy.bundle import load_bundle
from governance.policy.policy_set import CompiledPolicySet, compile_policy_set
from governance.policy.replay import replayed_differences

KEPT_SETS_MAX = 16


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision judged again. `differences` is None when its rules could not be found."""

    assessment_id: int
    policy_digest: str
    differences: dict[str, tuple[Any, Any]] | None


def replay(
    *, limit: int | None = None, newest_first: bool = True, only: Sequence[int] | None = None
) -> Iterator[Replayed]:
    """Judge stored decisions again, one after another.

    Args:
        limit: at most so many; all when None.
        only: these assessments and no others.
    """
    found_rows = Assessment.objects.all() if only is None else Assessment.objects.filter(pk__in=only)
    rows = found_rows.order_by("-pk" if newest_first else "pk").values_list(
        "pk", "assessed_at", "policy_digest", "facts", "decision"
    )
    known: OrderedDict[str, CompiledPolicySet | None] = OrderedDict()
    for pk, assessed_at, digest, facts, decision in (rows[:limit] if limit is not None else rows).iterator(500):
        if digest not in known:
            known[digest] = rules_by_digest(digest, at=assessed_at)
            if len(known) > KEPT_SETS_MAX:
                known.popitem(last=False)
        policy_set = known[digest]
        found = None
        if policy_set is not None:
            found = replayed_differences(policy_set, facts, decision, on=assessed_at.date())
        yield Replayed(pk, digest, found)


def rules_by_digest(digest: str, *, at: datetime) -> CompiledPolicySet | None:
    """The policy set with this digest, made from one stored version of each set; None when none adds up to it.

    The digest decides, so a wrong guess costs time and nothing else. Tried in turn: what was in force then, what is in
    force now, what was newest then. A set that has no such version yet is taken in its first one: past decisions may be
    older than the moment their rules were stored.
    """
    by_set: dict[int, list[PolicyVersion]] = {}
    for version in PolicyVersion.objects.order_by("policy_set__slug", "number"):
        by_set.setdefault(version.policy_set_id, []).append(version)
    tried: set[tuple[int, ...]] = set()
    for is_wanted in (_was_in_force(at), _is_active, _existed(at)):
        chosen = [
            next((version for version in reversed(versions) if is_wanted(version)), versions[0])
            for versions in by_set.values()
        ]
        key = tuple(version.pk for version in chosen)
        if not chosen or key in tried:
            continue
        tried.add(key)
        policy_set = compile_policy_set([load_bundle(version.source) for version in chosen])
        if policy_set.digest == digest:
            return policy_set
    return None


def _was_in_force(at: datetime) -> Callable[[PolicyVersion], bool]:
    return lambda version: bool(
        version.activated_at and version.activated_at <= at and (version.retired_at is None or version.retired_at > at)
    )


def _is_active(version: PolicyVersion) -> bool:
    return version.state == "active"


def _existed(at: datetime) -> Callable[[PolicyVersion], bool]:
    return lambda version: version.created_at <= at


def sample_of(*, size: int, turn: int) -> list[int]:
    """Ids of about `size` assessments spread over the whole history; another turn takes others, in the end all.

    Args:
        turn: a number that goes up by one each time, such as the day's.
    """
    newest = Assessment.objects.order_by("-pk").values_list("pk", flat=True).first()
    if newest is None:
        return []
    step = max(1, -(-newest // size))
    ids = Assessment.objects.annotate(place=Mod("pk", step)).filter(place=turn % step)
    return list(ids.order_by("pk").values_list("pk", flat=True))
