from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from rest_framework.serializers import Serializer
from rest_framework.test import APIClient

from governance.models import User
from tests import cast as casting
from tests.api.contract import case_of, require_conforming
from tests.cast import Cast


@pytest.fixture
def cast(cast_today: Cast) -> Cast:
    return cast_today


@pytest.fixture(autouse=True)
def answers_keep_to_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer that a test of the API is given is one that the published schema describes."""
    send = APIClient.generic

    def generic(self: APIClient, method: str, path: str, *arguments: Any, **options: Any) -> Any:
        response = send(self, method, path, *arguments, **options)
        case = case_of(method, urlsplit(str(path)).path)
        if case is not None:
            require_conforming(case, response)
        return response

    monkeypatch.setattr(APIClient, "generic", generic)


@pytest.fixture(autouse=True)
def nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A serializer knows every key of the plain values that it is given to render."""
    render = Serializer.to_representation

    def whole(self: Serializer[Any], instance: Any) -> Any:
        if isinstance(instance, dict):
            known = {field.source.partition(".")[0] for field in self.fields.values()}
            assert set(instance) <= known, (type(self).__name__, set(instance) - known)
        return render(self, instance)

    monkeypatch.setattr(Serializer, "to_representation", whole)


@pytest.fixture
def client_of() -> Callable[[User | None], APIClient]:
    """A client signed in as somebody, or as nobody."""

    def make(user: User | None) -> APIClient:
        client = APIClient()
        if user is not None:
            client.force_authenticate(user)
        return client

    return make


@pytest.fixture
def ask() -> Callable[..., dict]:
    """Content that starts today."""
    today = timezone.now().date()

    def make(**changes) -> dict:
        dates = {"start_on": today.isoformat(), "end_on": (today + timedelta(days=13)).isoformat()}
        return casting.content(**dates | changes)

    return make
