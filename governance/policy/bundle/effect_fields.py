"""The `effect` of a rule in a bundle: read from its mapping, written back to it.

effect: deny                                   a bare word where nothing else is said
effect: {require: {roles: [{role: finance, quorum: 1}], stage: 2, due_working_days: 3, evidence: [exit_plan]}}
"""

from __future__ import annotations

from typing import Any

from governance.policy.bundle.effects import (
    DUE_WORKING_DAYS_MAX,
    PARAM_PREFIX,
    QUORUM_MAX,
    STAGE_MAX,
    Effect,
    EffectKind,
    Obligation,
    RoleDemand,
    is_param,
)
from governance.policy.bundle.fields import IDENTIFIER, Fields

KINDS = [kind.value for kind in EffectKind]


def read_effect(rule: Fields) -> Effect:
    """Take `effect` out of a rule's mapping.

    Raises:
        BundleError: not one of the five effects, or one with fields that it does not have.
    """
    located = rule.require("effect")
    if isinstance(located.value, str):
        kind = EffectKind(rule.choice("effect", KINDS))
        if kind is EffectKind.REQUIRE:
            rule.refuse("has to say which roles", "effect")
        return Effect(kind=kind)
    outer = rule.mapping("effect") or rule.refuse("is empty", "effect")
    if len(outer.values) != 1:
        outer.refuse(f"has exactly one of {', '.join(KINDS)}")
    word = next(iter(outer.values))
    if word not in KINDS:
        outer.refuse(f"`{word[:40]}` is not one of {', '.join(KINDS)}")
    fields = outer.mapping(word) or outer.refuse("is empty; write the bare word instead", word)
    effect = _READERS[EffectKind(word)](fields)
    fields.finish()
    return effect


def _obligations(fields: Fields) -> tuple[Obligation, ...]:
    obligations: list[Obligation] = []
    for each in fields.mappings("obligations"):
        code = each.text("code", pattern=IDENTIFIER)
        values = tuple(
            (key, _obligation_value(each, key)) for key in each.values if key != "code" and IDENTIFIER.fullmatch(key)
        )
        each.finish()
        obligations.append(Obligation(code, values))
    return tuple(obligations)


def _obligation_value(fields: Fields, key: str) -> Any:
    value = fields.require(key).value
    if isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= 200):
        return value
    return fields.refuse("must be a number, a text or true or false", key)


def _deny(fields: Fields) -> Effect:
    return Effect(
        kind=EffectKind.DENY,
        code=fields.optional_text("code", IDENTIFIER),
        clause=fields.optional_text("clause"),
        obligations=_obligations(fields),
    )


def _require(fields: Fields) -> Effect:
    stage = fields.count("stage", 1, STAGE_MAX, 1)
    roles: list[RoleDemand] = []
    for each in fields.mappings("roles"):
        quorum, own_stage = each.count("quorum", 1, QUORUM_MAX, 1), each.count("stage", 1, STAGE_MAX, stage)
        roles.append(RoleDemand(each.text("role", pattern=IDENTIFIER), quorum, own_stage))
        each.finish()
    names = [each.role for each in roles]
    if not roles or len(set(names)) != len(names):
        fields.refuse("must name at least one role, and each once", "roles")
    return Effect(
        kind=EffectKind.REQUIRE,
        roles=tuple(roles),
        due_working_days=fields.whole("due_working_days", 1, DUE_WORKING_DAYS_MAX),
        evidence=fields.texts("evidence", IDENTIFIER),
        obligations=_obligations(fields),
    )


def _notice(kind: EffectKind, fields: Fields) -> Effect:
    return Effect(
        kind=kind,
        code=fields.optional_text("code", IDENTIFIER),
        notify=fields.texts("notify", IDENTIFIER),
        obligations=_obligations(fields),
    )


def _allow(fields: Fields) -> Effect:
    ratio = fields.take("sample_ratio")
    value: Any = ratio.value if ratio else None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        value = float(value)
    elif value is not None and not is_param(value):
        fields.refuse(f"must be a share from 0 to 1, or {PARAM_PREFIX}name", "sample_ratio")
    return Effect(
        kind=EffectKind.ALLOW,
        obligations=_obligations(fields),
        sample_ratio=value,
        sample_due_working_days=fields.whole("sample_due_working_days", 1, DUE_WORKING_DAYS_MAX),
    )


_READERS = {
    EffectKind.DENY: _deny,
    EffectKind.REQUIRE: _require,
    EffectKind.FLAG: lambda fields: _notice(EffectKind.FLAG, fields),
    EffectKind.WARN: lambda fields: _notice(EffectKind.WARN, fields),
    EffectKind.ALLOW: _allow,
}


def dump_effect(effect: Effect) -> str | dict[str, Any]:
    """The mapping, or the bare word where there is nothing else to say."""
    plain = effect.to_json()
    kind = plain.pop("kind")
    if effect.roles:
        stages = {each.stage for each in effect.roles}
        common = min(stages)
        plain["roles"] = [
            {"role": each.role, "quorum": each.quorum} | ({"stage": each.stage} if each.stage != common else {})
            for each in effect.roles
        ]
        if common != 1:
            plain["stage"] = common
    return {kind: plain} if plain else kind
