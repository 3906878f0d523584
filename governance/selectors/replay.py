"""Stored decisions under the rules that were in force then, found again by their digest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models.functions import Mod

from governance.models import Assessment, AuditEvent, PolicyVersion
from governance.policy.bundle import load_bundle
from governance.policy.bundle_model import Bundle
from governance.policy.policy_set import CompiledPolicySet, compile_policy_set
from governance.policy.replay import replayed_differences

KEPT_SETS_MAX = 16
COMBINATIONS_TRIED_MAX = 200
SUBJECT = "policyversion"


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
    """The policy set with this digest, made from versions that ruled together; None when none adds up to it.

    The digest decides, so a wrong guess costs time and nothing else.
    """
    bundles: dict[int, Bundle] = {}
    for versions in _ruled_together(at)[:COMBINATIONS_TRIED_MAX]:
        unread = PolicyVersion.objects.filter(pk__in=set(versions) - set(bundles))
        bundles |= {pk: load_bundle(source) for pk, source in unread.values_list("pk", "source")}
        policy_set = compile_policy_set([bundles[pk] for pk in versions])
        if policy_set.digest == digest:
            return policy_set
    return None


def _ruled_together(at: datetime) -> list[tuple[int, ...]]:
    """Ids of the versions that were in force at the same time, the time nearest to `at` first.

    Read from the audit log, which keeps every activation: a version's own columns forget the first one when it is put
    in force again. Times after `at` follow, since past decisions may be older than the moment their rules were stored.
    """
    sets = dict(PolicyVersion.objects.values_list("pk", "policy_set_id"))
    activations = (
        AuditEvent.objects.filter(subject_type=SUBJECT, subject_id__in=sets, action="policy.activated")
        .order_by("seq")
        .values_list("at", "subject_id")
    )
    ruling: dict[int, int] = {}
    before: list[tuple[int, ...]] = []
    after: list[tuple[int, ...]] = []
    for when, version in activations:
        ruling[sets[version]] = version
        (before if when <= at else after).append(tuple(sorted(ruling.values())))
    return list(dict.fromkeys([*reversed(before), *after]))


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
