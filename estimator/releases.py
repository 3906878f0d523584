"""Publishing catalogue rows: the one writer of the catalogue, used by the loader and by audited edits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from estimator.models import CatalogueRelease, CatalogueRow
from estimator.schema import TABLES, TABLES_BY_NAME, Table

BATCH_SIZE = 1000
NOTE_LENGTH_MAX = 300

Changes = Mapping[str, Sequence[Mapping[str, Any]]]

# What only an own price carries; no data file has these columns, yet they are part of the row's digest.
_OWN_PRICE_COLUMNS = ("is_own", "effective_from", "effective_to")


@transaction.atomic
def publish_rows(
    changes: Changes,
    *,
    note: str,
    now: datetime,
    origin: str = CatalogueRow.ORIGIN_EDIT,
    withdrawn: Mapping[str, Sequence[str]] | None = None,
) -> CatalogueRelease | None:
    """Append changed rows and name the result as a release; rows equal to those in force are skipped.

    Two publishers at once cannot take one number: the later one gets an IntegrityError and writes nothing.

    Args:
        changes: table name (as in `schema.TABLES`) to rows, columns as in the data file; an own price adds
            `is_own`, `effective_from` and `effective_to`.
        note: one line that says why, for the list of releases.
        now: aware instant of publication.
        origin: `file` for a data file, `edit` for a change made in the product.
        withdrawn: table name to slugs that are no longer offered.

    Returns:
        the new release, or None when nothing changed.
    """
    newest = CatalogueRelease.objects.order_by("-number").first()
    number = newest.number + 1 if newest else 1
    digests: dict[tuple[str, str], str] = {}
    appended: dict[str, list[CatalogueRow]] = {}
    for table in TABLES:
        in_force = {row.slug: row for row in table.model.objects.in_force()}
        digests |= {(table.name, slug): row.row_digest for slug, row in in_force.items()}
        for values in changes.get(table.name, ()):
            digest = digest_row(table, values)
            if digests.get((table.name, str(values["slug"]))) != digest:
                digests[table.name, str(values["slug"])] = digest
                row = table.model(release_id=number, origin=origin, row_digest=digest, **values)
                appended.setdefault(table.name, []).append(row)
        for slug in (withdrawn or {}).get(table.name, ()):
            if digests.pop((table.name, slug), None) is not None:
                appended.setdefault(table.name, []).append(_withdrawal(in_force[slug], number, origin))
    if not appended:
        return None
    release = CatalogueRelease.objects.create(
        number=number,
        digest=digest_catalogue(digests),
        released_at=now,
        note=note[:NOTE_LENGTH_MAX],
        row_count=len(digests),
        changed_count=sum(len(rows) for rows in appended.values()),
    )
    for name, rows in appended.items():
        TABLES_BY_NAME[name].model.objects.bulk_create(rows, batch_size=BATCH_SIZE)
    return release


def publish_files(rows: Changes, *, note: str, now: datetime) -> CatalogueRelease | None:
    """Publish what the data files changed since they were last loaded.

    A row edited in the product stands until its file row changes; a row that left its file is withdrawn, unless it
    was edited or made in the product.
    """
    changed: dict[str, list[Mapping[str, Any]]] = {}
    withdrawn: dict[str, list[str]] = {}
    for table in TABLES:
        last_from_file = dict(
            table.model.objects.filter(origin=CatalogueRow.ORIGIN_FILE).newest().values_list("slug", "row_digest")
        )
        in_force = dict(table.model.objects.in_force().values_list("slug", "origin"))
        in_file = {str(row["slug"]) for row in rows[table.name]}
        changed[table.name] = [
            row
            for row in rows[table.name]
            if last_from_file.get(row["slug"]) != digest_row(table, row) or row["slug"] not in in_force
        ]
        withdrawn[table.name] = sorted(
            slug for slug, origin in in_force.items() if origin == CatalogueRow.ORIGIN_FILE and slug not in in_file
        )
    return publish_rows(changed, note=note, now=now, origin=CatalogueRow.ORIGIN_FILE, withdrawn=withdrawn)


def digest_row(table: Table, values: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of one row: the table's columns, and the period of an own price."""
    names = [column.name for column in table.columns]
    names += [name for name in _OWN_PRICE_COLUMNS if values.get(name)]
    canonical = {name: _canonical(values.get(name)) for name in names}
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_catalogue(digests: Mapping[tuple[str, str], str]) -> str:
    """SHA-256 over every row in force, in the order of table and slug."""
    lines = (f"{table}\t{slug}\t{digest}\n" for (table, slug), digest in sorted(digests.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """One spelling for one value: 2.50 and 2.5 are the same price, an absent cell is empty."""
    match value:
        case None:
            return ""
        case bool():
            return value
        case int() | float() | Decimal():
            return repr(float(value))
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _withdrawal(row: CatalogueRow, number: int, origin: str) -> CatalogueRow:
    """A copy of the row in force that says it is no longer offered."""
    values = {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}
    values |= {"release": None, "origin": origin, "is_withdrawn": True}
    values.pop("release")
    return type(row)(release_id=number, **values)
