"""What nobody should be able to type: refused with the field's name, nothing written, never a 500."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.models import ProvisioningRequest
from tests.cast import Cast
from tests.house import fingerprint
from tests.web import asking

NEW = "/requests/new/"
HUGE = "x" * 1_000_000
LONG = "x" * 9_000
# A browser cannot send half a pair; other programs can, and Django reads it as this.
HALF_A_PAIR = b"\xed\xa0\x80"


@pytest.fixture
def alice(browser_of: Callable[[str], Client]) -> Client:
    return browser_of("alice")


@pytest.fixture
def draft(alice: Client) -> ProvisioningRequest:
    alice.post(NEW, asking.workload())
    return ProvisioningRequest.objects.get()


def today() -> Any:
    return timezone.now().date()


SIZE_CASES = [
    ("accelerator_count", value, "Number of accelerators")
    for value in ("NaN", "inf", "-1", "0", "10^30", "1e30", "1" * 400, "2.5", "many", "8\x00", "1_000", "٣", LONG)
] + [
    (name, value, label)
    for name, label in (("gpu_hours_cap", "GPU-hours cap"), ("money_cap_usd", "Money cap"))
    for value in ("nan", "Infinity", "-5", "0", "10^30", "1e30", "1e400", "1" * 400, "a lot", "5\x00", "0x10", LONG)
]


def test_a_number_that_is_none_is_refused_by_name(alice: Client, draft: ProvisioningRequest) -> None:
    assert_all_refused(alice, draft, [(asking.size(**{name: value}), label) for name, value, label in SIZE_CASES])


ACCELERATORS: list[tuple[dict[str, Any], str]] = [
    ({"accelerator": "h999"}, "Accelerator"),
    ({"accelerator": "../../etc"}, "Accelerator"),
    ({"accelerator": "h100\x00"}, "Accelerator"),
    ({"accelerator": LONG}, "Accelerator"),
]


def test_an_accelerator_that_nobody_knows_is_refused(alice: Client, draft: ProvisioningRequest) -> None:
    assert_all_refused(alice, draft, [(asking.size(**changes), label) for changes, label in ACCELERATORS])


PLACE_OR_TIMES: list[tuple[dict[str, Any], str]] = [
    ({"end_on": lambda: (today() - timedelta(days=1)).isoformat()}, "End"),
    ({"start_on": lambda: (today() - timedelta(days=3)).isoformat()}, "Start"),
    ({"start_on": "2026-02-30"}, "Start"),
    ({"start_on": "tomorrow"}, "Start"),
    ({"start_on": "99999-01-01"}, "Start"),
    ({"start_on": "1900-01-01"}, "Start"),
    ({"end_on": "2099-01-01"}, "End"),
    ({"end_on": "2026-12-01\x00"}, "End"),
    ({"country": "XX"}, "Country of the machines"),
    ({"country": "Sweden"}, "Country of the machines"),
    ({"region": "eu west\x00"}, "Region"),
    ({"region": LONG}, "Region"),
    ({"access_countries": "Irland"}, "Countries of use"),
    ({"access_countries": ", ".join(["Ireland"] * 41)}, "Countries of use"),
    ({"access_countries": "IE," * 20_000}, "Countries of use"),
    ({"access_countries": "IE\x00"}, "Countries of use"),
    ({"place": "coreweave~on_demand"}, "Place"),
    ({"place": "coreweave~never~h100-sxm5-80gb"}, "Price term"),
    ({"place": "other", "provider": "No Such Place!", "price_term": "spot"}, "Place"),
    ({"place": "other", "provider": "coreweave", "price_term": "whenever"}, "Price term"),
    ({"place": f"coreweave~on_demand~{'h' * 200}"}, "Accelerator"),
]


def test_a_place_or_time_that_cannot_be_is_refused(alice: Client, draft: ProvisioningRequest) -> None:
    assert_all_refused(
        alice, draft, [(asking.place(today(), **called(changes)), label) for changes, label in PLACE_OR_TIMES]
    )


PURPOSES: list[tuple[dict[str, Any], str]] = [
    ({"justification": LONG}, "Justification"),
    ({"justification": "fine\x00"}, "Justification"),
    ({"justification": "turned \u202e around"}, "Justification"),
    ({"data_class": "secret"}, "Data class"),
    ({"purpose": "no such\x00"}, "Purpose"),
    ({"exposure_of_output": "everybody"}, "Who uses the output"),
    ({"use_tags": ["biometrics"] * 41}, "Fields of use"),
    ({"use_tags": ["astrology"]}, "Fields of use"),
    ({"modalities": ["smell"]}, "Modalities"),
    ({"beneficiary_entity": "x" * 121}, "Beneficiary"),
    ({"beneficiary_hq_country": "ZZ"}, "Country of the beneficiary"),
    ({"lineage": "No Such Lineage"}, "Model lineage"),
    ({"evidence_kind": ["dpia"], "evidence_url": ["javascript:alert(1)"]}, "Evidence"),
    ({"evidence_kind": ["dpia"], "evidence_url": [""]}, "Evidence"),
    ({"evidence_kind": [""], "evidence_url": ["https://example.com/dpia"]}, "Evidence"),
    ({"evidence_kind": ["dpia"] * 21, "evidence_url": ["https://example.com/a"] * 21}, "Evidence"),
    ({"evidence_kind": ["dpia"] * 60, "evidence_url": ["https://example.com/a"] * 60}, "Evidence"),
    ({"licence_ref": "x" * 81}, "Licence"),
]


def test_a_purpose_that_cannot_be_is_refused(alice: Client, draft: ProvisioningRequest) -> None:
    assert_all_refused(alice, draft, [(asking.purpose(**changes), label) for changes, label in PURPOSES])


WORKLOADS: list[tuple[dict[str, Any], str]] = [
    ({"title": "x" * 121}, "Title"),
    ({"title": "Abl\x00ations"}, "Title"),
    ({"title": "Abl\nations"}, "Title"),
    ({"kind": "surprise"}, "Kind of request"),
    ({"project": "no such/project"}, "Project"),
    ({"workload": "mining", "shown_workload": "mining"}, "Workload"),
    ({"sizing": "nicely"}, "Sizing"),
    ({"work-hours_per_accelerator": "NaN"}, "Hours"),
    ({"work-hours_per_accelerator": "-1"}, "Hours"),
    ({"work-hours_per_accelerator": "10^30"}, "Hours"),
    ({"related_grant": "G-" + "9" * 400, "kind": "change"}, "Grant"),
]


def test_a_workload_that_cannot_be_is_refused(alice: Client, draft: ProvisioningRequest) -> None:
    assert_all_refused(alice, draft, [(asking.workload(**changes), label) for changes, label in WORKLOADS])


def test_half_of_a_character_pair_is_refused_by_name(alice: Client, draft: ProvisioningRequest) -> None:
    before = fingerprint()
    body = b"step=workload&action=continue&shown_workload=lease&workload=lease&sizing=cap&title=a" + b"%ED%A0%80"
    answer = alice.post(edit(draft), body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert "Title: contains half of a character pair" in answer.content.decode()
    assert fingerprint() == before


def test_a_megabyte_is_refused_before_it_is_read(alice: Client, draft: ProvisioningRequest) -> None:
    before = fingerprint()
    for address in (edit(draft), "/requests/preview/"):
        answer = alice.post(address, asking.purpose(justification=HUGE))
        assert answer.status_code == 400
    assert "256" in answer.content.decode()
    assert fingerprint() == before


def test_names_that_have_the_right_shape_but_mean_nothing_are_refused_at_submission(
    alice: Client, draft: ProvisioningRequest, cast: Cast
) -> None:
    elsewhere = asking.place(today(), place="other", provider="nowhere", price_term="spot")
    for step in (asking.size(), elsewhere, asking.purpose()):
        alice.post(edit(draft), step)
    page = alice.get(edit(draft) + "?step=review").content.decode()
    assert "Place: nowhere is not a provider that this organisation knows" in page
    answer = alice.post(f"/requests/{draft.number}/submit/")
    assert answer.status_code == 200
    assert "nowhere is not a provider" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.state == "draft"


@pytest.mark.parametrize("step", ["", "nowhere", "workload\x00", "review"])
def test_a_step_that_is_none_writes_nothing(alice: Client, draft: ProvisioningRequest, step: str) -> None:
    before = fingerprint()
    answer = alice.post(edit(draft), {"step": step, "action": "go:\x00"})
    assert answer.status_code in (302, 404)
    if answer.status_code == 404:
        assert fingerprint() == before


@pytest.mark.parametrize("number", ["9" * 30, "2147483648", "4294967296"])
def test_a_number_that_no_request_can_have_is_missing(alice: Client, number: str) -> None:
    assert alice.get(f"/requests/{number}/edit/").status_code == 404
    assert alice.post(f"/requests/{number}/submit/").status_code == 404
    assert alice.post("/requests/preview/", asking.workload(number=number)).status_code == 200


def edit(draft: ProvisioningRequest) -> str:
    return f"/requests/{draft.number}/edit/"


def called(changes: dict[str, Any]) -> dict[str, Any]:
    """Days that lie relative to today are made when the test runs."""
    return {name: value() if callable(value) else value for name, value in changes.items()}


def assert_all_refused(alice: Client, draft: ProvisioningRequest, cases: list[tuple[dict[str, Any], str]]) -> None:
    """The form names the field, the preview says the same with 400, and after all of it nothing has changed."""
    before = fingerprint()
    accepted = []
    for fields, label in cases:
        for answer, status in (
            (alice.post(edit(draft), fields), 200),
            (alice.post(edit(draft), fields | {"action": "save"}), 200),
            (alice.post("/requests/preview/", fields | {"number": draft.number}), 400),
        ):
            page = answer.content.decode()
            if answer.status_code != status or f">{label}: " not in page:
                accepted.append((label, {name: str(value)[:40] for name, value in fields.items()}, answer.status_code))
    assert accepted == []
    assert fingerprint() == before
