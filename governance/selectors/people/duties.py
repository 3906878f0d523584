"""Who may maintain what on the desk: one table of duties, asked by the services and by the pages alike.

A duty is about reference data. Deciding a request is no duty: it is a stage, a role and an approval limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q

from governance.display.lists import joined
from governance.domain.errors import NotAllowed
from governance.models import RoleAssignment, User
from governance.selectors.people.people import SYSTEM_EMAIL

DUTIES: dict[str, tuple[str, frozenset[str]]] = {
    "people": ("manage people, teams, projects and roles", frozenset({"administrator"})),
    "limits": ("set approval limits", frozenset({"administrator", "finance"})),
    "budgets": ("create budgets and change their limits", frozenset({"finance"})),
    "providers": ("manage providers", frozenset({"administrator", "vendor_manager"})),
    "screening": ("record the screening of beneficiaries", frozenset({"export_officer"})),
    "lineages": ("manage model lineages", frozenset({"ai_governance"})),
    "purposes": ("manage the list of purposes", frozenset({"administrator", "policy_officer"})),
    "catalogue": ("edit the catalogue", frozenset({"catalogue_editor"})),
    "prices": ("record your organisation's prices", frozenset({"catalogue_editor", "finance", "vendor_manager"})),
    "policies": ("import and activate policy versions", frozenset({"policy_officer"})),
    "acceptable_use": ("publish acceptable-use versions", frozenset({"policy_officer", "legal"})),
    "alerts": ("resend emails", frozenset({"administrator"})),
}
"""Duty -> what it lets a person do, and the roles that carry it. A superuser carries all of them, and no stage."""

# Closing a flag says that somebody looked, so whoever decides may do it; an auditor changes nothing.
FLAGS = "flags"
AUDITOR = "auditor"


def duties_of(user: User, *, now: datetime) -> frozenset[str]:
    """What the person behind `user` may maintain today. One query."""
    rows = RoleAssignment.objects.in_force(now).filter(user__person_id=user.person_id)
    return duties_from(user, dict(rows.values_list("role__slug", "role__may_approve")))


def duties_from(user: User, roles: Mapping[str, bool]) -> frozenset[str]:
    """The same from roles that were read already; no query.

    Args:
        roles: slug of each role in force, and whether it decides.
    """
    if not user.is_active or user.is_service_account:
        return frozenset()
    if user.is_superuser:
        return frozenset(DUTIES)
    found = {duty for duty, (_, carriers) in DUTIES.items() if carriers & set(roles)}
    if any(roles.values()):
        found.add(FLAGS)
    return frozenset(found)


def require_duty(actor: User, duty: str, *, now: datetime) -> None:
    """Refuse an actor who does not carry the duty.

    Raises:
        NotAllowed: naming the roles that do.
    """
    if is_system(actor) or duty in duties_of(actor, now=now):
        return
    words, carriers = DUTIES[duty]
    roles = joined((f"`{name}`" for name in sorted(carriers)), "or")
    raise NotAllowed(f"to {words} takes the role {roles}", duty=duty)


def people_with(duty: str, *, now: datetime) -> dict[int, str]:
    """Everybody who carries a duty today: person id to name, in order of name. Superusers carry all of them."""
    _, carriers = DUTIES[duty]
    accounts = User.objects.filter(is_active=True, is_service_account=False, person__is_active=True)
    holders = RoleAssignment.objects.in_force(now).filter(role__slug__in=carriers).values("user_id")
    found = accounts.filter(Q(is_superuser=True) | Q(pk__in=holders)).exclude(email=SYSTEM_EMAIL)
    return dict(found.order_by("person__name", "person_id").values_list("person_id", "person__name"))


def is_system(user: User) -> bool:
    """The account in whose name the product itself acts."""
    return user.email == SYSTEM_EMAIL
