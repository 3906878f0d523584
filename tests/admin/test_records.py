"""Records are read here and changed only through services: by the right role, and by nobody past them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from governance.models import (
    AuditEvent,
    Budget,
    Flag,
    Person,
    PolicyVersion,
    Provider,
    RoleAssignment,
    User,
)
from tests.admin.conftest import signed_in
from tests.cast import Cast, add_person, open_stage, submitted
from tests.house import fingerprint
from tests.officers import seen_backtest

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(house_cast: Cast, now: datetime) -> Cast:
    request = submitted(house_cast, now=now, start_on=now.date().isoformat(), end_on=None)
    Flag.objects.create(
        key="one", kind="idle", sentence="something is idle", raised_at=now, provisioning_request=request
    )
    house_cast.users["ada"] = add_person("ada", team=house_cast.root, roles=["administrator"], scope=house_cast.root)
    house_cast.users["cate"] = add_person(
        "cate", team=house_cast.root, roles=["catalogue_editor"], scope=house_cast.root
    )
    house_cast.users["root"] = User.objects.create_superuser(email="root@example.com", password="correct horse battery")
    return house_cast


def models_of_the_desk() -> list[Any]:
    return list(admin.site._registry)


def name_of(model: Any, page: str) -> str:
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"


def test_the_site_in_force_is_the_desk() -> None:
    assert type(admin.site).__name__ == "DeskSite"
    names = {model.__name__ for model in models_of_the_desk()}
    assert {"ProvisioningRequest", "AuditEvent", "Person", "PriceOffer", "ApprovalLimit"} <= names
    # What libraries registered would be edited past the services.
    assert not names & {"Group", "AuthToken", "Permission"}


@pytest.mark.parametrize("who", ["root", "erin", "ada", "bob"])
def test_every_list_and_every_record_renders(cast: Cast, who: str) -> None:
    client = signed_in(cast.users[who])
    for model in models_of_the_desk():
        answer = client.get(reverse(name_of(model, "changelist")))
        assert answer.status_code in (200, 403), model
        if answer.status_code == 403:
            assert who == "bob", model
            continue
        row = answer.context["cl"].result_list[:1]
        if row:
            page = client.get(reverse(name_of(model, "change"), args=[row[0].pk]))
            assert page.status_code == 200, model
    assert client.get(reverse("admin:app_list", args=["governance"])).status_code == 200
    assert client.get(reverse("admin:app_list", args=["estimator"])).status_code == 200


@pytest.mark.parametrize("who", ["root", "ada"])
def test_nobody_adds_changes_or_deletes_a_row_past_a_service(cast: Cast, who: str) -> None:
    client = signed_in(cast.users[who])
    before = fingerprint()
    for model in models_of_the_desk():
        row = model.objects.order_by("pk").first()
        assert client.get(reverse(name_of(model, "add"))).status_code == 404, model
        assert client.post(reverse(name_of(model, "add")), {"name": "x"}).status_code == 404, model
        if row is None:
            continue
        assert client.post(reverse(name_of(model, "change"), args=[row.pk]), {"state": "granted"}).status_code == 404
        assert client.post(reverse(name_of(model, "delete"), args=[row.pk]), {"post": "yes"}).status_code in (403, 404)
        bulk = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
        client.post(reverse(name_of(model, "changelist")), bulk)
    assert fingerprint() == before


def test_an_auditor_reads_everything_and_is_offered_no_edit(cast: Cast) -> None:
    client = signed_in(cast.erin)
    for model, page in admin.site._registry.items():
        answer = client.get(reverse(name_of(model, "changelist")))
        assert answer.status_code == 200, model
        assert answer.context["edits"] == [], model
        for edit in page.edits:
            row = model.objects.order_by("pk").first()
            if edit.on_row and row is None:
                continue
            address = reverse(name_of(model, edit.slug.replace("-", "_")), args=[row.pk] if edit.on_row else [])
            before = AuditEvent.objects.count()
            assert client.get(address).status_code == 404, (model, edit.slug)
            assert client.post(address, {}).status_code == 404
            assert AuditEvent.objects.count() == before


def test_every_edit_has_a_form_for_whoever_may(cast: Cast) -> None:
    client = signed_in(cast.users["root"])
    seen = 0
    for model, page in admin.site._registry.items():
        for edit in page.edits:
            row = next((row for row in model.objects.order_by("pk")[:50] if edit.applies(row)), None)
            if edit.duty == "flags" or (edit.on_row and row is None):
                continue
            address = reverse(name_of(model, edit.slug.replace("-", "_")), args=[row.pk] if edit.on_row and row else [])
            assert client.get(address).status_code == 200, (model, edit.slug)
            seen += 1
    assert seen > 25


def test_an_approver_sees_only_the_rows_of_their_teams(cast: Cast, now: datetime) -> None:
    from tests.cast import add_team

    other = add_team("elsewhere", cast.root)
    nils = add_person("nils", team=other, roles=["team_lead"], scope=other)
    client = signed_in(nils)
    listed = client.get(reverse("admin:governance_provisioningrequest_changelist")).context["cl"].result_count
    assert listed == 0
    request = open_stage_request(cast)
    assert client.get(reverse("admin:governance_provisioningrequest_change", args=[request.pk])).status_code == 404
    for model in ("requestrevision", "assessment", "approvalstage", "budgethold", "flag", "grant", "budget"):
        assert client.get(reverse(f"admin:governance_{model}_changelist")).context["cl"].result_count == 0, model
    assert client.get(reverse("admin:governance_auditevent_changelist")).status_code == 403


def open_stage_request(cast: Cast) -> Any:
    return cast.alice.requests.get()


def test_a_person_is_added_through_the_service(cast: Cast) -> None:
    client = signed_in(cast.users["ada"])
    values = {
        "name": "Nils Berg", "email": "nils@example.org", "team": cast.team.pk, "country": "SE",
        "requester_type": "employee", "time_zone": "Europe/Stockholm", "trainings": "gpu basics, export",
    }  # fmt: skip
    answer = client.post(reverse("admin:governance_person_add_person"), values)
    assert answer.status_code == 302
    person = Person.objects.get(email="nils@example.org")
    assert person.trainings == ["export", "gpu basics"]
    assert AuditEvent.objects.latest("seq").action == "person.added"


def test_what_the_service_refuses_stands_beside_its_field_and_nothing_is_lost(cast: Cast) -> None:
    client = signed_in(cast.users["ada"])
    values = {
        "name": "Nils Berg", "email": "alice@example.com", "team": cast.team.pk, "country": "se",
        "requester_type": "employee", "time_zone": "Mars/Base", "trainings": "",
    }  # fmt: skip
    answer = client.post(reverse("admin:governance_person_add_person"), values)
    assert answer.status_code == 400
    assert set(answer.context["form"].errors) == {"email", "country", "time_zone"}
    assert "Nils Berg" in answer.content.decode()
    assert not Person.objects.filter(name="Nils Berg").exists()


@pytest.mark.parametrize("who", ["bob", "erin", "cate"])
def test_an_edit_of_somebody_elses_part_looks_missing(cast: Cast, who: str) -> None:
    client = signed_in(cast.users[who])
    before = AuditEvent.objects.count()
    assert client.get(reverse("admin:governance_person_add_person")).status_code == 404
    assert client.post(reverse("admin:governance_person_add_person"), {"name": "x"}).status_code == 404
    assert AuditEvent.objects.count() == before


def test_a_role_is_given_and_ended(cast: Cast) -> None:
    client = signed_in(cast.users["ada"])
    role = RoleAssignment.objects.filter(role__slug="infra_lead").first()
    assert role is not None
    values = {"user": cast.dave.pk, "role": role.role_id, "team": cast.team.pk}
    assert client.post(reverse("admin:governance_roleassignment_give"), values).status_code == 302
    given = RoleAssignment.objects.get(user=cast.dave)
    assert client.post(reverse("admin:governance_roleassignment_end", args=[given.pk])).status_code == 302
    given.refresh_from_db()
    assert given.valid_to is not None


def test_a_delegation_of_ones_own_right(cast: Cast, now: datetime) -> None:
    client = signed_in(cast.bob)
    role = RoleAssignment.objects.get(user=cast.bob, role__slug="team_lead").role
    values = {
        "delegate": cast.carol.person_id, "role": role.pk, "amount_micro_max": "5000", "reason": "on leave",
        "valid_to": now.replace(year=now.year + 1).strftime("%Y-%m-%dT%H:%M"),
    }  # fmt: skip
    answer = client.post(reverse("admin:governance_delegation_give"), values)
    assert answer.status_code == 400
    assert "90 days" in answer.content.decode()
    from datetime import timedelta

    values["valid_to"] = (now + timedelta(days=5)).strftime("%Y-%m-%dT%H:%M")
    assert client.post(reverse("admin:governance_delegation_give"), values).status_code == 302
    event = AuditEvent.objects.latest("seq")
    assert (event.action, event.data["delegator"]) == ("delegation.given", cast.bob.person_id)
    # Somebody else's right is not even a field of the form.
    assert "delegator" not in client.get(reverse("admin:governance_delegation_give")).context["form"].fields


def test_a_budget_limit_moves_by_a_journal(cast: Cast) -> None:
    client = signed_in(cast.carol)
    address = reverse("admin:governance_budget_limit", args=[cast.budget.pk])
    assert client.post(address, {"limit_micro": "25000.50", "reason": "more work"}).status_code == 302
    cast.budget.refresh_from_db()
    assert cast.budget.limit_micro == 25_000_500_000
    too_low = client.post(address, {"limit_micro": "1", "reason": "less"})
    assert too_low.status_code == 400
    assert "25000.50" not in str(Budget.objects.get(pk=cast.budget.pk).limit_micro)
    assert Budget.objects.get(pk=cast.budget.pk).limit_micro == 25_000_500_000


def test_a_provider_is_approved_in_the_log(cast: Cast) -> None:
    client = signed_in(cast.users["ada"])
    provider = Provider.objects.get(slug="coreweave")
    values = {
        "name": provider.name,
        "provider_type": provider.provider_type,
        "hq_country": "US",
        "certifications": "SOC 2",
    }
    assert client.post(reverse("admin:governance_provider_edit", args=[provider.pk]), values).status_code == 302
    provider.refresh_from_db()
    assert not provider.is_approved
    assert AuditEvent.objects.latest("seq").action == "provider.changed"


def test_a_flag_is_closed_with_a_reason_once(cast: Cast) -> None:
    flag = Flag.objects.get(key="one")
    client = signed_in(cast.bob)
    address = reverse("admin:governance_flag_close", args=[flag.pk])
    assert client.post(address, {"reason": ""}).status_code == 400
    assert client.post(address, {"reason": "it was a holiday"}).status_code == 302
    flag.refresh_from_db()
    assert flag.close_reason == "it was a holiday"
    assert client.post(address, {"reason": "again"}).status_code == 404


def test_a_policy_is_imported_and_put_in_force_by_two_policy_officers(cast: Cast, now: datetime) -> None:
    active = PolicyVersion.objects.get(state="active", policy_set__slug="sustainability")
    client = signed_in(cast.grace)
    address = reverse("admin:governance_policyversion_import")
    broken = client.post(address, {"source": "rules: ["})
    assert broken.status_code == 400
    assert "rules: [" in broken.content.decode()
    changed = active.source.replace("value: 250000.0", "value: 251000.0", 1)
    assert client.post(address, {"source": changed}).status_code == 302
    draft = PolicyVersion.objects.get(policy_set=active.policy_set, state="draft")
    judy = add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root, now=now)

    def address_of(slug: str) -> str:
        return reverse(f"admin:governance_policyversion_{slug}", args=[draft.pk])

    assert client.get(address_of("request")).status_code == 404  # not tested yet
    assert client.post(address_of("run")).status_code == 302
    draft.refresh_from_db()
    assert draft.state == "tested"
    unready = client.post(address_of("request"), {"reason": "a lower line"})
    assert unready.status_code == 400
    assert "no backtest of it has been run" in unready.content.decode()
    seen_backtest(draft, by=cast.grace, now=now)
    answer = client.get(reverse("admin:governance_policyversion_change", args=[draft.pk]))
    page = answer.content.decode()
    for _, link in answer.context["links"]:
        assert client.get(link).status_code == 200
    assert "Request approval</button>" in page
    assert client.post(address_of("request"), {"reason": "a lower line"}).status_code == 302
    own = client.post(address_of("answer"), {"answer": "agree"})
    assert own.status_code == 400
    assert "another officer answers" in own.content.decode()
    assert signed_in(judy).post(address_of("answer"), {"answer": "agree"}).status_code == 302
    draft.refresh_from_db()
    assert draft.state == "active"
    assert signed_in(cast.users["ada"]).post(address, {"source": changed}).status_code == 404


def test_a_catalogue_row_is_edited_by_a_newer_row(cast: Cast, now: datetime) -> None:
    from estimator.models import PriceOffer

    client = signed_in(cast.users["cate"])
    row = PriceOffer.objects.in_force().filter(is_own=False, doubt="").first()
    if row is None:
        row = PriceOffer.objects.in_force().first()
    assert row is not None
    address = reverse("admin:estimator_priceoffer_edit", args=[row.pk])
    values = {name: value for name, value in client.get(address).context["form"].initial.items() if value is not None}
    answer = client.post(address, {**values, "usd_per_gpu_hour": "3.21", "note_of_release": "the invoice says so"})
    assert answer.status_code == 302, answer.context["form"].errors
    rows = PriceOffer.objects.filter(slug=row.slug).order_by("release_id")
    assert [str(each.usd_per_gpu_hour) for each in rows][-1].startswith("3.21")
    assert rows.count() == 2
    event = AuditEvent.objects.latest("seq")
    assert (event.action, event.data["slug"]) == ("catalogue.released", row.slug)
    assert client.get(address).status_code == 404  # the older row is no longer the one to change


def test_an_own_price_wins_from_its_day_on(cast: Cast, now: datetime) -> None:
    from estimator.models import PriceOffer

    client = signed_in(cast.users["cate"])
    values = {
        "provider": "coreweave", "accelerator": "h100-sxm5-80gb", "price_term": "reserved_1y",
        "usd_per_gpu_hour": "2.10", "effective_from": now.date().isoformat(), "source": "contract 12",
    }  # fmt: skip
    assert client.post(reverse("admin:estimator_priceoffer_own"), values).status_code == 302
    row = PriceOffer.objects.in_force().get(is_own=True, price_term="reserved_1y")
    assert str(row.usd_per_gpu_hour).startswith("2.1")
    assert AuditEvent.objects.latest("seq").action == "catalogue.priced"
    wrong = client.post(reverse("admin:estimator_priceoffer_own"), {**values, "provider": "nobody"})
    assert wrong.status_code == 400
    assert "provider" in wrong.context["form"].errors


@pytest.mark.parametrize("text", ["\x00", "x" * 5000, "\u202e hidden"])
def test_impossible_text_is_a_form_error(cast: Cast, text: str) -> None:
    client = signed_in(cast.users["ada"])
    body = urlencode({"name": text, "slug": "fine", "parent": cast.root.pk}, errors="surrogatepass")
    answer = client.post(
        reverse("admin:governance_team_create"), body, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 400


def test_somebody_who_is_not_staff_is_not_let_in(cast: Cast) -> None:
    for address in (reverse("admin:queue"), reverse("admin:governance_person_changelist")):
        assert Client().get(address).status_code == 302
        assert signed_in(cast.alice).get(address, follow=True).status_code == 404


def test_logging_out_takes_a_post(cast: Cast) -> None:
    client = signed_in(cast.bob)
    assert client.get(reverse("admin:logout")).status_code == 405
    assert client.get(reverse("admin:queue")).status_code == 200
    assert client.post(reverse("admin:logout")).status_code == 302
    assert client.get(reverse("admin:queue")).status_code == 302


def test_the_stage_of_the_cast_is_open(cast: Cast) -> None:
    assert open_stage(open_stage_request(cast)).state == "open"
