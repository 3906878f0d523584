"""The twenty rules, as CEL and as one compiled policy set."""

from __future__ import annotations

from benchmarks.policy_bench.facts import SCHEMA
from governance.policy.bundle.bundle_model import Bundle, Rule
from governance.policy.bundle.effects import DEFAULT_ON_ERROR, Effect, EffectKind, RoleDemand
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set

ADVANCED = '["H100", "H200", "B200", "GB200", "MI300X"]'

# id, effect, roles, quorum, condition
RULES: tuple[tuple[str, str, tuple[str, ...], int, str], ...] = (
    ("R01", "deny", (), 0, '!(request.provider in ["aws", "gcp", "azure", "coreweave", "lambda", "onprem"])'),
    ("R02", "deny", (), 0, 'request.region in ["cn-north-1", "ru-central-1"]'),
    (
        "R03", "deny", (), 0,
        (f"request.gpu_type in {ADVANCED} && has(request.end_user_country) "
        '&& request.end_user_country in ["IR", "KP", "RU", "CU", "SY", "BY"]'),
    ),
    (
        "R04", "require", ("export_control",), 1,
        (f"request.gpu_type in {ADVANCED} && has(request.end_user_country) "
        '&& request.end_user_country in ["CN", "AE", "SA"] && !request.export_license'),
    ),
    ("R05", "deny", (), 0, 'request.purpose in ["crypto_mining", "social_scoring"]'),
    (
        "R06", "require", ("ai_safety_board", "legal"), 2,
        "has(request.training_flop) && request.training_flop >= 1e25",
    ),
    (
        "R07", "flag", (), 0,
        "has(request.training_flop) && request.training_flop >= 1e23 && request.training_flop < 1e25",
    ),
    (
        "R08", "flag", (), 0,
        'request.purpose == "training" && !has(request.training_flop) && request.gpu_count >= 64',
    ),
    ("R09", "require", ("manager",), 1, "request.cost_usd > 5000.0"),
    ("R10", "require", ("director",), 1, "request.cost_usd > 50000.0"),
    ("R11", "require", ("cfo",), 2, "request.cost_usd > 500000.0"),
    ("R12", "deny", (), 0, "budget.spent + budget.reserved + request.cost_usd > budget.total * 1.1"),
    ("R13", "warn", (), 0, "(budget.spent + budget.reserved + request.cost_usd) / budget.total > 0.8"),
    (
        "R14", "deny", (), 0,
        'request.data_class == "restricted" && request.provider != "onprem" && !request.encrypted',
    ),
    (
        "R15", "require", ("privacy",), 1,
        'request.data_class in ["personal", "special_category"] && !request.region.startsWith("eu-")',
    ),
    ("R16", "warn", (), 0, "has(project.avg_util) && project.avg_util < 0.35 && request.gpu_count > 8"),
    ("R17", "require", ("procurement",), 1, 'request.provider_share > 0.6 && request.provider != "onprem"'),
    ("R18", "flag", (), 0, "request.hours > 720.0 || double(request.gpu_count) * request.hours > 100000.0"),
    ("R19", "deny", (), 0, 'project.status != "active" || request.start >= project.end'),
    (
        "R20", "require", ("sponsor",), 1,
        'requester.role in ["contractor", "student"] && !("compute-approved" in requester.groups)',
    ),
)  # fmt: skip


def _rule(rule_id: str, effect: str, roles: tuple[str, ...], quorum: int, when: str) -> Rule:
    kind = EffectKind(effect)
    demands = tuple(RoleDemand(role, quorum, 1) for role in roles)
    return Rule(
        rule_id, rule_id, rule_id, when, Effect(kind, roles=demands), f"{rule_id} fired.", DEFAULT_ON_ERROR[kind]
    )


def bundle(changes: dict[str, str] | None = None) -> Bundle:
    """The rules as a bundle; `changes` replaces the conditions of some."""
    conditions = changes or {}
    # The baseline allows where nothing else speaks; here that is a rule too.
    everything = _rule("R00", "allow", (), 0, "true")
    rules = [_rule(rule_id, *rest, conditions.get(rule_id, when)) for rule_id, *rest, when in RULES]
    return Bundle("bench", "Benchmark", "", "policy_officer", rules=(*rules, everything), schema=SCHEMA)


def policy_set(changes: dict[str, str] | None = None) -> CompiledPolicySet:
    return compile_policy_set([bundle(changes)])
