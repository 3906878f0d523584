"""Edits the catalogue: each edit adds newer dated rows and publishes a release, so that old estimates replay."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from estimator.models import CatalogueRelease, CatalogueRow
from estimator.releases import Changes, publish_files, publish_rows
from estimator.schema import TABLES_BY_NAME, Column, ColumnType, Table
from governance.display import numbers
from governance.domain.errors import GovernanceError, NoCatalogue, NotFound
from governance.domain.text import clean
from governance.domain.typed import YEAR_MAX, YEAR_MIN, is_kept_day
from governance.models import User
from governance.selectors.people.duties import require_duty
from governance.services.record import audit
from governance.services.register.edits import Errors

NOTE_CHARS_MAX = 300
_SLUG = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}")
_TEXTUAL = (ColumnType.TEXT, ColumnType.SLUG, ColumnType.COUNTRY)


class ReleaseMoved(GovernanceError):
    """Somebody else published between reading and writing; nothing was changed."""

    code = "release_moved"


@transaction.atomic(durable=True)
def publish_own_price(
    *,
    actor: User,
    provider: str,
    accelerator: str,
    price_term: str,
    usd_per_gpu_hour: Decimal,
    effective_from: date,
    source: str,
    now: datetime,
    effective_to: date | None = None,
    region: str = "",
    note: str = "",
) -> CatalogueRelease | None:
    """Record a negotiated or internal price for a dated period, as the organisation's own.

    It stands beside the list prices and wins where it applies. A price for the same place and first day replaces the
    one before.

    Args:
        usd_per_gpu_hour: USD for one accelerator and hour.
        effective_from, effective_to: half-open; None for as long as no newer price starts.
        source: the contract or page that says so.

    Returns:
        The new release, or None when exactly this price was recorded already.

    Raises:
        NotAllowed, InvalidInput, ReleaseMoved.
    """
    require_duty(actor, "prices", now=now)
    values = {
        "slug": own_price_slug(provider, accelerator, price_term, region, effective_from),
        "provider": provider,
        "accelerator": accelerator,
        "price_term": price_term,
        "usd_per_gpu_hour": usd_per_gpu_hour,
        "as_of": effective_from,
        "region": region,
        "licence": "own",
        "source": source,
        "note": note,
    }
    errors = Errors()
    row = check_row(TABLES_BY_NAME["prices"], values, errors)
    if not accelerator:
        errors.add("accelerator", "choose one: an own price is for one kind of accelerator")
    if effective_to is not None and effective_to <= effective_from:
        errors.add("effective_to", f"`{effective_to}` is not after the first day `{effective_from}`")
    errors.raise_any()
    row |= {"is_own": True, "effective_from": effective_from, "effective_to": effective_to}
    release = _publish({"prices": [row]}, {}, note=f"Own price: {row['slug']}", now=now)
    if release is not None:
        audit.record(
            "catalogue.priced", actor=actor, subject=release, now=now, slug=row["slug"],
            usd_per_gpu_hour=str(usd_per_gpu_hour), digest=release.digest,
        )  # fmt: skip
    return release


def own_price_slug(provider: str, accelerator: str, price_term: str, region: str, effective_from: date) -> str:
    """The name of an own price: what it is for, and its first day."""
    parts = ["own", provider, accelerator, price_term, region, effective_from.isoformat()]
    return ".".join(re.sub(r"[^a-z0-9_-]+", "-", part.lower()).strip("-_") for part in parts if part)


@transaction.atomic(durable=True)
def edit_row(
    *, actor: User, table: str, values: Mapping[str, Any], note: str, now: datetime
) -> CatalogueRelease | None:
    """Add a newer row for a slug (or the first one) and publish it as a release.

    Args:
        table: a name of `estimator.schema.TABLES`.
        values: columns as in the data file, typed; `source` and `licence` say where the fact comes from.
        note: one line that says why, for the list of releases and the audit log.

    Returns:
        The new release, or None when the row says exactly this already.

    Raises:
        NotAllowed, InvalidInput, ReleaseMoved.
    """
    require_duty(actor, "catalogue", now=now)
    found = _table(table)
    errors = Errors()
    row = check_row(found, values, errors)
    note = errors.text("note_of_release", note, NOTE_CHARS_MAX)
    errors.raise_any()
    release = _publish({table: [row]}, {}, note=note, now=now)
    if release is not None:
        audit.record(
            "catalogue.released", actor=actor, subject=release, now=now, table=table, slug=row["slug"],
            digest=release.digest,
        )  # fmt: skip
    return release


@transaction.atomic(durable=True)
def withdraw_row(*, actor: User, table: str, slug: str, note: str, now: datetime) -> CatalogueRelease | None:
    """Say that a row is no longer offered. Estimates made with it can still be replayed.

    Raises:
        NotAllowed, InvalidInput, ReleaseMoved.
        NotFound: no such row is in force.
    """
    require_duty(actor, "catalogue", now=now)
    found = _table(table)
    errors = Errors()
    note = errors.text("note_of_release", note, NOTE_CHARS_MAX)
    errors.raise_any()
    if not found.model.objects.in_force().filter(slug=slug).exists():
        raise NotFound(f"`{slug[:80]}` is not in force in `{table}`")
    release = _publish({}, {table: [slug]}, note=note, now=now)
    if release is not None:
        audit.record(
            "catalogue.released", actor=actor, subject=release, now=now, table=table, slug=slug, withdrawn=True,
            digest=release.digest,
        )  # fmt: skip
    return release


@transaction.atomic
def publish_data_files(*, actor: User, rows: Changes, now: datetime) -> CatalogueRelease | None:
    """Publish what the data files changed since they were last loaded; done from the shell, so no duty is asked for.

    Args:
        rows: every table of the data files, as `estimator.loader.read_catalogue` reads and checks them.

    Returns:
        The new release, or None when nothing changed; then nothing is recorded either.
    """
    release = publish_files(rows, note="loaded from the data files", now=now)
    if release is not None:
        _record_release(release, actor, now, origin="data_files")
    return release


@transaction.atomic
def publish_price_list(
    *, actor: User, provider: str, prices: Sequence[Mapping[str, Any]], as_of: date, note: str, now: datetime
) -> CatalogueRelease | None:
    """Publish a seller's list of dated prices; done from the shell, so no duty is asked for.

    Args:
        prices: rows of the table `prices`, as `estimator.skypilot.read_prices` reads them.
        as_of: the day on which the list was made.

    Returns:
        The new release, or None when the catalogue had every price already; then nothing is recorded either.
    """
    release = publish_rows({"prices": prices}, note=note, now=now)
    if release is not None:
        _record_release(release, actor, now, origin="price_list", provider=provider, as_of=as_of.isoformat())
    return release


def _record_release(release: CatalogueRelease, actor: User, now: datetime, **data: Any) -> None:
    audit.record(
        "catalogue.released", actor=actor, subject=release, now=now, changed=release.changed_count,
        digest=release.digest, **data,
    )  # fmt: skip


def check_row(table: Table, values: Mapping[str, Any], errors: Errors) -> dict[str, Any]:
    """One row's columns, typed and within their ranges; what is wrong goes to `errors` under the column's name."""
    row: dict[str, Any] = {}
    for column in table.columns:
        value = values.get(column.name)
        if value in (None, ""):
            if column.is_required:
                errors.add(column.name, "must not be empty")
            row[column.name] = "" if column.type in _TEXTUAL else None
            continue
        problem = _problem_of_text(column, value) if column.type in _TEXTUAL else _problem_of_value(column, value)
        if problem is None and column.refers_to and not _stands(column.refers_to, value):
            problem = f"`{str(value)[:60]}` is not in the catalogue's {column.refers_to}"
        if problem:
            errors.add(column.name, problem)
        row[column.name] = value.strip() if isinstance(value, str) else value
    for low, high in table.orders:
        if row[low] is not None and row[high] is not None and row[low] > row[high]:
            errors.add(high, f"`{row[high]}` is below {low} `{row[low]}`")
    return row


def _problem_of_text(column: Column, value: Any) -> str | None:
    text, problem = clean(value, longest=column.length_max, lines=True)
    if problem:
        return problem
    if column.choices and text not in column.choices:
        return f"choose one of: {', '.join(column.choices)}"
    if column.type is ColumnType.SLUG and not column.refers_to and not _SLUG.fullmatch(text):
        return f"`{text[:60]}` is not a short name of lower-case letters, digits, dots and hyphens"
    if column.type is ColumnType.COUNTRY and not _COUNTRY.fullmatch(text):
        return f"`{text[:10]}` is not a two-letter country code"
    return None


def _problem_of_value(column: Column, value: Any) -> str | None:
    match column.type:
        case ColumnType.DATE:
            is_day = isinstance(value, date) and is_kept_day(value)
            return None if is_day else f"must be a day from {YEAR_MIN} to {YEAR_MAX}"
        case ColumnType.YES_NO:
            return None if isinstance(value, bool) else "must be yes or no"
        case ColumnType.INTEGER if isinstance(value, bool) or not isinstance(value, int):
            return "must be a whole number"
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        return "must be a finite number"
    low, high = column.minimum, column.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        return f"`{value}` is outside {numbers.figure(low, 6)} to {numbers.figure(high, 6)}"
    return None


def _stands(table: str, slug: str) -> bool:
    return TABLES_BY_NAME[table].model.objects.in_force().filter(slug=slug).exists()


def _table(name: str) -> Table:
    table = TABLES_BY_NAME.get(name)
    if table is None:
        raise NotFound(f"the catalogue has no table `{name[:40]}`")
    return table


def _publish(
    changes: Mapping[str, list[dict[str, Any]]], withdrawn: Mapping[str, list[str]], *, note: str, now: datetime
) -> CatalogueRelease | None:
    """Publish under the newest release's lock, so that two editors take turns."""
    newest = CatalogueRelease.objects.select_for_update(no_key=True).order_by("-number").first()
    if newest is None:
        raise NoCatalogue("no catalogue release is loaded: load the data files first")
    try:
        return publish_rows(changes, note=note, now=now, origin=CatalogueRow.ORIGIN_EDIT, withdrawn=withdrawn)
    except IntegrityError as error:
        raise ReleaseMoved("somebody else published at the same moment: look at the row and try again") from error
