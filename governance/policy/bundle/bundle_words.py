"""The words that a bundle names outside its expressions: roles, evidence, duties, units, and the facts of its cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from governance.policy.bundle.bundle_model import Bundle, Param, Rule
from governance.policy.bundle.effects import PARAM_PREFIX, Effect, is_param
from governance.policy.bundle.yaml_source import Located
from governance.policy.errors import BundleError
from governance.policy.facts.facts import Fact
from governance.policy.facts.units import read_unit
from governance.policy.facts.vocabulary import FACT_SETS, INSTALLATION_SETS, Vocabulary
from governance.policy.language.meanings import UnitMismatch, together

Path = tuple[str | int, ...]

_ROLE_VALUES = frozenset({"role", "owner", "by", "notify"})
# The unit that the value of an obligation has by its name: `within_days`, `after_days`, `ratio`.
_VALUE_UNITS = {"days": "days", "hours": "hours", "usd": "USD", "ratio": "ratio", "kwh": "kWh"}


@dataclass(frozen=True, slots=True)
class Named:
    """One word of a closed set, and the way to it from the root of the bundle."""

    set_name: str
    word: str
    path: Path


def named_words(bundle: Bundle) -> Iterator[Named]:
    """Every word of a closed set that stands outside an expression, facts of cases apart."""
    yield Named("role", bundle.owner, ("metadata", "owner"))
    for param in bundle.params:
        if param.unit:
            yield Named("unit", param.unit, ("params", param.name, "unit"))
    for rule in bundle.rules:
        yield from effect_words(rule.effect, ("rules", rule.id, "effect", rule.effect.kind.value))
    for index, test in enumerate(bundle.tests):
        for role in test.requires or ():
            yield Named("role", role, ("tests", index, "requires", role))


def effect_words(effect: Effect, path: Path = ("effect",)) -> Iterator[Named]:
    """The words of one effect."""
    for index, demand in enumerate(effect.roles):
        yield Named("role", demand.role, (*path, "roles", index, "role"))
    for index, role in enumerate(effect.notify):
        yield Named("role", role, (*path, "notify", index))
    for index, kind in enumerate(effect.evidence):
        yield Named("evidence", kind, (*path, "evidence", index))
    for index, obligation in enumerate(effect.obligations):
        yield Named("obligation", obligation.code, (*path, "obligations", index, "code"))
        for key, value in obligation.values:
            # Whom an obligation names is a role like any other.
            if key in _ROLE_VALUES and isinstance(value, str) and not is_param(value):
                yield Named("role", value, (*path, "obligations", index, key))


class UnknownWord(BundleError):
    """A word that is not in its closed set. `path` leads to it."""

    def __init__(self, message: str, path: Path, suggestion: str | None, word: str = "") -> None:
        self.path = path
        self.word = word
        super().__init__(message, field=".".join(map(str, path)), suggestion=suggestion)


def check_named(named: Iterator[Named], vocabulary: Vocabulary) -> None:
    """Refuse the first word that its closed set does not have.

    Raises:
        UnknownWord: with what was probably meant.
    """
    for each in named:
        if each.set_name == "unit":
            if not vocabulary.knows_unit(each.word):
                raise UnknownWord(
                    f"`{each.word[:40]}` is not a known unit", each.path, vocabulary.nearest_unit(each.word), each.word
                )
            continue
        known = vocabulary.get(each.set_name)
        if known is not None and each.word not in known.words:
            message = f"`{each.word[:60]}` is not a known {known.noun}"
            raise UnknownWord(message, each.path, known.nearest(each.word), each.word)


def check_words(bundle: Bundle, vocabulary: Vocabulary) -> None:
    """Everything outside the expressions: named words, facts of cases, units of obligations.

    Raises:
        UnknownWord: the first word that is not known.
    """
    check_named(named_words(bundle), vocabulary)
    params = {param.name: param for param in bundle.params}
    for rule in bundle.rules:
        _check_obligation_units(rule, params, vocabulary)
    for facts, path in _facts_of(bundle):
        for name, value in facts.items():
            _check_fact(bundle.schema.by_name.get(name), value, vocabulary, (*path, name))


def canonical_facts(bundle: Bundle, vocabulary: Vocabulary) -> Bundle:
    """The bundle with other names in the facts of its cases replaced by the words that they mean."""

    def plain(facts: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _canonical(bundle.schema.by_name.get(name), value, vocabulary) for name, value in facts.items()}

    fixture = plain(bundle.fixture)
    tests = tuple(replace(test, facts=plain(test.facts)) for test in bundle.tests)
    return (
        bundle if fixture == bundle.fixture and tests == bundle.tests else replace(bundle, fixture=fixture, tests=tests)
    )


def undeclared(bundle: Bundle, vocabulary: Vocabulary) -> Iterator[str]:
    """Roles that the bundle declares and the installation does not have: nobody can hold them."""
    known = vocabulary.get("role")
    if not vocabulary.is_installation or known is None:
        return
    for word in bundle.words.get("role", ()):
        if word not in known.words:
            yield f"`{word}`, which the bundle declares, is no role of this installation"


def place_of(root: Located, path: Path) -> Located | None:
    """The value at the end of a path, as far as it leads; None when it leads nowhere."""
    found: Located | None = root
    for key in path:
        inside = found.value if found is not None else None
        if isinstance(inside, dict):
            found = inside.get(str(key))
        elif isinstance(inside, list):
            found = _item(inside, key)
        else:
            return found
        if found is None:
            return None
    return found


def _item(items: list[Located], key: str | int) -> Located | None:
    """By number, or for rules by id, the row of a table included."""
    if isinstance(key, int):
        return items[key] if key < len(items) else None
    parent, _, row = key.partition(".")
    for item in items:
        own = item.value.get("id") if isinstance(item.value, dict) else None
        if own is not None and own.value == parent:
            rows = item.value.get("rows")
            return _item(rows.value, row) if row and rows is not None else item
    return None


def _facts_of(bundle: Bundle) -> Iterator[tuple[Mapping[str, Any], Path]]:
    yield bundle.fixture, ("fixture",)
    for index, test in enumerate(bundle.tests):
        yield test.facts, ("tests", index, "facts")


def _check_fact(fact: Fact | None, value: Any, vocabulary: Vocabulary, path: Path) -> None:
    known = vocabulary.of_fact(fact) if fact is not None else None
    if fact is None or known is None or FACT_SETS.get(fact.name) in INSTALLATION_SETS:
        # A case tells of a team or a lineage as of an example; it need not be one of this installation.
        return
    for index, word in enumerate(value) if isinstance(value, (list, tuple)) else ((None, value),):
        if isinstance(word, str) and word not in known.words:
            where = path if index is None else (*path, index)
            raise UnknownWord(f"`{fact.name}` is never `{word[:60]}`", where, known.nearest(word))


def _canonical(fact: Fact | None, value: Any, vocabulary: Vocabulary) -> Any:
    known = vocabulary.of_fact(fact) if fact is not None else None
    if known is None:
        return value
    if isinstance(value, (list, tuple)):
        return type(value)(known.canonical(word) or word if isinstance(word, str) else word for word in value)
    return known.canonical(value) or value if isinstance(value, str) else value


def _check_obligation_units(rule: Rule, params: Mapping[str, Param], vocabulary: Vocabulary) -> None:
    path: Path = ("rules", rule.id, "effect", rule.effect.kind.value)
    wanted = [
        (key, value, (*path, "obligations", index, key))
        for index, obligation in enumerate(rule.effect.obligations)
        for key, value in obligation.values
    ]
    wanted.append(("sample_ratio", rule.effect.sample_ratio, (*path, "sample_ratio")))
    for key, value, where in wanted:
        param = params.get(str(value).removeprefix(PARAM_PREFIX)) if is_param(value) else None
        unit = _VALUE_UNITS.get(key.rpartition("_")[2])
        if param is None or unit is None or not param.unit:
            continue
        try:
            together(read_unit(unit), read_unit(param.unit, vocabulary.own_units))
        except UnitMismatch as mismatch:
            message = f"`{key}` is in {mismatch.left.text}, and `params.{param.name}` in {mismatch.right.text}"
            raise UnknownWord(message, where, None) from None
