"""Which register a fact is read from: how people call it, and who can mend what the facts refuse there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from governance.policy.facts.facts import check_value
from governance.policy.facts.facts_schema import FACTS_BY_NAME


@dataclass(frozen=True, slots=True)
class Register:
    """Where a fact comes from.

    Attributes:
        words: the entry, as it stands in a sentence.
        duty: who keeps it, as `selectors.duties` names it.
    """

    words: str
    duty: str


_BY_FACT: dict[str, Register] = {
    "budget.cost_centre": Register("the cost centre of the team", "people"),
    "history.project_age_days": Register("the start of the project", "people"),
    "people.access_countries": Register("the country of the requester", "people"),
    "people.requester_roles": Register("the roles of the requester", "people"),
    "people.screening_state": Register("the screening of the beneficiary", "screening"),
    "people.team_path": Register("the teams above the project", "people"),
    "people.trainings_valid": Register("the trainings of the requester", "people"),
    "lineage.base_model_flop": Register("the compute of the base model", "lineages"),
    "lineage.modalities": Register("the modalities of the lineage", "lineages"),
    "vendor.provider_certifications": Register("the certifications of the provider", "providers"),
    "vendor.provider_terms_age_days": Register("the day on which the provider\u2019s terms were reviewed", "providers"),
    "place.provider_type": Register("the type of the provider", "providers"),
    "estimate.price_age_days": Register("the date of the price", "catalogue"),
}
_BY_NAMESPACE: dict[str, Register] = {
    "budget": Register("the budget of the project", "budgets"),
    "estimate": Register("the catalogue behind the estimate", "catalogue"),
    "history": Register("the history of the project", "people"),
    "lineage": Register("the model lineage", "lineages"),
    "people": Register("what is known of the people", "people"),
    "place": Register("the catalogue row of the place", "catalogue"),
    "thresholds": Register("the catalogue of thresholds", "catalogue"),
    "vendor": Register("the provider", "providers"),
}
_OTHER = Register("what the request rests on", "people")


def register_of(fact: str) -> Register:
    """The register that a fact is read from."""
    return _BY_FACT.get(fact) or _BY_NAMESPACE.get(fact.partition(".")[0]) or _OTHER


def problem_of(fact: str, value: object) -> str | None:
    """What keeps a register's value from being a fact; None when nothing does. The bound is the schema's own."""
    return check_value(FACTS_BY_NAME[fact], value)


def gaps_in_words(gaps: Mapping[str, str]) -> list[str]:
    """One sentence for each fact that could not be read."""
    sentences = [f"{register_of(fact).words} cannot be read: it {problem}" for fact, problem in sorted(gaps.items())]
    return [sentence[:1].upper() + sentence[1:] for sentence in sentences]


def duties_for(gaps: Mapping[str, str]) -> list[str]:
    """Who can mend them, each once."""
    return sorted({register_of(fact).duty for fact in gaps})
