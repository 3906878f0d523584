"""The content of a provisioning request: one parser for the form, the API and stored revisions.

Shape and range are checked here; whether a project, provider or lineage exists is the services' business, and the
workload's own fields are checked by the estimator, which knows what they mean.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from governance.domain.errors import InvalidAsk
from governance.domain.record.canonical import digest
from governance.domain.text import clean

CONTENT_VERSION = 1

KINDS = ("new", "change", "renewal", "top_up", "transfer", "ratification", "emergency")
WORKLOADS = (
    "pretraining", "continued_pretraining", "fine_tuning", "rl_synthetic", "distillation", "evaluation",
    "inference_online", "inference_batch", "embedding", "agentic", "interactive", "hosted_api", "lease", "purchase",
)  # fmt: skip
ASKS = ("cap", "work")
DATA_CLASSES = ("public", "internal", "confidential", "personal", "special_category", "export_controlled")
EXPOSURES_OF_OUTPUT = ("none", "internal", "pilot", "public")
PRICE_TERMS = (
    "owned_pool", "committed_pool", "on_demand", "reserved_1y", "reserved_3y", "capacity_block", "spot", "per_token",
    "purchase",
)  # fmt: skip
USE_TAGS = (
    "biometrics", "employment", "credit", "education", "law_enforcement", "medical", "bio_sequence", "cyber_offence",
    "critical_infrastructure", "migration", "justice", "children",
)  # fmt: skip
MODALITIES = ("text", "audio", "image_gen", "video_gen", "vision", "tabular", "bio")
EVIDENCE_KINDS = (
    "dpia", "fria", "pilot_run", "exit_plan", "board_resolution", "licence", "cost_comparison", "notification_owner",
    "incident_ref",
)  # fmt: skip
# Kinds that speak of a grant that exists already.
KINDS_ON_A_GRANT = frozenset({"change", "renewal", "top_up", "transfer"})
# Only a ratification looks back.
KINDS_IN_THE_PAST = frozenset({"ratification"})

TITLE_CHARS_MAX = 120
TEXT_CHARS_MAX = 8_000
LIST_LENGTH_MAX = 40
EVIDENCE_LENGTH_MAX = 20
ACCELERATORS_MAX = 1_000_000
GPU_HOURS_MAX = 1e9
MONEY_USD_MAX = 1e9
WINDOW_DAYS_MAX = 1_830

_SLUG = re.compile(r"^[a-z0-9][a-z0-9._-]{0,79}$")
_COUNTRY = re.compile(r"^[A-Z]{2}$")
_URL = re.compile(r"^https?://[^\s<>\"]{1,480}$")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A link that a rule may ask for."""

    kind: str
    url: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One parsed revision. Countries are ISO 3166-1 alpha-2; money is USD; hours are device-hours."""

    title: str
    kind: str
    project: str
    workload: str
    ask: str
    work: Mapping[str, Any]
    start_on: date
    end_on: date | None
    purpose: str
    data_class: str
    exposure_of_output: str
    price_term: str
    justification: str
    accelerator: str | None = None
    accelerator_count: int = 0
    gpu_hours_cap: float | None = None
    money_cap_usd: float | None = None
    provider: str | None = None
    region: str | None = None
    country: str | None = None
    use_tags: tuple[str, ...] = ()
    prohibited_uses: tuple[str, ...] | None = None
    customer_data: bool = False
    beneficiary_entity: str | None = None
    beneficiary_hq_country: str | None = None
    access_countries: tuple[str, ...] = ()
    destination_country: str | None = None
    lineage: str | None = None
    modalities: tuple[str, ...] = ()
    eu_market: bool | None = None
    evidence: tuple[Evidence, ...] = field(default=())
    related_grant: str | None = None
    licence_ref: str | None = None

    @property
    def window_days(self) -> float | None:
        """Days from the start up to and including the end; None when open-ended."""
        return None if self.end_on is None else float((self.end_on - self.start_on).days + 1)

    def to_content(self) -> dict[str, Any]:
        """Plain JSON data in one canonical form: the same ask has the same digest, however it was typed."""
        content = asdict(self)
        content["schema"] = CONTENT_VERSION
        content["start_on"] = self.start_on.isoformat()
        content["end_on"] = self.end_on.isoformat() if self.end_on else None
        content["work"] = dict(self.work)
        for name in ("use_tags", "access_countries", "modalities"):
            content[name] = sorted(set(content[name]))
        content["evidence"] = [asdict(item) for item in self.evidence]
        # Absent where the question was not answered, so that content from before it keeps its digest.
        if self.prohibited_uses is None:
            del content["prohibited_uses"]
        else:
            content["prohibited_uses"] = sorted(set(self.prohibited_uses))
        return content

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical content."""
        return digest(self.to_content())

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Ask:
        """Read untrusted content.

        Raises:
            InvalidAsk: every field that is wrong, each with what is valid.
        """
        return _Reader(content).read()


class _Reader:
    """Collects all mistakes before refusing, so that a person mends a form once."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        if not isinstance(content, Mapping):
            raise InvalidAsk({"content": ["must be an object with named fields"]})
        self.content = content
        self.errors: dict[str, list[str]] = {}

    def read(self) -> Ask:
        unknown = sorted(set(map(str, self.content)) - set(Ask.__slots__) - {"schema"})[:5]
        for name in unknown:
            self.refuse(name[:80], "is not a field of a request")
        kind = self.choice("kind", KINDS, default="new")
        workload = self.choice("workload", WORKLOADS)
        ask = self.choice("ask", ASKS, default="cap")
        start_on = self.day("start_on", required=True)
        end_on = self.day("end_on")
        if start_on and end_on and end_on < start_on:
            self.refuse("end_on", f"`{end_on}` is before the start `{start_on}`: choose a later day")
        if start_on and end_on and (end_on - start_on).days > WINDOW_DAYS_MAX:
            self.refuse("end_on", f"`{end_on}` is more than {WINDOW_DAYS_MAX} days after the start")
        hosted = workload == "hosted_api"
        count = self.integer("accelerator_count", 0 if hosted else 1, ACCELERATORS_MAX, required=not hosted)
        accelerator = self.slug("accelerator", required=not hosted)
        hours = self.number("gpu_hours_cap", 0, GPU_HOURS_MAX, above=True)
        money = self.number("money_cap_usd", 0, MONEY_USD_MAX, above=True)
        if ask == "cap" and hosted and money is None and "money_cap_usd" not in self.errors:
            self.refuse("money_cap_usd", "say how much money is asked for: a hosted API is capped in money")
        is_bounded = hours is not None or end_on is not None or {"gpu_hours_cap", "end_on"} & set(self.errors)
        if ask == "cap" and not hosted and workload != "purchase" and not is_bounded:
            self.refuse("gpu_hours_cap", "say how many GPU-hours are asked for, or give an end date")
        related_grant = self.text("related_grant", 20) or None
        if kind in KINDS_ON_A_GRANT and not related_grant:
            self.refuse("related_grant", f"name the grant that this {kind.replace('_', '-')} is about")
        work = self.content.get("work") or {}
        if not isinstance(work, Mapping):
            self.refuse("work", "must be an object with the workload's own fields")
            work = {}
        parsed = {
            "title": self.text("title", TITLE_CHARS_MAX, required=True),
            "kind": kind,
            "project": self.slug("project", required=True),
            "workload": workload,
            "ask": ask,
            "work": dict(work),
            "start_on": start_on,
            "end_on": end_on,
            "purpose": self.slug("purpose", required=True),
            "data_class": self.choice("data_class", DATA_CLASSES),
            "exposure_of_output": self.choice("exposure_of_output", EXPOSURES_OF_OUTPUT, default="none"),
            "price_term": self.choice("price_term", PRICE_TERMS),
            "justification": self.text("justification", TEXT_CHARS_MAX, required=True, lines=True),
            "accelerator": accelerator,
            "accelerator_count": count or 0,
            "gpu_hours_cap": hours,
            "money_cap_usd": money,
            "provider": self.slug("provider", required=True),
            "region": self.slug("region"),
            "country": self.country("country"),
            "use_tags": self.choices("use_tags", USE_TAGS),
            "prohibited_uses": self.names("prohibited_uses"),
            "customer_data": self.boolean("customer_data") or False,
            "beneficiary_entity": self.text("beneficiary_entity", 120) or None,
            "beneficiary_hq_country": self.country("beneficiary_hq_country"),
            "access_countries": self.countries("access_countries"),
            "destination_country": self.country("destination_country"),
            "lineage": self.slug("lineage"),
            "modalities": self.choices("modalities", MODALITIES),
            "eu_market": self.boolean("eu_market"),
            "evidence": self.evidence(),
            "related_grant": related_grant,
            "licence_ref": self.text("licence_ref", 80) or None,
        }
        if self.errors:
            raise InvalidAsk(self.errors)
        return Ask(**parsed)  # type: ignore[arg-type]

    def refuse(self, name: str, sentence: str) -> None:
        self.errors.setdefault(name, []).append(sentence)

    def text(self, name: str, longest: int, *, required: bool = False, lines: bool = False) -> str:
        value = self.content.get(name)
        text, problem = ("", None) if value is None else clean(value, longest=longest, lines=lines)
        if problem is None and required and not text:
            problem = "must not be empty"
        if problem:
            self.refuse(name, problem)
        return text

    def slug(self, name: str, *, required: bool = False) -> str | None:
        value = self.text(name, 80, required=required)
        if not value:
            return None
        if not _SLUG.match(value):
            self.refuse(name, f"`{value[:40]}` is not a known name: choose one from the list")
            return None
        return value

    def country(self, name: str) -> str | None:
        value = self.text(name, 2)
        if value and not _COUNTRY.match(value):
            self.refuse(name, f"`{value}` is not a two-letter country code such as IE")
            return None
        return value or None

    def items(self, name: str) -> list[Any]:
        value = self.content.get(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self.refuse(name, "must be a list")
            return []
        if len(value) > LIST_LENGTH_MAX:
            self.refuse(name, f"has {len(value):,} entries: at most {LIST_LENGTH_MAX} fit")
            return []
        return list(value)

    def countries(self, name: str) -> tuple[str, ...]:
        values = self.items(name)
        for value in values:
            if not isinstance(value, str) or not _COUNTRY.match(value):
                self.refuse(name, f"`{str(value)[:20]}` is not a two-letter country code such as IE")
                return ()
        return tuple(sorted(set(values)))

    def names(self, name: str) -> tuple[str, ...] | None:
        """Short names whose list is kept elsewhere; None when nothing was said."""
        if self.content.get(name) is None:
            return None
        values = self.items(name)
        for value in values:
            if not isinstance(value, str) or not _SLUG.match(value):
                self.refuse(name, f"`{str(value)[:40]}` is not a known name: choose from the list")
                return None
        return tuple(sorted(set(values)))

    def choices(self, name: str, permitted: tuple[str, ...]) -> tuple[str, ...]:
        values = self.items(name)
        for value in values:
            if not isinstance(value, str) or value not in permitted:
                self.refuse(name, f"`{str(value)[:40]}` is not one of: {', '.join(permitted)}")
                return ()
        return tuple(sorted(set(values)))

    def choice(self, name: str, permitted: tuple[str, ...], default: str | None = None) -> str:
        value = self.content.get(name)
        if value is None or value == "":
            if default is None:
                self.refuse(name, f"choose one of: {', '.join(permitted)}")
            return default or ""
        if not isinstance(value, str) or value not in permitted:
            self.refuse(name, f"`{str(value)[:40]}` is not one of: {', '.join(permitted)}")
            return default or ""
        return value

    def boolean(self, name: str) -> bool | None:
        value = self.content.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.refuse(name, "must be yes or no")
        return None

    def number(self, name: str, low: float, high: float, *, above: bool = False) -> float | None:
        value = self.content.get(name)
        if value is None or value == "":
            return None
        span = f"{'above' if above else 'at least'} {low:,.0f} and at most {high:,.0f}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(name, f"must be a number {span}")
            return None
        # Compared before float(): an integer of a thousand digits cannot become one.
        if isinstance(value, float) and not math.isfinite(value):
            self.refuse(name, f"`{value}` is not a finite number: give one {span}")
            return None
        if value > high or value < low or (above and value == low):
            shown = f"{value:.6g}" if isinstance(value, float) else str(value)[:24]
            self.refuse(name, f"`{shown}` is out of range: give a number {span}")
            return None
        return float(value)

    def integer(self, name: str, low: int, high: int, *, required: bool = False) -> int | None:
        value = self.content.get(name)
        if value is None or value == "":
            if required:
                self.refuse(name, f"give a whole number from {low:,} to {high:,}")
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(name, f"`{str(value)[:24]}` is not a whole number from {low:,} to {high:,}")
            return None
        if not low <= value <= high:
            self.refuse(name, f"`{str(value)[:24]}` is out of range: give a whole number from {low:,} to {high:,}")
            return None
        return value

    def day(self, name: str, *, required: bool = False) -> date | None:
        value = self.content.get(name)
        if value is None or value == "":
            if required:
                self.refuse(name, "give a day, such as 2026-12-01")
            return None
        try:
            day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
        except ValueError:
            day = None
        if day is None or not 2015 <= day.year <= 2100:
            self.refuse(name, f"`{str(value)[:24]}` is not a day between 2015 and 2100, such as 2026-12-01")
            return None
        return day

    def evidence(self) -> tuple[Evidence, ...]:
        values = self.items("evidence")
        if len(values) > EVIDENCE_LENGTH_MAX:
            self.refuse("evidence", f"has {len(values)} entries: at most {EVIDENCE_LENGTH_MAX} fit")
            return ()
        found = []
        for value in values:
            if not isinstance(value, Mapping) or set(value) - {"kind", "url"}:
                self.refuse("evidence", "each entry has a kind and a url")
                return ()
            kind, url = value.get("kind"), value.get("url")
            if kind not in EVIDENCE_KINDS:
                self.refuse("evidence", f"`{str(kind)[:40]}` is not one of: {', '.join(EVIDENCE_KINDS)}")
                return ()
            if not isinstance(url, str) or not _URL.match(clean(url, longest=500)[0]):
                self.refuse("evidence", f"the {kind} needs a link that starts with https://")
                return ()
            found.append(Evidence(kind, url))
        return tuple(sorted(found, key=lambda item: (item.kind, item.url)))
