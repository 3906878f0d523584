"""How the desk looks and what its sidebar offers: the theme's settings, with the product's own colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

from governance.admin import access
from governance.admin.badges import counts_of
from governance.display import numbers


def _badge(name: str) -> str:
    return f"{__name__}.{name}"


def queue_badge(request: HttpRequest) -> str:
    queue = access.of(request).queue
    return _count(queue.total) + ("+" if queue.is_capped else "")


def waiting_badge(request: HttpRequest) -> str:
    return _count(counts_of(request).waiting)


def flags_badge(request: HttpRequest) -> str:
    return _count(counts_of(request).flags)


def grants_badge(request: HttpRequest) -> str:
    return _count(counts_of(request).grants)


def policies_badge(request: HttpRequest) -> str:
    return _count(counts_of(request).policies)


def _count(number: int) -> str:
    """Nothing rather than 0: an empty badge says nothing to do."""
    return numbers.count(number) if number else ""


def _at(*names: str) -> Callable[[HttpRequest], bool]:
    """Whether the present page is one of these."""

    def is_here(request: HttpRequest) -> bool:
        match = request.resolver_match
        return match is not None and match.url_name in names

    return is_here


def _of_model(*models: str) -> Callable[[HttpRequest], bool]:
    """Whether the present page belongs to one of these models."""
    prefixes = tuple(f"governance_{model}_" for model in models)

    def is_here(request: HttpRequest) -> bool:
        match = request.resolver_match
        return match is not None and (match.url_name or "").startswith(prefixes)

    return is_here


def _either(*questions: Callable[[HttpRequest], bool]) -> Callable[[HttpRequest], bool]:
    return lambda request: any(is_here(request) for is_here in questions)


def _in_catalogue(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None:
        return False
    return (match.url_name or "").startswith("estimator_") or match.kwargs.get("app_label") == "estimator"


def keeps_organisation(request: HttpRequest) -> bool:
    """People and registers are listed for those who keep them, and for those who audit."""
    person = access.of(request)
    return person.is_auditor or bool(person.duties & {"people", "limits", "providers", "purposes", "screening"})


def sees_record(request: HttpRequest) -> bool:
    return access.of(request).sees_everything


def _item(title: str, link: Any, active: Callable[[HttpRequest], bool], **options: Any) -> dict[str, Any]:
    return {"title": title, "link": link, "active": active, **options}


def _list(title: str, model: str, *also: str, **options: Any) -> dict[str, Any]:
    return _item(title, reverse_lazy(f"admin:governance_{model}_changelist"), _of_model(model, *also), **options)


NAVIGATION: list[dict[str, Any]] = [
    {
        "title": "Decide",
        "items": [
            _item("My queue", reverse_lazy("admin:queue"), _at("queue", "decide"), badge=_badge("queue_badge")),
            _item("Waiting for others", reverse_lazy("admin:waiting"), _at("waiting"), badge=_badge("waiting_badge")),
            _item("Decided", reverse_lazy("admin:decided"), _at("decided")),
        ],
    },
    {
        "title": "Follow",
        "items": [
            _list("Requests", "provisioningrequest", "requestrevision", "assessment", "approvalstage"),
            _list("Flags", "flag", badge=_badge("flags_badge")),
            _list("Grants", "grant", badge=_badge("grants_badge")),
            _list("Budgets", "budget", "budgethold", "ledgerjournal"),
            _list("Lineages", "modellineage"),
        ],
    },
    {
        "title": "Rules",
        "items": [
            _item(
                "Policies",
                reverse_lazy("admin:governance_policyversion_changelist"),
                _either(
                    _of_model("policyversion", "policyset", "policyactivation", "policyexception", "shadowdecision"),
                    _at("backtest", "backtests"),
                ),
                badge=_badge("policies_badge"),
            ),
            _list(
                "Acceptable use",
                "acceptableuseversion",
                "acceptableusestatement",
                "acceptableusepublication",
                "acceptance",
            ),
            _list("Approval limits", "approvallimit"),
            _item("Catalogue", reverse_lazy("admin:app_list", args=["estimator"]), _in_catalogue),
        ],
    },
    {
        "title": "Organisation",
        "items": [
            _list("People", "person", "user", permission=keeps_organisation),
            _list("Teams", "team", permission=keeps_organisation),
            _list("Projects", "project", permission=keeps_organisation),
            _list("Role assignments", "roleassignment", "role", permission=keeps_organisation),
            _list("Delegations", "delegation"),
            _list("Providers", "provider", permission=keeps_organisation),
            _list("Holidays", "holiday", permission=keeps_organisation),
        ],
    },
    {
        "title": "Record",
        "items": [
            _list("Audit log", "auditevent", permission=sees_record),
            _list("Mails", "alert", permission=sees_record),
            _list("Jobs", "jobrun", permission=sees_record),
            _item("All records", reverse_lazy("admin:app_list", args=["governance"]), _at("app_list")),
        ],
    },
]

# One accent: the theme paints 600 on light and 500 on dark. The greys are the product's surfaces and inks.
COLORS: dict[str, dict[str, str]] = {
    "base": {
        "50": "#fafaf8",
        "100": "#f2f2ee",
        "200": "#e2e2dc",
        "300": "#cfd0cb",
        "400": "#a9acb3",
        "500": "#6f737b",
        "600": "#54575d",
        "700": "#3b3e45",
        "800": "#303237",
        "900": "#131416",
        "950": "#0c0d0e",
    },
    "primary": {
        "50": "#eaf0fc",
        "100": "#d9e4fa",
        "200": "#b9ccf1",
        "300": "#b3caff",
        "400": "#93b4ff",
        "500": "#93b4ff",
        "600": "#1f4fb2",
        "700": "#173e8e",
        "800": "#1d2740",
        "900": "#1d2740",
        "950": "#10182b",
    },
    "font": {
        "subtle-light": "#54575d",
        "subtle-dark": "#a9acb3",
        "default-light": "#1a1b1e",
        "default-dark": "#ececea",
        "important-light": "#1a1b1e",
        "important-dark": "#ececea",
    },
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Comptroller",
    "SITE_HEADER": "Comptroller",
    "SITE_URL": "/",
    "SHOW_HISTORY": False,  # the audit log is the history
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "4px",
    "COLORS": COLORS,
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}
