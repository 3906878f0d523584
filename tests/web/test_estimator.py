"""The estimator page: any workload, sized by its address, with plots and their text."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client

from estimator.core.workload.fields import FIELDS_BY_KIND, FieldSpec, FieldType
from tests.cast import Cast, add_own_price

Browser = Callable[[str], Client]
WORK = {
    "workload": "pretraining",
    "work-parameters_billion": "7",
    "work-tokens_billion": "200",
    "accelerator": "h100-sxm5-80gb",
    "accelerator_count": "64",
    "provider": "lambda",
    "price_term": "on_demand",
    "country": "SE",
    "size": "1",
}


def test_the_form_asks_what_its_kind_needs(browser_of: Browser) -> None:
    client = browser_of("alice")
    html = client.get("/estimator/", {"workload": "inference_online"}).content.decode()
    assert 'name="work-requests_per_day"' in html
    assert 'name="work-tokens_billion"' not in html
    assert "appear here" in html


def test_only_of_a_mixture_its_active_parameters_are_asked(browser_of: Browser) -> None:
    client = browser_of("alice")
    active = 'name="work-active_parameters_billion"'
    assert active not in client.get("/estimator/", WORK).content.decode()
    answer = client.get("/estimator/", WORK | {"work-architecture": "mixture_of_experts"})
    assert answer.status_code == 400
    assert active in answer.content.decode()
    dense = WORK | {"work-active_parameters_billion": "2", "work-architecture": "decoder"}
    assert client.get("/estimator/", dense).status_code == 200, "what is not asked is not read"


def test_a_workload_is_sized_with_its_drivers_offers_and_advice(browser_of: Browser, cast: Cast) -> None:
    add_own_price(term="spot", usd=Decimal("0.60"), now=cast.now)
    html = browser_of("alice").get("/estimator/", WORK).content.decode()
    for title in ("What makes it uncertain", "The same work elsewhere", "If you owned them", "Ways to reduce"):
        assert title in html
    plotted = re.findall(r"<circle [^>]*><title>([^<]+)</title>", html)
    assert len(plotted) == 2, "the two prices of the only approved provider, and none of those that it may not use"
    assert "2 offers by cost and wall time" in html
    drivers = html.partition('aria-label="What makes it uncertain">')[2].partition("</ul>")[0]
    assert drivers.count("<li>") == drivers.count('class="range"') == drivers.count("<line") > 1
    assert "Model FLOP over dense peak" in html
    assert "on 64\u00a0accelerators." in html
    assert "FlashAttention" in html


def test_more_tokens_take_more_hours_on_the_page(browser_of: Browser) -> None:
    client = browser_of("alice")

    def hours(tokens: str) -> str:
        html = client.get("/estimator/", WORK | {"work-tokens_billion": tokens}).content.decode()
        found = re.search(r'aria-label="GPU-hours: ([^"]+)"', html)
        assert found
        return found.group(1)

    assert hours("200") != hours("2000")


def test_what_cannot_be_is_named_at_its_field(browser_of: Browser) -> None:
    answer = browser_of("alice").get("/estimator/", WORK | {"work-tokens_billion": "-1"})
    assert answer.status_code == 400
    assert "#id_work-tokens_billion" in answer.content.decode()
    answer = browser_of("alice").get("/estimator/", WORK | {"deadline_hours": "soon"})
    assert answer.status_code == 400
    assert "#id_deadline_hours" in answer.content.decode()


def test_the_page_survives_anything_typed(browser_of: Browser) -> None:
    client = browser_of("alice")
    names = ("workload", "accelerator", "provider", "country", "price_term", "accelerator_count", "window_days")
    for words in ("\x00", "'; --", "x" * 3000, "\u202eabc", "<script>", "nan", "1e999"):
        for name in names:
            answer = client.get("/estimator/", WORK | {name: words})
            assert answer.status_code in (200, 400), (name, words)
            assert "<script>" not in answer.content.decode()


def test_a_hosted_model_has_no_offers_but_a_cost(browser_of: Browser) -> None:
    hosted = {
        "workload": "hosted_api",
        "work-api_model": "gpt-4o",
        "work-input_tokens_million_month": "100",
        "work-output_tokens_million_month": "10",
        "work-months": "1",
        "provider": "openai",
        "price_term": "per_token",
        "size": "1",
    }
    html = browser_of("alice").get("/estimator/", hosted).content.decode()
    assert "The same work elsewhere" not in html
    assert 'aria-label="Cost: ' in html


def test_the_form_starts_from_what_most_people_pay(browser_of: Browser) -> None:
    client = browser_of("alice")

    def chosen(**asked: str) -> str:
        html = client.get("/estimator/", asked).content.decode()
        select = html.split('name="price_term"')[1].split("</select>")[0]
        found = re.search(r'value="([^"]*)" selected', select)
        assert found
        return found.group(1)

    assert chosen() == "on_demand"
    assert chosen(workload="hosted_api") == "per_token"
    assert chosen(price_term="owned_pool") == "owned_pool"


def test_kinds_of_work_have_the_names_of_the_vocabulary(browser_of: Browser) -> None:
    html = browser_of("alice").get("/estimator/").content.decode()
    assert ">Pre-training</option>" in html
    assert ">Pretraining</option>" not in html


def test_what_cannot_be_known_says_why_beside_the_figure(browser_of: Browser) -> None:
    client = browser_of("alice")
    html = client.get("/estimator/", WORK | {"country": ""}).content.decode()
    assert "Carbon unknown: no country of the machines is stated" in html
    assert html.count("no country of the machines is stated") == 1
    assert "Carbon unknown" not in client.get("/estimator/", WORK).content.decode()
    html = client.get("/estimator/", WORK | {"price_term": "owned_pool"}).content.decode()
    assert html.count("No internal rate is recorded for h100-sxm5-80gb") == 1
    html = client.get("/estimator/", WORK | {"accelerator": ""}).content.decode()
    assert "GPU-hours: no accelerator is chosen." in html


def test_the_days_to_notify_stand_beside_the_compute(browser_of: Browser) -> None:
    client = browser_of("alice")
    html = client.get("/estimator/", WORK | {"work-parameters_billion": "400", "work-tokens_billion": "8000"})
    assert re.search(r"To be notified by \w{3} \d+\xa0\w{3}", html.content.decode())
    assert "AI Act, Art 52(1); 14\xa0days" in html.content.decode()
    assert "To be notified" not in client.get("/estimator/", WORK).content.decode()


def test_a_service_is_weighed_between_owning_and_renting(browser_of: Browser) -> None:
    served = {
        "workload": "inference_online",
        "work-parameters_billion": "70",
        "work-requests_per_day": "2000000",
        "work-input_tokens": "1500",
        "work-output_tokens": "300",
    }
    place = {name: value for name, value in WORK.items() if not name.startswith("work")}
    html = browser_of("alice").get("/estimator/", place | served).content.decode()
    assert "the cheapest mix owns" in html


def test_strangers_sign_in_first(client: Client) -> None:
    assert client.get("/estimator/").status_code == 302


def _typical(spec: FieldSpec) -> str:
    if spec.choices:
        return spec.choices[0][0]
    if spec.type in (FieldType.NUMBER, FieldType.INTEGER):
        return str(min(max(spec.minimum or 1, 2), spec.maximum or 2))
    return "gpt-4o"


REQUIRED_ONLY = {
    str(kind): {f"work-{spec.name}": _typical(spec) for spec in specs if spec.required}
    for kind, specs in FIELDS_BY_KIND.items()
}


@pytest.mark.parametrize("accelerator", ["h100-sxm5-80gb", ""])
@pytest.mark.parametrize("country", ["SE", ""])
def test_every_kind_is_sized_from_what_it_must_have(browser_of: Browser, accelerator: str, country: str) -> None:
    """What is not known reads so: no country, no carbon; no accelerator, no hours. Nothing of that is a fault."""
    client = browser_of("alice")
    for kind, fields in REQUIRED_ONLY.items():
        asked = {"workload": kind, "accelerator": accelerator, "country": country, "price_term": "on_demand"}
        answer = client.get("/estimator/", asked | fields | {"size": "1"})
        assert answer.status_code in (200, 400), kind
        if answer.status_code == 400:
            assert "#id_" in answer.content.decode(), f"a refusal of {kind} names its field"
