"""Gathers the facts of one request: what the rows say now, then, purely, what estimate and rows say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum, Value

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.results.result import Estimate, LineageCompute
from governance.domain.errors import InvalidRequest
from governance.domain.money.money import to_units
from governance.domain.requests import fields, kinds
from governance.domain.requests.parse import RequestContent
from governance.domain.states.grants import GrantState
from governance.domain.states.requests import State
from governance.models import (
    AcceptableUseVersion,
    Acceptance,
    Beneficiary,
    Budget,
    Grant,
    ModelLineage,
    Project,
    Provider,
    ProviderCommitment,
    ProvisioningRequest,
    User,
)
from governance.policy.suggest import closest
from governance.selectors.money import balances
from governance.selectors.requests import similar as similar_requests
from governance.selectors.requests.references import References
from governance.selectors.requests.similar import SIMILAR_DAYS

CONCENTRATION_DAYS = 365


@dataclass(slots=True)
class Context:
    """Everything that the rows say about one request at one instant.

    From `path` to `commitments` stands what other submissions move; the rest is moved by officers and people's acts.
    """

    content: RequestContent
    now: datetime
    requester: User
    project: Project
    team_path: list[str]
    requester_roles: list[str]
    provider: Provider
    lineage: ModelLineage | None
    related_grant: Grant | None
    aup_current: bool
    aup_age_days: int | None
    screening_state: str
    path: Sequence[Budget] = ()
    similar_count: int = 0
    similar_micro: int = 0
    follow_up_micro: int = 0
    follow_up_count: int = 0
    open_grants: int = 0
    commitments: dict[str, int] = field(default_factory=dict)
    own_hold_micro: int = 0
    similar_ids: tuple[int, ...] = ()
    providers: Mapping[str, Provider] = field(default_factory=dict)
    providers_allowed: frozenset[str] | None = None
    snapshot: CatalogueSnapshot | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def starts_at(self) -> datetime:
        return starts_at(self.content)

    @property
    def ends_at(self) -> datetime | None:
        return ends_at(self.content)


def starts_at(content: RequestContent) -> datetime:
    """First instant of the window, UTC."""
    return datetime.combine(content.start_on, time(), UTC)


def ends_at(content: RequestContent) -> datetime | None:
    """End of the half-open window, UTC; None when open-ended."""
    return None if content.end_on is None else datetime.combine(content.end_on + timedelta(days=1), time(), UTC)


def gather(
    content: RequestContent, *, requester: User, now: datetime, named: References, own_hold_micro: int = 0
) -> Context:
    """Read what a request names and who asks, in a number of queries that does not depend on how many rows there are.

    What other submissions move is missing still: `add_what_moves`.

    Args:
        named: the records that it names.
        own_hold_micro: what this request holds already.
    """
    project, lineage = named.project, named.lineage
    # Only a request about a grant reads what became of it.
    grant = named.related_grant if content.kind_of_request.is_on_grant else None
    aup_current, aup_age = acceptance_of(requester.person_id, now=now)
    return Context(
        content=content,
        now=now,
        requester=requester,
        project=project,
        team_path=list(named.team_path),
        requester_roles=list(named.roles),
        provider=named.provider,
        lineage=lineage,
        related_grant=grant,
        aup_current=aup_current,
        aup_age_days=aup_age,
        screening_state=_screening(content),
        own_hold_micro=own_hold_micro,
        providers=named.providers,
        providers_allowed=allowed_of(named.providers),
    )


def add_what_moves(context: Context, *, path: Sequence[Budget], request_id: int | None = None) -> None:
    """Read what other submissions and grants move: sums, counts and shares, and the balances of `path`.

    Whoever is about to write holds the locks of `services/turns.py` by now, so that nobody else moves it before COMMIT.

    Args:
        path: the budgets that pay, leaf first.
        request_id: the request itself, left out of its own history.
    """
    content, now, grant = context.content, context.now, context.related_grant
    context.path = path
    similar = similar_requests.read(
        similar_requests.counted_with(
            workload=content.workload,
            person_id=context.requester.person_id,
            project_id=context.project.pk,
            lineage_id=context.lineage.pk if context.lineage else None,
            now=now,
            request_id=request_id,
        )
    )
    context.similar_count, context.similar_micro, context.similar_ids = similar.count, similar.total_micro, similar.ids
    context.follow_up_micro, context.follow_up_count = _follow_ups(grant, now, request_id)
    context.open_grants, context.commitments = _granted(context.project, now)


def allowed_of(providers: Mapping[str, Provider]) -> frozenset[str]:
    """Slugs of the providers that this organisation has approved."""
    return frozenset(slug for slug, provider in providers.items() if provider.is_approved)


def lineage_compute(lineage: ModelLineage | None) -> LineageCompute | None:
    """What the lineage holds already, for the estimator."""
    if lineage is None:
        return None
    return LineageCompute(
        direct_p50=lineage.direct_flop_p50,
        direct_p90=lineage.direct_flop_p90,
        cumulative_p50=lineage.cumulative_flop_p50,
        cumulative_p90=lineage.cumulative_flop_p90,
        base_model_flop=lineage.base_model_flop,
        base_model_systemic=lineage.base_model_systemic,
    )


def complete(
    context: Context, estimate: Estimate, exposure_micro: int | None, hold_micro: int | None
) -> dict[str, Any]:
    """All facts of schema version 1 that can be known; what cannot be known is absent, never zero. Pure.

    Args:
        exposure_micro: what the request counts as, money that already runs under the same grant included.
        hold_micro: what the budgets would have to set aside for it.
    """
    content, leaf = context.content, context.path[0]
    # The schema requires the number. Without a price it says nothing is promised; that nothing permits such a request
    # is the absence of `estimate.cost_p90_usd`.
    exposure = to_units(exposure_micro or 0)
    levels = balances.levels(context.path, needed_micro=hold_micro or 0, own_hold_micro=context.own_hold_micro)
    share, hhi = _concentration(context.commitments, context.provider.slug, hold_micro or 0)
    lineage, price = context.lineage, estimate.price
    accelerator = (
        context.snapshot.accelerators.get(content.accelerator) if context.snapshot and content.accelerator else None
    )
    values: dict[str, Any] = {
        **_answers(content, lineage),
        "request.prohibited_uses": _prohibited_uses(context),
        "request.evidence_kinds": sorted({item.kind for item in content.evidence}),
        "request.start_at": context.starts_at,
        "request.end_at": context.ends_at,
        "request.window_days": content.window_days,
        "request.accelerator_vendor": accelerator.vendor if accelerator else None,
        "request.exposure_usd": exposure,
        "request.latency_target_ms": content.work.get("latency_target_ms"),
        "estimate.cost_p50_usd": estimate.cost_usd and estimate.cost_usd.p50,
        "estimate.cost_p90_usd": estimate.cost_usd and estimate.cost_usd.p90,
        "estimate.run_rate_p90_usd_month": estimate.run_rate_usd_month and estimate.run_rate_usd_month.p90,
        "estimate.commitment_tail_usd": estimate.commitment_tail_usd,
        "estimate.cost_over_cheapest_ratio": estimate.cost_over_cheapest_ratio,
        "estimate.gpu_hours_p50": estimate.gpu_hours and estimate.gpu_hours.p50,
        "estimate.gpu_hours_p90": estimate.gpu_hours and estimate.gpu_hours.p90,
        "estimate.half_width": estimate.half_width,
        "estimate.price_age_days": price.age_days if price else None,
        "estimate.run_flop_p50": estimate.run_flop and estimate.run_flop.p50,
        "estimate.run_flop_p90": estimate.run_flop and estimate.run_flop.p90,
        "estimate.cluster_peak_flop_s": estimate.cluster_peak_flop_s,
        "estimate.memory_fits": estimate.memory_fits,
        "estimate.energy_p90_kwh": estimate.energy_kwh and estimate.energy_kwh.p90,
        "estimate.carbon_p50_kg": estimate.carbon_kg and estimate.carbon_kg.p50,
        "estimate.carbon_market_p50_kg": estimate.carbon_market_kg and estimate.carbon_market_kg.p50,
        "thresholds.exceeded": [reading.id for reading in estimate.thresholds if reading.exceeds],
        "thresholds.may_exceed": [reading.id for reading in estimate.thresholds if reading.may_exceed],
        "place.provider_type": context.provider.provider_type,
        "place.grid_g_kwh": estimate.grid_g_kwh,
        "place.pue": estimate.pue,
        "place.cleaner_grid_g_kwh": estimate.cleaner_place and estimate.cleaner_place.grid_g_kwh,
        "place.cleaner_cost_ratio": estimate.cleaner_place and estimate.cleaner_place.cost_ratio,
        "place.chip_tpp": estimate.chip_tpp,
        "place.chip_density": estimate.chip_density,
        "place.chip_vendor_hq_country": estimate.chip_vendor_hq_country,
        "budget.headroom_after_usd": min(to_units(level.after_micro) for level in levels),
        "budget.used_ratio": min(1.0, levels[0].used_ratio),
        "budget.forecast_ratio": balances.forecast_ratio(leaf, now=context.now),
        "budget.periods_crossed": balances.periods_crossed(leaf, end=context.ends_at),
        "budget.cost_centre": context.project.team.cost_centre,
        "people.requester_type": "service_account"
        if context.requester.is_service_account
        else context.requester.person.requester_type,
        "people.requester_roles": context.requester_roles,
        "people.team_path": context.team_path,
        "people.access_countries": sorted({context.requester.person.country, *content.access_countries}),
        "people.screening_state": context.screening_state,
        "people.aup_current": context.aup_current,
        "people.aup_age_days": context.aup_age_days,
        "people.trainings_valid": list(context.requester.person.trainings),
        "vendor.provider_approved": context.provider.is_approved,
        "vendor.provider_dpa": context.provider.has_data_processing_agreement,
        "vendor.provider_terms_age_days": _age_days(context.provider.terms_reviewed_on, context.now),
        "vendor.provider_certifications": list(context.provider.certifications),
        "vendor.provider_share_after": share,
        "vendor.hhi_after": hhi,
        "history.similar_count_30d": context.similar_count + 1,
        "history.similar_exposure_30d_usd": to_units(context.similar_micro + (exposure_micro or 0)),
        "history.project_age_days": max(0, (context.now.date() - context.project.started_on).days),
        "history.project_open_grants": context.open_grants,
        "clock.decided_at": context.now,
    }
    values |= _lineage_facts(context, estimate) | _grant_facts(context, hold_micro)
    # What nobody knows is absent: neither None nor an empty text is a fact.
    return {name: _plain_number(value) for name, value in values.items() if value is not None and value != ""}


def _answers(content: RequestContent, lineage: ModelLineage | None) -> dict[str, Any]:
    """The facts that are answers of the form; where the lineage says the same, its word wins and lists are joined."""
    answers: dict[str, Any] = {}
    for row in fields.FIELDS:
        if not row.fact:
            continue
        value = content.answers[row.name]
        kept = getattr(lineage, row.name) if lineage is not None and row.kept_by == "lineage" else None
        if isinstance(value, tuple):
            value = sorted({*value, *(kept or ())}, key=str)
        answers[row.fact] = value if kept is None or isinstance(value, list) else kept
    return answers


def acceptance_of(person_id: int, *, now: datetime) -> tuple[bool, int | None]:
    """Whether the person accepted every statement in force, and how old the oldest acceptance is, in days. One query.

    The previous version counts until the consent to the new one is due.
    """
    theirs = Acceptance.objects.filter(version=OuterRef("pk"), person_id=person_id)
    versions = (
        AcceptableUseVersion.objects.filter(effective_from__lte=now)
        .order_by("statement_id", "-number")
        .annotate(accepted_at=Subquery(theirs.values("accepted_at")))
        .values_list("statement_id", "consent_due", "accepted_at")
    )
    ages: list[int] = []
    by_statement: dict[int, list[tuple[datetime, datetime | None]]] = {}
    for statement, consent_due, accepted_at in versions:
        by_statement.setdefault(statement, []).append((consent_due, accepted_at))
    for found in by_statement.values():
        usable = found[:2] if found[0][0] > now else found[:1]
        times = [accepted_at for _, accepted_at in usable if accepted_at is not None]
        if not times:
            return False, None
        ages.append((now - max(times)).days)
    return True, max(ages, default=None)


def _screening(content: RequestContent) -> str:
    """A party that nobody screened is pending: unknown is never clear."""
    if not content.beneficiary_entity:
        return "not_needed"
    state = Beneficiary.objects.filter(name__iexact=content.beneficiary_entity).values_list(
        "screening_state", flat=True
    )
    return state.first() or "pending"


def _follow_ups(grant: Grant | None, now: datetime, request_id: int | None) -> tuple[int, int]:
    """What other standing changes of the grant ask for, and how many came in 30 days."""
    if grant is None:
        return 0, 0
    standing = ProvisioningRequest.objects.filter(
        related_grant=grant, kind__in=kinds.ADDING, state__in=(State.IN_REVIEW.value, State.GRANTED.value)
    )
    if request_id is not None:
        standing = standing.exclude(pk=request_id)
    found = standing.aggregate(
        total=Sum("exposure_micro"),
        recent=Count("pk", filter=Q(submitted_at__gt=now - timedelta(days=SIMILAR_DAYS))),
    )
    return found["total"] or 0, found["recent"]


def commitments(now: datetime) -> dict[str, int]:
    """What was granted at each provider in the last 12 months, micro-units."""
    return {row["provider"]: row["total"] for row in _commitments(now)}


def _commitments(now: datetime) -> QuerySet[Any, Any]:
    since = (now - timedelta(days=CONCENTRATION_DAYS)).date()
    rows = ProviderCommitment.objects.filter(month__gte=since).order_by().values("provider")
    return rows.annotate(total=Sum("committed_micro"))


def _granted(project: Project, now: datetime) -> tuple[int, dict[str, int]]:
    """How many grants of the project run, and what is committed to each provider. One query."""
    running = Grant.objects.filter(project=project, state=GrantState.ACTIVE).order_by()
    counted = running.annotate(provider_none=Value("")).values("provider_none").annotate(total=Count("pk"))
    found = {row["provider"]: row["total"] for row in _commitments(now).union(counted, all=True)}
    return found.pop("", 0), found


def _concentration(commitments: dict[str, int], provider: str, exposure_micro: int) -> tuple[float, float]:
    """The provider's share and the Herfindahl-Hirschman index over 12 months, this request included; both 0 to 1."""
    after = dict(commitments)
    after[provider] = after.get(provider, 0) + exposure_micro
    total = sum(after.values())
    if not total:
        return 0.0, 0.0
    return after[provider] / total, sum((amount / total) ** 2 for amount in after.values())


def _prohibited_uses(context: Context) -> list[str] | None:
    """The stated uses whose prohibition holds on a day of the window; None when the question was not answered.

    Raises:
        InvalidRequest: a use that the catalogue does not list.
    """
    content = context.content
    if content.prohibited_uses is None:
        return None
    known = {use.id: use for use in context.snapshot.prohibited_uses} if context.snapshot else {}
    if unknown := [name for name in content.prohibited_uses if name not in known]:
        meant = closest(unknown[0], known)
        more = f": did you mean `{meant}`?" if meant else f": it lists {', '.join(sorted(known))}"
        raise InvalidRequest({"prohibited_uses": [f"`{unknown[0]}` is not on the list of prohibited uses{more}"]})
    return [name for name in content.prohibited_uses if known[name].holds_within(content.start_on, content.end_on)]


def _lineage_facts(context: Context, estimate: Estimate) -> dict[str, Any]:
    if context.lineage is None:
        return {}
    return {
        "lineage.flop_direct_p90": estimate.training_flop_direct and estimate.training_flop_direct.p90,
        "lineage.flop_cumulative_p50": estimate.training_flop_cumulative and estimate.training_flop_cumulative.p50,
        "lineage.flop_cumulative_p90": estimate.training_flop_cumulative and estimate.training_flop_cumulative.p90,
        "lineage.base_model_flop": context.lineage.base_model_flop,
        "lineage.base_model_systemic": context.lineage.base_model_systemic,
        "lineage.modification_ratio_p90": estimate.modification_ratio and estimate.modification_ratio.p90,
        "lineage.notification_state": context.lineage.notification_state,
    }


def _grant_facts(context: Context, hold_micro: int | None) -> dict[str, Any]:
    grant = context.related_grant
    if grant is None or not grant.cost_cap_micro:
        return {}
    asked = hold_micro or 0
    if context.content.kind_of_request.replaces_grant:
        increase = max(0.0, asked / grant.cost_cap_micro - 1)
    else:
        increase = (context.follow_up_micro + asked) / grant.cost_cap_micro
    used = grant.gpu_hours_used
    return {
        "history.grant_increase_ratio": increase,
        "history.grant_changes_30d": context.follow_up_count + context.content.kind_of_request.adds_to_grant,
        "history.grant_used_ratio": used / grant.gpu_hours_cap if used is not None and grant.gpu_hours_cap else None,
        "history.utilisation_28d": grant.utilisation_28d,
    }


def _age_days(day: date | None, now: datetime) -> int | None:
    return None if day is None else max(0, (now.date() - day).days)


def _plain_number(value: Any) -> Any:
    # A NumPy float would not survive canonical JSON.
    return float(value) if isinstance(value, float) else value
