"""The decisions that a draft would change, newest first: which ask, what was said, what would be said, and why."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from governance.domain.rules.backtest_result import is_change
from governance.models import Assessment, PolicyBacktest, Team
from governance.policy.backends.columns import Column
from governance.policy.backends.columns_store import read_columns
from governance.policy.backtest.effects_changed import KINDS as EFFECT_KINDS
from governance.policy.backtest.effects_changed import changed_in_words
from governance.policy.backtest.tally import ID_COLUMN, WORDS
from governance.policy.bundle.effects import EffectKind
from governance.policy.decisions.compared import compared_in_words
from governance.policy.decisions.decision import Decision, RuleException, decide
from governance.policy.decisions.explain import Leaf, leaves_of
from governance.policy.decisions.policy_set import BoundRule, CompiledPolicySet
from governance.policy.errors import PolicyError
from governance.policy.facts.facts_schema import SCHEMA, ValidFacts, facts_from_json
from governance.selectors.rules.backtests import backtests
from governance.selectors.rules.backtests.backtests import ExceptionScope

logger = logging.getLogger(__name__)

FLIPS_PER_PAGE = 15
FLIPS_PER_READ = 200
MESSAGE_CHARS_MAX = 160
UNREADABLE = "its facts were stored in a form that is no longer read"
_STRICTNESS = {EffectKind.DENY: 3, EffectKind.REQUIRE: 2, EffectKind.ALLOW: 1}


@dataclass(frozen=True, slots=True)
class Flip:
    """One decision's three answers: then, by the rules of today, by the draft.

    Attributes:
        effects: kinds of consequence that differ beside the rules of today, where the outcome is the same.
        is_unfillable: the draft sends it to a stage that nobody could fill.
    """

    assessment_id: int
    then: str
    today: str
    draft: str
    effects: tuple[str, ...] = ()
    is_unfillable: bool = False

    @property
    def pair(self) -> str:
        return f"{self.then}>{self.draft}"


@dataclass(frozen=True, slots=True)
class FlipRow:
    """A flip as people read it. `exposure_usd` and `cost_usd` are None where nobody could price the request.

    Attributes:
        why: what was compared and its distance to the line that made the difference, or the sentence of the rule.
        rule_id: the rule that made it.
    """

    flip: Flip
    request_id: int
    reference: str
    title: str
    project: str
    team: str
    decided_at: datetime
    exposure_usd: float | None
    cost_usd: float | None
    why: str
    rule_id: str


class Flips(Sequence[Flip]):
    """Changed decisions of a run, as many as are looked at: a month is read when a row of it is wanted.

    Those that go to a stage that nobody could fill come first, then the others, each newest first. How many there are
    comes from the figures stored with each month.
    """

    def __init__(self, backtest: PolicyBacktest, *, pair: str = "", only_draft: bool = False) -> None:
        self._pair, self._only_draft = pair, only_draft
        self._months = backtest.months.all()
        rows = self._months.exclude(flips=b"").order_by("-month")
        counted = rows.values_list(
            "pk", "figures__counts__pairs", "figures__counts__by_draft", "figures__counts__effect_pairs",
            "figures__counts__unfillable_rows",
        )  # fmt: skip
        first: list[tuple[int, bool, int]] = []
        rest: list[tuple[int, bool, int]] = []
        for pk, pairs, by_draft, effects, unfillable in counted:
            count = self._count(pk, pairs or {}, by_draft or {}, effects or {})
            # Rare, so their month is read; all others are known by their figures.
            empty = len(self._rows(self._columns(pk), is_unfillable=True)) if unfillable else 0
            first.append((pk, True, empty))
            rest.append((pk, False, count - empty))
        self._counts = [each for each in (*first, *rest) if each[2]]

    def __len__(self) -> int:
        return sum(count for _, _, count in self._counts)

    def __iter__(self) -> Iterator[Flip]:
        for pk, is_unfillable, _ in self._counts:
            yield from self._of_month(pk, slice(None), is_unfillable=is_unfillable)

    @overload
    def __getitem__(self, wanted: int) -> Flip: ...
    @overload
    def __getitem__(self, wanted: slice) -> list[Flip]: ...
    def __getitem__(self, wanted: int | slice) -> Flip | list[Flip]:
        if isinstance(wanted, slice):
            start, stop, step = wanted.indices(len(self))
            return self._between(start, stop)[::step] if step > 0 else list(self)[wanted]
        at = range(len(self))[wanted]
        return self._between(at, at + 1)[0]

    def _between(self, start: int, stop: int) -> list[Flip]:
        found: list[Flip] = []
        first = 0
        for pk, is_unfillable, count in self._counts:
            low, high = max(start - first, 0), min(stop - first, count)
            if low < high:
                found += self._of_month(pk, slice(low, high), is_unfillable=is_unfillable)
            first += count
        return found

    def _count(
        self, month_id: int, pairs: Mapping[str, Any], by_draft: Mapping[str, int], effects: Mapping[str, int]
    ) -> int:
        if not self._pair:
            if self._only_draft:
                return sum(count for name, count in by_draft.items() if is_change(name)) + sum(effects.values())
            changed = sum(each["count"] for name, each in pairs.items() if is_change(name))
            return changed + sum(count for name, count in effects.items() if not is_change(name))
        other = effects.get(self._pair, 0)
        if is_change(self._pair):
            each = pairs.get(self._pair, {"count": 0, "already": 0})
            return int(each["count"] - each["already"] + other if self._only_draft else each["count"])
        # Answered the same then: only the rows tell which of them today's rules answer otherwise.
        return len(self._rows(self._columns(month_id))) if self._only_draft else other

    def _columns(self, month_id: int) -> dict[str, Column]:
        data = self._months.values_list("flips", flat=True).get(pk=month_id)
        return dict(read_columns(bytes(data)).columns)

    def _rows(self, columns: Mapping[str, Column], *, is_unfillable: bool | None = None) -> NDArray[np.intp]:
        """Rows that are wanted, newest first; all, or only those with or without a stage that nobody could fill."""
        then, today, draft = (columns[name].values for name in ("then", "today", "draft"))
        wanted = (today != draft) if self._only_draft else (then != draft)
        if "effects" in columns:
            wanted |= columns["effects"].values != 0
        if is_unfillable is not None and "unfillable" in columns:
            wanted &= columns["unfillable"].values == is_unfillable
        if self._pair:
            old, _, new = self._pair.partition(">")
            wanted &= (then == WORDS.index(old)) & (draft == WORDS.index(new))
        rows = np.flatnonzero(wanted)
        return rows[np.argsort(-columns[ID_COLUMN].values[rows], kind="stable")]

    def _of_month(self, month_id: int, wanted: slice, *, is_unfillable: bool) -> Iterator[Flip]:
        columns = self._columns(month_id)
        ids = columns[ID_COLUMN].values
        then, today, draft = (columns[name].values for name in ("then", "today", "draft"))
        effects = columns["effects"].values if "effects" in columns else None
        for row in self._rows(columns, is_unfillable=is_unfillable)[wanted]:
            kinds = 0 if effects is None else int(effects[row])
            yield Flip(
                int(ids[row]), WORDS[then[row]], WORDS[today[row]], WORDS[draft[row]],
                tuple(kind for bit, kind in enumerate(EFFECT_KINDS) if kinds >> bit & 1), is_unfillable,
            )  # fmt: skip


def flips_of(backtest: PolicyBacktest, *, pair: str = "", only_draft: bool = False) -> Flips:
    """The changes of a run. One query, and one for each month that is looked at or has stages that nobody could fill.

    Args:
        pair: only from one answer to another, as `allow>review`.
        only_draft: where the rules of today and the draft differ instead, whatever was answered then.
    """
    return Flips(backtest, pair=pair, only_draft=only_draft)


def explained(backtest: PolicyBacktest, flips: Sequence[Flip]) -> list[FlipRow]:
    """Some flips with their requests and reasons, in the same order. Four queries."""
    rows = {
        row.pk: row
        for row in Assessment.objects.filter(pk__in=[flip.assessment_id for flip in flips])
        .select_related("revision__provisioning_request__project__team")
        .defer("estimate", "decision")
    }
    draft, against = backtests.policy_of(backtest.draft_ids), backtests.policy_of(backtest.against_ids)
    scopes = backtests.exceptions_until(backtest.until)
    teams = dict(Team.objects.values_list("slug", "name"))
    found = []
    for flip in flips:
        row = rows.get(flip.assessment_id)
        if row is not None:
            found.append(_row(flip, row, draft=draft, against=against, on=backtest.on, scopes=scopes, teams=teams))
    return found


def each_explained(backtest: PolicyBacktest, flips: Iterable[Flip]) -> Iterator[FlipRow]:
    """All of them, some at a time: what an export streams."""
    left = iter(flips)
    while some := list(islice(left, FLIPS_PER_READ)):
        yield from explained(backtest, some)


def held_then(
    scopes: Sequence[ExceptionScope], *, team_path: Sequence[str], project: str, at: datetime
) -> list[RuleException]:
    """The exceptions that held in one decision, made to hold on whatever day it is judged again."""
    return [
        RuleException(str(scope.exception_id), scope.rule_id, "", (), date.min, date.max)
        for scope in scopes
        if scope.covers(team_path=team_path, project=project, at=at)
    ]


def _row(
    flip: Flip, row: Assessment, *, draft: CompiledPolicySet, against: CompiledPolicySet, on: date,
    scopes: Sequence[ExceptionScope], teams: Mapping[str, str],
) -> FlipRow:  # fmt: skip
    facts, rule_id, why = _judged(flip, row, draft=draft, against=against, on=on, scopes=scopes)
    path = facts.get("people.team_path") or []
    content = row.revision.content
    request = row.revision.provisioning_request
    slug = path[-1] if path else ""
    return FlipRow(
        flip=flip,
        request_id=request.pk,
        reference=request.reference,
        title=content.get("title") or request.title,
        project=request.project.name if request.project else "",
        team=teams.get(slug, slug),
        decided_at=row.assessed_at,
        exposure_usd=facts.get("request.exposure_usd"),
        cost_usd=facts.get("estimate.cost_p50_usd"),
        why=why,
        rule_id=rule_id,
    )


def _judged(
    flip: Flip, row: Assessment, *, draft: CompiledPolicySet, against: CompiledPolicySet, on: date,
    scopes: Sequence[ExceptionScope],
) -> tuple[Mapping[str, Any], str, str]:  # fmt: skip
    """The facts, the rule that made the difference, and why. Facts that nobody can read leave the row without them."""
    try:
        facts = facts_from_json(row.facts)
        held = held_then(
            scopes,
            team_path=list(facts.get("people.team_path") or ()),
            project=row.revision.content.get("project") or "",
            at=row.assessed_at,
        )
        judged = ValidFacts.with_gaps(facts, SCHEMA)
        now = decide(against, judged, on=on, exceptions=held)
        after = decide(draft, judged, on=on, exceptions=held)
        return facts, *why_changed(flip, facts, against=against, draft=draft, now=now, after=after, on=on)
    except (PolicyError, AttributeError, KeyError, TypeError, ValueError):
        # Facts that an older version wrote in another shape: one such row must not take the page with it.
        logger.warning("backtest: the facts of assessment %s cannot be read", row.pk)
        return {}, "", UNREADABLE


def why_changed(
    flip: Flip, facts: Mapping[str, Any], *, against: CompiledPolicySet, draft: CompiledPolicySet, now: Decision,
    after: Decision, on: date,
) -> tuple[str, str]:  # fmt: skip
    """The rule that made the difference between today's rules and the draft, and by how much.

    Where these two agree, the decision was made under older rules: the strictest rule that fires is named.
    """
    if flip.effects:
        return _other_effect(now, after), _short(changed_in_words(now, after))
    before_rules = {rule.rule_id: rule for rule in against.at(on).rules}
    after_rules = {rule.rule_id: rule for rule in draft.at(on).rules}
    fired_now, fired_after = ({fired.rule_id for fired in each.fired} for each in (now, after))
    changed = fired_now ^ fired_after
    if not changed:
        return _named_by_answer(after, after_rules, facts)
    before = flip.today if flip.today != flip.draft else flip.then
    is_stricter = WORDS.index(flip.draft) > WORDS.index(before)

    def weight(rule_id: str) -> tuple[bool, int, str]:
        rule = after_rules.get(rule_id) or before_rules[rule_id]
        appears = rule_id in fired_after
        permits = rule.kind is EffectKind.ALLOW
        # A stricter answer comes from a demand that appears or a permission that goes; a milder one the other way.
        return (appears != permits) is is_stricter, _STRICTNESS.get(rule.kind, 0), rule_id

    rule_id = max(sorted(changed), key=weight)
    sentence = _line(before_rules.get(rule_id), after_rules.get(rule_id), facts, fires=rule_id in fired_after)
    if sentence:
        return rule_id, sentence
    fired = next((each for each in (*after.fired, *now.fired) if each.rule_id == rule_id), None)
    return rule_id, _short(fired.message) if fired is not None else ""


def _other_effect(now: Decision, after: Decision) -> str:
    """The rule that brings another consequence: one that begins or ceases to fire, or says something else."""
    one, other = ({fired.rule_id: fired for fired in decision.fired} for decision in (now, after))
    changed = one.keys() ^ other.keys() or {
        rule_id for rule_id in one.keys() & other.keys() if one[rule_id].says != other[rule_id].says
    }
    known = {**one, **other}
    strict = sorted(
        changed or known, key=lambda rule_id: (-_STRICTNESS.get(EffectKind(known[rule_id].effect), 0), rule_id)
    )
    return strict[0] if strict else ""


def _named_by_answer(after: Decision, rules: Mapping[str, BoundRule], facts: Mapping[str, Any]) -> tuple[str, str]:
    fired = max(after.fired, key=lambda each: _STRICTNESS.get(EffectKind(each.effect), 0), default=None)
    if fired is None:
        return "", "no rule permits it"
    leaf = fired.distance
    return fired.rule_id, compared_in_words(leaf, facts) if leaf is not None else _short(fired.message)


def _line(before: BoundRule | None, after: BoundRule | None, facts: Mapping[str, Any], *, fires: bool) -> str:
    """The comparison that turned, read against its new line."""
    new = _leaves(after, facts)
    old = _leaves(before, facts)
    if before is not None and after is not None:
        turned = [leaf for leaf in new.values() if leaf.text in old and old[leaf.text].truth != leaf.truth]
        chosen = [leaf for leaf in turned if leaf.distance is not None]
    else:
        chosen = [leaf for leaf in (new or old).values() if leaf.distance is not None and leaf.truth]
        chosen = chosen if len(chosen) == 1 else []
    return compared_in_words(chosen[0], facts) if chosen else ""


def _leaves(rule: BoundRule | None, facts: Mapping[str, Any]) -> dict[str, Leaf]:
    if rule is None:
        return {}
    return {leaf.text: leaf for leaf in leaves_of(rule.shapes, {name: facts.get(name) for name in rule.facts})}


def _short(text: str) -> str:
    return text if len(text) <= MESSAGE_CHARS_MAX else f"{text[: MESSAGE_CHARS_MAX - 1].rstrip()}…"
