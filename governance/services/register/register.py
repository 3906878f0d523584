"""Keeps the registers that requests name: providers, model lineages, purposes, and who was screened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from governance.display import numbers
from governance.domain.requests import fields
from governance.domain.requests.registers import problem_of
from governance.domain.states.register import NotificationState, ScreeningState
from governance.models import Beneficiary, ModelLineage, Person, Project, Provider, Purpose, User
from governance.models.register.registers import PROVIDER_TYPES
from governance.selectors.people.duties import require_duty
from governance.services.record import audit
from governance.services.register.edits import Errors, assign, lock_row

SCREENING_STATES = tuple(state.value for state in ScreeningState)
NOTIFICATION_STATES = tuple(state.value for state in NotificationState)


@transaction.atomic(durable=True)
def add_provider(
    *,
    actor: User,
    slug: str,
    name: str,
    provider_type: str,
    hq_country: str,
    now: datetime,
    is_approved: bool = False,
    has_data_processing_agreement: bool = False,
    terms_reviewed_on: date | None = None,
    certifications: Sequence[str] = (),
) -> Provider:
    """Register a provider under the catalogue's short name, with what was decided about it.

    Nothing is granted at a provider before it is approved, here or by `change_provider`.

    Raises:
        NotAllowed, InvalidInput.
    """
    require_duty(actor, "providers", now=now)
    errors = Errors()
    errors.slug("slug", slug, Provider)
    name = errors.text("name", name, 120)
    _check_provider(errors, provider_type, hq_country)
    kept = _checked_review(errors, terms_reviewed_on, certifications, now=now)
    errors.raise_any()
    provider = Provider.objects.create(
        slug=slug, name=name, provider_type=provider_type, hq_country=hq_country, is_approved=is_approved,
        has_data_processing_agreement=has_data_processing_agreement, terms_reviewed_on=terms_reviewed_on,
        certifications=kept,
    )  # fmt: skip
    audit.record("provider.added", actor=actor, subject=provider, now=now, slug=slug, is_approved=is_approved)
    return provider


@transaction.atomic(durable=True)
def change_provider(
    *,
    actor: User,
    provider_id: int,
    name: str,
    provider_type: str,
    hq_country: str,
    is_approved: bool,
    has_data_processing_agreement: bool,
    terms_reviewed_on: date | None,
    certifications: Sequence[str],
    now: datetime,
) -> Provider:
    """Change what the organisation knows and decided about a provider; it counts from the next decision on.

    Raises:
        NotAllowed, InvalidInput.
    """
    require_duty(actor, "providers", now=now)
    errors = Errors()
    name = errors.text("name", name, 120)
    _check_provider(errors, provider_type, hq_country)
    kept = _checked_review(errors, terms_reviewed_on, certifications, now=now)
    errors.raise_any()
    provider = lock_row(Provider, provider_id)
    changed = assign(
        provider,
        {
            "name": name,
            "provider_type": provider_type,
            "hq_country": hq_country,
            "is_approved": is_approved,
            "has_data_processing_agreement": has_data_processing_agreement,
            "terms_reviewed_on": terms_reviewed_on,
            "certifications": kept,
        },
    )
    if changed:
        audit.record(
            "provider.changed", actor=actor, subject=provider, now=now, fields=changed, is_approved=is_approved
        )
    return provider


def _checked_review(
    errors: Errors, terms_reviewed_on: date | None, certifications: Sequence[str], *, now: datetime
) -> list[str]:
    """The certifications to keep, each once, within the bounds of their facts."""
    if terms_reviewed_on is not None and terms_reviewed_on > now.date():
        errors.add("terms_reviewed_on", f"`{terms_reviewed_on}` has not come yet: give the day of the last review")
    errors.day("terms_reviewed_on", terms_reviewed_on)
    return errors.texts("certifications", certifications, "vendor.provider_certifications")


def _check_provider(errors: Errors, provider_type: str, hq_country: str) -> None:
    if provider_type not in PROVIDER_TYPES:
        errors.add("provider_type", f"choose one of: {', '.join(PROVIDER_TYPES)}")
    errors.country("hq_country", hq_country)


@transaction.atomic(durable=True)
def register_lineage(
    *, actor: User, slug: str, name: str, owner: Person, now: datetime, project: Project | None = None
) -> ModelLineage:
    """Register a family of weights; its figures are filled by `change_lineage`."""
    require_duty(actor, "lineages", now=now)
    errors = Errors()
    errors.slug("slug", slug, ModelLineage)
    name = errors.text("name", name, 120)
    errors.raise_any()
    lineage = ModelLineage.objects.create(slug=slug, name=name, owner=owner, project=project)
    audit.record("lineage.registered", actor=actor, subject=lineage, now=now, slug=slug, owner=owner.pk)
    return lineage


@transaction.atomic(durable=True)
def change_lineage(
    *,
    actor: User,
    lineage_id: int,
    now: datetime,
    name: str,
    owner: Person,
    project: Project | None = None,
    base_name: str = "",
    base_model_flop: float | None = None,
    base_model_systemic: bool | None = None,
    modalities: Sequence[str] = (),
    eu_market: bool | None = None,
    direct_flop_p50: float = 0.0,
    direct_flop_p90: float = 0.0,
    cumulative_flop_p50: float = 0.0,
    cumulative_flop_p90: float = 0.0,
    notification_state: str = NotificationState.NONE,
) -> ModelLineage:
    """Change a lineage's figures, FLOP; they count from the next assessment on.

    Raises:
        NotAllowed, InvalidInput.
    """
    require_duty(actor, "lineages", now=now)
    errors = Errors()
    name = errors.text("name", name, 120)
    base_name = errors.text("base_name", base_name, 120, required=False)
    permitted = fields.field("modalities").slugs
    if unknown := sorted(set(modalities) - set(permitted)):
        errors.add("modalities", f"`{unknown[0][:40]}` is not one of: {', '.join(permitted)}")
    if notification_state not in NOTIFICATION_STATES:
        errors.add("notification_state", f"choose one of: {', '.join(NOTIFICATION_STATES)}")
    figures = {
        "base_model_flop": base_model_flop,
        "direct_flop_p50": direct_flop_p50,
        "direct_flop_p90": direct_flop_p90,
        "cumulative_flop_p50": cumulative_flop_p50,
        "cumulative_flop_p90": cumulative_flop_p90,
    }
    _check_flop(errors, figures)
    errors.raise_any()
    lineage = lock_row(ModelLineage, lineage_id)
    changed = assign(
        lineage,
        {
            "name": name,
            "owner": owner,
            "project": project,
            "base_name": base_name,
            "base_model_systemic": base_model_systemic,
            "modalities": sorted(set(modalities)),
            "eu_market": eu_market,
            "notification_state": notification_state,
            **figures,
        },
    )
    if changed:
        audit.record(
            "lineage.changed", actor=actor, subject=lineage, now=now, fields=changed,
            cumulative_flop_p90=cumulative_flop_p90,
        )  # fmt: skip
    return lineage


def _check_flop(errors: Errors, figures: dict[str, float | None]) -> None:
    for field, value in figures.items():
        # The bound of every sum of compute in the facts.
        if value is not None and (problem := problem_of("lineage.base_model_flop", value)):
            errors.add(field, f"`{value}` is not a count of FLOP: it {problem}")
    if errors.found:
        return
    for kind in ("direct", "cumulative"):
        low, high = figures[f"{kind}_flop_p50"], figures[f"{kind}_flop_p90"]
        if low is not None and high is not None and high < low:
            errors.add(f"{kind}_flop_p90", f"`{numbers.flop(high)}` is below the p50 `{numbers.flop(low)}`")
    direct, cumulative = figures["direct_flop_p50"] or 0.0, figures["cumulative_flop_p50"] or 0.0
    if cumulative < direct:
        errors.add(
            "cumulative_flop_p50",
            f"`{numbers.flop(cumulative)}` is below the direct compute `{numbers.flop(direct)}`, which it contains",
        )


@transaction.atomic(durable=True)
def set_purpose(*, actor: User, slug: str, name: str, is_offered: bool, now: datetime) -> Purpose:
    """Add a purpose to the list, rename it, or stop offering it. Which purposes are prohibited is policy."""
    require_duty(actor, "purposes", now=now)
    errors = Errors()
    name = errors.text("name", name, 120)
    existing = Purpose.objects.select_for_update(no_key=True).filter(slug=slug).first()
    if existing is None:
        errors.slug("slug", slug, Purpose)
    errors.raise_any()
    purpose = existing or Purpose.objects.create(slug=slug, name=name, is_offered=is_offered)
    changed = assign(purpose, {"name": name, "is_offered": is_offered}) if existing else ["slug"]
    if changed:
        audit.record("purpose.changed", actor=actor, subject=purpose, now=now, slug=slug, is_offered=is_offered)
    return purpose


@transaction.atomic(durable=True)
def screen_beneficiary(
    *, actor: User, name: str, hq_country: str, screening_state: str, screened_on: date | None, now: datetime
) -> Beneficiary:
    """Record what the screening of an outside party said. Unknown is never clear.

    Args:
        hq_country: country of the ultimate parent.
    """
    require_duty(actor, "screening", now=now)
    errors = Errors()
    name = errors.text("name", name, 120)
    errors.country("hq_country", hq_country)
    if screening_state not in SCREENING_STATES:
        errors.add("screening_state", f"choose one of: {', '.join(SCREENING_STATES)}")
    if screening_state in (ScreeningState.CLEAR, ScreeningState.HIT) and screened_on is None:
        errors.add("screened_on", "say on which day it was screened")
    errors.day("screened_on", screened_on)
    if screened_on is not None and screened_on > now.date():
        errors.add("screened_on", f"`{screened_on}` has not come yet")
    errors.raise_any()
    values = {"hq_country": hq_country, "screening_state": screening_state, "screened_on": screened_on}
    existing = Beneficiary.objects.select_for_update(no_key=True).filter(name__iexact=name).first()
    beneficiary = existing or Beneficiary.objects.create(name=name, **values)
    changed = assign(beneficiary, values) if existing else list(values)
    if changed:
        audit.record(
            "beneficiary.screened", actor=actor, subject=beneficiary, now=now, state=screening_state,
            hq_country=hq_country,
        )  # fmt: skip
    return beneficiary
