"""Writes docs/facts.md from the one definition of the facts: `python -m docs.facts_page > docs/facts.md`."""

from __future__ import annotations

from governance.policy.facts.facts import Fact, FactType
from governance.policy.facts.facts_schema import FACTS, NAMESPACES, SCHEMA_DIGESTS

_INTRODUCTION = f"""# Facts that a policy sees

For policy officers: what a rule can use.

Schema version {list(SCHEMA_DIGESTS)[-1]}. Written by `python -m docs.facts_page > docs/facts.md` from
`governance/policy/facts/facts_schema.py`; a test keeps the two equal.

Facts are frozen with each decision, in typed columns and canonical JSON; no later change of a budget, a provider or a
role alters an old answer. An *optional* fact may be absent: a rule asks `has(fact)` before it reads it, and a rule that
does not becomes indeterminate and counts as fired. A fact that no part of the product fills yet is absent, never
zero; it is marked *waiting for data*, and so are the rules that read it, on their page and in `manage.py policy check`.
The schema grows only by optional facts. The person who decides is never a fact.

Two rules of meaning. `request.exposure_usd` is the one number that money limits test. For compute thresholds "does
exceed" is the median (`thresholds.exceeded`), "may exceed" the p90 (`thresholds.may_exceed`).

From: **F** form, **E** estimator, **C** catalogue, **L** ledger, **P** people and roles, **R** registers, **H** own
history and metering, **K** clock and what is derived. *Sensitive* facts are masked for readers without the right to
see them.
"""


def facts_markdown() -> str:
    """The page, one table per namespace."""
    parts = [_INTRODUCTION]
    for namespace, meaning in NAMESPACES.items():
        rows = [_row(fact) for fact in FACTS if fact.namespace == namespace]
        parts.append(
            f"\n## {namespace}\n\n{meaning}\n\n"
            "| fact | type | unit, range or values | absent? | from | meaning |\n|---|---|---|---|---|---|\n"
            + "\n".join(rows)
            + "\n"
        )
    return "".join(parts)


def _row(fact: Fact) -> str:
    marks = " *(sensitive)*" if fact.sensitive else ""
    marks += f" **Waiting for data**: until the product has {fact.awaits}." if fact.awaits else ""
    absent = "always" if fact.awaits else "may be" if fact.optional else ""
    return f"| `{fact.name}` | {fact.type.value} | {_values(fact)} | {absent} | {fact.source} | {fact.help}{marks} |"


def _values(fact: Fact) -> str:
    if fact.choices:
        more = ", …" if fact.is_open else ""
        return ", ".join(fact.choices) + more
    if fact.type in (FactType.DOUBLE, FactType.INT):
        low = f"{fact.minimum:g}" if fact.minimum is not None else ""
        high = f"{fact.maximum:g}" if fact.maximum is not None else ""
        return f"{fact.unit}; {low} to {high}"
    return "UTC" if fact.type is FactType.TIMESTAMP else ""


if __name__ == "__main__":
    import sys

    sys.stdout.write(facts_markdown())
