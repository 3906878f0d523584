"""What names mean to the checker, and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.policy.errors import Position
from governance.policy.facts.facts import Fact
from governance.policy.facts.facts_schema import FACTS_BY_NAME
from governance.policy.facts.vocabulary import Vocabulary
from governance.policy.language import ir
from governance.policy.language.types import Type


@dataclass(frozen=True, slots=True)
class ParamInfo:
    """What the checker knows of a parameter: its type, every value that it has on some date, and its unit."""

    type: Type
    values: tuple[Any, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean beside the facts: parameters, and named expressions that are written out where used.

    Attributes:
        vocabulary: closed sets of words; with them units are checked too. None where a text is taken as it stands.
    """

    params: Mapping[str, ParamInfo] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=lambda: FACTS_BY_NAME)
    vocabulary: Vocabulary | None = None


@dataclass(frozen=True, slots=True)
class Unguarded:
    """An optional fact read where it may be absent: the rule can be indeterminate."""

    fact: str
    position: Position


@dataclass(frozen=True, slots=True)
class Checked:
    """An expression that is safe to compile.

    Attributes:
        node: its IR, parameters still by name.
        text: as written, with every alias replaced by the word that it means.
        unguarded: optional facts that it reads without `has()`, first place each.
        warnings: sentences about what is legal and probably not meant.
        renamed: other names in a parameter's values and what they mean: parameter, name, word.
    """

    node: ir.Node
    text: str
    unguarded: tuple[Unguarded, ...]
    warnings: tuple[str, ...]
    renamed: tuple[tuple[str, str, str], ...] = ()

    @property
    def may_be_indeterminate(self) -> bool:
        return bool(self.unguarded)
