"""A rule that fired in one decision: its effect and the values it saw. Sentences are made when somebody reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.policy.decisions.explain import Leaf, leaves_of
from governance.policy.decisions.policy_set import BoundRule
from governance.policy.facts.facts import facts_to_json
from governance.policy.facts.facts_schema import facts_from_json


class FiredRule:
    """One fired rule.

    Attributes:
        rule_id, parent, bundle, title: which rule; `parent` is the rule that people speak of.
        effect: "deny", "require", "flag", "warn" or "allow".
        code, clause, legal_source: as the bundle says, or None.
        values: fact to value, for every fact that the rule looks at; None where the fact was absent.
        indeterminate: it could not be judged, and counts as fired.
    """

    __slots__ = ("_leaves", "_message", "_rule", "_static", "indeterminate", "values")

    def __init__(self, rule: BoundRule | None, values: dict[str, Any], indeterminate: bool) -> None:
        self._rule = rule
        self._static: Mapping[str, Any] = {}
        self._message: str | None = None
        self._leaves: tuple[Leaf, ...] | None = None
        self.values = values
        self.indeterminate = indeterminate

    # -- which rule

    @property
    def rule_id(self) -> str:
        return self._rule.rule_id if self._rule else str(self._static["rule_id"])

    @property
    def parent(self) -> str:
        return self._rule.parent if self._rule else str(self._static["parent"])

    @property
    def bundle(self) -> str:
        return self._rule.bundle if self._rule else str(self._static["bundle"])

    @property
    def title(self) -> str:
        return self._rule.title if self._rule else str(self._static["title"])

    @property
    def effect(self) -> str:
        return self._rule.kind.value if self._rule else str(self._static["effect"])

    @property
    def says(self) -> object:
        """The whole effect, to tell apart one rule before and after a change; None of a stored decision."""
        return self._rule.effect if self._rule else None

    @property
    def code(self) -> str | None:
        return self._rule.effect.code if self._rule else self._static.get("code")

    @property
    def clause(self) -> str | None:
        return self._rule.effect.clause if self._rule else self._static.get("clause")

    @property
    def legal_source(self) -> str | None:
        return self._rule.legal_source if self._rule else self._static.get("legal_source")

    # -- read on demand

    @property
    def message(self) -> str:
        """The rule's sentence with the values of this decision."""
        if self._message is None and self._rule is not None:
            self._message = self._rule.template.render(self.values)
            if self.indeterminate:
                absent = ", ".join(f"`{name}`" for name, value in self.values.items() if value is None)
                self._message = f"Could not be judged without {absent or 'a parameter'}: {self._message}"
        return self._message or ""

    @property
    def truths(self) -> tuple[bool | None, ...]:
        """What each comparison of the rule came to, in the order of `leaves`; None where it could not be judged."""
        return self._rule.truths(self.values) if self._rule else tuple(leaf.truth for leaf in self.leaves)

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """Each comparison of the rule, with its truth and the distance to its limit."""
        if self._leaves is None and self._rule is not None:
            self._leaves = leaves_of(self._rule.shapes, self.values)
        return self._leaves or ()

    @property
    def distance(self) -> Leaf | None:
        """The comparison to show beside a rule that is one simple threshold, or None."""
        numeric = [leaf for leaf in self.leaves if leaf.distance is not None and leaf.truth]
        return numeric[0] if len(numeric) == 1 else None

    def to_json(self) -> dict[str, Any]:
        """Plain values, sentence and comparisons included, so that a stored decision reads without its rules."""
        return {
            "rule_id": self.rule_id,
            "parent": self.parent,
            "bundle": self.bundle,
            "title": self.title,
            "effect": self.effect,
            "code": self.code,
            "clause": self.clause,
            "legal_source": self.legal_source,
            "message": self.message,
            "values": facts_to_json(self.values),
            "indeterminate": self.indeterminate,
            "leaves": [leaf.to_json() for leaf in self.leaves],
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> FiredRule:
        """Read what `to_json` wrote."""
        fired = cls(None, facts_from_json(plain["values"]), bool(plain["indeterminate"]))
        fired._static = plain
        fired._message = str(plain["message"])
        fired._leaves = tuple(Leaf.from_json(leaf) for leaf in plain["leaves"])
        return fired

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FiredRule) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.rule_id, self.indeterminate))

    def __repr__(self) -> str:
        return f"FiredRule({self.rule_id!r}, {self.effect!r})"
