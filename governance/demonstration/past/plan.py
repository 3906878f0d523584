"""What people asked for in the past year, drawn with a fixed seed: the same first start gives the same year. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.demonstration.calendar import HISTORY_DAYS, Calendar
from governance.demonstration.contents import content, evidence

SEED = 20_260_201
REQUESTS = 105
# The last of them lies some days back, so that each has its answer, and its grant its end.
LAST_DAYS_AGO = 3
# Asks of one team grow over the year by this factor.
GROWTH = 1.7
LARGE_WORK_PEOPLE = 2

# Dense peak of the accelerator on which all training of the plan runs: an H100, 16-bit.
_PEAK_FLOP_S = 989e12
_TRAINING = ("fine_tuning", "continued_pretraining")

Draw = Callable[[random.Random], tuple[dict[str, Any], float]]


@dataclass(frozen=True, slots=True)
class PastAsk:
    """One request of the past year and what became of it where people decide.

    Args:
        team: short name; `person` and `project` are positions in the lists of its staff and everyday projects.
        fate: a number from 0 to 1 that decides among yes, no and withdrawal, if a person is asked at all.
        delays: working hours until each stage is decided, in order.
        used: share of the granted hours that was used; a grant that ran over has more than 1.
    """

    at: datetime
    team: str
    person: int
    project: int
    content: dict[str, Any]
    fate: float
    delays: tuple[float, ...]
    used: float
    utilisation: float


def plan(
    calendar: Calendar, *, staff: Mapping[str, int], projects: Mapping[str, Sequence[str]], count: int = REQUESTS
) -> list[PastAsk]:
    """All past requests in order of time.

    Args:
        staff: people of each team.
        projects: short names of each team's everyday projects.
    """
    rng = random.Random(SEED)
    teams = sorted(staff)
    weights = [staff[team] for team in teams]
    asks = []
    for at in _instants(calendar, rng, count):
        team = rng.choices(teams, weights)[0]
        draw, _ = rng.choices(_KINDS, [weight for _, weight in _KINDS])[0]
        person, project = _who_and_where(staff[team], len(projects[team]), rng, is_heavy=draw in _HEAVY)
        asked, days = _ask(draw, at, projects[team][project], calendar, rng)
        asks.append(
            PastAsk(
                at=at,
                team=team,
                person=person,
                project=project,
                content=asked,
                fate=rng.random(),
                delays=tuple(min(days * 6.0, rng.expovariate(1 / 7.0) + 0.5) for _ in range(4)),
                used=min(1.35, max(0.03, rng.gauss(0.82, 0.22))),
                utilisation=min(0.97, max(0.04, rng.gauss(0.7, 0.17))),
            )
        )
    return asks


def _who_and_where(people: int, projects: int, rng: random.Random, *, is_heavy: bool) -> tuple[int, int]:
    """Two of a team run its large work, in its first project; the others mostly work on one project of their own.

    Otherwise the rule on split requests would see parts of one request in nearly everything that a team does.
    """
    if is_heavy:
        return rng.randrange(LARGE_WORK_PEOPLE), 0
    person = rng.randrange(LARGE_WORK_PEOPLE, people)
    return person, 1 + (person if rng.random() < 0.9 else rng.randrange(projects)) % (projects - 1)


def _instants(calendar: Calendar, rng: random.Random, count: int) -> list[datetime]:
    """Working hours of working days, more of them towards the present."""
    found: set[datetime] = set()
    span = HISTORY_DAYS - LAST_DAYS_AGO - 2
    while len(found) < count:
        # Density rises linearly from 1 to GROWTH: the inverse of its integral.
        share = rng.random() * (1 + GROWTH) / 2
        passed = (math.sqrt(1 + 2 * share * (GROWTH - 1)) - 1) / (GROWTH - 1)
        at = calendar.at(-(HISTORY_DAYS - 2) + int(passed * span), "07:00")
        found.add(at + timedelta(minutes=rng.randrange(11 * 60), seconds=rng.randrange(60)))
    return sorted(found)


def _ask(draw: Draw, at: datetime, project: str, calendar: Calendar, rng: random.Random) -> tuple[dict[str, Any], int]:
    """The content of one request, and the length of its window in days; the window ends before the first start."""
    fields, wanted = draw(rng)
    left = (calendar.today - at.date()).days - 1
    # Near the present windows get shorter, and do not all end on one day.
    days = max(1, int(wanted) if wanted <= left else int(left * rng.uniform(0.2, 1.0)))
    _fit(fields, days, rng)
    title = fields.pop("title")
    return content(title, project=project, start=at, days=days, **fields), days


def _fit(fields: dict[str, Any], days: int, rng: random.Random) -> None:
    """Make hours fit the window, and let training read as many tokens as its hours are good for."""
    if "hours" in fields:
        fields["hours"] = min(fields["hours"], float(int(fields["count"] * days * 24 * 0.9)))
    if fields["workload"] in _TRAINING:
        flop = fields["hours"] * 3_600 * _PEAK_FLOP_S * rng.uniform(0.22, 0.45)
        fields["work"]["tokens_billion"] = round(flop / (6e18 * fields["work"]["parameters_billion"]), 2)


def _size(rng: random.Random, middle: float, spread: float, low: float, high: float) -> float:
    """A log-normal amount around `middle`, in whole numbers."""
    return float(round(min(high, max(low, middle * math.exp(rng.gauss(0.0, spread))))))


def _notebooks(rng: random.Random) -> tuple[dict[str, Any], float]:
    count = rng.choice((1, 2, 2, 4, 4, 8))
    return {
        "title": rng.choice(("Notebooks", "Notebooks for a workshop", "Debugging session", "Data exploration")),
        "workload": "interactive", "place": "verda", "count": count, "hours": _size(rng, 70.0, 0.8, 8, 1200),
        "purpose": "internal_tooling", "why": "Interactive work for a few days.",
    }, rng.randint(3, 14)  # fmt: skip


def _adapters(rng: random.Random) -> tuple[dict[str, Any], float]:
    billions = rng.choice((3, 7, 8, 8, 13))
    return {
        "title": f"LoRA on a {billions}B model",
        "workload": "fine_tuning", "place": rng.choice(("google", "google", "pool")), "count": rng.choice((4, 8)),
        "hours": _size(rng, 42.0, 0.7, 6, 900),
        "work": {"parameters_billion": billions, "method": "lora"},
        "modalities": ["text"], "purpose": "product", "why": "Adapter for the team's own data.",
    }, rng.randint(2, 10)  # fmt: skip


def _evaluation(rng: random.Random) -> tuple[dict[str, Any], float]:
    return {
        "title": rng.choice(("Evaluation suite", "Regression check", "Ablation scores", "Long-answer evaluation")),
        "workload": "evaluation", "place": "pool", "count": rng.choice((2, 4, 8)),
        "hours": _size(rng, 75.0, 0.8, 4, 1400),
        "work": {"parameters_billion": rng.choice((7, 13, 34)), "requests": 40000, "input_tokens": 1200,
                 "output_tokens": 300},
        "purpose": "evaluation", "why": "Scores before and after a change.",
    }, rng.randint(1, 7)  # fmt: skip


def _batch(rng: random.Random) -> tuple[dict[str, Any], float]:
    return {
        "title": rng.choice(("Batch labelling", "Nightly scores", "Re-indexing", "Filter pass")),
        "workload": "inference_batch", "place": "google-spot", "count": rng.choice((4, 8, 8, 16)),
        "hours": _size(rng, 140.0, 0.8, 10, 4000),
        "work": {"parameters_billion": rng.choice((3, 7, 8)), "requests": 2000000, "input_tokens": 700,
                 "output_tokens": 40},
        "data_class": "public", "why": "Patient work on spot machines.",
    }, rng.randint(2, 14)  # fmt: skip


def _embedding(rng: random.Random) -> tuple[dict[str, Any], float]:
    return {
        "title": rng.choice(("Embedding refresh", "Embeddings of new pages", "Index rebuild")),
        "workload": "embedding", "place": "pool", "count": rng.choice((2, 4)), "hours": _size(rng, 60.0, 0.6, 6, 700),
        "work": {"parameters_billion": 1, "tokens_billion": round(rng.uniform(2, 60), 1)},
        "why": "Vectors for search.",
    }, rng.randint(1, 7)  # fmt: skip


def _hosted(rng: random.Random) -> tuple[dict[str, Any], float]:
    return {
        "title": rng.choice(("Hosted model for a trial", "Judging answers", "Translation of a sample")),
        "workload": "hosted_api", "place": "openai", "money_cap_usd": _size(rng, 260.0, 0.9, 40, 9000),
        "work": {"api_model": "GPT-4o", "input_tokens_million_month": 60, "output_tokens_million_month": 9},
        "purpose": "evaluation", "why": "A stronger model as yardstick.",
    }, rng.randint(7, 28)  # fmt: skip


def _full_tune(rng: random.Random) -> tuple[dict[str, Any], float]:
    billions = rng.choice((3, 8, 13))
    return {
        "title": f"Full fine-tune of a {billions}B model",
        "workload": "fine_tuning", "place": rng.choice(("pool", "pool", "aws")), "count": rng.choice((16, 32)),
        "hours": _size(rng, 1900.0, 0.6, 300, 9000),
        "work": {"parameters_billion": billions, "method": "full"},
        "modalities": ["text"], "purpose": "product", "why": "Adapters plateaued; all parameters change.",
    }, rng.randint(7, 21)  # fmt: skip


def _large_run(rng: random.Random) -> tuple[dict[str, Any], float]:
    return {
        "title": rng.choice(("Ablation at scale", "Continued pre-training", "Scaling point")),
        "workload": "continued_pretraining", "place": "pool", "count": rng.choice((32, 64)),
        "hours": _size(rng, 17000.0, 0.35, 9000, 34000),
        "work": {"parameters_billion": 3},
        "modalities": ["text"], "eu_market": False, "evidence": evidence("pilot_run"),
        "why": "One more point on the curve.",
    }, rng.randint(10, 28)  # fmt: skip


def _careless(rng: random.Random) -> tuple[dict[str, Any], float]:
    """What a rule refuses: personal data without an assessment, customers' data overseas, an unapproved marketplace."""
    wrong: dict[str, Any] = rng.choice(
        (
            {"place": "google", "data_class": "personal"},
            {"place": "aws", "customer_data": True, "region": "us-east-1", "country": "US"},
            {"place": "vast", "data_class": "confidential"},
        )
    )
    return {
        "title": "Fine-tune on recent records", "workload": "fine_tuning", "count": 4,
        "hours": _size(rng, 60.0, 0.6, 8, 400),
        "work": {"parameters_billion": 7, "method": "lora"}, "modalities": ["text"],
        "purpose": "product", "why": "The latest records, as quickly as possible.", **wrong,
    }, rng.randint(2, 10)  # fmt: skip


_KINDS: tuple[tuple[Draw, float], ...] = (
    (_notebooks, 24),
    (_adapters, 22),
    (_evaluation, 20),
    (_batch, 12),
    (_embedding, 8),
    (_hosted, 5),
    (_full_tune, 9),
    (_large_run, 2),
    (_careless, 2.2),
)
_HEAVY = (_full_tune, _large_run)
