from __future__ import annotations

import json

from rest_framework.test import APIClient

from governance.models import User


def test_a_token_signs_in_until_it_is_ended(cast, client_of):
    made = client_of(cast.alice).post("/api/v1/tokens/", {"days": 7})
    assert made.status_code == 201
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {made.data['token']}")
    assert client.get("/api/v1/requests/").status_code == 200
    listed = client.get("/api/v1/tokens/").data["results"]
    assert made.data["token"] not in json.dumps(listed, default=str)
    assert client.delete(f"/api/v1/tokens/{made.data['id']}/").status_code == 204
    assert client.get("/api/v1/requests/").status_code == 401


def test_a_deactivated_account_is_out_at_once(cast, client_of):
    token = client_of(cast.alice).post("/api/v1/tokens/", {}).data["token"]
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert client.get("/api/v1/requests/").status_code == 401


def test_a_workload_is_sized_without_asking(cast, client_of):
    answer = client_of(cast.alice).post(
        "/api/v1/estimates/",
        {
            "workload": "fine_tuning",
            "work": {"parameters_billion": 8.0, "tokens_billion": 1.0, "method": "lora"},
            "provider": "coreweave",
            "accelerator": "h100-sxm5-80gb",
            "accelerator_count": 8,
        },
    )
    assert answer.status_code == 200, answer.content
    assert answer.data["gpu_hours"]["p10"] < answer.data["gpu_hours"]["p50"] < answer.data["gpu_hours"]["p90"]
    assert answer.data["assumptions"]


def test_an_impossible_workload_names_its_fields(cast, client_of):
    answer = client_of(cast.alice).post(
        "/api/v1/estimates/", {"workload": "pretraining", "work": {"tokens_billion": -1}}
    )
    assert answer.status_code == 400
    assert "tokens_billion" in json.loads(answer.content)["errors"]


def test_what_only_a_mixture_has_is_refused_of_a_dense_model(cast, client_of, ask):
    """The same rule as the form, in an estimate and in a request."""
    alice = client_of(cast.alice)
    work = {"parameters_billion": 7, "tokens_billion": 1, "architecture": "decoder", "active_parameters_billion": 2}
    sentence = "only a mixture of experts has this: choose that architecture, or leave this empty"
    refused = alice.post("/api/v1/estimates/", {"workload": "pretraining", "work": work})
    assert refused.status_code == 400
    assert sentence in str(refused.data)
    content = ask(workload="pretraining", sizing="work", work=work, gpu_hours_cap=None)
    refused = alice.post("/api/v1/requests/", {"content": content, "submit": True})
    assert refused.status_code == 400
    assert sentence in str(refused.data)


def test_stored_estimates_can_be_read(cast, client_of, ask):
    alice = client_of(cast.alice)
    alice.post("/api/v1/requests/", {"content": ask(), "submit": True})
    (row,) = alice.get("/api/v1/estimates/").data["results"]
    assert alice.get(f"/api/v1/estimates/{row['id']}/").data["request"] == "REQ-0001"
    assert client_of(cast.dave).get(f"/api/v1/estimates/{row['id']}/").status_code == 404


COMPARED = {
    "workload": "pretraining",
    "work": {"parameters_billion": 7.0, "tokens_billion": 100.0},
    "provider": "lambda",
    "country": "SE",
    "accelerator": "h100-sxm5-80gb",
    "accelerator_count": 8,
}


def test_a_workload_is_compared_with_every_offer(cast, client_of):
    answer = client_of(cast.alice).post("/api/v1/estimates/compare/", COMPARED | {"software": "cuda", "limit": 5})
    assert answer.status_code == 200, answer.content
    comparison = answer.data["comparison"]
    assert comparison["offers"] > comparison["counted"] > 0
    costs = [line["cost_usd"]["p50"] for line in comparison["lines"]]
    assert costs == sorted(costs)
    assert answer.data["drivers"]
    assert answer.data["advice"]
    assert answer.data["estimate"]["gpu_hours"]["p50"] > 0


def test_a_need_that_is_none_of_the_choices_is_named(cast, client_of):
    answer = client_of(cast.alice).post("/api/v1/estimates/compare/", COMPARED | {"software": "abacus"})
    assert answer.status_code == 400
    assert "software" in json.loads(answer.content)["errors"]
