"""The facts a policy sees, schema version 1: the one list that checker, columns, SQL, forms and docs all read.

The schema is bound into migrations, digests and every stored decision. It grows only by optional facts: an older
row reads as absent. The person who decides is never a fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.policy.facts.facts import (
    Fact,
    FactType,
    Source,
    exact_value,
    fact_error,
    facts_to_json,
    timestamp_from_text,
)
from governance.policy.facts.schema import FactsSchema
from governance.policy.facts.valid_facts import ValidFacts

__all__ = [
    "FACTS",
    "FACTS_BY_NAME",
    "NAMESPACES",
    "SCHEMA",
    "SCHEMA_DIGEST",
    "SCHEMA_DIGESTS",
    "SCHEMA_VERSION",
    "Fact",
    "FactType",
    "FactsSchema",
    "Source",
    "ValidFacts",
    "facts_from_json",
    "facts_to_json",
    "validate_facts",
]

SCHEMA_VERSION = 1
"""What bundles name. Optional facts make a minor version, under which a bundle means what it meant before."""

NAMESPACES: dict[str, str] = {
    "request": "What is asked for, as the form says it.",
    "estimate": "What the request amounts to: hours, money, FLOP, energy, carbon.",
    "thresholds": "Compute thresholds of the dated catalogue, compared with this request and its lineage.",
    "place": "Where it would run, on what, under which price term.",
    "budget": "What the budget and all its ancestors say.",
    "people": "Who asks, and for whom.",
    "lineage": "The model family, including this request.",
    "vendor": "The provider's standing, and how much depends on it.",
    "history": "What the same people, project, lineage or grant did before.",
    "clock": "When the decision is made.",
}

_F, _E, _C, _L = Source.FORM, Source.ESTIMATOR, Source.CATALOGUE, Source.LEDGER
_P, _R, _H, _K = Source.PEOPLE, Source.REGISTER, Source.HISTORY, Source.CLOCK

USD_MAX = 1e12
FLOP_MAX = 1e32
HOURS_MAX = 1e12
RATIO_MAX = 1e9
COUNT_MAX = 1_000_000_000
DAYS_MAX = 100_000

REQUEST_KINDS = ("new", "change", "renewal", "top_up", "transfer", "ratification", "emergency")
WORKLOADS = (
    "pretraining",
    "continued_pretraining",
    "fine_tuning",
    "rl_synthetic",
    "distillation",
    "evaluation",
    "inference_online",
    "inference_batch",
    "embedding",
    "agentic",
    "interactive",
    "hosted_api",
    "lease",
    "purchase",
)
PURPOSES = (
    "research",
    "product",
    "internal_tooling",
    "safety",
    "evaluation",
    "infrastructure",
    "customer_delivery",
    "education",
    "social_scoring",
    "emotion_recognition_at_work",
    "untargeted_face_scraping",
    "malware",
)
PROHIBITED_USES = (
    "biometric-categorisation",
    "crime-prediction-by-profiling",
    "emotion-recognition-at-work",
    "exploitation-of-vulnerability",
    "intimate-imagery-and-child-abuse-material",
    "live-biometric-identification",
    "malware",
    "manipulation",
    "social-scoring",
    "untargeted-face-scraping",
)
USE_TAGS = (
    "biometrics",
    "employment",
    "credit",
    "education",
    "law_enforcement",
    "medical",
    "bio_sequence",
    "cyber_offence",
)
DATA_CLASSES = ("public", "internal", "confidential", "personal", "special_category", "export_controlled")
EVIDENCE_LABELS = {
    "dpia": "Data-protection assessment (DPIA)",
    "fria": "Fundamental-rights assessment (FRIA)",
    "pilot_run": "Pilot run",
    "exit_plan": "Exit plan",
    "board_resolution": "Board resolution",
    "licence": "Licence",
    "cost_comparison": "Cost comparison",
    "notification_owner": "Who notifies the authority",
    "incident_ref": "Incident",
}
"""The kinds of evidence, and what people call them."""
EVIDENCE_KINDS = tuple(EVIDENCE_LABELS)
MODALITIES = ("text", "audio", "image_gen", "video_gen", "vision", "tabular", "bio")
PROVIDER_TYPES = ("owned", "hyperscaler", "specialist", "marketplace", "hosted_api")
PRICE_TERMS = (
    "owned_pool",
    "committed_pool",
    "on_demand",
    "reserved_1y",
    "reserved_3y",
    "capacity_block",
    "spot",
    "per_token",
    "purchase",
)


def _number(name: str, label: str, unit: str, sources: tuple[Source, ...], help: str, **more: Any) -> Fact:
    """A double of zero or more unless told otherwise."""
    more.setdefault("minimum", 0.0)
    more.setdefault("maximum", {"USD": USD_MAX, "FLOP": FLOP_MAX, "days": float(DAYS_MAX)}.get(unit, HOURS_MAX))
    return Fact(name=name, label=label, type=FactType.DOUBLE, unit=unit, sources=sources, help=help, **more)


def _count(name: str, label: str, unit: str, sources: tuple[Source, ...], help: str, **more: Any) -> Fact:
    """A whole number of zero or more."""
    bounds: dict[str, Any] = {"minimum": 0, "maximum": DAYS_MAX if unit == "days" else COUNT_MAX}
    return Fact(name=name, label=label, type=FactType.INT, unit=unit, sources=sources, help=help, **bounds, **more)


def _fact(name: str, label: str, type: FactType, sources: tuple[Source, ...], help: str, **more: Any) -> Fact:
    return Fact(name=name, label=label, type=type, sources=sources, help=help, **more)


_ENUM, _STRING, _LIST = FactType.ENUM, FactType.STRING, FactType.STRING_LIST
_BOOL, _TIME = FactType.BOOL, FactType.TIMESTAMP
_OPT: dict[str, Any] = {"optional": True}
_SHARE: dict[str, Any] = {"minimum": 0.0, "maximum": 1.0}
_RATIO: dict[str, Any] = {"minimum": 0.0, "maximum": RATIO_MAX}

FACTS: tuple[Fact, ...] = (
    # request
    _fact("request.kind", "the kind of request", _ENUM, (_F,),
          "What the request is: new, or about an existing grant.", choices=REQUEST_KINDS),
    _fact("request.workload", "the workload", _ENUM, (_F,), "The kind of work.", choices=WORKLOADS),
    _fact("request.purpose", "the purpose", _STRING, (_F,),
          "One of the organisation's purposes.", choices=PURPOSES, is_open=True),
    _fact("request.use_tags", "the areas of use", _LIST, (_F,),
          "What the result will be used for.", choices=USE_TAGS, is_open=True),
    _fact("request.data_class", "the data class", _ENUM, (_F,),
          "The most delicate data that is touched.", choices=DATA_CLASSES),
    _fact("request.customer_data", "use of customer data", _BOOL, (_F,),
          "Data that customers entrusted is touched.", says=("customer data is used", "no customer data is used")),
    _fact("request.prohibited_uses", "the prohibited uses", _LIST, (_F, _C),
          "Prohibited uses that the work involves: ids of dated catalogue rows in force on a day of the window. Empty "
          "when none applies, absent when the question was not answered.",
          choices=PROHIBITED_USES, is_open=True, since_minor=1, **_OPT),
    _fact("request.exposure_of_output", "who will use the output", _ENUM, (_F,),
          "Who will see the output.",
          choices=("none", "internal", "pilot", "public")),
    _fact("request.evidence_kinds", "the linked evidence", _LIST, (_F,),
          "Kinds of evidence that are linked.",
          choices=EVIDENCE_KINDS, is_open=True),
    _fact("request.start_at", "the start date", _TIME, (_F,), "First instant of the window."),
    _fact("request.end_at", "the end date", _TIME, (_F,),
          "End of the window, half-open; absent when open-ended.", **_OPT),
    _number("request.window_days", "the duration", "days", (_K,),
            "Length of the window; absent when open-ended.", **_OPT),
    _fact("request.accelerator", "the accelerator", _STRING, (_F, _C), "Canonical accelerator.", **_OPT),
    _fact("request.accelerator_vendor", "the vendor of the accelerator", _STRING, (_F, _C),
          "Canonical maker of the accelerator.", **_OPT),
    _count("request.accelerator_count", "the number of accelerators", "devices", (_F,),
           "How many accelerators at a time; 0 for hosted models."),
    _number("request.gpu_hours_cap", "the cap on GPU-hours", "device-hours", (_F,),
            "Device-hours that the grant would enforce.", **_OPT),
    _number("request.exposure_usd", "the assessed amount", "USD", (_K,),
            "The one number that money limits test: the enforced cap's cost, else p90, plus the tail that cannot be "
            "cancelled, plus what already runs under the same grant. Absent without a price: unknown is never 0.",
            **_OPT),
    _number("request.latency_target_ms", "the latency target", "ms", (_F,),
            "Time to first token that is aimed at.", **_OPT),
    _fact("request.licence_ref", "the export licence", _STRING, (_F, _R),
          "Reference of an export licence.", sensitive=True, **_OPT),
    # estimate
    _number("estimate.cost_p50_usd", "the estimated cost (p50)", "USD", (_E,),
            "Median cost; absent without a price, never 0.", **_OPT),
    _number("estimate.cost_p90_usd", "the estimated cost (p90)", "USD", (_E,),
            "Cost that 9 of 10 such runs stay under.", **_OPT),
    _number("estimate.run_rate_p90_usd_month", "the monthly cost (p90)", "USD", (_E,),
            "Cost per 30 days, p90.", **_OPT),
    _number("estimate.commitment_tail_usd", "the amount payable after the work ends", "USD", (_C, _E),
            "Still owed after cancelling."),
    _number("estimate.cost_over_cheapest_ratio", "the cost relative to the cheapest option", "ratio", (_E,),
            "Cost over the cheapest admissible equivalent.", **_RATIO, **_OPT),
    _number("estimate.gpu_hours_p50", "the estimated GPU-hours (p50)", "device-hours", (_E,),
            "Median device-hours.", **_OPT),
    _number("estimate.gpu_hours_p90", "the estimated GPU-hours (p90)", "device-hours", (_E,),
            "Device-hours, p90.", **_OPT),
    _number("estimate.half_width", "the uncertainty of the estimate", "factor", (_E,),
            "How wide the estimate is: p90 over p50.", **_RATIO, **_OPT),
    _count("estimate.price_age_days", "the age of the price", "days", (_C,), "Age of the price that was used.", **_OPT),
    _number("estimate.run_flop_p50", "the compute of the run (p50)", "FLOP", (_E,), "Median FLOP of this run.", **_OPT),
    _number("estimate.run_flop_p90", "the compute of the run (p90)", "FLOP", (_E,), "FLOP of this run, p90.", **_OPT),
    _number("estimate.cluster_peak_flop_s", "the peak performance of the cluster", "FLOP/s", (_E,),
            "Dense 16-bit peak of the devices.",
            minimum=0.0, maximum=1e30, **_OPT),
    _fact("estimate.memory_fits", "the workload fits in memory", _BOOL, (_E,),
          "The work fits into the devices' memory.", **_OPT,
          says=("the workload fits in memory", "the workload does not fit in memory")),
    _number("estimate.energy_p90_kwh", "the energy (p90)", "kWh", (_E,), "Energy at the facility, p90.", **_OPT),
    _number("estimate.carbon_p50_kg", "the location-based carbon (p50)", "kg CO2e", (_E, _R),
            "Median carbon, location-based.", **_OPT),
    _number("estimate.carbon_market_p50_kg", "the market-based carbon (p50)", "kg CO2e", (_E, _R),
            "Median carbon, market-based.", **_OPT),
    # thresholds
    _fact("thresholds.exceeded", "the compute thresholds exceeded", _LIST, (_E, _C),
          "Ids of thresholds that the median exceeds: does exceed."),
    _fact("thresholds.may_exceed", "the compute thresholds that may be exceeded", _LIST, (_E, _C),
          "Ids of thresholds that the p90 exceeds: may exceed."),
    # place
    _fact("place.provider", "the provider", _STRING, (_F, _C), "Canonical provider, aliases merged.", **_OPT),
    _fact("place.provider_type", "the type of provider", _ENUM, (_C,),
          "What kind of provider it is.", choices=PROVIDER_TYPES),
    _fact("place.region", "the region", _STRING, (_F, _C), "The provider's region.", **_OPT),
    _fact("place.country", "the country of the machines", _STRING, (_F, _C),
          "ISO 3166-1 alpha-2 country of the machine room.", **_OPT),
    _fact("place.price_term", "the price term", _ENUM, (_F,), "The commercial term.", choices=PRICE_TERMS),
    _number("place.grid_g_kwh", "the carbon intensity of the grid", "g CO2e/kWh", (_C,),
            "Carbon intensity of the grid.", **_OPT),
    _number("place.pue", "the PUE of the data centre", "ratio", (_C,),
            "Power usage effectiveness of the facility.",
            minimum=1.0, maximum=10.0, **_OPT),
    _number("place.cleaner_grid_g_kwh", "the carbon intensity of the cleanest alternative", "g CO2e/kWh", (_E, _C),
            "Grid intensity of the cleanest admissible place with the same accelerator and term.", **_OPT),
    _number("place.cleaner_cost_ratio", "the relative cost of the cleanest alternative", "ratio", (_E, _C),
            "Cost at that cleanest place over the cost here.", **_RATIO, **_OPT),
    _count("place.pool_free_count", "the number of free accelerators in the pool", "devices", (_R, _H),
           "Owned or committed devices of the same or a better class that are free in the window.",
           awaits="capacity pools", **_OPT),
    _number("place.pool_wait_days", "the wait for the pool", "days", (_R, _H),
            "Wait until the pool could serve the request.",
            awaits="capacity pools", **_OPT),
    _number("place.chip_tpp", "the total processing performance of the chip", "TPP", (_C,),
            "Total processing performance of one chip.", **_OPT),
    _number("place.chip_density", "the performance density of the chip", "TPP/mm2", (_C,),
            "Performance density of one chip.", **_OPT),
    _fact("place.chip_vendor_hq_country", "the country of the chip vendor's head office", _STRING, (_C,),
          "ISO country where the chip's maker sits.", **_OPT),
    _fact("place.destination_country", "the country of destination", _STRING, (_F, _R),
          "ISO country that bought or moved chips go to.", **_OPT),
    # budget
    _number("budget.headroom_after_usd", "the budget headroom after this request", "USD", (_L,),
            "What is left after this request: the smallest over the budget, its ancestors and all periods crossed.",
            minimum=-USD_MAX, sensitive=True),
    _number("budget.used_ratio", "the used share of the budget", "ratio", (_L,),
            "Share of the period's limit, holds included.", **_RATIO),
    _number("budget.forecast_ratio", "the budget forecast", "ratio", (_L,),
            "Forecast share of the limit at period end.", **_RATIO, **_OPT),
    _count("budget.periods_crossed", "the number of budget periods", "count", (_L,),
           "Budget periods that the window touches."),
    _fact("budget.cost_centre", "the cost centre", _STRING, (_P,),
          "Cost centre of the project's team; absent where it has none.", **_OPT),
    _number("budget.carbon_headroom_kg", "the carbon headroom after this request", "kg CO2e", (_L,),
            "Left in the team's yearly carbon allowance.",
            minimum=-HOURS_MAX, awaits="carbon allowances of teams", **_OPT),
    # people
    _fact("people.requester_type", "the type of requester", _ENUM, (_P,),
          "What the requester is to the organisation.",
          choices=("employee", "contractor", "external", "service_account")),
    _fact("people.requester_roles", "the requester's roles", _LIST, (_P,),
          "Roles the requester holds for the project.", sensitive=True),
    _fact("people.team_path", "the team", _LIST, (_P,), "Teams from the root down to the project's."),
    _fact("people.access_countries", "the countries of access", _LIST, (_P, _F),
          "ISO countries from which people or services use the machines.", sensitive=True),
    _fact("people.beneficiary_entity", "the external beneficiary", _STRING, (_F, _R),
          "Who the work is for.", sensitive=True, **_OPT),
    _fact("people.beneficiary_hq_country", "the country of the beneficiary's ultimate parent", _STRING, (_F, _R),
          "ISO country of the beneficiary's ultimate parent.", sensitive=True, **_OPT),
    _fact("people.screening_state", "the screening result of the beneficiary", _ENUM, (_R,),
          "Result of the party screening.", sensitive=True,
          choices=("not_needed", "clear", "hit", "pending")),
    _fact("people.aup_current", "the acceptable-use acceptance", _BOOL, (_P,),
          "The requester accepted the current acceptable-use statement.",
          says=("the acceptable-use statement is accepted", "the acceptable-use statement is not accepted")),
    _count("people.aup_age_days", "the age of the acceptable-use acceptance", "days", (_P,),
           "Days since that acceptance.", **_OPT),
    _fact("people.trainings_valid", "the requester's valid trainings", _LIST, (_P,),
          "Trainings that are still valid.", sensitive=True),
    # lineage
    _fact("lineage.model_lineage", "the model lineage", _STRING, (_R,),
          "The model family that the run adds to.", **_OPT),
    _number("lineage.flop_direct_p90", "the training compute of the lineage (p90)", "FLOP", (_R, _E),
            "FLOP that changed parameters, including this request, p90.", **_OPT),
    _number("lineage.flop_cumulative_p50", "the cumulative compute of the lineage (p50)", "FLOP", (_R, _E),
            "Median FLOP with synthetic data, merged and base weights, including this request.", **_OPT),
    _number("lineage.flop_cumulative_p90", "the cumulative compute of the lineage (p90)", "FLOP", (_R, _E),
            "The same sum, p90.", **_OPT),
    _number("lineage.base_model_flop", "the compute of the base model", "FLOP", (_R,),
            "Training compute of the base model, where known.", **_OPT),
    _fact("lineage.base_model_systemic", "systemic risk of the base model", _BOOL, (_R,),
          "The base model carries systemic risk.", **_OPT,
          says=("the base model has systemic risk", "the base model has no systemic risk")),
    _number("lineage.modification_ratio_p90", "the compute relative to the base model (p90)", "ratio", (_R, _E),
            "Share of the base model's compute that the modification uses, p90.", **_RATIO, **_OPT),
    _fact("lineage.modalities", "the modalities of the model", _LIST, (_F, _R),
          "What the model takes or makes.", choices=MODALITIES),
    _fact("lineage.eu_market", "placing on the EU market", _BOOL, (_R,),
          "Placed, or to be placed, on the EU market.", **_OPT,
          says=("the model is for the EU market", "the model is not for the EU market")),
    _fact("lineage.notification_state", "the notification status of the model", _ENUM, (_R,),
          "Where the notification stands.",
          choices=("none", "due", "sent", "acknowledged"), **_OPT),
    # vendor
    _fact("vendor.provider_approved", "approval of the provider", _BOOL, (_R,),
          "The provider is on the approved list.", says=("the provider is approved", "the provider is not approved")),
    _fact("vendor.provider_dpa", "the provider's data-processing agreement", _BOOL, (_R,),
          "A data-processing agreement with the provider is in force.",
          says=("the provider has a data-processing agreement", "the provider has no data-processing agreement")),
    _count("vendor.provider_terms_age_days", "the age of the terms review", "days", (_R,),
           "Days since the terms were reviewed.", **_OPT),
    _fact("vendor.provider_certifications", "the provider's certifications", _LIST, (_R,),
          "Certifications the provider holds."),
    _number("vendor.provider_share_after", "the provider's share of spend after this request", "share", (_R, _L),
            "The provider's share of spend and commitments over 12 months, including this request.", **_SHARE),
    _number("vendor.hhi_after", "the concentration of providers after this request", "index", (_R, _L),
            "Concentration of providers, including this request.", **_SHARE),
    # history
    _count("history.similar_count_30d", "the number of related requests of the last 30 days", "count", (_H,),
           "Requests of the last 30 days for the same kind of work: the same person's, waiting ones included, and "
           "those of the same project or lineage that were allowed without a person. What people approved, what was "
           "refused, withdrawn or has expired is not counted; this one is."),
    _number("history.similar_exposure_30d_usd", "the assessed amount of related requests of the last 30 days", "USD",
            (_H,), "Exposure of those requests together, this one included."),
    _number("history.grant_increase_ratio", "the increase of the grant", "ratio", (_H,),
            "How far all changes raise the grant, as a share of the original: 0.2 is a fifth more.",
            minimum=-1.0, maximum=RATIO_MAX, **_OPT),
    _count("history.grant_changes_30d", "the number of changes to the grant in the last 30 days", "count", (_H,),
           "Changes of the grant in 30 days, this one included.", **_OPT),
    _number("history.grant_used_ratio", "the used share of the grant", "ratio", (_H,),
            "Used over granted device-hours.", **_RATIO, **_OPT),
    _number("history.utilisation_28d", "the utilisation of the last 28 days", "share", (_H,),
            "Mean utilisation over 28 days.", **_SHARE, **_OPT),
    _number("history.idle_gpu_hours_28d", "the idle GPU-hours of the last 28 days", "device-hours", (_H,),
            "Idle device-hours over 28 days.",
            awaits="metered usage", **_OPT),
    _number("history.estimate_bias_ratio", "actual usage relative to estimates", "ratio", (_H,),
            "Median of actual over estimate on the team's closed grants.", awaits="metered usage of closed grants",
            **_RATIO, **_OPT),
    _count("history.closed_count", "the number of closed requests", "count", (_H,),
           "Closed grants behind that median.",
           awaits="metered usage of closed grants", **_OPT),
    _count("history.closeouts_overdue", "the number of overdue close-outs", "count", (_H,),
           "Close-outs that the project owes.",
           awaits="close-outs of grants", **_OPT),
    _count("history.project_age_days", "the age of the project", "days", (_K,), "Days since the project was opened."),
    _count("history.project_open_grants", "the number of active grants of the project", "count", (_K,),
           "Open grants of the project."),
    # clock
    _fact("clock.decided_at", "the time of the decision", _TIME, (_K,), "The instant of the decision."),
)  # fmt: skip

# The digest of each minor version as it was when that one was the current one. A new minor version adds a line and
# changes none: it is how decisions that were pinned under an older schema find their rules.
SCHEMA_DIGESTS: dict[str, str] = {
    "1.0": "6392f5071e86a5a7b27bdfabb7c67e7283b4037a21d66f5605f7ce4a937f4f8f",
    # Prohibited uses; overdue close-outs may be absent.
    "1.1": "654e0e678bf661d3a4de302c30315070bb94be6a6de5c0c00c14dc87db71dfee",
    # The cost centre may be absent.
    "1.2": "069a30cbfd2bc2b33399a4b6d1aa6a472e02af4b22f02783559da5961cda2905",
}

SCHEMA = FactsSchema(SCHEMA_VERSION, FACTS, tuple(SCHEMA_DIGESTS.values()))
FACTS_BY_NAME = SCHEMA.by_name
SCHEMA_DIGEST = SCHEMA.digest


def validate_facts(facts: Mapping[str, Any]) -> ValidFacts:
    """Check facts against the product's schema: what comes back may be judged, and nothing else may.

    Raises:
        FactError: names the first fact that is unknown, missing, of the wrong type or out of range.
    """
    return ValidFacts(facts, SCHEMA)


def facts_from_json(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Read what `facts_to_json` wrote: instants become aware UTC datetimes again, doubles stay doubles.

    Raises:
        FactError: an instant that is not one. Nothing else is checked here; see `validate_facts`.
    """
    facts: dict[str, Any] = {}
    for name, value in plain.items():
        fact = FACTS_BY_NAME.get(name)
        if fact is not None and fact.type is FactType.TIMESTAMP and isinstance(value, str):
            try:
                value = timestamp_from_text(value)
            except ValueError as error:
                raise fact_error(name, "must be an instant such as 2026-01-31T09:00:00Z") from error
        elif fact is not None and fact.type is FactType.DOUBLE:
            value = exact_value(fact, value)
        facts[name] = value
    return facts
