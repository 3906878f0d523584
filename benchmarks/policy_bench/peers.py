"""The twenty rules in packaged engines: each adapter takes one nested request and returns the fired mask.

Every engine gets the rules in its own language, read once; the conversion of a request to what the engine takes is
part of each call, as it is for a caller. An engine that is not installed is reported, never passed over in silence.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.policy_bench.rules import RULES

Ask = Mapping[str, Any]
Judge = Callable[[Ask], int]


def _mask(answers: list[bool]) -> int:
    return sum(1 << index for index, fired in enumerate(answers) if fired)


def _with_seconds(facts: Ask) -> dict[str, Any]:
    """The request with instants as seconds, for engines without a type for them."""
    request, project = dict(facts["request"]), dict(facts["project"])
    request["start"] = request["start"].timestamp()
    project["end"] = project["end"].timestamp()
    return {"request": request, "project": project, "budget": facts["budget"], "requester": facts["requester"]}


def cel_expr_python() -> Judge:
    """Google's evaluator: all rules as one list expression over maps, the fastest way that was found."""
    from cel_expr_python import cel

    anything = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    env = cel.NewEnv(variables=dict.fromkeys(("request", "project", "budget", "requester"), anything))
    program = env.compile("[" + ", ".join(rule[4] for rule in RULES) + "]")
    return lambda facts: _mask(program.eval(data=_with_seconds(facts)).plain_value())


def common_expression_language() -> Judge:
    """The Rust evaluator: the same list expression; it takes instants as they are."""
    import cel

    program = cel.compile("[" + ", ".join(rule[4] for rule in RULES) + "]")
    return lambda facts: _mask(program.execute(dict(facts)))


_ADVANCED = '{"H100", "H200", "B200", "GB200", "MI300X"}'
REGO = f"""
package bench
import rego.v1
r := input.request
fired contains 0 if not r.provider in {{"aws", "gcp", "azure", "coreweave", "lambda", "onprem"}}
fired contains 1 if r.region in {{"cn-north-1", "ru-central-1"}}
fired contains 2 if {{ r.gpu_type in {_ADVANCED}; r.end_user_country in {{"IR", "KP", "RU", "CU", "SY", "BY"}} }}
fired contains 3 if {{ r.gpu_type in {_ADVANCED}; r.end_user_country in {{"CN", "AE", "SA"}}; not r.export_license }}
fired contains 4 if r.purpose in {{"crypto_mining", "social_scoring"}}
fired contains 5 if r.training_flop >= 1e25
fired contains 6 if {{ r.training_flop >= 1e23; r.training_flop < 1e25 }}
fired contains 7 if {{ r.purpose == "training"; not r.training_flop; r.gpu_count >= 64 }}
fired contains 8 if r.cost_usd > 5000
fired contains 9 if r.cost_usd > 50000
fired contains 10 if r.cost_usd > 500000
spent := (input.budget.spent + input.budget.reserved) + r.cost_usd
fired contains 11 if spent > input.budget.total * 1.1
fired contains 12 if spent / input.budget.total > 0.8
fired contains 13 if {{ r.data_class == "restricted"; r.provider != "onprem"; not r.encrypted }}
fired contains 14 if {{ r.data_class in {{"personal", "special_category"}}; not startswith(r.region, "eu-") }}
fired contains 15 if {{ input.project.avg_util < 0.35; r.gpu_count > 8 }}
fired contains 16 if {{ r.provider_share > 0.6; r.provider != "onprem" }}
fired contains 17 if r.hours > 720
fired contains 17 if r.gpu_count * r.hours > 100000
fired contains 18 if input.project.status != "active"
fired contains 18 if r.start >= input.project.end
u := input.requester
fired contains 19 if {{ u.role in {{"contractor", "student"}}; not "compute-approved" in u.groups }}
"""


def regorus() -> Judge:
    """Rego in Rust: one set of the numbers of the rules that fire.

    Asks go in as JSON: the library's own conversion turns booleans into numbers.
    """
    import regorus as library

    engine = library.Engine()
    engine.add_policy("bench.rego", REGO)

    def judge(facts: Ask) -> int:
        engine.set_input_json(json.dumps(_with_seconds(facts)))
        return sum(1 << int(number) for number in engine.eval_rule("data.bench.fired"))

    return judge


_CEDAR_ADVANCED = '["H100", "H200", "B200", "GB200", "MI300X"]'
# Cedar has no floating point: money in cents, shares in thousandths, hours in tenths, FLOP in units of 1e10.
CEDAR = (
    '!(["aws", "gcp", "azure", "coreweave", "lambda", "onprem"].contains(context.provider))',
    '["cn-north-1", "ru-central-1"].contains(context.region)',
    (
        f"{_CEDAR_ADVANCED}.contains(context.gpu_type) && context has end_user_country "
        '&& ["IR", "KP", "RU", "CU", "SY", "BY"].contains(context.end_user_country)'
    ),
    (
        f"{_CEDAR_ADVANCED}.contains(context.gpu_type) && context has end_user_country "
        '&& ["CN", "AE", "SA"].contains(context.end_user_country) && !context.export_license'
    ),
    '["crypto_mining", "social_scoring"].contains(context.purpose)',
    "context has flop && context.flop >= 1000000000000000",
    "context has flop && context.flop >= 10000000000000 && context.flop < 1000000000000000",
    'context.purpose == "training" && !(context has flop) && context.gpu_count >= 64',
    "context.cost > 500000",
    "context.cost > 5000000",
    "context.cost > 50000000",
    "10 * (context.spent + context.reserved + context.cost) > 11 * context.total",
    "10 * (context.spent + context.reserved + context.cost) > 8 * context.total",
    'context.data_class == "restricted" && context.provider != "onprem" && !context.encrypted',
    '["personal", "special_category"].contains(context.data_class) && !(context.region like "eu-*")',
    "context has avg_util && context.avg_util < 350 && context.gpu_count > 8",
    'context.share > 600 && context.provider != "onprem"',
    "context.hours > 7200 || context.gpu_count * context.hours > 1000000",
    'context.status != "active" || context.start >= context.end',
    '["contractor", "student"].contains(context.role) && !context.groups.contains("compute-approved")',
)


def cedarpy() -> Judge:
    """Cedar: each rule a permit; the reasons of the answer are the rules that fired."""
    import cedarpy as library

    text = "\n".join(
        f'@id("{index}") permit(principal, action, resource) when {{ {condition} }};'
        for index, condition in enumerate(CEDAR)
    )
    policies = library.PolicySet.from_str(text)
    entities = library.Entities.from_json_str("[]")

    def judge(facts: Ask) -> int:
        q, p, b, u = facts["request"], facts["project"], facts["budget"], facts["requester"]
        context = {
            "provider": q["provider"], "region": q["region"], "gpu_type": q["gpu_type"], "purpose": q["purpose"],
            "export_license": q["export_license"], "data_class": q["data_class"], "encrypted": q["encrypted"],
            "gpu_count": q["gpu_count"], "cost": round(q["cost_usd"] * 100), "hours": round(q["hours"] * 10),
            "share": round(q["provider_share"] * 1000), "start": int(q["start"].timestamp()),
            "end": int(p["end"].timestamp()), "status": p["status"], "total": round(b["total"] * 100),
            "spent": round(b["spent"] * 100), "reserved": round(b["reserved"] * 100), "role": u["role"],
            "groups": u["groups"],
        }  # fmt: skip
        if "end_user_country" in q:
            context["end_user_country"] = q["end_user_country"]
        if "training_flop" in q:
            context["flop"] = int(q["training_flop"] / 1e10)
        if "avg_util" in p:
            context["avg_util"] = round(p["avg_util"] * 1000)
        request = {"principal": 'P::"a"', "action": 'A::"b"', "resource": 'R::"c"', "context": context}
        answer = library.is_authorized(request, policies, entities)
        # Policies are numbered in the order of the text: policy0, policy1, …
        return sum(1 << int(reason.removeprefix("policy")) for reason in answer.diagnostics.reasons)

    return judge


_ZEN_ADVANCED = '["H100", "H200", "B200", "GB200", "MI300X"]'
ZEN = (
    'request.provider not in ["aws", "gcp", "azure", "coreweave", "lambda", "onprem"]',
    'request.region in ["cn-north-1", "ru-central-1"]',
    f'request.gpu_type in {_ZEN_ADVANCED} and request.end_user_country in ["IR", "KP", "RU", "CU", "SY", "BY"]',
    (
        f'request.gpu_type in {_ZEN_ADVANCED} and request.end_user_country in ["CN", "AE", "SA"] '
        "and not request.export_license"
    ),
    'request.purpose in ["crypto_mining", "social_scoring"]',
    "request.flop != null and request.flop >= 1000000000000000",
    "request.flop != null and request.flop >= 10000000000000 and request.flop < 1000000000000000",
    'request.purpose == "training" and request.flop == null and request.gpu_count >= 64',
    "request.cost_usd > 5000",
    "request.cost_usd > 50000",
    "request.cost_usd > 500000",
    "budget.spent + budget.reserved + request.cost_usd > budget.total * 1.1",
    "(budget.spent + budget.reserved + request.cost_usd) / budget.total > 0.8",
    'request.data_class == "restricted" and request.provider != "onprem" and not request.encrypted',
    'request.data_class in ["personal", "special_category"] and not startsWith(request.region, "eu-")',
    "project.avg_util != null and project.avg_util < 0.35 and request.gpu_count > 8",
    'request.provider_share > 0.6 and request.provider != "onprem"',
    "request.hours > 720 or request.gpu_count * request.hours > 100000",
    'project.status != "active" or request.start >= project.end',
    'requester.role in ["contractor", "student"] and "compute-approved" not in requester.groups',
)


def zen_engine() -> Judge:
    """GoRules Zen: its compiled expressions, all rules in one list. Its decimals do not reach 1e25: FLOP in 1e10."""
    import zen

    program = zen.compile_expression("[" + ", ".join(ZEN) + "]")

    def judge(facts: Ask) -> int:
        plain = _with_seconds(facts)
        if "training_flop" in plain["request"]:
            plain["request"]["flop"] = plain["request"].pop("training_flop") / 1e10
        return _mask(program.evaluate(plain))

    return judge


# Package name, and what builds its judge.
PEERS: dict[str, Callable[[], Judge]] = {
    "cel-expr-python": cel_expr_python,
    "common-expression-language": common_expression_language,
    "celine-regorus": regorus,
    "cedarpy": cedarpy,
    "zen-engine": zen_engine,
}


def version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
