"""Numbers on the desk are read as our own pages print them, and as the request form reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.test import Client
from django.utils import timezone

from estimator.models import PriceOffer
from governance.admin.forms import DayField, ExactNumberField, InstantField, MoneyField, NumberField, WholeNumberField
from governance.admin.register.catalogue import form_field
from governance.models import ApprovalLimit, Budget, Delegation, ModelLineage, Role
from governance.services.register import register
from tests.cast import Cast, add_person

DESK = "/admin/governance/"
NO_NUMBERS = [
    "1_000",
    "\u0662\u0660\u0660",
    "\uff12\uff10",
    "2,00",
    "1e999",
    "NaN",
    "inf",
    "true",
    "0x10",
    "20 USD",
    "--1",
]


@pytest.fixture
def cast(cast_today: Cast) -> Cast:
    return cast_today


@pytest.mark.parametrize("typed", ["200,000", "200 000", "200\u00a0000", "200\u202f000.00", "200000", "2e5"])
def test_an_amount_is_read_as_it_is_printed(typed: str) -> None:
    assert MoneyField().clean(typed) == 200_000_000_000
    assert ExactNumberField(max_digits=20, decimal_places=8).clean(typed) == 200_000
    assert NumberField().clean(typed) == 200_000.0
    if "." not in typed and "e" not in typed:
        assert WholeNumberField().clean(typed) == 200_000


@pytest.mark.parametrize("typed", NO_NUMBERS)
def test_what_is_no_number_is_refused(typed: str) -> None:
    for field in (MoneyField(), NumberField(), WholeNumberField(), ExactNumberField(max_digits=20, decimal_places=8)):
        with pytest.raises(forms.ValidationError):
            field.clean(typed)


@pytest.mark.parametrize(
    "typed", ["0001-01-01", "1999-12-31", "2200-01-01", "9999-12-31", "\u0662\u0660\u0662\u0666-01-01"]
)
def test_a_day_is_one_that_can_be_kept(typed: str) -> None:
    for field in (DayField(), InstantField()):
        with pytest.raises(forms.ValidationError):
            field.clean(typed)
    assert str(DayField().clean("2026-12-01")) == "2026-12-01"


def test_every_number_of_the_catalogue_has_such_a_field() -> None:
    from estimator.schema import TABLES, ColumnType

    numeric = {ColumnType.NUMBER, ColumnType.MONEY, ColumnType.INTEGER}
    fields = [form_field(column) for table in TABLES for column in table.columns if column.type in numeric]
    assert fields
    assert all(isinstance(field, NumberField | WholeNumberField | ExactNumberField) for field in fields)


def desk_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_each_form_that_takes_an_amount_takes_200_000(cast: Cast) -> None:
    now = timezone.now()
    desk = desk_of(cast.carol)
    # After the period of the budget that the project has already.
    year = {"period_start": (now + timedelta(days=700)).date(), "period_end": (now + timedelta(days=790)).date()}
    made = desk.post(
        f"{DESK}budget/create/",
        {"name": "New", "slug": "new", "project": cast.project.pk, "limit_micro": "200,000", **year},
    )
    assert made.status_code == 302, made.content.decode()[-3000:]
    budget = Budget.objects.get(slug="new")
    assert budget.limit_micro == 200_000_000_000
    desk.post(f"{DESK}budget/{budget.pk}/limit/", {"limit_micro": "300 000.50", "reason": "more work"})
    budget.refresh_from_db()
    assert budget.limit_micro == 300_000_500_000
    limit = {"role": Role.objects.get(slug="team_lead").pk, "team": cast.team.pk, "amount_micro_max": "200,000"}
    assert desk.post(f"{DESK}approvallimit/set/", limit).status_code == 302
    assert ApprovalLimit.objects.get().amount_micro_max == 200_000_000_000
    given = desk_of(cast.bob).post(
        f"{DESK}delegation/give/",
        {
            "delegate": cast.frank.person_id, "role": limit["role"], "amount_micro_max": "100,000",
            "valid_to": (now + timedelta(days=9)).date(), "reason": "on leave",
        },
    )  # fmt: skip
    assert given.status_code == 302, given.content.decode()[-3000:]
    assert Delegation.objects.get().amount_micro_max == 100_000_000_000
    priced = desk.post(
        "/admin/estimator/priceoffer/own/",
        {
            "provider": "coreweave", "accelerator": "a100-sxm4-80gb", "price_term": "on_demand",
            "usd_per_gpu_hour": "1,234.5", "effective_from": now.date(), "source": "contract",
        },
    )  # fmt: skip
    assert priced.status_code == 302, priced.content.decode()[-3000:]
    assert str(PriceOffer.objects.get(accelerator="a100-sxm4-80gb", is_own=True).usd_per_gpu_hour).startswith("1234.5")


def test_compute_of_a_lineage_is_typed_with_or_without_commas(cast: Cast) -> None:
    now = timezone.now()
    lineage = register.register_lineage(
        actor=cast.grace, slug="tern", name="Tern", owner=cast.bob.person, now=now, project=cast.project
    )
    desk = desk_of(cast.grace)
    form = {
        "name": "Tern", "owner": cast.bob.person_id, "direct_flop_p50": "1,000", "direct_flop_p90": "2 000",
        "cumulative_flop_p50": "3e3", "cumulative_flop_p90": "4,000", "notification_state": "none",
    }  # fmt: skip
    assert desk.post(f"{DESK}modellineage/{lineage.pk}/edit/", form).status_code == 302
    found = ModelLineage.objects.get(pk=lineage.pk)
    assert (found.direct_flop_p50, found.direct_flop_p90, found.cumulative_flop_p90) == (1000.0, 2000.0, 4000.0)
    for typed in NO_NUMBERS:
        answer = desk.post(f"{DESK}modellineage/{lineage.pk}/edit/", form | {"direct_flop_p50": typed})
        assert answer.status_code == 400, typed


def test_somebody_added_for_a_register_reads_their_own_refusal(cast: Cast) -> None:
    kim = add_person("kim", team=cast.root, roles=["administrator"], scope=cast.root, now=timezone.now())
    answer = desk_of(kim).post(
        f"{DESK}person/{cast.alice.person_id}/edit/",
        {
            "name": "Alice", "team": cast.team.pk, "country": "IE", "requester_type": "employee", "time_zone": "UTC",
            "is_active": "on", "trainings": ", ".join(f"t{n}" for n in range(101)),
        },
    )  # fmt: skip
    assert answer.status_code == 400
    assert "101 items" in answer.content.decode()
