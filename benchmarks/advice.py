"""Whether advice holds: every nearest request that is shown is submitted as shown, and the bounds are searched besides.

    python -m benchmarks.advice [--requests 1000] [--seed 1] [--searched 120] [--seconds N]

Starts throw-away servers of its own, loads the demonstration, and draws requests as its past year would, larger and
smaller. Each is stored by submitting it; its advice is read; what is shown is submitted as shown, and everything is
rolled back. Counted are requests, offers, promises that did not hold, offers that are no request, and requests without
an offer for which a search of the bounds finds one all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from governance.demonstration.organisation.cast import Cast
    from governance.domain.requests.parse import RequestContent
    from governance.models import ProvisioningRequest, User
    from governance.selectors.requests.advice.nearest import Nearer
    from governance.selectors.requests.situations import Situation

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
PAST = 60
SIZES = (0.05, 0.3, 1.0, 1.0, 3.0, 10.0, 60.0)
COUNTS = (1, 1, 1, 2, 4, 12)
DAYS = (1, 1, 2, 5, 12)


@dataclass
class Found:
    """What came of all requests. `broken` lists promises that did not hold, each as a sentence."""

    requests: int = 0
    allowed: int = 0
    refused_to_submit: int = 0
    with_offer: int = 0
    offers: int = 0
    without_offer: int = 0
    silent: int = 0
    searched: int = 0
    seconds: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        ordered = sorted(self.seconds) or [0.0]
        plain = asdict(self)
        del plain["seconds"]
        return plain | {
            "advice_ms_median": round(ordered[len(ordered) // 2] * 1000, 1),
            "advice_ms_p95": round(ordered[int(len(ordered) * 0.95)] * 1000, 1),
        }


def main() -> int:
    options = _options()
    from tests.plugins.servers import SERVERS

    os.environ.update(SERVERS.environment("benchmark"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    SERVERS.ensure_started()
    import django

    django.setup()
    from django.db import connection, transaction

    from governance.demonstration.load import load

    connection.settings_dict["NAME"] = SERVERS.fresh_database("advice")
    loaded = load(start=START, past_count=PAST)
    assert loaded is not None
    with transaction.atomic():
        found = prove(
            loaded.cast, count=options.requests, seed=options.seed, searched=options.searched, seconds=options.seconds
        )
        transaction.set_rollback(True)
    report = found.to_json()
    print(json.dumps(report, indent=2))
    return 1 if found.broken or found.missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--searched", type=int, default=120, help="points of the bounds, for each request")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after so long, and report what was done")
    return parser.parse_args()


def prove(cast: Cast, *, count: int, seed: int, searched: int, now: datetime = START, seconds: float = 1e9) -> Found:
    """Store requests one after the other, follow the advice on each, and take everything back.

    Args:
        cast: of a loaded demonstration; the caller's transaction.
        searched: points of the bounds that are judged for each request.
    """
    from django.db import transaction

    found = Found()
    rng = random.Random(seed)
    ends = time.monotonic() + seconds
    for user, content in _drawn(cast, rng, count, now):
        if time.monotonic() > ends:
            break
        point = transaction.savepoint()
        try:
            _follow(user, content, found, rng, searched=searched, now=now)
        finally:
            transaction.savepoint_rollback(point)
    return found


def _drawn(cast: Cast, rng: random.Random, count: int, now: datetime) -> Iterator[tuple[User, dict[str, Any]]]:
    """Requests as the past year drew them, of other sizes and for other days."""
    from governance.demonstration.past.plan import plan

    staff = {team: len(users) for team, users in cast.staff.items()}
    projects = {team: [project.slug for project in listed] for team, listed in cast.everyday.items()}
    asked = plan(cast.calendar, staff=staff, projects=projects, count=max(count, 50))
    rng.shuffle(asked)
    for each in asked[:count]:
        content = dict(each.content)
        first = date.fromisoformat(content["start_on"])
        days = (date.fromisoformat(content["end_on"]) - first).days + 1
        longer = min(1_500, days * rng.choice(DAYS))
        size = rng.choice(SIZES)
        content["start_on"] = now.date().isoformat()
        content["end_on"] = None if rng.random() < 0.05 else (now.date() + timedelta(days=longer - 1)).isoformat()
        if content.get("accelerator_count"):
            content["accelerator_count"] = min(4_000, content["accelerator_count"] * rng.choice(COUNTS))
        if content.get("gpu_hours_cap"):
            content["gpu_hours_cap"] = max(1.0, round(content["gpu_hours_cap"] * size, 1))
        if content.get("money_cap_usd"):
            content["money_cap_usd"] = max(1.0, round(content["money_cap_usd"] * size, 2))
        if rng.random() < 0.1:
            content["data_class"] = rng.choice(("public", "confidential", "personal"))
        yield cast.staff[each.team][each.person], content


def _follow(
    user: User, content: dict[str, Any], found: Found, rng: random.Random, *, searched: int, now: datetime
) -> None:
    """One request: stored, advised, submitted as shown, and searched."""
    from governance.demonstration.organisation.world import within
    from governance.domain.errors import GovernanceError
    from governance.selectors.requests.advice import advice, nearest
    from governance.services.requests import submission

    try:
        request: ProvisioningRequest = within(submission.create_and_submit, actor=user, content=content, now=now)
    except GovernanceError:
        # It does not fit the budget, or nobody could decide it: nothing is stored.
        found.refused_to_submit += 1
        return
    found.requests += 1
    if request.state == "granted":
        found.allowed += 1
        return
    began = time.perf_counter()
    shown = advice.advise_request(request, request.draft, now=now).nearest
    found.seconds.append(time.perf_counter() - began)
    for offer in shown.offers:
        found.offers += 1
        found.broken += _broken(request, user, offer, now)
    if shown.offers:
        found.with_offer += 1
    else:
        found.without_offer += 1
        found.silent += not shown.why_none
    situation = nearest.assessed_now(request, request.draft, now=now)
    _search_bounds(situation, request, shown.offers, found, rng, searched)


def _broken(request: ProvisioningRequest, user: User, offer: Nearer, now: datetime) -> list[str]:
    """What an offer promised and its submission does not keep."""
    from django.db import transaction

    from governance.demonstration.organisation.world import within
    from governance.domain.errors import GovernanceError
    from governance.models import ApprovalStage
    from governance.services.requests import drafts, submission

    point = transaction.savepoint()
    try:
        content = offer.content.to_content()
        within(drafts.save_draft, request_id=request.pk, actor=user, content=content, now=now)
        answered = within(submission.submit_request, request_id=request.pk, actor=user, now=now)
    except GovernanceError as error:
        return [f"{request.reference}: {offer.title} is refused: {error.message}"]
    finally:
        stages = set(
            ApprovalStage.objects.filter(provisioning_request=request, state__in=("open", "waiting")).values_list(
                "role__slug", flat=True
            )
        )
        transaction.savepoint_rollback(point)
    problems = []
    if not offer.changes or not (answered.exposure_micro or 0) > 0:
        problems.append(f"{request.reference}: {offer.title} is no request")
    expected = "granted" if offer.outcome.value == "allow" else "in_review"
    if answered.state != expected:
        problems.append(f"{request.reference}: {offer.title} is {answered.state}, not {expected}")
    if stages != set(offer.deciders) or stages & set(offer.dropped):
        problems.append(f"{request.reference}: {offer.title} is decided by {sorted(stages)}, not {offer.deciders}")
    return problems


def _search_bounds(
    situation: Situation,
    request: ProvisioningRequest,
    offers: tuple[Nearer, ...],
    found: Found,
    rng: random.Random,
    searched: int,
) -> None:
    """Corners and random points of everything that may be smaller: none may be better than the best that is shown."""
    from governance.selectors.requests.advice.levers import is_still_the_work
    from governance.selectors.requests.situations import rank_of

    best = min((rank_of(offer.assessed) for offer in offers), default=rank_of(situation.assessed))
    if best == 0:
        return
    found.searched += 1
    for content in _points(situation, rng, searched):
        other = situation.judge_for_real(content)
        if other is None or not is_still_the_work(other, situation.assessed):
            continue
        if rank_of(other) < best:
            found.missed.append(
                f"{request.reference}: {best} people at best, and {rank_of(other)} with {content.gpu_hours_cap} h, "
                f"{content.money_cap_usd} USD, {content.accelerator_count} devices to {content.end_on} "
                f"at {content.provider}"
            )
            return


def _points(situation: Situation, rng: random.Random, count: int) -> Iterator[RequestContent]:
    from governance.selectors.register.usable_places import usable_places

    content = situation.content
    hours = content.gpu_hours_cap or (
        situation.assessed.estimate.gpu_hours.p90 if situation.assessed.estimate.gpu_hours else 0
    )
    days = int(content.window_days or 400)
    here = [(content.provider, content.price_term, content.region, content.country)]
    places = usable_places(
        situation.snapshot, situation.providers.values(), accelerators=[content.accelerator or ""], on=content.start_on
    )
    elsewhere = [(each.provider.slug, each.price_term, each.region, each.country) for each in places]
    may_move = (
        content.accelerator is not None and content.workload not in ("hosted_api", "purchase") and content.kind == "new"
    )
    for index in range(count):
        shares = [rng.choice((1.0, rng.random(), rng.random() ** 4, 0.0)) for _ in range(3)] if index else [0.0] * 3
        provider, term, region, country = rng.choice(here * 3 + (elsewhere if may_move else []))
        changed = content.changed(provider=provider, price_term=term, region=region, country=country)
        if content.money_cap_usd is not None:
            changed = changed.changed(money_cap_usd=max(1.0, float(int(content.money_cap_usd * shares[0]))))
        elif hours >= 1 and content.workload != "hosted_api":
            changed = changed.changed(gpu_hours_cap=max(1.0, float(int(hours * shares[0]))))
        if content.accelerator_count > 1:
            changed = changed.changed(accelerator_count=max(1, int(content.accelerator_count * shares[1])))
        if shares[2] < 1.0:
            changed = changed.changed(end_on=content.start_on + timedelta(days=max(0, int(days * shares[2]) - 1)))
        yield changed


if __name__ == "__main__":
    sys.exit(main())
