"""Every page forbids what it does not need; only the admin and the API browser are allowed more."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from config.http.security import LOOSER_POLICIES, PolicyByPlaceMiddleware

pytestmark = pytest.mark.django_db


def policy_of(path: str) -> dict[str, list[str]]:
    header = Client().get(path)["Content-Security-Policy"]
    directives = [directive.split() for directive in header.split(";") if directive.strip()]
    return {name: sources for name, *sources in directives}


def test_the_strict_policy_has_no_way_around_it() -> None:
    policy = policy_of("/healthz")
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"][0] == "'self'"
    assert policy["frame-ancestors"] == ["'none'"]
    text = str(policy)
    assert "unsafe" not in text
    assert "*" not in text
    assert "http" not in text


@pytest.mark.parametrize("prefix", sorted(LOOSER_POLICIES))
def test_looser_policies_are_still_policies(prefix: str) -> None:
    policy = policy_of(prefix)
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert "'unsafe-inline'" not in policy["script-src"]


def test_only_the_admin_may_evaluate() -> None:
    assert "'unsafe-eval'" in policy_of("/admin/login/")["script-src"]
    assert "'unsafe-eval'" not in policy_of("/api/docs/")["script-src"]
    assert "'unsafe-eval'" not in policy_of("/administrators/")["script-src"]


def test_a_view_with_its_own_policy_keeps_it() -> None:
    own = {"script-src": ["'none'"]}

    def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponse()
        response._csp_replace = own  # type: ignore[attr-defined]
        return response

    response = PolicyByPlaceMiddleware(view)(RequestFactory().get("/admin/"))
    assert response._csp_replace is own  # type: ignore[attr-defined]


def test_pages_are_not_framed_sniffed_or_leaked() -> None:
    response = Client().get("/healthz")
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert "no-store" in response["Cache-Control"]
