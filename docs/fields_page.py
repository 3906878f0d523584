"""Writes docs/fields.md from the tables of fields and kinds: `python -m docs.fields_page > docs/fields.md`."""

from __future__ import annotations

from estimator.core.workload.fields import FIELDS as WORK_FIELDS
from governance.domain.requests import fields
from governance.domain.requests.fields import EVIDENCE_LENGTH_MAX, LIST_LENGTH_MAX, Field, FieldType
from governance.domain.requests.kinds import KINDS, Approval, Holds, Kind
from governance.policy.facts.facts_schema import FACTS_BY_NAME, SCHEMA_VERSION

_INTRODUCTION = """# Fields of a request

For requesters and integrators.

Written by `python -m docs.fields_page > docs/fields.md` from `governance/domain/requests/fields.py` and
`governance/domain/requests/kinds.py`; a test keeps them equal.

The form, the API and stored revisions have the same fields and one parser. *Needed* is a field that has to be answered
before a request is submitted; a draft may leave any open. The last column is the fact that rules read the answer as
([facts.md](facts.md)), with the minor version of the facts schema where it is not the first. The fields of `work`
depend on the workload: `manage.py estimate` and [estimator.md](estimator.md). An *earlier* name of a field is read
until 1.0, in the API, in workload files and in stored revisions, which keep the names and the digest that they were
stored with; answers have the present name.
"""


def _of_one_architecture() -> str:
    """Which fields of the work only some models have, from the estimator's own table."""
    labels = dict(WORK_FIELDS["architecture"].choices)
    names = [f"`{spec.name}` ({labels[spec.only_for].lower()})" for spec in WORK_FIELDS.values() if spec.only_for]
    return f"\nOf `work`, asked and accepted only where `architecture` says so: {', '.join(names)}.\n"


_KINDS = """
## Kinds of request

A kind that is not offered yet is refused at submission; requests of it that are stored stay readable.

| kind | in the form | offered | about a grant | start | sets aside | final approval |
|---|---|---|---|---|---|---|
"""

_HOLDS = {Holds.ALL: "its whole amount", Holds.DIFFERENCE: "what it adds to the grant"}
_APPROVALS = {Approval.ISSUE: "issues a grant", None: "not built yet"}


def fields_markdown() -> str:
    """The page, one table per step of the form, and one of the kinds."""
    parts = [_INTRODUCTION, _of_one_architecture()]
    for step in fields.Step:
        rows = [_row(row) for row in fields.of_step(step)]
        if rows:
            parts.append(
                f"\n## {step.value.capitalize()}\n\n"
                "| field | label | type | values or range | needed | fact |\n|---|---|---|---|---|---|\n"
                + "\n".join(rows)
                + "\n"
            )
    return "".join(parts) + _KINDS + "\n".join(_kind(kind) for kind in KINDS) + "\n"


def _row(row: Field) -> str:
    rule = row.is_needed if callable(row.is_needed) else row.check
    needed = _first_line(rule) if rule else "yes" if row.is_needed else ""
    if row.default not in (None, (), False, 0):
        needed = f"`{row.default}` without"
    name = f"`{row.name}`" + (f" (earlier `{row.earlier_name}`)" if row.earlier_name else "")
    return f"| {name} | {row.label} | {row.type.value} | {_values(row)} | {needed} | {_fact(row)} |"


def _first_line(rule: object) -> str:
    return (rule.__doc__ or "").partition("\n")[0].rstrip(".")


def _values(row: Field) -> str:
    match row.type:
        case FieldType.TEXT:
            return f"at most {row.maximum:,.0f} characters"
        case FieldType.NUMBER:
            return f"above {row.minimum:g}, at most {row.maximum:,.0f} {row.unit}"
        case FieldType.COUNT:
            return f"{row.minimum:g} to {row.maximum:,.0f} {row.unit}"
        case FieldType.COUNTRY | FieldType.COUNTRIES:
            return "ISO 3166-1 alpha-2" + (f"; at most {LIST_LENGTH_MAX}" if row.type is FieldType.COUNTRIES else "")
        case FieldType.EVIDENCE:
            return f"`kind` and `url`, at most {EVIDENCE_LENGTH_MAX}; {_slugs(row)}"
        case FieldType.DAY:
            return "such as 2026-12-01"
        case FieldType.TRUTH:
            return "true or false" + ("" if row.default is False else ", absent while not known")
    return _slugs(row)


def _slugs(row: Field) -> str:
    return ", ".join(f"`{slug}`" for slug in row.slugs)


def _fact(row: Field) -> str:
    if not row.fact:
        return ""
    minor = FACTS_BY_NAME[row.fact].since_minor
    return f"`{row.fact}`" + (f" ({SCHEMA_VERSION}.{minor})" if minor else "")


def _kind(kind: Kind) -> str:
    return (
        f"| `{kind.slug}` | {kind.label} | {'yes' if kind.is_offered else 'not yet'} | "
        f"{'yes' if kind.is_on_grant else ''} | {'may be in the past' if kind.may_start_in_past else ''} | "
        f"{_HOLDS[kind.holds]} | {_APPROVALS[kind.on_approval]} |"
    )


if __name__ == "__main__":
    import sys

    sys.stdout.write(fields_markdown())
