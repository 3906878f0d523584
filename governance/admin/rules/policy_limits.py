"""The threshold form: dated limits in plain words, each with a next value from a day on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse

from governance.admin import access
from governance.admin.rules.policy_pages import Draft, Problem, first_day, read_draft, show_draft, writer_ground
from governance.admin.site import DeskSite
from governance.policy.authoring.edits import (
    Change,
    add_cases,
    drop_value,
    edit_source,
    keep_cases_for,
    read_value,
    set_value,
)
from governance.policy.authoring.parameters import ParamRow, as_typed, in_words, param_rows
from governance.policy.authoring.review import Review, review_change
from governance.policy.bundle.bundle import Bundle
from governance.policy.errors import BundleError, PolicyError
from governance.selectors.rules.policy_drafts import Ground

SOURCE_CHARS_MAX = 200
VALUE_CHARS_MAX = 4_000
# Cases are settled on the day before and the day after: both have to exist, and a year of two digits is a slip.
DAY_MIN, DAY_MAX = date(1970, 1, 1), date(2199, 12, 31)


@dataclass(slots=True)
class LimitRow:
    """One parameter, with what was typed beside it."""

    row: ParamRow
    typed: str
    start: str
    later: list[tuple[str, str, str, bool]]
    """Values that begin later: (day, in words, name of the box that takes it away, ticked)."""
    problem: Problem | None = None

    @property
    def is_list(self) -> bool:
        return self.row.param.type.endswith("_list")

    @property
    def placeholder(self) -> str:
        """Today's value as it would be typed."""
        now = self.row.now
        return as_typed(self.row.param, now.value) if now is not None else ""

    @property
    def is_changed(self) -> bool:
        """A list is edited as it stands; a number is typed beside the old one, and may be the same again."""
        return bool(self.typed.strip()) and not (self.is_list and self.typed.strip() == self.placeholder)

    @property
    def mode(self) -> str:
        return {"double": "decimal", "int": "numeric"}.get(self.row.param.type, "text")


def limits_view(desk: DeskSite, request: HttpRequest, version_id: int) -> HttpResponse:
    """GET shows the limits; POST says what changed ones mean, and with `action=save` stores them."""
    ground = writer_ground(request, version_id)
    draft = read_draft(request, ground)
    rows = _rows(request, ground)
    source = request.POST.get("source", "")[: SOURCE_CHARS_MAX + 1]
    wants_cases = request.method != "POST" or "cases" in request.POST
    if request.method == "POST":
        changes, names, days = _read(rows, draft, source)
        if changes and not draft.problems:
            _review(ground, draft, changes, frozenset(names), days, wants_cases)
    context = {"rows": rows, "source": source, "source_chars_max": SOURCE_CHARS_MAX, "wants_cases": wants_cases}
    return show_draft(desk, request, ground, "limits", draft, context)


def _rows(request: HttpRequest, ground: Ground) -> list[LimitRow]:
    today, usual = access.of(request).now.date(), first_day(request).isoformat()
    rows = []
    for row in param_rows(ground.bundle, ground.compiled, on=today):
        name = row.param.name
        later = []
        for each in row.later:
            box = f"drop-{name}-{each.start.isoformat()}"
            later.append((each.start.isoformat(), in_words(row.param, each.value), box, box in request.POST))
        typed = request.POST.get(f"value-{name}", "")[: VALUE_CHARS_MAX + 1]
        each_row = LimitRow(row, typed, request.POST.get(f"from-{name}", usual)[:20], later)
        if each_row.is_list and f"value-{name}" not in request.POST:
            each_row.typed = each_row.placeholder
        rows.append(each_row)
    return rows


def _read(rows: list[LimitRow], draft: Draft, source: str) -> tuple[list[Change], list[str], list[date]]:
    """What was typed, as changes; what cannot be read becomes a problem beside its field."""
    changes: list[Change] = []
    names: list[str] = []
    days: list[date] = []
    for each in rows:
        param = each.row.param
        for start, _, _, is_ticked in each.later:
            if is_ticked:
                changes.append(drop_value(param.name, date.fromisoformat(start)))
                names.append(param.name)
                days.append(date.fromisoformat(start))
        if not each.is_changed:
            continue
        try:
            value, start_day = read_value(param, each.typed), _day(each.start)
        except BundleError as error:
            each.problem = Problem.of(error, field=f"value-{param.name}")
            draft.problems.append(each.problem)
            continue
        said = source.strip() or param.values[-1].source
        changes.append(set_value(param.name, value, start_day, said))
        names.append(param.name)
        days.append(start_day)
    if len(source) > SOURCE_CHARS_MAX:
        draft.problems.append(Problem(f"The source has at most {SOURCE_CHARS_MAX} characters.", "source"))
    return changes, names, days


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BundleError("enter the day from which it applies, such as 2026-12-01") from None
    if not DAY_MIN <= day <= DAY_MAX:
        raise BundleError(f"enter a day from {DAY_MIN} to {DAY_MAX}")
    return day


def _review(
    ground: Ground, draft: Draft, changes: list[Change], names: frozenset[str], days: list[date], wants_cases: bool
) -> None:
    start = max(days)
    try:
        draft.edited = edit_source(ground.version.source, *changes, vocabulary=ground.bundle.vocabulary)
        draft.review = review_change(ground.bundle, draft.edited.bundle, on=start, params=names, is_dated=True)
        if wants_cases:
            settling = _settling(ground.bundle, draft.edited.bundle, draft.review, start)
            draft.edited = edit_source(ground.version.source, *changes, *settling, vocabulary=ground.bundle.vocabulary)
    except PolicyError as error:
        draft.problems.append(Problem.of(error))
        draft.edited = draft.review = None


def _settling(old: Bundle, new: Bundle, review: Review, start: date) -> list[Change]:
    """Cases of the old limit stay, said of the days before; cases of the new one come beside them."""
    before = start - timedelta(days=1)
    stale = [each.case for each in review.newly_failing if each.case.on is None]
    is_ruled = old.effective_from is None or old.effective_from <= before
    settled = [keep_cases_for(stale, before)] if stale and is_ruled else []
    return [*settled, add_cases(review.proposed)] if review.proposed else settled
