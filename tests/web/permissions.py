"""Every address of pages, API and desk that names a record, as everybody: what the permission matrix is made from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Model
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from governance.models import (
    AcceptableUseVersion,
    Acceptance,
    Alert,
    ApprovalDecision,
    ApprovalStage,
    Assessment,
    AuditEvent,
    Budget,
    BudgetHold,
    Delegation,
    Flag,
    Grant,
    LedgerEntry,
    LedgerJournal,
    ModelLineage,
    Person,
    PolicyException,
    PolicyVersion,
    Project,
    ProvisioningRequest,
    RequestRevision,
    Role,
    RoleAssignment,
    ShadowDecision,
    Team,
    User,
)
from governance.services.approvals import decisions
from governance.services.people import tokens
from governance.services.requests import comments
from tests.cast import Cast, add_person, add_team
from tests.web import reading

# Reference data: whoever may open the list sees every row of it.
ORGANISATION = frozenset(
    {
        "acceptableusepublication", "acceptableusestatement", "acceptableuseversion", "approvallimit",
        "beneficiary", "holiday", "jobrun", "policyactivation",
        "policyset", "policyversion", "provider", "providercommitment", "purpose", "role", "cataloguerelease",
        "version", "activation", "backtest", "accelerator", "acceleratoralias", "provideralias", "priceoffer",
        "prohibiteduse", "purchaseprice", "tokenprice", "gridintensity", "facility", "computethreshold",
        "utilisationprior",
    }
)  # fmt: skip
# Whose duty is a register keeps all of it, also with a role over one team only.
KEEPS_ALL = frozenset({("modellineage", "ai_governance"), ("policyexception", "policy_officer")})
_FIRST_SEGMENTS = {
    "requests": "provisioningrequest", "grants": "grant", "budgets": "budget", "stages": "approvalstage",
    "estimates": "assessment", "decisions": "assessment", "decide": "approvalstage", "tokens": "token",
    "versions": "version", "policy-versions": "version", "activations": "activation", "backtests": "backtest",
}  # fmt: skip
_BY_NUMBER = frozenset({"provisioningrequest", "grant"})
# The demonstration's people to sign in as, and links whose secret is the whole right.
NOT_OF_A_RECORD = ("sign-in/as/", "account/address/confirm/", "mailbox/")
MISSING = 987_654
# Enough of an answer for each form that it asks whose record it is.
FORM = {"text": "A remark", "reason": "Not needed", "step": "workload", "verdict": "approve"}
_PARAMETER = re.compile(r"<(\w+):(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """One address with the kind of record that it names."""

    text: str
    kind: str
    more: dict[str, str] = field(default_factory=dict)

    def path(self, value: object) -> str:
        """The address of one record; a second parameter, such as what to do with it, keeps its sample."""
        path, count = _PARAMETER.subn(lambda match: self.more.get(match[2], "{}"), self.text)
        assert count, self.text
        return "/" + path.format(value)

    @property
    def is_desk(self) -> bool:
        return self.text.startswith("admin/")

    @property
    def template(self) -> str:
        """The address as the API's schema writes it."""
        return "/" + _PARAMETER.sub(r"{\2}", self.text)


def routes() -> list[Route]:
    """Every address with a parameter, from the URLconf.

    Raises:
        AssertionError: one names a kind of record that the matrix does not know: say there whose it is.
    """
    found = []
    for text in _walk(get_resolver().url_patterns):
        names = [name for _, name in _PARAMETER.findall(text)]
        if not names or text.startswith(NOT_OF_A_RECORD):
            continue
        if not text.startswith(("admin/", "api/v1/", "requests/", "grants/", "budgets/", "account/tokens/")):
            raise AssertionError(f"whose records are at {text}?")
        found.append(Route(text, _kind(text), {"act": "seen"} if "act" in names else {}))
    return found


def _walk(patterns: Iterable[Any], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        text = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _walk(pattern.url_patterns, text)
        elif not text.startswith("admin/r/") and "(?P" not in text:
            yield text


def _kind(text: str) -> str:
    segments = text.split("/")
    before = segments[next(index for index, segment in enumerate(segments) if segment.startswith("<")) - 1]
    return _FIRST_SEGMENTS.get(before, before)


def operations() -> dict[str, dict[str, dict[str, Any]]]:
    """What the API's schema lists: address, then method with a body of the right shape."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            body = _sample(content.get("schema", {}), document)
            found.setdefault(path, {})[method] = body if isinstance(body, dict) else {}
    return found


def _sample(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """A small value of the shape that a schema describes: what has to be there, and no more."""
    if "$ref" in schema:
        return _sample(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            needed = {name: schema["properties"][name] for name in schema.get("required", ())}
            return {name: _sample(each, document) for name, each in needed.items()}
        case "string":
            return "x" * max(3, schema.get("minLength", 3))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "array":
            return []
    return {}


@dataclass
class World:
    """One team's records of every kind, and people of another team who see none of them."""

    cast: Cast
    rows: dict[str, Model]
    outsiders: dict[str, User]

    def value(self, kind: str, *, is_api_or_page: bool) -> object:
        row = self.rows[kind]
        if kind in _BY_NUMBER and is_api_or_page:
            return row.number  # type: ignore[attr-defined]
        if kind == "budget" and is_api_or_page:
            return row.slug  # type: ignore[attr-defined]
        return row.token_key if kind == "token" else row.pk  # type: ignore[attr-defined]


def build(cast: Cast, roles: Iterable[str]) -> World:
    """Furnish the team, and give each of the roles to somebody of another team who works at the desk."""
    now = timezone.now()
    other = add_team("vision", cast.root)
    outsiders = {role: add_person(f"out-{role}", team=other, roles=[role], scope=other, now=now) for role in roles}
    outsiders[""] = add_person("out-nobody", team=other, now=now)
    User.objects.filter(pk__in=[user.pk for user in outsiders.values()]).update(is_staff=True)
    for version in AcceptableUseVersion.objects.all():
        Acceptance.objects.get_or_create(
            version=version, person=cast.alice.person, defaults={"user": cast.alice, "accepted_at": now}
        )
    grant = reading.granted(cast)
    request = reading.waiting(cast)
    comment = comments.add_comment(request_id=request.pk, actor=cast.alice, text="A remark.", now=now)
    decided = reading.waiting(cast)
    stage = ApprovalStage.objects.select_related("revision").get(provisioning_request=decided, state="open")
    decisions.decide(
        stage_id=stage.pk, actor=cast.bob, verdict="reject", reason="Not now.", revision_digest=stage.revision.digest,
        now=now,
    )  # fmt: skip
    assessment = Assessment.objects.filter(revision__provisioning_request=request).latest("pk")
    role = Role.objects.get(slug="team_lead")
    rows: dict[str, Model] = {
        "provisioningrequest": request,
        "requestrevision": RequestRevision.objects.get(provisioning_request=request),
        "requestcomment": comment,
        "approvalstage": ApprovalStage.objects.get(provisioning_request=request),
        "approvaldecision": ApprovalDecision.objects.get(stage=stage),
        "assessment": assessment,
        "budget": cast.budget,
        "budgethold": BudgetHold.objects.get(provisioning_request=request),
        "ledgerjournal": LedgerJournal.objects.filter(provisioning_request=request).latest("pk"),
        "ledgerentry": LedgerEntry.objects.filter(budget=cast.budget).latest("pk"),
        "grant": grant,
        "flag": Flag.objects.create(key="x", kind="idle", grant=grant, sentence="Idle for 6 days", raised_at=now),
        "alert": Alert.objects.filter(provisioning_request=request).latest("pk"),
        "auditevent": AuditEvent.objects.filter(request_id=request.pk).latest("seq"),
        "delegation": Delegation.objects.create(
            delegator=cast.bob.person, delegate=cast.heidi.person, role=role, amount_micro_max=1, valid_from=now,
            valid_to=now + timedelta(days=1), reason="leave",
        ),
        "roleassignment": RoleAssignment.objects.get(user=cast.bob, role=role),
        "acceptance": Acceptance.objects.filter(person=cast.alice.person).latest("pk"),
        "policyexception": PolicyException.objects.create(
            rule_id="VR-1", project=cast.project, reason="a reason", asked_by=cast.grace, asked_at=now,
            valid_from=now, valid_to=now + timedelta(days=1), state="asked",
        ),
        "modellineage": ModelLineage.objects.create(
            slug="aurora", name="Aurora", owner=cast.alice.person, project=cast.project
        ),
        "shadowdecision": ShadowDecision.objects.create(
            assessment=assessment, version=PolicyVersion.objects.latest("pk"), outcome="allow", flips=False, rule_ids=[]
        ),
        "person": cast.alice.person,
        "user": cast.alice,
        "team": cast.team,
        "project": cast.project,
        "token": tokens.make_token(actor=cast.alice, scopes=["read"], now=now)[0],
    }  # fmt: skip
    assert {type(row) for row in rows.values()} >= {ProvisioningRequest, Grant, Budget, Person, Team, Project}
    return World(cast, rows, outsiders)


_CHANGING = re.compile(r'(csrfmiddlewaretoken" value="|nonce="|nonce-|form_mark" value="|"csrfToken": ")[^"\' ]*|`\d+`')


def answer(user: User, method: str, path: str, value: object, body: dict[str, Any] | None = None) -> tuple[int, str]:
    """Status and body, without what differs on every page and without the value that was asked for."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    if body is not None:
        response = client.generic(method.upper(), path, json.dumps(body), content_type="application/json")
    else:
        response = getattr(client, method)(path, **({} if method == "get" else {"data": FORM}))
    content = b"".join(response) if response.streaming else response.content
    text = _CHANGING.sub("", content.decode()).replace(path, "PATH").replace(f"/{value}/", "/N/")
    return response.status_code, text + response.headers.get("Location", "").replace(f"/{value}/", "/N/")
