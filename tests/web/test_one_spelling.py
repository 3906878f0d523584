"""A figure is written in one way on a page, and figures that stand together are of the same quantile."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from governance.channels import email as emails
from governance.display import numbers
from governance.display.numbers import against
from governance.models import Alert, ApprovalStage, ProvisioningRequest, User
from governance.selectors.requests import assessments
from tests.cast import Cast, add_own_price, set_budget
from tests.web import reading

HOURS, USD_PER_HOUR = 1_612.4, Decimal("2.90")
AMOUNT = "4,675.96"
"""What the request counts as, to the cent."""
AFTER = "15,324.04"
"""What its budget of 20,000 has left beside it."""

NUMBER = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:[ \u00a0]?([kM])\b)?")


def words_of(html: str) -> str:
    """Everything that is read or read out: text, and the text alternatives of plots."""
    labels = " | ".join(re.findall(r'aria-label="([^"]*)"', html))
    return unescape(re.sub(r"<[^>]+>", " | ", re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL)) + labels)


def spellings(text: str, amount: str) -> set[str]:
    """How numbers that are this amount, or it rounded to two digits, are written."""
    value = float(amount.replace(",", ""))
    found = set()
    for match in NUMBER.finditer(text):
        number = float(match[1].replace(",", "")) * {"k": 1e3, "M": 1e6}.get(match[2] or "", 1)
        if abs(number - value) <= 0.02 * value:
            found.add(match[0])
    return found


@pytest.fixture
def waiting(cast: Cast) -> ProvisioningRequest:
    """An amount that is no whole number, at a price that keeps hours and dollars apart."""
    add_own_price(usd=USD_PER_HOUR, term="spot", now=cast.now)
    return reading.waiting(cast, gpu_hours_cap=HOURS, price_term="spot")


def decision_of(request: ProvisioningRequest) -> str:
    stage = ApprovalStage.objects.filter(provisioning_request=request, state="open").first()
    assert stage is not None
    return reverse("admin:decide", args=[stage.pk])


def pages_of(request: ProvisioningRequest) -> dict[tuple[str, str], str]:
    """Every page on which the request stands, by reader and path."""
    detail = reverse("web:request_detail", args=[request.number])
    form = reverse("web:request_edit", args=[request.number]) + "?step=review"
    decision = decision_of(request)
    paths = {
        "alice": ("/", "/requests/", detail, form),
        "bob": ("/", reverse("admin:queue"), decision),
        "carol": (reverse("web:budget_detail", args=["long-context"]), detail),
    }
    found = {}
    for who, addresses in paths.items():
        browser = Client()
        browser.force_login(User.objects.get(email=f"{who}@example.com"))
        for path in addresses:
            answer = browser.get(path)
            assert answer.status_code == 200, path
            found[who, path] = words_of(answer.content.decode())
    return found


def test_an_amount_has_one_spelling_on_every_page(cast: Cast, waiting: ProvisioningRequest) -> None:
    found = {page: (spellings(text, AMOUNT), spellings(text, AFTER)) for page, text in pages_of(waiting).items()}
    assert not {page: each for page, each in found.items() if each[0] != {AMOUNT} or not each[1] <= {AFTER}}


def test_mails_write_what_is_decided_on_as_the_pages_do(cast: Cast, waiting: ProvisioningRequest) -> None:
    alert = Alert.objects.get(kind="stage_opened", recipient=cast.bob.person)
    opened = emails.compose(alert, now=cast.now)
    assert spellings(f"{opened.subject} | {opened.body}", AMOUNT) == {AMOUNT}
    reading.decide(cast, waiting, "approve", "Fits the plan.")
    ready = emails.compose(Alert.objects.get(kind="grant_issued", recipient=cast.alice.person), now=cast.now)
    assert spellings(f"{ready.subject} | {ready.body}", AMOUNT) == {AMOUNT}


def test_energy_and_carbon_that_stand_together_are_of_one_quantile(cast: Cast) -> None:
    request = reading.waiting(cast)
    estimate = assessments.preview(request.draft, actor=cast.alice, now=cast.now).estimate
    energy, carbon = estimate.energy_kwh, estimate.carbon_kg
    assert energy is not None
    assert carbon is not None
    assert len({numbers.energy(energy.p50), numbers.energy(energy.p90)}) == 2
    shown = [text for text in pages_of(request).values() if numbers.carbon(carbon.p50) in text]
    assert len(shown) >= 3, "form, request and decision"
    for text in shown:
        assert numbers.energy(energy.p50) in text
        assert numbers.energy(energy.p90) not in text


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(0.58, "42 % below"), (0.51, "49 % below"), (0.05, "20 × below"), (1.09, "9 % above"), (3.0, "3 × above"),
     (1e-5, "far below"), (1e5, "far above")],
)  # fmt: skip
def test_a_distance_has_one_wording(ratio: float, words: str) -> None:
    assert against(ratio * 1e25, 1e25).replace("\u00a0", " ") == words


def test_form_and_decision_say_the_same_distance_from_a_legal_line(cast: Cast) -> None:
    set_budget(cast, usd=900_000)
    work = {"parameters_billion": 70, "tokens_billion": 140, "method": "full"}
    request = reading.waiting(
        cast, workload="fine_tuning", sizing="work", work=work, accelerator_count=512, gpu_hours_cap=None
    )
    estimate = assessments.preview(request.draft, actor=cast.alice, now=cast.now).estimate
    line = min((each for each in estimate.thresholds if not each.may_exceed), key=lambda each: each.limit)
    distance = against(line.p90, line.limit)
    assert "% below" in distance, "between half and all of the line, where one said a factor and the other per cent"
    pages = pages_of(request)
    for page in (reverse("web:request_edit", args=[request.number]) + "?step=review",
                 decision_of(request)):  # fmt: skip
        (text,) = (text for (_, path), text in pages.items() if path == page)
        assert distance in text, page
