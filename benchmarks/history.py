"""Fills a database with years of requests, by copying two real ones inside PostgreSQL.

One granted and one waiting request are made through the services; every other row is one of theirs with another id,
number, person, project and day. So the rows are as wide as real ones, and 100,000 of them take seconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from governance.models import Project, ProvisioningRequest, Role, RoleAssignment, User
from governance.services.requests import submission
from tests import cast as casting

PEOPLE = 60
PROJECTS = 30
YEARS = 3
WAITING_SHARE = 0.02
"""Share of all requests that wait for somebody at any one time."""


def assemble(now: datetime) -> casting.Cast:
    """An organisation with `PEOPLE` requesters in `PROJECTS` projects, and the two requests that are copied."""
    cast = casting.assemble(budget_usd=900_000, now=now)
    for index in range(PROJECTS - 1):
        Project.objects.create(
            slug=f"project-{index}", name=f"Project {index}", team=cast.team, started_on=cast.project.started_on
        )
    requester = Role.objects.get(slug="requester")
    for index in range(PEOPLE - 1):
        user = casting.add_person(f"person{index}", team=cast.team, now=now)
        RoleAssignment.objects.create(user=user, role=requester, team=cast.team, valid_from=now - timedelta(days=900))
    today = {"start_on": now.date().isoformat(), "end_on": (now.date() + timedelta(days=13)).isoformat()}
    submission.create_and_submit(actor=cast.alice, content=casting.content(**today), now=now - timedelta(minutes=5))
    submission.create_and_submit(
        actor=cast.heidi, content=casting.content(accelerator_count=16, **today), now=now - timedelta(minutes=4)
    )
    return cast


# Tables to copy per request, in the order of their references: the columns that take other values.
_COPIES = (
    (
        "provisioningrequest",
        "request",
        {
            "id": "g.id",
            "number": "g.id",
            "requester_id": "g.user_id",
            "project_id": "g.project_id",
            "title": "'Run ' || g.id",
            "submitted_at": "g.at",
            "created_at": "g.at",
            "changed_at": "g.at",
            "answered_at": "CASE WHEN t.answered_at IS NULL THEN NULL ELSE g.at END",
            "exposure_micro": "1000000 * (1 + g.id % 900)",
        },
    ),
    ("requestrevision", "revision", {"id": "g.id", "provisioning_request_id": "g.id", "created_at": "g.at"}),
    ("assessment", "assessment", {"id": "g.id", "revision_id": "g.id", "assessed_at": "g.at"}),
    ("factrow", "facts", {"assessment_id": "g.id", "clock_decided_at": "g.at"}),
    ("budgethold", "hold", {"id": "g.id", "provisioning_request_id": "g.id", "amount_micro": "1", "placed_at": "g.at"}),
    (
        "approvalstage",
        "stage",
        {"id": "g.id", "provisioning_request_id": "g.id", "revision_id": "g.id", "opened_at": "g.at", "due_at": "g.at"},
    ),
    (
        "grant",
        "grant",
        {
            "id": "g.id",
            "number": "g.id",
            "provisioning_request_id": "g.id",
            "revision_id": "g.id",
            "project_id": "g.project_id",
            "owner_id": "g.person_id",
            "issued_at": "g.at",
            # Grants of the past have ended; the newest hundredth runs.
            "state": "CASE WHEN g.id % 100 = 0 THEN 'active' ELSE 'ended' END",
        },
    ),
    (
        "auditevent",
        "event",
        {"id": "g.id", "stream": "'copied'", "seq": "g.id", "subject_id": "g.id", "request_id": "g.id", "at": "g.at"},
    ),
    (
        "alert",
        "alert",
        {
            "id": "g.id",
            "key": "'copied:' || g.id",
            "provisioning_request_id": "g.id",
            "state": "'sent'",
            "recipient_id": "g.person_id",
            "created_at": "g.at",
        },
    ),
)


def fill(count: int, now: datetime) -> None:
    """Add copies until there are `count` requests, spread over the years before `now`."""
    granted = ProvisioningRequest.objects.get(state="granted")
    waiting = ProvisioningRequest.objects.get(state="in_review")
    missing = count - 2
    waiting_count = int(count * WAITING_SHARE)
    with connection.cursor() as cursor:
        # The product's ten seconds are for people who wait; this is a machine that copies.
        cursor.execute("SET statement_timeout = 0")
        _ids(cursor, missing, waiting_count, now)
        for source, condition in ((granted, "NOT g.waits"), (waiting, "g.waits")):
            for table, _, columns in _COPIES:
                _copy(cursor, table, columns, source.pk, condition)
        for table, _, columns in _COPIES:
            if "id" in columns:
                name = f"governance_{table}"
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))")
        for series, table in (("request", "provisioningrequest"), ("grant", "grant")):
            cursor.execute(
                f"UPDATE governance_counter SET value = (SELECT max(number) FROM governance_{table}) WHERE name = %s",
                [series],
            )
        cursor.execute("DROP TABLE copies")
    found = ProvisioningRequest.objects.count()
    if found != count:
        raise RuntimeError(f"{found} requests were written instead of {count}")


def _ids(cursor, missing: int, waiting_count: int, now: datetime) -> None:
    people = list(User.objects.filter(email__startswith="person").values_list("pk", "person_id"))
    projects = list(Project.objects.order_by("pk").values_list("pk", flat=True))
    cursor.execute(
        """
        CREATE TEMP TABLE copies AS
        SELECT 1000 + n AS id,
               n <= %(waiting)s AS waits,
               (%(users)s::bigint[])[1 + n %% cardinality(%(users)s::bigint[])] AS user_id,
               (%(people)s::bigint[])[1 + n %% cardinality(%(people)s::bigint[])] AS person_id,
               (%(projects)s::bigint[])[1 + n %% cardinality(%(projects)s::bigint[])] AS project_id,
               CASE WHEN n <= %(waiting)s THEN %(now)s::timestamptz - interval '5 days' * n / %(waiting)s
                    ELSE %(now)s::timestamptz - interval '1 day' * %(days)s * (n::float8 / %(missing)s)
               END AS at
        FROM generate_series(1, %(missing)s) AS n
        """,
        {
            "missing": missing,
            "waiting": waiting_count,
            "users": [user for user, _ in people],
            "people": [person for _, person in people],
            "projects": projects,
            "now": now,
            "days": YEARS * 365,
        },
    )


def _copy(cursor, table: str, columns: dict[str, str], source: int, condition: str) -> None:
    """Copy the one row that belongs to the source request, as often as there are copies to make."""
    name = f"governance_{table}"
    owner = {
        "provisioningrequest": "t.id = %s",
        "auditevent": "t.id = (SELECT min(id) FROM governance_auditevent WHERE request_id = %s)",
        "assessment": "t.revision_id IN (SELECT id FROM governance_requestrevision WHERE provisioning_request_id = %s)",
        "factrow": (
            "t.assessment_id IN (SELECT a.id FROM governance_assessment a JOIN governance_requestrevision r "
            "ON r.id = a.revision_id WHERE r.provisioning_request_id = %s)"
        ),
        "alert": "t.id = (SELECT min(id) FROM governance_alert WHERE provisioning_request_id = %s)",
    }.get(table, "t.provisioning_request_id = %s")
    cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [name])
    names = [row[0] for row in cursor.fetchall()]
    values = ", ".join(columns.get(column, f't."{column}"') for column in names).replace("%", "%%")
    quoted = ", ".join(f'"{column}"' for column in names)
    cursor.execute(
        f'INSERT INTO "{name}" ({quoted}) SELECT {values} '
        f'FROM "{name}" t CROSS JOIN copies g WHERE {owner} AND {condition}',
        [source],
    )
