"""The fields of a request: one row per field.

Parser, form, API schema, comparison of revisions, facts and `docs/fields.md` are made from these rows; whoever adds a
field adds a row, and the fact that rules read where there is one. `kinds.py` has the kinds of a request, the estimator
the fields of a workload.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from governance.display import numbers
from governance.domain.requests import checks, kinds
from governance.policy.facts.facts_schema import EVIDENCE_LABELS

TEXT_CHARS_MAX = 8_000
TITLE_CHARS_MAX = 120
NAME_CHARS_MAX = 80
LIST_LENGTH_MAX = 40
EVIDENCE_LENGTH_MAX = 20
ACCELERATORS_MAX = 1_000_000
GPU_HOURS_MAX = 1e9
MONEY_USD_MAX = 1e9


class FieldType(StrEnum):
    """How an answer is read and kept."""

    TEXT = "text"
    NAME = "name"
    """A short name that a register knows: project, provider, lineage."""
    CHOICE = "choice"
    CHOICES = "choices"
    NAMES = "names"
    """Short names whose list is kept elsewhere."""
    COUNTRY = "country"
    COUNTRIES = "countries"
    DAY = "day"
    NUMBER = "number"
    COUNT = "count"
    TRUTH = "truth"
    EVIDENCE = "evidence"
    """Links, each with the kind of evidence that it shows."""
    WORK = "work"
    """The workload's own fields, which the estimator checks."""


class Step(StrEnum):
    """A step of the form."""

    WORKLOAD = "workload"
    SIZE = "size"
    PLACE = "place"
    PURPOSE = "purpose"
    REVIEW = "review"


class Control(StrEnum):
    """How the form asks, where the type alone does not say it."""

    SELECT = "select"
    RADIOS = "radios"
    CHECKBOX = "checkbox"
    TEXTAREA = "textarea"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that may be chosen: `said` is its label within a comparison, where the form's own is a sentence."""

    slug: str
    label: str
    hint: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a request.

    Attributes:
        earlier_name: what it was called in content of an earlier version, which is still read.
        label: its name beside a value; `question` is how the form asks for it.
        is_needed: it has to be answered; a function where that depends on the other answers.
        default: what no answer means.
        minimum, maximum: bounds, the highest included; for text the longest, in characters. The minimum of a number is
            excluded; of a count it is 0 where none is needed.
        check: what is wrong beside the other answers, as a sentence.
        is_absent_unanswered: the stored content leaves it out where it was not answered, so that content from before
            the question keeps its digest. Every field that is added later has this.
        fact: the fact that rules read it as.
        kept_by: the register that says the same: what it says wins, and lists are joined.
        widget: the form's own function for this question, by its name in `web/requests/steps.py`.
        block: questions that stand together on the page, by name in `web/requests/steps.py`.
        empty: the first entry of a select, which chooses nothing.
        stand_in: what the preview takes until the question was answered.
        phrase: how the collapsed step says the answer; `{}` is its label.
        is_listed: it stands in the list of answers on the pages of a request, which says the others elsewhere.
    """

    name: str
    type: FieldType
    step: Step
    label: str
    earlier_name: str = ""
    question: str = ""
    hint: str = ""
    choices: tuple[Choice, ...] = ()
    unit: str = ""
    is_needed: bool | Callable[[Mapping[str, Any]], bool] = False
    default: Any = None
    minimum: float = 0
    maximum: float = 0
    check: Callable[[Mapping[str, Any], Collection[str]], str | None] | None = None
    is_absent_unanswered: bool = False
    fact: str = ""
    kept_by: str = ""
    widget: str = ""
    control: Control | None = None
    block: str = ""
    empty: str = ""
    is_narrow: bool = False
    stand_in: str = ""
    phrase: str = ""
    is_listed: bool = False

    @property
    def slugs(self) -> tuple[str, ...]:
        return tuple(choice.slug for choice in self.choices)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its choices by slug."""
        return {choice.slug: choice.label for choice in self.choices}

    def needs_answer(self, answers: Mapping[str, Any]) -> bool:
        """Whether it has to be answered beside these answers."""
        return self.is_needed(answers) if callable(self.is_needed) else self.is_needed


FIELDS: tuple[Field, ...] = (
    Field(
        name="title", type=FieldType.TEXT, step=Step.WORKLOAD, label="Title",
        question="What do you call it?", hint="One line that others will find it by.",
        is_needed=True, maximum=TITLE_CHARS_MAX, stand_in="Draft",
    ),
    Field(
        name="project", type=FieldType.NAME, step=Step.WORKLOAD, label="Project",
        question="Which project is it for?", empty="Choose a project",
        is_needed=True, widget="project", control=Control.SELECT, block="kind", is_narrow=True,
    ),
    Field(
        name="kind", type=FieldType.CHOICE, step=Step.WORKLOAD, label="Kind of request",
        question="What kind of request is it?",
        choices=tuple(Choice(kind.slug, kind.label, said=kind.name) for kind in kinds.KINDS),
        default=kinds.NEW.slug, fact="request.kind", widget="kind", block="kind", is_narrow=True,
    ),
    Field(
        name="related_grant", type=FieldType.TEXT, step=Step.WORKLOAD, label="Grant",
        question="Which grant is it about?", empty="Choose a grant",
        maximum=20, check=checks.grant_is_named, widget="grant", control=Control.SELECT, block="kind", is_narrow=True,
    ),
    Field(
        name="workload", type=FieldType.CHOICE, step=Step.WORKLOAD, label="Workload",
        question="What will it run?", empty="Choose a workload",
        choices=(
            Choice("pretraining", "Pre-training"),
            Choice("continued_pretraining", "Continued pre-training"),
            Choice("fine_tuning", "Fine-tuning"),
            Choice("rl_synthetic", "Reinforcement learning or synthetic data"),
            Choice("distillation", "Distillation"),
            Choice("evaluation", "Evaluation"),
            Choice("inference_online", "Serving (online inference)"),
            Choice("inference_batch", "Batch inference"),
            Choice("embedding", "Embedding"),
            Choice("agentic", "Agents"),
            Choice("interactive", "Interactive work and notebooks"),
            Choice("hosted_api", "Hosted API"),
            Choice("lease", "Lease of accelerators"),
            Choice("purchase", "Purchase of accelerators"),
        ),
        is_needed=True, fact="request.workload", block="work", is_narrow=True, is_listed=True,
    ),
    Field(
        name="sizing", type=FieldType.CHOICE, step=Step.WORKLOAD, label="Sizing", earlier_name="ask",
        question="Do you know how much you need?",
        choices=(
            Choice("work", "Size it for me", "Describe the work; the p90 of our estimate becomes the cap.",
                   said="from the work"),
            Choice("cap", "I know how much I need",
                   "Give hours, a window or an amount; describing the work is optional.", said="as a cap"),
        ),
        default="cap", widget="sizing", control=Control.RADIOS, block="work",
    ),
    Field(name="work", type=FieldType.WORK, step=Step.WORKLOAD, label="Workload", widget="work", block="work"),
    Field(
        name="accelerator", type=FieldType.NAME, step=Step.SIZE, label="Accelerator",
        question="Which accelerator?",
        hint="Another place may bring another one; you can still change your mind there.",
        is_needed=checks.is_not_hosted, fact="request.accelerator", widget="accelerator", control=Control.SELECT,
        empty="Choose an accelerator", is_narrow=True,
    ),
    Field(
        name="accelerator_count", type=FieldType.COUNT, step=Step.SIZE, label="Number of accelerators",
        question="How many at once?", unit="accelerators", hint=f"1 to {numbers.count(ACCELERATORS_MAX)}.",
        is_needed=checks.is_not_hosted, default=0, minimum=1, maximum=ACCELERATORS_MAX,
        fact="request.accelerator_count", widget="of_accelerators",
    ),
    Field(
        name="gpu_hours_cap", type=FieldType.NUMBER, step=Step.SIZE, label="GPU-hours cap",
        question="How many GPU-hours at most?", unit="GPU-hours",
        maximum=GPU_HOURS_MAX, check=checks.cap_is_bounded, fact="request.gpu_hours_cap", widget="hours",
    ),
    Field(
        name="money_cap_usd", type=FieldType.NUMBER, step=Step.SIZE, label="Money cap",
        question="How much money at most?", unit="USD", hint="The grant stops there as well.",
        maximum=MONEY_USD_MAX, check=checks.hosted_cap_is_money, widget="money",
    ),
    Field(
        name="provider", type=FieldType.NAME, step=Step.PLACE, label="Place",
        question="At which provider?", empty="Choose a provider",
        is_needed=True, fact="place.provider", widget="place", control=Control.SELECT, block="place",
    ),
    Field(
        name="price_term", type=FieldType.CHOICE, step=Step.PLACE, label="Price term",
        question="On which terms?", empty="Choose the terms",
        choices=(
            Choice("owned_pool", "Owned pool"),
            Choice("committed_pool", "Committed pool"),
            Choice("on_demand", "On demand"),
            Choice("reserved_1y", "Reserved, 1 year"),
            Choice("reserved_3y", "Reserved, 3 years"),
            Choice("capacity_block", "Capacity block"),
            Choice("spot", "Spot"),
            Choice("per_token", "Per token"),
            Choice("purchase", "Purchase"),
        ),
        is_needed=True, fact="place.price_term", widget="price_term", block="place",
    ),
    Field(
        name="region", type=FieldType.NAME, step=Step.PLACE, label="Region",
        question="In which region?", hint="The provider’s own name for it, such as eu-north-1.",
        fact="place.region", widget="region", block="where",
    ),
    Field(
        name="country", type=FieldType.COUNTRY, step=Step.PLACE, label="Country of the machines",
        question="In which country is that?", hint="Where the machines stand; empty: as the region says.",
        empty="As the region says", fact="place.country", block="where",
    ),
    Field(
        name="start_on", type=FieldType.DAY, step=Step.PLACE, label="Start",
        question="When may it start?", is_needed=True, fact="request.start_at", widget="start", block="when",
    ),
    Field(
        name="end_on", type=FieldType.DAY, step=Step.PLACE, label="End",
        question="Until when?", hint="Without an end it counts by its monthly cost.",
        check=checks.end_follows_start, fact="request.end_at", block="when",
    ),
    Field(
        name="access_countries", type=FieldType.COUNTRIES, step=Step.PLACE, label="Countries of use",
        question="From which countries will people use it?",
        hint="The countries where your users sit, not where the machines are. Commas between them.",
        fact="people.access_countries", widget="countries", is_listed=True,
    ),
    Field(
        name="purpose", type=FieldType.NAME, step=Step.PURPOSE, label="Purpose",
        question="What is it for?", empty="Choose a purpose",
        is_needed=True, fact="request.purpose", widget="purposes", control=Control.SELECT, is_narrow=True, phrase="{}",
        is_listed=True,
    ),
    Field(
        name="justification", type=FieldType.TEXT, step=Step.PURPOSE, label="Justification",
        question="Why is it needed, and what will you have afterwards?", hint="Whoever decides reads this first.",
        is_needed=True, maximum=TEXT_CHARS_MAX, control=Control.TEXTAREA, stand_in="Not written yet",
    ),
    Field(
        name="data_class", type=FieldType.CHOICE, step=Step.PURPOSE, label="Data class",
        question="Which data will it touch?", hint="The most sensitive class counts.",
        choices=(
            Choice("public", "Public", "Anyone may read it."),
            Choice("internal", "Internal", "Low impact if disclosed."),
            Choice("confidential", "Confidential", "Contracts, code, plans; nothing about an identifiable person."),
            Choice("personal", "Personal", "Relates to an identifiable person."),
            Choice("special_category", "Special category", "Health, biometrics, beliefs, origin."),
            Choice("export_controlled", "Export-controlled", "Technology that may only leave under licence."),
        ),
        is_needed=True, fact="request.data_class", control=Control.RADIOS, stand_in="internal", phrase="{} data",
        is_listed=True,
    ),
    Field(
        name="customer_data", type=FieldType.TRUTH, step=Step.PURPOSE, label="Customer data",
        question="Some of the data belongs to customers",
        default=False, fact="request.customer_data", control=Control.CHECKBOX, phrase="customer data included",
        is_listed=True,
    ),
    Field(
        name="exposure_of_output", type=FieldType.CHOICE, step=Step.PURPOSE, label="Who uses the output",
        question="Who will use the output?",
        choices=(
            Choice("none", "Nobody outside the project"),
            Choice("internal", "Colleagues"),
            Choice("pilot", "A pilot with people outside"),
            Choice("public", "The public"),
        ),
        default="none", fact="request.exposure_of_output", is_narrow=True, phrase="output for {}", is_listed=True,
    ),
    Field(
        name="use_tags", type=FieldType.CHOICES, step=Step.PURPOSE, label="Fields of use",
        question="Does it touch any of these fields?",
        choices=(
            Choice("biometrics", "Biometrics"),
            Choice("employment", "Employment"),
            Choice("credit", "Credit"),
            Choice("education", "Education"),
            Choice("law_enforcement", "Law enforcement"),
            Choice("medical", "Medicine"),
            Choice("bio_sequence", "Biological sequences"),
            Choice("cyber_offence", "Offensive cyber work"),
            Choice("critical_infrastructure", "Critical infrastructure"),
            Choice("migration", "Migration"),
            Choice("justice", "Justice"),
            Choice("children", "Children"),
        ),
        default=(), fact="request.use_tags", is_listed=True,
    ),
    Field(
        name="prohibited_uses", type=FieldType.NAMES, step=Step.PURPOSE, label="Prohibited uses",
        question="Does it involve a prohibited use?", hint="Tick each that applies. Leave all empty if none does.",
        is_absent_unanswered=True, fact="request.prohibited_uses", widget="prohibited_uses", block="prohibited_uses",
        is_listed=True,
    ),
    Field(
        name="lineage", type=FieldType.NAME, step=Step.PURPOSE, label="Model lineage",
        question="Which family of models does it add to?", empty="None",
        hint="Training compute adds up along a family; thresholds are read on the sum.",
        fact="lineage.model_lineage", widget="lineages", control=Control.SELECT, block="model", is_narrow=True,
    ),
    Field(
        name="eu_market", type=FieldType.TRUTH, step=Step.PURPOSE, label="EU market",
        question="Will it be placed on the EU market?", empty="Not known yet",
        fact="lineage.eu_market", kept_by="lineage", control=Control.SELECT, block="model", is_narrow=True,
        is_listed=True,
    ),
    Field(
        name="modalities", type=FieldType.CHOICES, step=Step.PURPOSE, label="Modalities",
        question="What does the model take in or give out?",
        choices=(
            Choice("text", "Text"),
            Choice("audio", "Audio"),
            Choice("image_gen", "Image generation"),
            Choice("video_gen", "Video generation"),
            Choice("vision", "Vision"),
            Choice("tabular", "Tables"),
            Choice("bio", "Biology"),
        ),
        default=(), fact="lineage.modalities", kept_by="lineage", is_listed=True,
    ),
    Field(
        name="beneficiary_entity", type=FieldType.TEXT, step=Step.PURPOSE, label="Beneficiary",
        question="Is it for someone outside?", hint="The name of the customer or partner who gets the result.",
        maximum=120, fact="people.beneficiary_entity", block="beneficiary", is_listed=True,
    ),
    Field(
        name="beneficiary_hq_country", type=FieldType.COUNTRY, step=Step.PURPOSE, label="Country of the beneficiary",
        question="In which country is its ultimate parent company?", empty="Nobody outside",
        fact="people.beneficiary_hq_country", block="beneficiary", is_listed=True,
    ),
    Field(
        name="evidence", type=FieldType.EVIDENCE, step=Step.PURPOSE, label="Evidence",
        question="Is there evidence to link?", hint="A pilot run, an assessment, a licence: a rule may ask for it.",
        choices=tuple(Choice(slug, label) for slug, label in EVIDENCE_LABELS.items()),
        default=(), fact="request.evidence_kinds", widget="evidence", block="evidence",
    ),
    Field(
        name="destination_country", type=FieldType.COUNTRY, step=Step.PURPOSE, label="Country of destination",
        question="To which country would technology go?", empty="None",
        fact="place.destination_country", block="export", is_listed=True,
    ),
    Field(
        name="licence_ref", type=FieldType.TEXT, step=Step.PURPOSE, label="Licence",
        question="Under which licence?", hint="Number of the export licence.",
        maximum=NAME_CHARS_MAX, fact="request.licence_ref", block="export", is_listed=True,
    ),
)  # fmt: skip


def field(name: str) -> Field:
    """The row of this name.

    Raises:
        KeyError: a request has no such field.
    """
    for row in FIELDS:
        if row.name == name:
            return row
    raise KeyError(name)


def names() -> tuple[str, ...]:
    """Every field of a request, in the order of the form."""
    return tuple(row.name for row in FIELDS)


def of_step(step: str) -> tuple[Field, ...]:
    """The fields that one step of the form asks for, in its order."""
    return tuple(row for row in FIELDS if row.step == step)
