"""What every page shows around its content: the organisation's name, the reader's zone, the sections they may enter."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from governance.models import ProvisioningRequest, Team

REMEMBERED_SECONDS = 60.0

SECTIONS = (
    ("Home", "web:home", ("home", "acceptable_use")),
    ("Requests", "web:request_list", ("request_",)),
    ("Grants", "web:grant_list", ("grant_",)),
    ("Budgets", "web:budget_list", ("budget_",)),
    ("Catalogue", "web:catalogue", ("catalogue",)),
    ("Estimator", "web:estimator", ("estimator",)),
    ("Reports", "web:reports", ("reports",)),
)


@dataclass(frozen=True, slots=True)
class Organisation:
    """The root team, and whether the requests shown are made up."""

    name: str
    is_demonstration: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the main navigation."""

    label: str
    url: str
    is_current: bool


class _Memory:
    """One answer, kept for a minute: it changes when an organisation is loaded or removed, not between requests."""

    value: Organisation | None = None
    read_at: float = 0.0


def organisation() -> Organisation:
    """Two queries a minute and process."""
    now = time.monotonic()
    if _Memory.value is None or now - _Memory.read_at > REMEMBERED_SECONDS:
        name = Team.objects.filter(parent=None).values_list("name", flat=True).first()
        is_demonstration = ProvisioningRequest.objects.filter(is_demonstration=True).exists()
        _Memory.value, _Memory.read_at = Organisation(name or "Comptroller", is_demonstration), now
    return _Memory.value


def forget_organisation() -> None:
    """Read it again at the next page."""
    _Memory.value = None


def sections(request: HttpRequest | None) -> list[Section]:
    """The main navigation, with the section of the present page marked; staff also see the desk."""
    match = getattr(request, "resolver_match", None)
    here = match.url_name or "" if match is not None and match.app_name == "web" else ""
    found = [
        Section(label, url, here.startswith(prefixes))
        for label, name, prefixes in SECTIONS
        if (url := _url(name)) is not None
    ]
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated and user.is_staff:
        found.append(Section("Desk", reverse("admin:index"), False))
    return found


def _url(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def zone_name() -> str:
    """IANA name of the zone in which this page shows its times."""
    return timezone.get_current_timezone_name()
