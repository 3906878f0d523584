"""How the tests talk to the pages of a policy: addresses, what is posted, and what comes back as text."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from governance.models import PolicyVersion

NBSP = "\N{NO-BREAK SPACE}"


EDITORS = ("limits", "table", "text")


def url(page: str, version: PolicyVersion) -> str:
    return reverse(f"admin:governance_policyversion_{page}", args=[version.pk])


def body(response: Any) -> str:
    assert isinstance(response, HttpResponse)
    return re.sub(r"[ \n\r\t]+", " ", response.content.decode())


def live(client: Client, address: str, **fields: Any) -> str:
    """What the page asks for while somebody types."""
    sent = urlencode({"action": "check", **fields})
    response = client.post(
        address, sent, content_type="application/x-www-form-urlencoded", headers={"HX-Request": "true"}
    )
    assert response.status_code == 200
    text = body(response)
    assert "<html" not in text
    return text


def saving(version: PolicyVersion, **fields: Any) -> dict[str, Any]:
    return {
        "action": "save", "seen": version.number, "title": "Lower the small limit", "reason": "Two asks were split.",
        **fields,
    }  # fmt: skip


def limit(day: str = "2030-01-01", value: str = "1,500") -> dict[str, str]:
    return {"value-auto_allow_max_usd": value, "from-auto_allow_max_usd": day, "cases": "on"}
