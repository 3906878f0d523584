"""What names mean to the checker, and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.policy import ir
from governance.policy.errors import Position
from governance.policy.facts import Fact
from governance.policy.facts_schema import FACTS_BY_NAME
from governance.policy.types import Type


@dataclass(frozen=True, slots=True)
class ParamInfo:
    """What the checker knows of a parameter: its type and every value that it has on some date."""

    type: Type
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean beside the facts: parameters, and named expressions that are written out where used."""

    params: Mapping[str, ParamInfo] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=lambda: FACTS_BY_NAME)


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
        unguarded: optional facts that it reads without `has()`, first place each.
        warnings: sentences about what is legal and probably not meant.
    """

    node: ir.Node
    text: str
    unguarded: tuple[Unguarded, ...]
    warnings: tuple[str, ...]

    @property
    def may_be_indeterminate(self) -> bool:
        return bool(self.unguarded)
