"""A bundle back to YAML, the way people like to read it in a diff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.policy.bundle.bundle_model import API_VERSION, KIND, Bundle, Param, Rule, RuleTest
from governance.policy.bundle.effect_fields import dump_effect
from governance.policy.bundle.yaml_source import dump_yaml
from governance.policy.facts.facts_schema import SCHEMA_VERSION, facts_to_json


def dump_bundle(bundle: Bundle) -> str:
    """Write a bundle as YAML. `load_bundle(dump_bundle(bundle)) == bundle`."""
    return dump_yaml(plain_bundle(bundle))


def plain_bundle(bundle: Bundle) -> dict[str, Any]:
    """What is written of a bundle, as plain values in the order of the file; what is empty is left out."""
    plain: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "schema": SCHEMA_VERSION,
        "metadata": _without_defaults(
            name=bundle.name,
            title=bundle.title,
            summary=bundle.summary,
            owner=bundle.owner,
            effective_from=bundle.effective_from,
            effective_to=bundle.effective_to,
        ),
        "words": {name: list(words) for name, words in bundle.words.items()},
        "params": {param.name: _dump_param(param) for param in bundle.params},
        "variables": dict(bundle.variables),
        "rules": _dump_rules(bundle.rules),
        "fixture": facts_to_json(bundle.fixture),
        "tests": [_dump_test(test) for test in bundle.tests],
    }
    return {key: value for key, value in plain.items() if value not in ({}, [])}


def _without_defaults(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, "", (), {}, [])}


def _dump_param(param: Param) -> dict[str, Any]:
    return _without_defaults(type=param.type, unit=param.unit, label=param.label, help=param.help) | {
        "values": [
            {
                "value": list(dated.value) if isinstance(dated.value, tuple) else dated.value,
                "from": dated.start,
                "source": dated.source,
            }
            for dated in param.values
        ]
    }


def _dump_rules(rules: tuple[Rule, ...]) -> list[dict[str, Any]]:
    dumped: list[dict[str, Any]] = []
    for rule in rules:
        if not rule.row:
            dumped.append({"id": rule.id} | _dump_rule(rule))
            continue
        row = {"id": rule.row} | _dump_rule(rule)
        if dumped and dumped[-1]["id"] == rule.parent and "rows" in dumped[-1]:
            dumped[-1]["rows"].append(row)
        else:
            dumped.append({"id": rule.parent, "title": rule.parent_title, "rows": [row]})
    return dumped


def _dump_rule(rule: Rule) -> dict[str, Any]:
    plain: dict[str, Any] = {"title": rule.title, "when": rule.when, "effect": dump_effect(rule.effect)}
    plain["message"] = rule.message
    if not rule.has_default_on_error:
        plain["on_error"] = rule.on_error.value
    return plain | _without_defaults(legal_source=rule.legal_source)


def _dump_test(test: RuleTest) -> dict[str, Any]:
    plain: Mapping[str, Any] = _without_defaults(
        facts=facts_to_json(test.facts), absent=list(test.absent), outcome=test.outcome, on=test.on
    )
    dumped: dict[str, Any] = {"name": test.name, "rule": test.rule, "case": test.case.value, "fires": test.fires}
    dumped |= plain
    if test.requires is not None:
        dumped["requires"] = dict(test.requires)
    return dumped
