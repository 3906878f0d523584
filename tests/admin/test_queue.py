"""The queue at the desk: what waits, narrowed by role, team and lateness, with counts of the whole."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.display import names
from governance.models import ApprovalStage, Role, RoleAssignment
from governance.selectors.rules import policies
from tests.admin.conftest import signed_in
from tests.admin.test_decide import ask
from tests.cast import Cast

QUEUE = reverse("admin:queue")


def test_filters_narrow_the_queue_and_the_heading_says_of_how_many(house_cast: Cast, now: datetime) -> None:
    for hours in (300.0, 400.0):
        ask(house_cast, now, title=f"Run of {hours:.0f} hours", gpu_hours_cap=hours)
    late = ask(house_cast, now, title="The late one", gpu_hours_cap=500.0)
    ApprovalStage.objects.filter(provisioning_request=late).update(due_at=now - timedelta(hours=1))
    client = signed_in(house_cast.bob)

    def page(**filters: str) -> str:
        return " ".join(client.get(QUEUE, filters).content.decode().split())

    whole = page()
    assert "3 to decide, 1 overdue" in whole
    assert whole.index("The late one") < whole.index("Run of 400 hours") < whole.index("Run of 300 hours")

    overdue = page(overdue="1")
    assert "1 of 3 to decide" in overdue
    assert "The late one" in overdue
    assert "Run of 400 hours" not in overdue

    none = page(role="finance")
    assert "0 of 3 to decide" in none
    assert "No requests match these filters." in none


def test_a_rule_is_told_by_its_title_with_its_id_beside_it(house_cast: Cast, now: datetime) -> None:
    request = ask(house_cast, now, gpu_hours_cap=5000.0)
    (rule_id,) = ApprovalStage.objects.get(provisioning_request=request).rule_ids
    title = next(each.rule.title for each in policies.active_policy().rules if each.rule_id == rule_id)
    names.forget()
    page = " ".join(signed_in(house_cast.bob).get(QUEUE).content.decode().split())
    assert f'{title} <span class="muted">{rule_id.partition(".")[0]}</span>' in page


def test_the_queue_needs_as_many_queries_for_three_as_for_one(house_cast: Cast, now: datetime) -> None:
    client = signed_in(house_cast.bob)
    counts = []
    for wanted in (1, 3):
        while ApprovalStage.objects.filter(state="open").count() < wanted:
            ask(house_cast, now, gpu_hours_cap=300.0)
        client.get(QUEUE)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(QUEUE).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_an_officer_without_anything_to_answer_pays_one_query_for_it(house_cast: Cast, now: datetime) -> None:
    ask(house_cast, now, gpu_hours_cap=300.0)
    client = signed_in(house_cast.bob)
    counts = []
    for _ in range(2):
        client.get(QUEUE)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(QUEUE).status_code == 200
        counts.append(len(queries))
        role, _ = Role.objects.get_or_create(slug="policy_officer", defaults={"name": "Policy officer"})
        RoleAssignment.objects.create(user=house_cast.bob, role=role, team=house_cast.root, valid_from=now)
    assert counts[1] <= counts[0] + 1
    assert counts[1] <= 12
