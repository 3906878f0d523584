"""Sentences of rules as an approver reads them: names instead of slugs, and three digits where two hide a crossing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.display.numbers import NBSP, flop
from governance.policy.decisions.wording import format_value
from governance.selectors.approvals.rule_lines import RoleLine, RuleLine

_FLOP = "FLOP"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule that fired, in words.

    Args:
        this_request, line: the two sides of its comparison; empty when `sentence` speaks.
        roles: whom it asks or tells, each with its state; `mark` and `state` speak where there is nobody.
    """

    title: str
    rule_id: str
    basis: str
    this_request: str
    line: str
    sentence: str
    roles: Sequence[RoleLine]
    missing: Sequence[str]
    mark: str
    state: str
    legal_source: str


def rule_rows(lines: Sequence[RuleLine], *, providers: Mapping[str, str], limits: Sequence[float]) -> list[RuleRow]:
    """The rows of the table.

    Args:
        providers: names by slug.
        limits: FLOP of the thresholds that apply; beside one of them figures keep three digits.
    """
    return [
        RuleRow(
            line.title, line.rule_id, line.basis, _closer(line.this_request, line, limits), line.line,
            _closer(_named(line.sentence, line, providers), line, limits),
            line.roles, line.missing, line.mark, line.state, line.legal_source,
        )
        for line in lines
    ]  # fmt: skip


def _named(text: str, line: RuleLine, providers: Mapping[str, str]) -> str:
    """The provider's name for the slug that the rule saw."""
    slug = line.values.get("place.provider")
    return text.replace(slug, providers.get(slug, slug)) if isinstance(slug, str) and slug else text


def _closer(text: str, line: RuleLine, limits: Sequence[float]) -> str:
    """The figures that the rule saw, with the digit that tells them from a line."""
    for name, value in line.values.items():
        if "flop" in name and isinstance(value, float) and value > 0:
            rough, close = format_value(value, _FLOP), f"{flop(value, limits)}{NBSP}{_FLOP}"
            text = text.replace(rough, close)
    return text
