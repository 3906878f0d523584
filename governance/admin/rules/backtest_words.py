"""The figures of a finished backtest as an officer reads them: tables, sentences, and bars as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.display.numbers import NBSP, count, counted, figure, figure_range, money_range, percent, signed
from governance.domain.money.money import to_units
from governance.domain.prose import capital, money
from governance.domain.rules.backtest_result import (
    DAYS_PER_MONTH,
    SAMPLE_MIN,
    changes_in_words,
    effects_in_words,
    is_unchanged,
    nothing_newly,
)
from governance.models import Role, RoleAssignment, Team
from governance.policy.backtest.tally import WORDS
from governance.policy.bundle.effects import Outcome
from governance.policy.decisions.wording import role_in_words

OUTCOME_WORDS = {outcome.value: outcome.label for outcome in Outcome}
NOT_ENOUGH = "not enough data"
TONES = {"deny>allow": "deny", "deny>review": "review", "review>allow": "review"}
TEAMS_MAX = 12
# Roles whose work stays as it is are shown up to this many together with those whose work changes.
ROLES_MIN = 5
BAR_WIDTH = 220.0


@dataclass(frozen=True, slots=True)
class Cell:
    count: int
    is_change: bool
    is_loosest: bool


@dataclass(frozen=True, slots=True)
class MatrixRow:
    word: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """One kind of change in words; `pair` narrows the list below to it."""

    pair: str
    count: int
    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class RoleLine:
    """One role's work. `before`, `kept` and `more` are widths of its bar; texts are None where nothing can be said."""

    name: str
    holders: int
    then: int
    after: int
    hours_then: str
    hours_after: str
    change: str
    kept: float
    more: float
    less: float
    label: str


@dataclass(frozen=True, slots=True)
class TeamLine:
    """One team's decisions, and how many of them change to what."""

    name: str
    decisions: int
    changed: int
    waits: int
    refused: int
    allowed: int


@dataclass(frozen=True, slots=True)
class RuleLine:
    rule_id: str
    title: str
    today: int
    draft: int
    newly: int
    no_longer: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that the page says of a finished run."""

    rows: int
    period: str
    matrix: tuple[MatrixRow, ...]
    totals: tuple[int, ...]
    said: tuple[Said, ...]
    unsaid: str
    already: int
    by_draft: int
    money: tuple[tuple[str, str, str], ...]
    roles: tuple[RoleLine, ...]
    more_roles: int
    minutes: str
    teams: tuple[TeamLine, ...]
    more_teams: int
    has_refused: bool
    has_allowed: bool
    rules: tuple[RuleLine, ...]
    excepted: int
    effects: tuple[tuple[int, str], ...]
    effect_rows: int
    unfillable: tuple[tuple[str, int], ...]
    unfillable_rows: int
    is_unchanged: bool


def figures_of(result: Mapping[str, Any], *, titles: Mapping[str, str], now: datetime) -> Figures:
    """The result in words.

    Args:
        titles: of rules, by id.
    """
    pairs = {name: int(each["count"]) for name, each in result["pairs"].items()}
    teams = _teams(result["teams"])
    roles = _roles(result["roles"], now=now)
    shown = max(ROLES_MIN, sum(role.then != role.after for role in roles))
    return Figures(
        rows=result["rows"],
        period=period_in_words(result["span_days"]),
        matrix=tuple(
            MatrixRow(
                OUTCOME_WORDS[old],
                tuple(Cell(pairs.get(f"{old}>{new}", 0), old != new, f"{old}>{new}" == "deny>allow") for new in WORDS),
            )
            for old in WORDS
        ),
        totals=tuple(sum(pairs.get(f"{old}>{new}", 0) for old in WORDS) for new in WORDS),
        said=tuple(Said(pair, count, words, TONES.get(pair, "")) for pair, count, words in changes_in_words(pairs)),
        unsaid=nothing_newly(pairs),
        already=result["already"],
        by_draft=result["by_draft"],
        money=tuple(_money(result)),
        roles=tuple(roles[:shown]),
        more_roles=len(roles[shown:]),
        minutes=_minutes(result),
        teams=tuple(teams[:TEAMS_MAX]),
        more_teams=max(0, len(teams) - TEAMS_MAX),
        has_refused=any(team.refused for team in teams),
        has_allowed=any(team.allowed for team in teams),
        rules=tuple(
            RuleLine(rule_id, titles.get(rule_id, rule_id), **counts)
            for rule_id, counts in sorted(
                result["rules"].items(), key=lambda pair: -(pair[1]["newly"] + pair[1]["no_longer"])
            )
        ),
        excepted=result["excepted"],
        effects=tuple((count, words) for _, count, words in effects_in_words(result.get("effects", {}))),
        effect_rows=result.get("effect_rows", 0),
        unfillable=tuple(_unfillable(result.get("unfillable", {}))),
        unfillable_rows=result.get("unfillable_rows", 0),
        is_unchanged=is_unchanged(result),
    )


def _unfillable(roles: Mapping[str, int]) -> list[tuple[str, int]]:
    """Roles that too few people hold, by how many decisions would wait for them."""
    names = dict(Role.objects.filter(slug__in=list(roles)).values_list("slug", "name"))
    found = ((names.get(slug) or capital(role_in_words(slug)), count) for slug, count in roles.items())
    return sorted(found, key=lambda each: (-each[1], each[0]))


def period_in_words(days: float) -> str:
    """`12 months`, or days where the history is short."""
    if days >= 2 * DAYS_PER_MONTH:
        return counted(round(days / DAYS_PER_MONTH), "month")
    return counted(max(1, round(days)), "day")


def _money(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Label, the figure, and what it rests on."""
    total, period = result["cost_micro"], period_in_words(result["span_days"])
    found: list[tuple[str, str, str]] = []
    for name, label in (
        ("waits", "Newly sent to review"), ("refused", "Newly denied"), ("allowed", "Newly approved automatically"),
        ("reopened", "Reviewed instead of denied"),
    ):  # fmt: skip
        each = result["money"][name]
        if not each["count"]:
            if name != "reopened":
                found.append((label, "none", ""))
            continue
        share = f", {percent(each['cost_micro'] / total)} of the total requested" if total else ""
        priced = each["count"] - each["unpriced"]
        if not priced:
            found.append((label, "unknown", f"{counted(each['count'], 'decision')} without a price"))
            continue
        rest = f"total p50 cost of {counted(priced, 'decision')}"
        if each["unpriced"]:
            rest += f"; {count(each['unpriced'])} more without a price"
        found.append((label, money(each["cost_micro"]), f"in {period}{share}; {rest}"))
    if result["money"]["waits"]["count"]:
        found += _waiting(result)
    return found


def _waiting(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    held, wait, refused = result["held"], result["wait"], result["refused"]
    number = result["money"]["waits"]["count"]
    nothing = f"fewer than {SAMPLE_MIN} answers by people to measure it by"
    found = []
    if held is None:
        found.append(("Held while waiting", NOT_ENOUGH, nothing))
    else:
        ends = money_range(to_units(held["low"]), to_units(held["high"]))
        found.append(("Held while waiting", f"+{money(held['middle'])}", f"on a usual day ({ends})"))
    if wait is None:
        found.append(("Extra wait", NOT_ENOUGH, nothing))
    else:
        ends = figure_range(wait["low"], wait["high"])
        found.append(
            (
                "Extra wait",
                f"{figure(wait['middle'])} working hours each",
                f"({ends}), as {count(wait['count'])} requests waited",
            )
        )
    if refused is None:
        found.append(("Likely rejected by people", NOT_ENOUGH, nothing))
    else:
        words = f"{figure_range(refused['low'], refused['high'])} of {count(number)}"
        found.append(
            (
                "Likely rejected by people",
                words,
                f"if the same roles decide as they did for {count(refused['count'])} requests",
            )
        )
    return found


def _roles(roles: Mapping[str, Any], *, now: datetime) -> list[RoleLine]:
    names = dict(Role.objects.values_list("slug", "name"))
    holders: dict[str, set[int]] = {}
    assigned = RoleAssignment.objects.in_force(now).filter(role__slug__in=list(roles))
    for slug, person in assigned.values_list("role__slug", "user__person_id"):
        holders.setdefault(slug, set()).add(person)
    widest = max((max(each["then"], each["after"]) for each in roles.values()), default=0) or 1
    found = []
    for slug, each in roles.items():
        kept = round(BAR_WIDTH * min(each["then"], each["after"]) / widest, 1)
        difference = round(BAR_WIDTH * abs(each["after"] - each["then"]) / widest, 1)
        name = names.get(slug) or capital(role_in_words(slug))
        is_timed = each["hours_then"] is not None
        texts = (figure(each["hours_then"]), figure(each["hours_after"])) if is_timed else (
            count(each['then']), count(each['after']))  # fmt: skip
        unit = "hours a month" if is_timed else "decisions"
        found.append(
            RoleLine(
                name=name,
                holders=len(holders.get(slug, ())),
                then=each["then"],
                after=each["after"],
                hours_then=texts[0],
                hours_after=texts[1],
                change=_change(each),
                kept=kept,
                more=difference if each["after"] > each["then"] else 0.0,
                less=difference if each["after"] < each["then"] else 0.0,
                label=f"{name}: {texts[0]} to {texts[1]} {unit}",
            )
        )
    return sorted(found, key=lambda line: (-abs(line.after - line.then), -line.then, line.name))


def _change(each: Mapping[str, Any]) -> str:
    if each["after"] == each["then"]:
        return "0"
    if each["change"] is None:
        return signed(each["after"] - each["then"], count(abs(each["after"] - each["then"])))
    ends = sorted((abs(each["change_low"]), abs(each["change_high"])))
    return f"{signed(each['change'], figure(abs(each['change'])))} ({figure_range(*ends)})"


def _minutes(result: Mapping[str, Any]) -> str:
    minutes = result["minutes"]
    middle, ends = figure(minutes["middle"], 2), figure_range(minutes["low"], minutes["high"], 2)
    if minutes["is_measured"]:
        return (
            f"{middle}{NBSP}minutes a decision, the median of {count(minutes['count'])} that were measured; "
            f"half of them took {ends}."
        )
    return (
        f"{middle}{NBSP}minutes a decision ({ends}) is an assumption: of {count(minutes['measured'])} decisions "
        f"the time is known, and fewer than {SAMPLE_MIN} say nothing."
    )


def _teams(teams: Mapping[str, Mapping[str, int]]) -> list[TeamLine]:
    names = dict(Team.objects.filter(slug__in=list(teams)).values_list("slug", "name"))
    found = []
    for slug, pairs in teams.items():

        def total(*wanted: str, pairs: Mapping[str, int] = pairs) -> int:
            return sum(pairs.get(pair, 0) for pair in wanted)

        changed = sum(count for pair, count in pairs.items() if pair.split(">")[0] != pair.split(">")[1])
        found.append(
            TeamLine(
                names.get(slug, slug), sum(pairs.values()), changed, total("allow>review", "deny>review"),
                total("allow>deny", "review>deny"), total("review>allow", "deny>allow"),
            )
        )  # fmt: skip
    return sorted((line for line in found if line.changed), key=lambda line: (-line.changed, line.name))
