"""YAML text to a checked bundle and back. A bundle with one bad rule is refused whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from governance.display import numbers
from governance.policy.bundle.bundle_model import (
    API_VERSION,
    KIND,
    Bundle,
    CaseKind,
    DatedValue,
    Param,
    Rule,
    RuleTest,
)
from governance.policy.bundle.bundle_words import (
    Path,
    UnknownWord,
    canonical_facts,
    check_words,
    place_of,
    undeclared,
)
from governance.policy.bundle.bundle_writer import dump_bundle
from governance.policy.bundle.effect_fields import read_effect
from governance.policy.bundle.effects import ALLOWED_ON_ERROR, DEFAULT_ON_ERROR, OnError, Outcome
from governance.policy.bundle.fields import IDENTIFIER, RULE_ID, SLUG, Fields
from governance.policy.bundle.template import parse_template
from governance.policy.bundle.yaml_source import Located, load_yaml
from governance.policy.errors import BundleError, PolicyError, excerpt_with_caret
from governance.policy.facts.facts import check_value
from governance.policy.facts.facts_schema import FACTS_BY_NAME, SCHEMA_VERSION, facts_from_json
from governance.policy.facts.vocabulary import EXTENSIBLE, Vocabulary, shipped_vocabulary
from governance.policy.language.checker import check_condition, check_expression
from governance.policy.language.ir import param_names
from governance.policy.language.lexer import RESERVED
from governance.policy.language.scope import Checked
from governance.policy.language.types import PARAM_TYPES
from governance.policy.limits import LIST_PARAM_ITEMS_MAX, RULES_MAX, TESTS_MAX
from governance.policy.suggest import closest

__all__ = ["Bundle", "Param", "Rule", "RuleTest", "check_bundle", "check_stored", "dump_bundle", "load_bundle"]

Result = TypeVar("Result")

SHIPPED = shipped_vocabulary()
OWN_WORDS_MAX = 200
PARAM_VALUES_MAX = 50
PARAM_NUMBER_MAX = 1e32


def load_bundle(text: str, source_name: str = "", *, vocabulary: Vocabulary | None = SHIPPED) -> Bundle:
    """Read, and check completely, one bundle.

    Args:
        text: YAML, at most 1 MB.
        source_name: a file name for messages.
        vocabulary: the closed sets that its words are from: what comes with the product, or what an installation has.
            None for a stored version, which was checked when it was stored: its words and units are taken as they are.

    Raises:
        PolicyError: the first thing that is wrong, with line and column. Nothing else happened.
    """
    located = load_yaml(text, source_name)
    fields = Fields(located, "", source_name)
    fields.choice("apiVersion", (API_VERSION,))
    fields.choice("kind", (KIND,))
    version = fields.whole("schema", 1, 1_000_000)
    if version != SCHEMA_VERSION:
        fields.refuse(f"must be {SCHEMA_VERSION}, the version of the facts schema", "schema")
    metadata = fields.mapping("metadata") or fields.refuse("is missing", "metadata")
    params = fields.mapping("params")
    bundle = Bundle(
        name=metadata.text("name", pattern=SLUG),
        title=metadata.text("title"),
        summary=metadata.text("summary", ""),
        owner=metadata.text("owner", pattern=IDENTIFIER),
        effective_from=metadata.day("effective_from"),
        effective_to=metadata.day("effective_to"),
        words=_read_words(fields),
        params=_read_params(params) if params else (),
        variables=_read_variables(fields),
        rules=_read_rules(fields),
        fixture=_read_facts(fields, "fixture"),
        tests=_read_tests(fields),
        vocabulary=vocabulary,
    )
    metadata.finish()
    fields.finish()
    _check_structure(bundle, fields)
    try:
        bundle, checked = _canonical(bundle, source_name)
        _check(bundle, source_name, checked)
    except PolicyError as error:
        _point_at_word(error, located, text, source_name)
        raise
    return bundle


def canonical_bundle(bundle: Bundle, source_name: str = "") -> Bundle:
    """The bundle with every other name (`gcp`) replaced by the word that facts carry (`google-cloud`).

    All back ends start from it, so none of them ever meets another name.

    Raises:
        PolicyError: an expression does not check.
    """
    return _canonical(bundle, source_name)[0]


def _canonical(bundle: Bundle, source_name: str) -> tuple[Bundle, Mapping[str, Checked]]:
    """The bundle without other names; and its expressions as they were checked, where none had to be read again."""
    vocabulary = bundle.vocabulary
    if vocabulary is None:
        return bundle, {}
    name = source_name or bundle.name
    notes: list[str] = []
    known: dict[str, Checked] = {}
    renamed: dict[str, dict[str, str]] = {}

    def canonical(where: str, text: str, check: Callable[[], Checked]) -> str:
        checked = known[where] = _located(f"{name} {where}", check)
        for param, word, meant in checked.renamed:
            if renamed.setdefault(param, {}).setdefault(word, meant) == meant:
                notes.append(f"{where.partition('.')[0]}: `{word}` in `params.{param}` is read as `{meant}`")
        if checked.text != text:
            notes.extend(f"{where.rpartition('.')[0]}: {each}" for each in checked.warnings if " is read as " in each)
        return checked.text

    scope = bundle.scope()
    variables = {
        variable: canonical(f"variables.{variable}", text, partial(check_expression, text, scope))
        for variable, text in bundle.variables.items()
    }
    if variables != dict(bundle.variables):
        bundle = replace(bundle, variables=variables)
        scope = bundle.scope()
    rules = tuple(
        replace(rule, when=canonical(f"{rule.id}.when", rule.when, partial(check_condition, rule.when, scope)))
        for rule in bundle.rules
    )
    bundle = canonical_facts(replace(bundle, rules=rules), vocabulary)
    if renamed:
        bundle = replace(bundle, params=tuple(_renamed(param, renamed.get(param.name, {})) for param in bundle.params))
    if not notes:
        return bundle, known
    return replace(bundle, notes=(*bundle.notes, *dict.fromkeys(notes))), {}


def check_stored(bundle: Bundle, vocabulary: Vocabulary) -> None:
    """Check the words and units of a stored version, which was read as it stands, against what is known now.

    Raises:
        PolicyError: a word that nothing is called, or another name of something: facts never carry it.
    """
    found = canonical_bundle(replace(bundle, vocabulary=vocabulary))
    if len(found.notes) > len(bundle.notes):
        raise BundleError(f"{found.notes[-1]}, and the stored text has the other name: import it again")
    check_bundle(found)


def _renamed(param: Param, words: Mapping[str, str]) -> Param:
    if not words:
        return param

    def plain(value: Any) -> Any:
        return tuple(words.get(each, each) for each in value) if isinstance(value, tuple) else words.get(value, value)

    return replace(param, values=tuple(replace(dated, value=plain(dated.value)) for dated in param.values))


def _point_at_word(error: PolicyError, root: Located, text: str, source_name: str) -> None:
    """Move an error about a word to where the word stands in the text, where that is outside an expression."""
    path: Path | None = error.path if isinstance(error, UnknownWord) else None
    found = place_of(root, path) if path is not None else _param_place(error, root)
    if found is not None:
        error.position, error.source_name = found.position, source_name
        error.excerpt = excerpt_with_caret(text, found.position)


def _param_place(error: PolicyError, root: Located) -> Located | None:
    """The value of a parameter that an expression refused."""
    if "param" not in error.data:
        return None
    values = place_of(root, ("params", error.data["param"], "values"))
    for dated in values.value if values is not None else ():
        value = place_of(dated, ("value",))
        for each in value.value if value is not None and isinstance(value.value, list) else [value]:
            if each is not None and each.value == error.data["word"]:
                return each
    return None


def check_bundle(bundle: Bundle, source_name: str = "") -> tuple[str, ...]:
    """Check every expression, message and word of a bundle against the facts, its own parameters and its vocabulary.

    Returns:
        Warnings: what is legal and probably not meant.

    Raises:
        PolicyError: the first expression or word that does not check; position inside that expression.
    """
    return _check(bundle, source_name, {})


def _check(bundle: Bundle, source_name: str, known: Mapping[str, Checked]) -> tuple[str, ...]:
    """`check_bundle`, for which some expressions were checked already.

    Args:
        known: by where they stand.
    """
    scope, units = bundle.scope(), bundle.units()
    name = source_name or bundle.name
    used: set[str] = set()
    warnings: list[str] = list(bundle.notes)
    for variable, text in bundle.variables.items():
        where = f"variables.{variable}"
        expression = known.get(where) or _located(f"{name} {where}", partial(check_expression, text, scope))
        used.update(param_names(expression.node))
    for rule in bundle.rules:
        where = f"{rule.id}.when"
        checked = known.get(where) or _located(f"{name} {where}", partial(check_condition, rule.when, scope))
        template = _located(f"{name} {rule.id}.message", partial(parse_template, rule.message, scope, units))
        warnings.extend(f"{rule.id}: {warning}" for warning in checked.warnings)
        warnings.extend(
            f"{rule.id}: `{each.fact}` may be absent; without `has({each.fact})` the rule can be indeterminate"
            for each in checked.unguarded
        )
        used.update(param_names(checked.node), template.param_names())
        for param in rule.effect.param_names():
            if param not in scope.params:
                near = closest(param, scope.params)
                raise BundleError(
                    f"`{rule.id}` names the unknown parameter `{param}`", source_name=name, suggestion=near
                )
            used.add(param)
    if bundle.vocabulary is not None and scope.vocabulary is not None:
        _located(name, partial(check_words, bundle, scope.vocabulary))
        warnings.extend(undeclared(bundle, bundle.vocabulary))
    warnings.extend(f"parameter `{param.name}` is not used" for param in bundle.params if param.name not in used)
    return tuple(warnings)


def _located(where: str, check: Callable[[], Result]) -> Result:
    try:
        return check()
    except PolicyError as error:
        error.source_name = where
        raise


def _check_structure(bundle: Bundle, fields: Fields) -> None:
    if not bundle.rules:
        fields.refuse("has no rules", "rules")
    if bundle.effective_from and bundle.effective_to and bundle.effective_from >= bundle.effective_to:
        fields.refuse("must be before effective_to", "metadata")
    ids = [rule.id for rule in bundle.rules]
    for rule_id in ids:
        if ids.count(rule_id) > 1:
            fields.refuse(f"has the rule `{rule_id}` twice", "rules")
    for test in bundle.tests:
        if test.rule not in ids:
            fields.refuse(
                f"has a case `{test.name}` for the unknown rule `{test.rule}`", "tests", closest(test.rule, ids)
            )


# -- words of its own, parameters and named expressions


def _read_words(fields: Fields) -> dict[str, tuple[str, ...]]:
    own = fields.mapping("words")
    if own is None:
        return {}
    read: dict[str, tuple[str, ...]] = {}
    for name in own.values:
        if name not in EXTENSIBLE:
            own.refuse(f"is not one of {', '.join(EXTENSIBLE)}", name, closest(name, EXTENSIBLE))
        read[name] = own.texts(name)
        if not 0 < len(read[name]) <= OWN_WORDS_MAX:
            own.refuse(f"lists 1 to {OWN_WORDS_MAX} words", name)
    return read


def _read_params(params: Fields) -> tuple[Param, ...]:
    read: list[Param] = []
    for name in params.values:
        _check_name(params, name)
        fields = params.mapping(name) or params.refuse("is empty", name)
        type_name = fields.choice("type", PARAM_TYPES)
        values: list[DatedValue] = []
        for dated in fields.mappings("values"):
            start = dated.day("from") or dated.refuse("is missing", "from")
            values.append(DatedValue(_read_param_value(dated, type_name), start, dated.text("source")))
            dated.finish()
        days = [value.start for value in values]
        if not 1 <= len(values) <= PARAM_VALUES_MAX or days != sorted(set(days)):
            fields.refuse(f"needs 1 to {PARAM_VALUES_MAX} values, in the order of their days", "values")
        unit, help, label = (fields.text(key, "") for key in ("unit", "help", "label"))
        param = Param(name, type_name, tuple(values), unit, help, label)
        fields.finish()
        read.append(param)
    params.finish()
    return tuple(read)


def _check_name(fields: Fields, name: str) -> None:
    if not IDENTIFIER.fullmatch(name) or name in RESERVED:
        fields.refuse("is not a name; use a-z, 0-9 and _, and no reserved word", name)


def _read_param_value(dated: Fields, type_name: str) -> Any:
    value = dated.require("value").plain()
    is_list = type_name.endswith("_list")
    items = value if is_list and isinstance(value, list) else None if is_list else [value]
    if items is None or len(items) > LIST_PARAM_ITEMS_MAX:
        dated.refuse(f"must be a list of at most {LIST_PARAM_ITEMS_MAX} items", "value")
    converted = [_param_scalar(dated, item, type_name.removesuffix("_list")) for item in items]
    return tuple(converted) if is_list else converted[0]


def _param_scalar(dated: Fields, value: Any, type_name: str) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if type_name == "double" and is_number:
        if not math.isfinite(value) or abs(value) > PARAM_NUMBER_MAX:
            dated.refuse(f"must be a number of at most {numbers.figure(PARAM_NUMBER_MAX, 6)}", "value")
        return float(value)
    if type_name == "int" and isinstance(value, int) and is_number:
        return value
    if type_name == "bool" and isinstance(value, bool):
        return value
    if type_name == "string" and isinstance(value, str) and 0 < len(value) <= 200:
        return value
    return dated.refuse(f"must be of type {type_name}", "value")


def _read_variables(fields: Fields) -> dict[str, str]:
    variables = fields.mapping("variables")
    if variables is None:
        return {}
    read: dict[str, str] = {}
    for name in variables.values:
        _check_name(variables, name)
        read[name] = variables.text(name).strip()
    return read


# -- rules


def _read_rules(fields: Fields) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    parents: set[str] = set()
    for each in fields.mappings("rules"):
        parent = each.text("id", pattern=RULE_ID)
        if parent in parents:
            each.refuse(f"`{parent}` is there twice", "id")
        parents.add(parent)
        if each.take("rows") is None:
            rules.append(_read_rule(each, parent, parent, ""))
            continue
        title = each.text("title")
        rows = each.mappings("rows")
        if not rows:
            each.refuse("is empty", "rows")
        rules.extend(_read_rule(row, f"{parent}.{row.text('id', pattern=RULE_ID)}", parent, title) for row in rows)
        each.finish()
    if len(rules) > RULES_MAX:
        fields.refuse(f"has at most {RULES_MAX} rules", "rules")
    return tuple(rules)


def _read_rule(fields: Fields, rule_id: str, parent: str, parent_title: str) -> Rule:
    fields.take("id")
    effect = read_effect(fields)
    default = DEFAULT_ON_ERROR[effect.kind]
    on_error = OnError(fields.choice("on_error", [each.value for each in OnError], default.value))
    if on_error not in ALLOWED_ON_ERROR[effect.kind]:
        fields.refuse(f"may only make `{effect.kind.value}` stricter", "on_error")
    rule = Rule(
        id=rule_id,
        parent=parent,
        title=fields.text("title"),
        when=fields.text("when").strip(),
        effect=effect,
        message=fields.text("message").strip(),
        on_error=on_error,
        parent_title=parent_title,
        legal_source=fields.optional_text("legal_source"),
    )
    fields.finish()
    return rule


# -- tests


def _read_facts(fields: Fields, key: str) -> dict[str, Any]:
    try:
        facts = facts_from_json(fields.plain(key))
    except PolicyError as error:
        fields.refuse(error.message, key)
    for name, value in facts.items():
        fact = FACTS_BY_NAME.get(name)
        if fact is None:
            fields.refuse(f"has the unknown fact `{name}`", key, closest(name, FACTS_BY_NAME))
        problem = check_value(fact, value)
        if problem:
            fields.refuse(f"has `{name}`, which {problem}", key)
    return facts


def _read_tests(fields: Fields) -> tuple[RuleTest, ...]:
    tests: list[RuleTest] = []
    for each in fields.mappings("tests"):
        absent = each.texts("absent")
        for name in absent:
            if name not in FACTS_BY_NAME:
                each.refuse(f"has the unknown fact `{name}`", "absent", closest(name, FACTS_BY_NAME))
        outcome = each.optional_text("outcome")
        if outcome is not None and outcome not in list(Outcome):
            each.refuse("must be allow, review or deny", "outcome")
        requires = each.plain("requires") if each.take("requires") is not None else None
        if requires is not None and not all(type(quorum) is int for quorum in requires.values()):
            each.refuse("maps roles to quorums", "requires")
        tests.append(
            RuleTest(
                name=each.text("name"),
                rule=each.text("rule"),
                case=CaseKind(each.choice("case", [kind.value for kind in CaseKind])),
                fires=each.flag("fires"),
                facts=_read_facts(each, "facts"),
                absent=absent,
                outcome=outcome,
                requires=requires,
                on=each.day("on"),
            )
        )
        each.finish()
    if len(tests) > TESTS_MAX:
        fields.refuse(f"has at most {TESTS_MAX} cases", "tests")
    return tuple(tests)
