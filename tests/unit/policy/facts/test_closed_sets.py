"""Rules that cannot silently never fire: each word of a closed set, and each unit, is one that facts can have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from governance.policy.authoring.edits import edit_source, replace_rule
from governance.policy.authoring.review import review_change
from governance.policy.backends.columns import encode
from governance.policy.backends.columns_backend import ColumnsProgram
from governance.policy.bundle.bundle import check_bundle, check_stored, dump_bundle, load_bundle
from governance.policy.bundle.bundle_model import Bundle
from governance.policy.bundle.bundle_words import check_words
from governance.policy.bundle.shipped import shipped_bundles
from governance.policy.bundle.testing import DEFAULT_DAY
from governance.policy.decisions.decision import Outcome, decide
from governance.policy.decisions.policy_set import compile_policy_set
from governance.policy.errors import BundleError, PolicyError
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts_schema import SCHEMA
from governance.policy.facts.units import KNOWN_UNITS, read_unit
from governance.policy.facts.vocabulary import FACT_SETS, INSTALLATION_SETS, NOUNS, shipped_vocabulary
from governance.policy.language import ast
from governance.policy.language.checker import check_condition, check_expression
from governance.policy.language.parser import parse
from governance.policy.language.scope import Scope

VOCABULARY = shipped_vocabulary()
SCOPE = Scope(vocabulary=VOCABULARY)
HEAD = """apiVersion: comptroller.policy/v1
kind: PolicyBundle
schema: 1
metadata: {name: own, title: T, summary: S., owner: policy_officer}
"""


def bundle_of(when: str = "request.customer_data", effect: str = "deny", more: str = "") -> str:
    return f"{HEAD}{more}rules:\n- id: R-1\n  title: T\n  when: |\n    {when}\n  effect: {effect}\n  message: m\n"


# -- every word of the shipped bundles

# Texts that mean something to people, or are names that the bundle itself gives.
FREE = frozenset({"kind", "clause"})
# Facts that any text may be: references, parties, and what only an installation knows.
FREE_FACTS = frozenset({"request.licence_ref", "people.beneficiary_entity"})
ALL_WORDS = {word for each in VOCABULARY.sets.values() for word in (*each.words, *each.aliases)} | {
    word for fact in SCHEMA.facts for word in fact.choices
}


def slip(word: str) -> str:
    """The word with one character changed, so that it is no word of any set."""
    for place in (len(word) // 2, *range(len(word))):
        for letter in "xqzvkjw0":
            other = word[:place] + (letter.upper() if word[place].isupper() else letter) + word[place + 1 :]
            if other not in ALL_WORDS and other.casefold() not in ALL_WORDS:
                return other
    raise AssertionError(f"every slip of {word} is a word")


def literals(text: str) -> Iterator[ast.Literal]:
    """The texts of an expression that stand for words."""

    def walk(part: Any) -> Iterator[ast.Literal]:
        if isinstance(part, ast.Literal) and part.kind == "string":
            yield part
        for name in getattr(part, "__slots__", ()):
            value = getattr(part, name)
            for each in value if isinstance(value, tuple) else (value,):
                if hasattr(each, "__slots__") and not isinstance(each, ast.Span):
                    yield from walk(each)

    yield from walk(parse(text))


def in_expressions(bundle: Bundle) -> Iterator[tuple[str, ast.Literal, str]]:
    """Each text literal of a bundle: the expression, the literal, and the expression with one character changed."""
    for text in (*bundle.variables.values(), *(rule.when for rule in bundle.rules)):
        for literal in literals(text):
            word = str(literal.value)
            yield text, literal, text[: literal.span.start] + f'"{slip(word)}"' + text[literal.span.end :]


def in_parameters(bundle: Bundle) -> Iterator[tuple[str, str, Bundle]]:
    for place, param in enumerate(bundle.params):
        if param.type not in ("string", "string_list"):
            continue
        for index, dated in enumerate(param.values):
            words = dated.value if isinstance(dated.value, tuple) else (dated.value,)
            for at, word in enumerate(words):
                wrong = (*words[:at], slip(word), *words[at + 1 :])
                value = wrong if isinstance(dated.value, tuple) else wrong[0]
                values = (*param.values[:index], replace(dated, value=value), *param.values[index + 1 :])
                params = (*bundle.params[:place], replace(param, values=values), *bundle.params[place + 1 :])
                yield param.name, word, replace(bundle, params=params)


def changed(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str, Any]]:
    """Every text in plain values with one character changed: the way to it, the text, the whole with the slip."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in FREE and key not in FREE_FACTS:
                yield from ((p, w, {**value, key: each}) for p, w, each in changed(inner, (*path, key)))
            if path and path[-1] == "requires":
                yield (*path, key), key, {slip(k) if k == key else k: v for k, v in value.items()}
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            whole = list(value)
            yield from (
                (p, w, [*whole[:index], each, *whole[index + 1 :]]) for p, w, each in changed(inner, (*path, index))
            )
    elif isinstance(value, str):
        yield path, value, slip(value)


def is_caught(check: Any, *arguments: Any) -> PolicyError | None:
    try:
        check(*arguments)
    except PolicyError as error:
        return error
    return None


def test_every_word_of_the_shipped_bundles_with_one_character_changed_is_refused() -> None:
    counts: dict[str, int] = dict.fromkeys(("expressions", "parameters", "effects", "cases", "owners"), 0)
    missed: list[str] = []

    def note(kind: str, what: str, error: PolicyError | None) -> None:
        counts[kind] += 1
        if error is None:
            missed.append(f"{kind}: {what}")

    for bundle in shipped_bundles():
        scope, own = bundle.scope(), bundle.vocabulary
        assert own is not None
        for text, literal, mutant in in_expressions(bundle):
            error = is_caught(check_expression, mutant, scope)
            note("expressions", f"{literal.value} in {text}", error)
            assert error is None or error.position.offset == literal.span.start, str(error)
        for name, word, mutant_bundle in in_parameters(bundle):
            using = [rule.when for rule in bundle.rules if f"params.{name}" in rule.when]
            using += [text for text in bundle.variables.values() if f"params.{name}" in text]
            other = mutant_bundle.scope()
            errors = [is_caught(check_expression, text, other) for text in using]
            note("parameters", f"{word} of {name}", next((each for each in errors if each), None))
        note("owners", bundle.owner, is_caught(check_words, replace(bundle, owner=slip(bundle.owner)), own))
        for index, rule in enumerate(bundle.rules):
            plain = rule.effect.to_json()
            # The code of a refusal, flag or warning is a name that the rule itself gives.
            plain.pop("code", None)
            for path, word, mutant_effect in changed(plain, ()):
                if isinstance(mutant_effect.get("sample_ratio"), str) or word.startswith("params."):
                    continue
                effect = effect_from(rule, mutant_effect)
                rules = (*bundle.rules[:index], replace(rule, effect=effect), *bundle.rules[index + 1 :])
                mutant = replace(bundle, rules=rules)
                note("effects", f"{word} at {path} of {rule.id}", is_caught(check_words, mutant, own))
        for index, test in enumerate(bundle.tests):
            for path, word, mutant_test in changed({"facts": test.facts, "requires": test.requires}, ()):
                case = replace(test, facts=mutant_test["facts"], requires=mutant_test["requires"])
                tests = (*bundle.tests[:index], case, *bundle.tests[index + 1 :])
                mutant = replace(bundle, tests=tests)
                note("cases", f"{word} at {path} of {test.name}", is_caught(check_words, mutant, own))
    assert missed == []
    print(f"{sum(counts.values())} words, one character changed each: {counts}")  # noqa: T201 - shown with -s
    assert all(count > least for count, least in zip(counts.values(), (30, 100, 60, 150, 7), strict=True))


def effect_from(rule: Any, plain: Mapping[str, Any]) -> Any:
    """The rule's effect with the words of its plain form."""
    effect = rule.effect
    return replace(
        effect,
        roles=tuple(
            replace(one, role=other["role"]) for one, other in zip(effect.roles, plain.get("roles", ()), strict=True)
        ),
        evidence=tuple(plain.get("evidence", ())),
        notify=tuple(plain.get("notify", ())),
        obligations=tuple(
            replace(one, code=other["code"])
            for one, other in zip(effect.obligations, plain.get("obligations", ()), strict=True)
        ),
    )


def test_every_unit_of_the_shipped_parameters_exchanged_for_another_kind_is_refused() -> None:
    tried, missed = 0, []
    for bundle in shipped_bundles():
        own = bundle.vocabulary
        assert own is not None
        for place, param in enumerate(bundle.params):
            if not param.unit:
                continue
            stated = read_unit(param.unit)
            assert stated is not None
            others = [name for name in KNOWN_UNITS if not stated.fits(read_unit(name) or stated)]
            for unit in (slip(param.unit), f"{param.unit}s", *others):
                params = (*bundle.params[:place], replace(param, unit=unit), *bundle.params[place + 1 :])
                mutant = replace(bundle, params=params)
                scope = mutant.scope()
                using = [rule.when for rule in bundle.rules if f"params.{param.name}" in rule.when]
                using += [text for text in bundle.variables.values() if f"params.{param.name}" in text]
                tried += 1
                errors = [
                    is_caught(check_words, mutant, own),
                    *(is_caught(check_expression, each, scope) for each in using),
                ]
                if not any(errors):
                    missed.append(f"{bundle.name}: {param.name} in {unit}")
    print(f"{tried} units exchanged")  # noqa: T201 - shown with -s
    assert missed == []
    assert tried > 1_000


# -- one word


@pytest.mark.parametrize(
    ("when", "word", "meant"),
    [
        ('"eu-gpai-indicativ" in thresholds.may_exceed', "eu-gpai-indicativ", "eu-gpai-indicative"),
        ('thresholds.exceeded.exists(id, id == "eu-systemic-rsik")', "eu-systemic-rsik", "eu-systemic-risk"),
        ('thresholds.exceeded.all(id, id != "eu-systemic-rsik")', "eu-systemic-rsik", "eu-systemic-risk"),
        ('thresholds.exceeded.exists(id, id in ["us-3a090-a1", "us-3a090-a9"])', "us-3a090-a9", "us-3a090-a1"),
        ('["us-3a090-a9"].exists(id, id in thresholds.exceeded)', "us-3a090-a9", "us-3a090-a1"),
        ('has(place.provider) && place.provider == "gogle-cloud"', "gogle-cloud", "google-cloud"),
        ('has(place.provider) && place.provider != "gogle-cloud"', "gogle-cloud", "google-cloud"),
        ('has(place.provider) && place.provider in ["aws", "gogle-cloud"]', "gogle-cloud", "google-cloud"),
        ('has(place.provider) && (request.customer_data ? "aws" : "azur") == place.provider', "azur", "azure"),
        ('has(place.country) && place.country == "UX"', "UX", "AX"),
        ('people.access_countries.exists(c, c == "QQ")', "QQ", None),
        ('has(request.accelerator) && request.accelerator == "h100-sxm6"', "h100-sxm6", None),
        ('has(request.accelerator_vendor) && request.accelerator_vendor == "Nvida"', "Nvida", "NVIDIA"),
        ('has(place.region) && place.region == "us-esat-1"', "us-esat-1", "us-east-1"),
        ('has(place.region) && place.region.startsWith("eruope")', "eruope", None),
        ('request.purpose == "reserch"', "reserch", "research"),
        ('"medcal" in request.use_tags', "medcal", "medical"),
        ('!("dpai" in request.evidence_kinds)', "dpai", "dpia"),
        ('"team_laed" in people.requester_roles', "team_laed", "team_lead"),
        ('people.requester_type == "contracter"', "contracter", "contractor"),
        ('"txt" in lineage.modalities', "txt", "text"),
        ('request.workload.contains("trainning")', "trainning", None),
    ],
)
def test_a_word_that_the_fact_can_never_be_is_refused_at_the_word(when: str, word: str, meant: str | None) -> None:
    error = is_caught(check_condition, when, SCOPE)
    assert error is not None
    assert when[error.position.offset :].startswith(f'"{word}"'), str(error)
    assert f"`{word}`" in error.message
    if meant is not None:
        assert error.suggestion == meant
    assert is_caught(load_bundle, bundle_of(when)) is not None


@pytest.mark.parametrize(
    ("effect", "word", "meant"),
    [
        ("{require: {roles: [{role: budget_ownr}]}}", "budget_ownr", "budget_owner"),
        ("{require: {roles: [{role: finance}], evidence: [exit_plam]}}", "exit_plam", "exit_plan"),
        ("{require: {roles: [{role: finance}], obligations: [{code: recertfy}]}}", "recertfy", "recertify"),
        ("{flag: {code: x, notify: [finance, safty_board]}}", "safty_board", "safety_board"),
        ("{warn: {code: x, notify: [legl]}}", "legl", "legal"),
    ],
)
def test_a_word_of_an_effect_is_refused_where_it_stands(effect: str, word: str, meant: str) -> None:
    text = bundle_of(effect=effect)
    error = is_caught(load_bundle, text, "own.yaml")
    assert isinstance(error, BundleError)
    assert (error.suggestion, error.source_name) == (meant, "own.yaml")
    assert text[error.position.offset :].startswith(word)


def test_owner_cases_and_parameters_are_refused_where_they_stand() -> None:
    params = (
        "params:\n  places: {type: string_list, values: [{value: [DE, FR], from: 2024-01-01, source: s}, "
        "{value: [DE, FFR], from: 2030-01-01, source: s}]}\n"
    )
    dated = bundle_of("has(place.country) && place.country in params.places", more=params)
    case = "tests: [{name: n, rule: R-1, case: firing, fires: true, facts: {place.provider: gogle}}]\n"
    wanted = "tests: [{name: n, rule: R-1, case: firing, fires: true, requires: {finnace: 1}}]\n"
    unit = bundle_of(
        more="params:\n  p: {type: double, unit: USX, values: [{value: 1.0, from: 2024-01-01, source: s}]}\n"
    )
    for text, word in (
        (bundle_of().replace("owner: policy_officer", "owner: policy_oficer"), "policy_oficer"),
        (dated, "FFR"),
        (bundle_of() + case, "gogle"),
        (bundle_of() + wanted, "1}"),
        (unit, "USX"),
    ):
        error = is_caught(load_bundle, text)
        assert error is not None
        assert text[error.position.offset :].startswith(word), str(error)


# -- other names


@pytest.mark.parametrize("name", ["gcp", "GCP", "Google Cloud", "Google-Cloud", "vertex_ai"])
def test_another_name_is_read_as_the_one_that_facts_carry_in_all_back_ends(name: str) -> None:
    more = f"params:\n  mine: {{type: string_list, values: [{{value: [aws, {name}], from: 2024-01-01, source: s}}]}}\n"
    conditions = (
        f'has(place.provider) && place.provider == "{name}"',
        f'has(place.provider) && place.provider in ["azure", "{name}"]',
        "has(place.provider) && place.provider in params.mine",
    )
    for when in conditions:
        text = bundle_of(when, more=more) + (
            f"tests: [{{name: n, rule: R-1, case: firing, fires: true, facts: {{place.provider: {name}}}}}]\n"
        )
        bundle = load_bundle(text)
        assert "is read as `google-cloud`" in " ".join(check_bundle(bundle))
        assert bundle.tests[0].facts["place.provider"] == "google-cloud"
        policy = compile_policy_set([bundle])
        facts = {**plain_facts(), "place.provider": "google-cloud"}
        assert decide(policy, facts, on=DEFAULT_DAY).outcome is Outcome.DENY
        node = policy.at(DEFAULT_DAY).rules[0].condition
        (answer,) = ColumnsProgram([node]).run_block(encode([facts, plain_facts()], SCHEMA))
        assert answer.fired.tolist() == [True, False]
        again = load_bundle(dump_bundle(bundle))
        assert again == bundle
        assert again.notes == ()


def test_a_stored_text_with_another_name_is_read_as_it_stands_and_refused_when_looked_at() -> None:
    stored = load_bundle(bundle_of('has(place.provider) && place.provider == "gcp"'), vocabulary=None)
    assert '"gcp"' in stored.rules[0].when
    with pytest.raises(PolicyError, match="google-cloud"):
        check_stored(stored, VOCABULARY)
    with pytest.raises(PolicyError, match="gogle"):
        check_stored(
            load_bundle(bundle_of('has(place.provider) && place.provider == "gogle"'), vocabulary=None), VOCABULARY
        )


def test_a_stored_text_with_a_word_that_is_gone_can_be_mended() -> None:
    text = bundle_of(effect="{require: {roles: [{role: gone_since}]}}")
    stored = replace(load_bundle(text, vocabulary=None), vocabulary=VOCABULARY)
    edited = edit_source(text, replace_rule("R-1", load_bundle(bundle_of(effect="deny")).rules[0]))
    assert [change.kind for change in review_change(stored, edited.bundle, on=DEFAULT_DAY).changes] == ["changed"]


# -- words of one's own


def test_a_bundle_declares_words_of_its_own() -> None:
    own = "words: {role: [works_council], region: [dc-north], obligation: [tell_works_council], unit: [seats]}\n"
    params = "params:\n  p: {type: double, unit: seats, values: [{value: 1.0, from: 2024-01-01, source: s}]}\n"
    effect = "{require: {roles: [{role: works_council}], obligations: [{code: tell_works_council, seats: params.p}]}}"
    text = bundle_of('has(place.region) && place.region == "dc-north"', effect, own + params)
    bundle = load_bundle(text)
    assert load_bundle(dump_bundle(bundle)) == bundle
    assert bundle.content_hash != replace(bundle, words={}).content_hash
    assert "is no role of this installation" in " ".join(
        check_bundle(replace(bundle, vocabulary=replace(VOCABULARY, is_installation=True)))
    )
    assert is_caught(load_bundle, text.replace("dc-north", "dc-nroth", 1)) is not None
    for wrong in ("words: {colour: [red]}\n", "words: {country: [QQ]}\n", "words: {role: []}\n"):
        assert is_caught(load_bundle, bundle_of(more=wrong)) is not None


def test_each_set_of_a_fact_has_a_name_and_ships_or_is_an_installations_own() -> None:
    assert set(FACT_SETS) <= {fact.name for fact in SCHEMA.facts}
    assert set(FACT_SETS.values()) <= set(NOUNS)
    assert set(NOUNS) - set(VOCABULARY.sets) == {*INSTALLATION_SETS, "unit"}


# -- units


@pytest.mark.parametrize(
    "when",
    [
        "has(request.exposure_usd) && has(estimate.energy_p90_kwh) && request.exposure_usd > estimate.energy_p90_kwh",
        (
            "has(estimate.run_flop_p90) && has(estimate.cluster_peak_flop_s)"
            " && estimate.run_flop_p90 + estimate.cluster_peak_flop_s > 1.0"
        ),
        "has(request.gpu_hours_cap) && request.gpu_hours_cap > params.usd",
        "has(request.window_days) && request.window_days > params.hours",
        "has(request.exposure_usd) && request.exposure_usd * 1.1 > params.hours",
        "has(request.window_days) && has(request.exposure_usd) && max(request.window_days, request.exposure_usd) > 1.0",
        "has(request.exposure_usd) && (request.customer_data ? request.exposure_usd : params.hours) > 1.0",
        "has(request.gpu_hours_cap) && request.gpu_hours_cap in params.sums",
        "has(request.gpu_hours_cap) && params.sums.exists(sum, sum < request.gpu_hours_cap)",
        "has(estimate.run_rate_p90_usd_month) && estimate.run_rate_p90_usd_month > params.usd",
        (
            "has(estimate.carbon_p50_kg) && has(place.grid_g_kwh) && has(estimate.energy_p90_kwh)"
            " && estimate.energy_p90_kwh * place.grid_g_kwh > estimate.carbon_p50_kg"
        ),
        "request.accelerator_count > params.days",
        "vendor.provider_share_after > params.usd",
    ],
)
def test_numbers_that_do_not_count_the_same_do_not_meet(when: str) -> None:
    error = is_caught(load_bundle, bundle_of(when, more=UNITS))
    assert error is not None
    assert "do not go together" in error.message
    # A stored text is taken as it stands.
    assert load_bundle(bundle_of(when, more=UNITS), vocabulary=None).rules[0].when == when


@pytest.mark.parametrize(
    "when",
    [
        "has(request.exposure_usd) && request.exposure_usd > 5000",
        "has(request.exposure_usd) && request.exposure_usd > 0.5 * params.usd",
        "has(request.window_days) && request.window_days * 24.0 > params.hours",
        (
            "has(request.window_days) && has(request.gpu_hours_cap)"
            " && double(request.accelerator_count) * request.window_days * 24.0 > request.gpu_hours_cap"
        ),
        "has(request.exposure_usd) && request.exposure_usd / 30.0 > params.plain",
        "has(request.exposure_usd) && budget.used_ratio * request.exposure_usd > params.usd",
        (
            "has(estimate.cost_p50_usd) && has(estimate.gpu_hours_p50) && estimate.gpu_hours_p50 > 0.0"
            " && estimate.cost_p50_usd / estimate.gpu_hours_p50 > params.price"
        ),
        (
            "has(estimate.carbon_p50_kg) && has(place.grid_g_kwh) && has(estimate.energy_p90_kwh)"
            " && estimate.energy_p90_kwh * place.grid_g_kwh / 1000.0 > estimate.carbon_p50_kg"
        ),
        "size(request.use_tags) > params.some && request.accelerator_count > params.some",
        "vendor.provider_share_after > params.half && budget.used_ratio > params.half",
        "request.start_at - clock.decided_at < duration('72h')",
        "request.accelerator_count + 1 > params.some",
    ],
)
def test_ratios_counts_literals_and_conversions_are_fine(when: str) -> None:
    assert load_bundle(bundle_of(when, more=UNITS)).rules[0].when == when


UNITS = """params:
  usd: {type: double, unit: USD, values: [{value: 10.0, from: 2024-01-01, source: s}]}
  hours: {type: double, unit: hours, values: [{value: 10.0, from: 2024-01-01, source: s}]}
  days: {type: int, unit: days, values: [{value: 10, from: 2024-01-01, source: s}]}
  plain: {type: double, values: [{value: 10.0, from: 2024-01-01, source: s}]}
  price: {type: double, unit: USD/device-hour, values: [{value: 10.0, from: 2024-01-01, source: s}]}
  some: {type: int, unit: count, values: [{value: 3, from: 2024-01-01, source: s}]}
  half: {type: double, unit: share, values: [{value: 0.5, from: 2024-01-01, source: s}]}
  sums: {type: double_list, unit: USD, values: [{value: [1.0, 2.0], from: 2024-01-01, source: s}]}
"""


def test_the_value_of_an_obligation_counts_what_its_name_says() -> None:
    for unit, is_fine in (("days", True), ("hours", False), ("USD", False)):
        more = f"params:\n  p: {{type: int, unit: {unit}, values: [{{value: 3, from: 2024-01-01, source: s}}]}}\n"
        effect = "{flag: {code: x, obligations: [{code: recertify, after_days: params.p}]}}"
        assert (is_caught(load_bundle, bundle_of(effect=effect, more=more)) is None) is is_fine


def test_a_weekday_is_refused_with_what_there_is_instead() -> None:
    error = is_caught(load_bundle, bundle_of("clock.decided_at.getDayOfWeek() == 0"))
    assert error is not None
    assert "weekday" in error.message
    assert "compare instants" in error.message
