"""The decision table: columns are facts, rows are rules; cells are edited, rows added, moved and taken away."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest, HttpResponse

from governance.admin import access
from governance.admin.rules.policy_pages import (
    FIELDS_BESIDE,
    FIELDS_MAX,
    Draft,
    Problem,
    address,
    is_live,
    read_draft,
    show_draft,
    writer_ground,
)
from governance.admin.site import DeskSite
from governance.display import numbers
from governance.policy.authoring.edits import edit_source, set_rows
from governance.policy.authoring.expressions import effect_text, read_rule, usual_day
from governance.policy.authoring.parameters import in_words
from governance.policy.authoring.review import example_in_words, findings_of, review_change
from governance.policy.authoring.tables import (
    COLUMNS_MAX,
    ROWS_MAX,
    WITHOUT_OPERAND,
    WORDS,
    CellTest,
    Column,
    Row,
    Table,
    column_of,
    new_row,
    read_table,
    table_names,
    write_row,
)
from governance.policy.bundle.bundle import Bundle, Rule
from governance.policy.errors import BundleError, PolicyError
from governance.policy.language.types import NUMBERS
from governance.selectors.rules.policy_drafts import Ground

CELL_FIELDS_MAX = FIELDS_MAX - FIELDS_BESIDE
# Which row it is, its title, what stands beside its cells, its effect, its sentence.
FIELDS_OF_ROW = 5
HOLES = ("table_gap", "table_overlap", "rule_never_fires", "rule_implied")


@dataclass(slots=True)
class Slot:
    """One test of a cell: which comparison, and with what."""

    name: str
    operator: str
    operand: str


@dataclass(slots=True)
class Cell:
    """The tests of one fact in one row."""

    column: Column
    slots: list[Slot]

    @property
    def operators(self) -> list[tuple[str, str]]:
        return [(operator, WORDS[operator]) for operator in self.column.operators]

    @property
    def takes_operand(self) -> bool:
        return not set(self.column.operators) <= set(WITHOUT_OPERAND)


@dataclass(slots=True)
class GridRow:
    """A row as the page shows it. `key`: its place in the form."""

    key: int
    row: Row
    cells: list[Cell]
    effect: str
    problems: list[str] = field(default_factory=list)


def table_view(desk: DeskSite, request: HttpRequest, version_id: int) -> HttpResponse:
    """GET shows a table; POST changes its rows on the page, checks them, and with `action=save` stores them."""
    ground = writer_ground(request, version_id)
    draft = read_draft(request, ground)
    names = table_names(ground.bundle)
    chosen = request.POST.get("table") or request.GET.get("table") or (names[0] if names else "")
    context: dict[str, Any] = {
        "chosen": chosen,
        "choices": [(name, read_table(ground.bundle, name).title) for name in names],
        "extra_template": "admin/desk/policy_holes.html",
        "text_url": address("text", ground.version),
    }
    try:
        stored = read_table(ground.bundle, chosen)
    except PolicyError as error:
        if names:
            draft.problems.append(Problem.of(error, field="choose"))
        return show_draft(desk, request, ground, "table", draft, context | {"grid": None})
    table, effects = stored, {row.rule.id: effect_text(row.rule.effect) for row in stored.rows}
    if request.method == "POST":
        table, effects = _read(request, ground.bundle, stored, draft)
        if not is_live(request):
            table = _moved(request, ground.bundle, table, effects, draft)
    grid = _grid(table, effects)
    if not _fits(grid):
        context["too_large"] = _too_large(grid, table)
        if request.method == "POST":
            draft.problems.append(Problem(context["too_large"]))
        return show_draft(desk, request, ground, "table", draft, context | {"grid": None})
    holes = _examine(request, ground, stored, table, effects, draft)
    context |= {
        "grid": grid,
        "table": table,
        "own_params": [
            (f"params.{param.name}", in_words(param, param.values[-1].value)) for param in ground.bundle.params
        ],
        "holes": holes,
        "facts": [fact.name for fact in ground.bundle.schema.facts]
        + [f"variables.{name}" for name in ground.bundle.variables],
    }
    return show_draft(desk, request, ground, "table", draft, context)


# -- from the form


def _read(request: HttpRequest, bundle: Bundle, stored: Table, draft: Draft) -> tuple[Table, dict[str, str]]:
    """The table as typed. A row whose cells are as stored keeps its own condition."""
    post = request.POST
    columns = list(stored.columns)
    try:
        names = [name for name in post.get("columns", "").split(",") if name][:COLUMNS_MAX]
        columns = [column_of(bundle, name) for name in names] or columns
    except PolicyError as error:
        draft.problems.append(Problem.of(error))
    by_id = {row.rule.row: row for row in stored.rows}
    keys = [key for key in post.get("rows", "").split(",") if key.isascii() and key.isdigit()]
    # A stored table may be longer than what is built here: none of its rows is lost.
    keys = keys[: max(ROWS_MAX, len(stored.rows))]
    table = Table(stored.parent, stored.title, tuple(columns), stored.rows)
    rows: list[Row] = []
    effects: dict[str, str] = {}
    for key in keys:
        was = by_id.get(post.get(f"was-{key}", ""))
        try:
            model = was or new_row(bundle, table, post.get(f"id-{key}", ""), [row.rule.row for row in rows])
        except BundleError as error:
            draft.problems.append(Problem.of(error))
            continue
        cells = {column.name: tests for column in columns if (tests := _read_cell(request, key, columns.index(column)))}
        rule = replace(
            model.rule,
            title=post.get(f"title-{key}", model.rule.title).strip(),
            message=post.get(f"message-{key}", model.rule.message).replace("\r\n", "\n").strip(),
        )
        rest = post.get(f"rest-{key}", model.rest).replace("\r\n", "\n").strip()
        rows.append(Row(rule, cells, rest, is_new=was is None))
        effects[rule.id] = post.get(f"effect-{key}", effect_text(model.rule.effect)).replace("\r\n", "\n")
    if not rows:
        draft.problems.append(Problem("A table needs at least one row."))
        rows, effects = list(stored.rows), {row.rule.id: effect_text(row.rule.effect) for row in stored.rows}
    return Table(stored.parent, stored.title, tuple(columns), tuple(rows)), effects


def _read_cell(request: HttpRequest, key: str, column: int) -> tuple[CellTest, ...]:
    tests = []
    for slot in range(4):
        operator = request.POST.get(f"o-{key}-{column}-{slot}", "")
        if operator in WORDS:
            tests.append(CellTest(operator, request.POST.get(f"v-{key}-{column}-{slot}", "").strip()))
    return tuple(tests)


def _moved(request: HttpRequest, bundle: Bundle, table: Table, effects: dict[str, str], draft: Draft) -> Table:
    """What a button of the page does to the table: nothing is stored by it."""
    verb, _, what = request.POST.get("action", "").partition(":")
    rows, columns = list(table.rows), list(table.columns)
    has_grown = False
    at = next((index for index, row in enumerate(rows) if row.rule.row == what), None)
    try:
        if verb == "add-row":
            if len(rows) >= ROWS_MAX:
                raise BundleError(f"a table is edited here with at most {ROWS_MAX} rows")
            row = new_row(bundle, table, request.POST.get("new_row", "").strip(), [each.rule.row for each in rows])
            rows.append(row)
            effects[row.rule.id] = effect_text(row.rule.effect)
            has_grown = True
        elif verb == "add-column":
            column = column_of(bundle, request.POST.get("new_column", "").strip() or " ")
            if len(columns) >= COLUMNS_MAX:
                raise BundleError(f"a table is edited here with at most {COLUMNS_MAX} columns")
            if column.name not in {each.name for each in columns}:
                columns.append(column)
                has_grown = True
        elif verb == "remove" and at is not None:
            rows.pop(at)
        elif verb in ("up", "down") and at is not None:
            to = at - 1 if verb == "up" else at + 1
            if 0 <= to < len(rows):
                rows[at], rows[to] = rows[to], rows[at]
    except PolicyError as error:
        draft.problems.append(Problem.of(error))
        return table
    moved = Table(table.parent, table.title, tuple(columns), tuple(rows))
    if has_grown and not _fits(grid := _grid(moved, effects)):
        # What was typed stays, without the row or column that has no room.
        draft.problems.append(Problem(_too_large(grid, moved)))
        return table
    return moved


# -- what it comes to


def _rules(bundle: Bundle, stored: Table, table: Table, effects: dict[str, str], draft: Draft) -> list[Rule]:
    """The rules of the rows; what does not check becomes a problem that names its row."""
    originals = {row.rule.id: row for row in stored.rows}
    rules = []
    for row in table.rows:
        was = originals.get(row.rule.id)
        where = f"Row {row.rule.row}"
        try:
            is_same = was is not None and dict(was.cells) == dict(row.cells) and was.rest == row.rest
            when = row.rule.when if is_same else write_row(table, row).when
        except PolicyError as error:
            draft.problems.append(Problem.of(error, where=where))
            continue
        on_error = "" if row.rule.has_default_on_error else row.rule.on_error.value
        rule, wrong, _ = read_rule(
            bundle,
            row.rule,
            title=row.rule.title,
            when=when,
            effect=effects[row.rule.id],
            message=row.rule.message,
            on_error=on_error,
            legal_source=row.rule.legal_source or "",
        )
        draft.problems += [Problem.of(each.error, where=f"{where}, {each.part}") for each in wrong]
        if rule is not None:
            rules.append(rule)
    return rules


def _examine(
    request: HttpRequest, ground: Ground, stored: Table, table: Table, effects: dict[str, str], draft: Draft
) -> list[tuple[str, str, bool]]:
    """Weigh the table against the version, and look for requests that no row or several rows catch."""
    bundle = ground.bundle
    day = usual_day(bundle, access.of(request).now.date())
    rules = _rules(bundle, stored, table, effects, draft)
    if draft.problems:
        return []
    try:
        edited = edit_source(ground.version.source, set_rows(stored.parent, rules), vocabulary=ground.bundle.vocabulary)
    except PolicyError as error:
        draft.problems.append(Problem.of(error))
        return []
    if edited.bundle.content_hash != bundle.content_hash:
        draft.edited = edited
        draft.review = review_change(bundle, edited.bundle, on=day)
    own = {rule.id for rule in rules}
    facts = bundle.schema.by_name
    return [
        (
            finding.sentence,
            example_in_words(finding.example, facts) if finding.example is not None else "",
            finding.code in ("table_gap", "table_overlap"),
        )
        for finding in findings_of(edited.bundle, on=day)
        if finding.code in HOLES and own & set(finding.rules)
    ]


# -- for the page


def _grid(table: Table, effects: dict[str, str]) -> list[GridRow]:
    """The table as fields: a number has room for a line from and a line to where the form does not grow too large."""
    roomy = _rows_of(table, effects, spare=2)
    return roomy if _fits(roomy) else _rows_of(table, effects, spare=1)


def _fits(grid: list[GridRow]) -> bool:
    return _field_count(grid) <= CELL_FIELDS_MAX


def _field_count(grid: list[GridRow]) -> int:
    """Fields that the browser sends for the rows: as the template writes them."""
    cells = (cell for row in grid for cell in row.cells)
    return len(grid) * FIELDS_OF_ROW + sum(len(cell.slots) * (2 if cell.takes_operand else 1) for cell in cells)


def _too_large(grid: list[GridRow], table: Table) -> str:
    return (
        f"{len(table.rows)} rows of {len(table.columns)} facts take {numbers.count(_field_count(grid))} fields, and a "
        f"page sends at most {numbers.count(CELL_FIELDS_MAX)}: change this table as text."
    )


def _rows_of(table: Table, effects: dict[str, str], *, spare: int) -> list[GridRow]:
    return [
        GridRow(
            key,
            row,
            [
                Cell(column, _slots(key, index, column, row.cells.get(column.name, ()), spare))
                for index, column in enumerate(table.columns)
            ],
            effects[row.rule.id],
        )
        for key, row in enumerate(table.rows)
    ]


def _slots(key: int, index: int, column: Column, tests: tuple[CellTest, ...], spare: int) -> list[Slot]:
    """A number may have two lines, from and to; others one test, unless more were written."""
    count = max(len(tests), spare if column.type in NUMBERS else 1)
    padded = [*tests, *[CellTest("")] * (count - len(tests))]
    return [Slot(f"{key}-{index}-{slot}", test.operator, test.operand) for slot, test in enumerate(padded)]
