"""Data files to typed rows: every mistake in every file is found and named before anything is published."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from estimator.schema import ALIAS_TABLES, TABLES, TABLES_BY_NAME, Column, ColumnType, Table
from governance.display import numbers

DATA_DIR = Path(__file__).parent / "data"
FILE_BYTES_MAX = 20_000_000
ERRORS_SHOWN_MAX = 200

# What every estimate of some kind needs; without these rows it could not be given at all.
REQUIRED_PRIORS = frozenset(
    {
        (quantity, "any")
        for quantity in (
            "training_mfu",
            "run_overhead",
            "flop_formula",
            "prefill_mfu",
            "decode_bandwidth_utilisation",
            "spot_rework",
            "board_power_share",
            "server_power_factor",
            "price_drift_year",
        )
    }
    | {("scope", "with_failed_runs"), ("scope", "whole_project")}
)

Row = dict[str, Any]
Rows = dict[str, list[Row]]

_SLUG = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}")
_NUMERAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class CatalogueErrors(ValueError):
    """Everything that is wrong with a set of data files, as `file:line: column: what is wrong`."""

    def __init__(self, errors: list[str]) -> None:
        self.errors = errors
        shown = errors[:ERRORS_SHOWN_MAX]
        more = len(errors) - len(shown)
        super().__init__("\n".join([*shown, f"… and {more} more"] if more else shown))


@dataclass
class _Reading:
    """What is known while the files are read: rows, where each stood, and what is wrong."""

    rows: Rows = field(default_factory=dict)
    lines: dict[tuple[str, int], int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def refuse(self, table: Table, line: int, column: str, sentence: str) -> None:
        self.errors.append(f"{table.file_name}:{line}: {column}: {sentence}")


def read_catalogue(data_dir: Path = DATA_DIR) -> Rows:
    """Read every data file of a folder.

    Returns:
        table name to rows; each row maps column names to typed values, with names of providers and accelerators
        already replaced by their slugs.

    Raises:
        CatalogueErrors: all mistakes of all files; nothing is returned.
    """
    reading = _Reading()
    for table in TABLES:
        path = data_dir / table.file_name
        try:
            raw = path.read_bytes()
        except OSError as error:
            reading.refuse(table, 1, "file", f"cannot be read ({error.strerror or 'unknown reason'})")
            reading.rows[table.name] = []
            continue
        _read_table(table, raw, reading)
    _settle_references(reading)
    _check_meaning(reading)
    if reading.errors:
        raise CatalogueErrors(reading.errors)
    return reading.rows


def _read_table(table: Table, raw: bytes, reading: _Reading) -> None:
    rows = reading.rows.setdefault(table.name, [])
    text = _decode(table, raw, reading)
    if text is None:
        return
    reader = csv.reader(io.StringIO(text), strict=True)
    columns = {column.name: column for column in table.columns}
    header: list[str] | None = None
    slugs: dict[str, int] = {}
    for line, cells in _records(table, reader, reading):
        if header is None:
            header = cells
            if not _check_header(table, header, columns, reading):
                return
        elif len(cells) != len(header):
            reading.refuse(table, line, "row", f"has {len(cells)} cells, the header has {len(header)}")
        else:
            row = _parse_row(table, line, dict(zip(header, cells, strict=True)), columns, reading)
            slug = row.get("slug")
            if slug in slugs:
                reading.refuse(table, line, "slug", f"`{slug}` already stands in line {slugs[slug]}")
            elif slug:
                slugs[slug] = line
            reading.lines[table.name, len(rows)] = line
            rows.append(row)
    if header is None:
        reading.refuse(table, 1, "header", "is missing")


def _decode(table: Table, raw: bytes, reading: _Reading) -> str | None:
    if len(raw) > FILE_BYTES_MAX:
        reading.refuse(table, 1, "file", f"is larger than {numbers.count(FILE_BYTES_MAX)} bytes")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reading.refuse(table, raw[: error.start].count(b"\n") + 1, "file", "is not UTF-8 text")
        return None
    if "\0" in text:
        reading.refuse(table, text[: text.index("\0")].count("\n") + 1, "file", "holds a NUL character")
        return None
    return text


def _records(table: Table, reader: Any, reading: _Reading) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each starts; a broken quote ends the file with an error."""
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reading.refuse(table, line, "row", f"is not valid CSV ({error})")
            return
        if cells:
            yield line, cells


def _check_header(table: Table, header: list[str], columns: Mapping[str, Column], reading: _Reading) -> bool:
    before = len(reading.errors)
    for name in sorted(set(columns) - set(header)):
        reading.refuse(table, 1, name, "this column is missing")
    for name in sorted(set(header) - set(columns)):
        reading.refuse(table, 1, name[:60] or "(empty)", "this column is unknown")
    for name in sorted({name for name in header if header.count(name) > 1}):
        reading.refuse(table, 1, name, "this column stands twice")
    return len(reading.errors) == before


def _parse_row(
    table: Table, line: int, cells: Mapping[str, str], columns: Mapping[str, Column], reading: _Reading
) -> Row:
    row: Row = {}
    for name, column in columns.items():
        text = cells[name].strip()
        if not text:
            if column.is_required:
                reading.refuse(table, line, name, "may not be empty")
            row[name] = "" if column.type in _TEXTUAL else None
            continue
        value, error = _parse_cell(column, text)
        if error:
            reading.refuse(table, line, name, error)
            value = "" if column.type in _TEXTUAL else None
        row[name] = value
    for low, high in table.orders:
        if row[low] is not None and row[high] is not None and row[low] > row[high]:
            reading.refuse(table, line, high, f"`{row[high]}` is below {low} `{row[low]}`")
    return row


_TEXTUAL = (ColumnType.TEXT, ColumnType.SLUG, ColumnType.COUNTRY)


def _parse_cell(column: Column, text: str) -> tuple[Any, str | None]:
    shown = text if len(text) <= 40 else text[:40] + "…"
    match column.type:
        case ColumnType.TEXT | ColumnType.SLUG | ColumnType.COUNTRY:
            return text, _text_error(column, text, shown)
        case ColumnType.NUMBER | ColumnType.INTEGER | ColumnType.MONEY:
            return _parse_number(column, text, shown)
        case ColumnType.DATE:
            try:
                return date.fromisoformat(text), None
            except ValueError:
                return None, f"`{shown}` is not a day such as 2026-11-21"
        case ColumnType.YES_NO:
            return text == "yes", None if text in ("yes", "no") else f"`{shown}` is neither yes nor no"


def _text_error(column: Column, text: str, shown: str) -> str | None:
    if len(text) > column.length_max:
        return f"is longer than {column.length_max} characters"
    if column.choices and text not in column.choices:
        return f"`{shown}` is not one of {', '.join(column.choices)}"
    # A reference may be printed as the source spells it; _settle_references turns it into a slug.
    if column.type is ColumnType.SLUG and not column.refers_to and not _SLUG.fullmatch(text):
        return f"`{shown}` is not a short name of lower-case letters, digits, dots and hyphens"
    if column.type is ColumnType.COUNTRY and not _COUNTRY.fullmatch(text):
        return f"`{shown}` is not a two-letter country code"
    return None


def _parse_number(column: Column, text: str, shown: str) -> tuple[float | int | Decimal | None, str | None]:
    if not _NUMERAL.fullmatch(text) or len(text) > 40:
        return None, f"`{shown}` is not a plain number; units belong in the column name"
    number = float(text)
    if not math.isfinite(number):
        return None, f"`{shown}` is too large"
    if column.type is ColumnType.INTEGER and number != int(number):
        return None, f"`{shown}` is not a whole number"
    low, high = column.minimum, column.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        return None, f"`{shown}` is outside {numbers.figure(low, 6)} to {numbers.figure(high, 6)}"
    if column.type is ColumnType.MONEY:
        try:
            return Decimal(text), None
        except InvalidOperation:
            return None, f"`{shown}` is not a plain number"
    return (int(number) if column.type is ColumnType.INTEGER else number), None


def _settle_references(reading: _Reading) -> None:
    """Replace printed names by slugs, and refuse what neither a row nor an alias knows."""
    names = {target: _names_of(target, reading) for target in ALIAS_TABLES}
    for table in TABLES:
        for column in table.columns:
            if not column.refers_to:
                continue
            known = names[column.refers_to]
            is_alias_table = table.name in ALIAS_TABLES.values()
            for index, row in enumerate(reading.rows[table.name]):
                printed = row[column.name]
                slug = known.get(printed.casefold()) if printed else ""
                if slug is None or (is_alias_table and printed and slug != printed):
                    line = reading.lines[table.name, index]
                    reading.refuse(
                        table, line, column.name, f"`{printed[:60]}` is not in {column.refers_to}.csv or its aliases"
                    )
                else:
                    row[column.name] = slug


def _names_of(target: str, reading: _Reading) -> dict[str, str]:
    """Every name that means a row of the target table: its slug, and each alias that needs no hint.

    An alias clashes when it names two rows, or when it is itself the slug of another row.
    """
    names = {row["slug"].casefold(): row["slug"] for row in reading.rows[target] if row["slug"]}
    table = TABLES_BY_NAME[ALIAS_TABLES[target]]
    reference = next(column.name for column in table.columns if column.refers_to)
    seen: dict[tuple[str, str], str] = {}
    for index, row in enumerate(reading.rows[table.name]):
        printed, hint, slug = row["printed"].casefold(), row.get("hint", "").casefold(), row[reference]
        other = seen.get((printed, hint)) or (names.get(printed) if not hint else None)
        if other is not None and other != slug:
            line = reading.lines[table.name, index]
            reading.refuse(table, line, "printed", f"`{row['printed']}` already means `{other}`")
            continue
        seen[printed, hint] = slug
        if not hint:
            names[printed] = slug
    return names


def _check_meaning(reading: _Reading) -> None:
    """What one cell cannot show: a usable price names its part and day; a peak exists; a prior stands once."""
    for name in ("prices", "purchase_prices"):
        _each(
            reading,
            name,
            lambda row: not row["accelerator"] and not row["doubt"],
            "accelerator",
            "may be empty only where `doubt` says why",
        )
    _each(
        reading,
        "token_prices",
        lambda row: row["as_of"] is None and not row["doubt"],
        "as_of",
        "may be empty only where `doubt` says why",
    )
    _each(
        reading,
        "accelerators",
        lambda row: not (row["dense_tflop_s_16bit"] or row["dense_tflop_s_fp32"]),
        "dense_tflop_s_16bit",
        "a 16-bit or a 32-bit dense peak is needed",
    )
    _each(
        reading,
        "grid_carbon",
        lambda row: row["is_year_stated"] is not (row["year_to"] is not None),
        "is_year_stated",
        "does not agree with year_to",
    )
    seen: set[tuple[str, str]] = set()
    for index, row in enumerate(reading.rows["utilisation_priors"]):
        key = (row["quantity"], row["applies_to"])
        if key in seen:
            line = reading.lines["utilisation_priors", index]
            reading.refuse(
                TABLES_BY_NAME["utilisation_priors"], line, "applies_to", f"`{key[1]}` of `{key[0]}` stands twice"
            )
        seen.add(key)
    for quantity, applies_to in sorted(REQUIRED_PRIORS - seen):
        reading.refuse(
            TABLES_BY_NAME["utilisation_priors"], 1, "quantity", f"a row for `{applies_to}` of `{quantity}` is missing"
        )


def _each(reading: _Reading, table_name: str, is_wrong: Any, column: str, sentence: str) -> None:
    for index, row in enumerate(reading.rows[table_name]):
        if is_wrong(row):
            reading.refuse(TABLES_BY_NAME[table_name], reading.lines[table_name, index], column, sentence)
