"""A schema of facts: which facts there are, which are required, and the digest that pins them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from governance.policy.facts.facts import Fact


@dataclass(frozen=True, eq=False)
class FactsSchema:
    """The facts that rules of one kind see. The product has one; the library takes any.

    Attributes:
        pins: the digest of each minor version, the first one first; empty for a schema that has only one.
    """

    version: int
    facts: tuple[Fact, ...]
    pins: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Fact]:
        return {fact.name: fact for fact in self.facts}

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the facts that are never absent."""
        return frozenset(fact.name for fact in self.facts if not fact.optional)

    def pin(self, names: Iterable[str]) -> str:
        """The digest that rules over these facts are pinned under: that of the first minor version that has them all.

        So a fact that is added later changes no digest of rules that do not read it.
        """
        if not self.pins:
            return self.digest
        return self.pins[max((self.by_name[name].since_minor for name in names if name in self.by_name), default=0)]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over version and definitions; help sentences do not enter."""
        plain = {"version": self.version, "facts": [fact.to_json() for fact in self.facts]}
        return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
