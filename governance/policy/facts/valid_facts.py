"""Facts that passed the schema's checks: the one kind of facts that is ever judged.

The rules' generated code leans on every value being what the schema says. So nobody makes such facts but this file, and
what it keeps are plain built-in values of its own, which no one can change afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, final

from governance.policy.facts.facts import check_value, exact_value, fact_error
from governance.policy.facts.schema import FactsSchema
from governance.policy.suggest import closest

MISSING = "is missing"


@final
class ValidFacts(Mapping[str, Any]):
    """A complete, well-typed, finite set of facts of one schema. Making one checks it.

    Lists are tuples here, whole numbers of a double are doubles, and an absent fact is not there at all.

    Attributes:
        schema: whose facts they are.
        gaps: facts that should be there and are not, each with what was wrong; only `with_gaps` leaves any. The rules
            that read one are indeterminate, and nothing is allowed without a person while there is one.

    Raises:
        FactError: names the first fact that is unknown, missing, of the wrong type or out of range.
    """

    __slots__ = ("_known", "gaps", "schema")

    _known: dict[str, Any]
    gaps: Mapping[str, str]
    schema: FactsSchema

    def __init__(self, facts: Mapping[str, Any], schema: FactsSchema) -> None:
        known, problems = _checked(facts, schema)
        for name, problem in problems.items():
            raise fact_error(name, problem)
        self._fill(known, {}, schema)

    @classmethod
    def with_gaps(cls, facts: Mapping[str, Any], schema: FactsSchema) -> ValidFacts:
        """The facts that are right, and a gap for each that is not: what a person then has to look at.

        Raises:
            FactError: a name that the schema does not know; that is a slip of the program, not of the data.
        """
        made = object.__new__(cls)
        made._fill(*_checked(facts, schema), schema)
        return made

    def changed(self, values: Mapping[str, Any]) -> ValidFacts:
        """The same facts with some values in the place of theirs. Only what differs is checked.

        Raises:
            FactError: as for new facts.
        """
        known = dict(self._known)
        fresh = {name: value for name, value in values.items() if name not in known or known[name] is not value}
        checked, problems = _checked(fresh, self.schema, is_whole=False)
        for name, problem in problems.items():
            raise fact_error(name, problem)
        made = object.__new__(ValidFacts)
        made._fill(known | checked, {name: why for name, why in self.gaps.items() if name not in checked}, self.schema)
        return made

    def _fill(self, known: dict[str, Any], gaps: Mapping[str, str], schema: FactsSchema) -> None:
        object.__setattr__(self, "_known", known)
        object.__setattr__(self, "gaps", gaps)
        object.__setattr__(self, "schema", schema)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("facts that were checked do not change: use `changed`")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("facts that were checked do not change: use `changed`")

    def __getitem__(self, name: str) -> Any:
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __reduce__(self) -> tuple[Any, ...]:
        return ValidFacts.with_gaps, (self._known, self.schema)

    def __repr__(self) -> str:
        return f"ValidFacts({self._known!r})"


def _checked(
    facts: Mapping[str, Any], schema: FactsSchema, *, is_whole: bool = True
) -> tuple[dict[str, Any], dict[str, str]]:
    """Plain values of the facts that are right, and what is wrong with the others.

    Raises:
        FactError: not a mapping, or an unknown name.
    """
    if not isinstance(facts, Mapping):
        raise fact_error("facts", "must be a mapping of names to values")
    known: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, given in facts.items():
        fact = schema.by_name.get(name) if isinstance(name, str) else None
        if fact is None:
            error = fact_error(str(name)[:80], "is not in the schema")
            error.suggestion = closest(str(name)[:80], schema.by_name)
            raise error
        value = exact_value(fact, given)
        problem = check_value(fact, value)
        if problem:
            problems[fact.name] = problem
        else:
            known[fact.name] = value
    if is_whole:
        for name in sorted(schema.required - known.keys() - problems.keys()):
            problems[name] = MISSING
    return known, problems
