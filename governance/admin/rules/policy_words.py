"""A version of policy in words: what each rule says, its limits and cases, and how it differs from what is in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from governance.admin import access
from governance.admin.rules.policy_pages import show
from governance.admin.site import DeskSite
from governance.models import PolicyVersion
from governance.policy.analysis.differences import RuleDifference, differences
from governance.policy.authoring.expressions import usual_day
from governance.policy.authoring.parameters import in_words, param_rows
from governance.policy.authoring.review import RuleChange, example_in_words, rule_changes
from governance.policy.authoring.tables import Column, read_table
from governance.policy.bundle.effects import Outcome
from governance.policy.bundle.testing import run_bundle_tests
from governance.policy.decisions.plain_words import effect_in_words, rule_in_words, waiting_in_words
from governance.policy.decisions.policy_set import BoundRule, CompiledPolicySet
from governance.policy.decisions.wording import format_value
from governance.policy.facts.waiting import waiting_of
from governance.policy.language import ir
from governance.selectors.rules import policies
from governance.selectors.rules.policy_drafts import Ground, ground_of


@dataclass(frozen=True, slots=True)
class SaidRule:
    """One rule as it is read out. `cells`: of a row of a table, a text per column. `waiting`: data that it lacks."""

    rule_id: str
    title: str
    sentence: str
    effect: str
    message: str
    legal_source: str
    waiting: str = ""
    cells: tuple[str, ...] = ()
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A rule by itself, or a table with its columns."""

    name: str
    title: str
    rules: tuple[SaidRule, ...]
    columns: tuple[Column, ...] = ()


def words_view(desk: DeskSite, request: HttpRequest, version_id: int) -> HttpResponse:
    """The page of a version. It changes nothing."""
    if request.method not in ("GET", "HEAD"):
        raise Http404("this page is only read")
    ground = ground_of(version_id)
    today = access.of(request).now.date()
    bundle = ground.bundle
    against = ground.in_force if ground.in_force and ground.in_force.pk != ground.version.pk else None
    # A version that does not rule yet is read as on its first day.
    on = usual_day(bundle, today)
    results = run_bundle_tests(bundle, ground.compiled)
    limits = param_rows(bundle, ground.compiled, on=on)
    context = {
        "kind": "Policy version",
        "day": on,
        "is_later": on > today,
        "blocks": _blocks(ground, ground.compiled.at(on).rules, {row.param.name: row.now_in_words for row in limits}),
        "limits": [(row, [(each.start, in_words(row.param, each.value)) for each in row.later]) for row in limits],
        "results": results,
        "failing": [result for result in results if not result.passed],
        "against": against,
        "before": f"Version {against.number}" if against else "",
        "after": f"Version {ground.version.number}",
        "differences": _differences(ground, against, today) if against else [],
    }
    return show(desk, request, ground, "words", context)


def _blocks(ground: Ground, bound: tuple[BoundRule, ...], values: Mapping[str, str]) -> list[Block]:
    by_id = {rule.rule_id: rule for rule in bound}
    blocks: list[Block] = []
    seen: set[str] = set()
    for rule in ground.bundle.rules:
        if rule.parent in seen:
            continue
        seen.add(rule.parent)
        if not rule.row:
            blocks.append(Block(rule.id, rule.title, (_said(rule.id, by_id),)))
            continue
        table = read_table(ground.bundle, rule.parent)
        rows = tuple(
            _said(
                row.rule.id,
                by_id,
                cells=tuple(
                    "; ".join(test.in_words(values) for test in row.cells.get(each.name, ())) for each in table.columns
                ),
                rest=row.rest,
            )
            for row in table.rows
        )
        blocks.append(Block(table.parent, table.title, rows, table.columns))
    return blocks


def _said(rule_id: str, bound: Mapping[str, BoundRule], **more: Any) -> SaidRule:
    rule = bound.get(rule_id)
    if rule is None:
        return SaidRule(rule_id, rule_id, "Not in force on this day.", "", "", "", **more)
    own = rule.compiled.rule
    waiting = waiting_of(rule)
    return SaidRule(
        rule_id=rule_id,
        title=own.title,
        sentence=rule_in_words(rule),
        effect=effect_in_words(rule.effect),
        message=_template_in_words(rule),
        legal_source=own.legal_source or "",
        waiting=waiting_in_words(waiting) if waiting else "",
        **more,
    )


def _template_in_words(rule: BoundRule) -> str:
    """The sentence of a firing, with a blank for what only a request fills."""
    parts = []
    for part in rule.template.parts:
        if isinstance(part, str):
            parts.append(part)
        else:
            parts.append(format_value(part.node.value, part.unit) if isinstance(part.node, ir.Const) else "…")
    return "".join(parts)


def _differences(ground: Ground, in_force: PolicyVersion, today: date) -> list[RuleChange]:
    """Rule by rule, with the cheap search for a request that shows it: no question to a solver while a page waits."""
    old, new = policies.alone(in_force), ground.compiled
    changes = rule_changes(old, new, on=today)
    if not changes:
        return []
    on = max(change.since for change in changes)
    shown = {each.rule_id: each for each in differences(old, new, on=on, use_solver=False)}
    return [_with_example(change, shown.get(change.rule_id), new) for change in changes]


def _with_example(change: RuleChange, found: RuleDifference | None, new: CompiledPolicySet) -> RuleChange:
    if found is None or found.example is None or found.outcomes is None:
        return change
    before, after = found.outcomes
    said = example_in_words(found.example, new.schema.by_name)
    return replace(change, example=said, outcomes=(Outcome(before).label, Outcome(after).label))
