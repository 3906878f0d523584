"""Bundles: what is read, what is refused, and that nothing is lost on the way back to YAML."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.policy_bench.bombs import YAML_BOMBS
from governance.policy.bundle.bundle import check_bundle, dump_bundle, load_bundle
from governance.policy.bundle.shipped import BUNDLE_NAMES, shipped_text
from governance.policy.bundle.testing import failures_of, run_bundle_tests
from governance.policy.bundle.yaml_source import load_yaml
from governance.policy.errors import BundleError, PolicyError
from tests.plugins.servers import ROOT
from tests.unit.policy.work import CALLS_MAX, calls_of

BUNDLE = """\
apiVersion: comptroller.policy/v1
kind: PolicyBundle
schema: 1
metadata: {name: own-limits, title: Own limits, owner: policy_officer}
params:
  limit_usd:
    type: double
    unit: USD
    values:
    - {value: 2500, from: 2026-01-01, source: own limit}
    - {value: 2000, from: 2026-07-01, source: own limit}
variables:
  is_large: estimate.commitment_tail_usd > params.limit_usd
rules:
- id: OL-1
  title: Large
  when: variables.is_large
  effect:
    require:
      roles: [{role: finance, quorum: 2, stage: 3}, {role: legal}]
      due_working_days: 2
      evidence: [exit_plan]
  message: "{estimate.commitment_tail_usd} is above {params.limit_usd}."
- id: OL-2
  title: A table
  rows:
  - {id: a, title: A, when: "!people.aup_current", effect: deny, message: Not yet., legal_source: own clause}
  - id: b
    title: B
    when: request.purpose == "malware"
    effect: {flag: {code: odd, notify: [legal]}}
    message: Odd.
    on_error: deny
fixture: {request.purpose: safety}
tests:
- name: large
  rule: OL-1
  case: firing
  fires: true
  facts: {estimate.commitment_tail_usd: 2500.5}
  requires: {finance: 2, legal: 1}
- name: at the line
  rule: OL-1
  case: at_line
  fires: false
  facts: {estimate.commitment_tail_usd: 2500}
  on: 2026-06-30
"""


def test_a_bundle_is_read() -> None:
    bundle = load_bundle(BUNDLE)
    assert [rule.id for rule in bundle.rules] == ["OL-1", "OL-2.a", "OL-2.b"]
    assert bundle.rules[1].parent == "OL-2"
    assert bundle.rules[1].row == "a"
    assert bundle.params[0].values[0].value == 2500.0
    assert isinstance(bundle.params[0].values[0].value, float)
    assert bundle.rules[0].effect.roles[1].quorum == 1


def test_writing_and_reading_loses_nothing() -> None:
    bundle = load_bundle(BUNDLE)
    assert load_bundle(dump_bundle(bundle)) == bundle


@pytest.mark.parametrize("name", BUNDLE_NAMES)
def test_writing_and_reading_a_shipped_bundle_loses_nothing(name: str) -> None:
    bundle = load_bundle(shipped_text(name))
    again = load_bundle(dump_bundle(bundle))
    assert again == bundle
    assert again.content_hash == bundle.content_hash


def test_the_hash_ignores_formatting_and_nothing_else() -> None:
    plain = load_bundle(BUNDLE)
    spaced = load_bundle(
        BUNDLE.replace(
            "estimate.commitment_tail_usd > params.limit_usd",
            "|\n    // why\n    (estimate.commitment_tail_usd   >params.limit_usd)",
        )
        .replace("title: Large", 'title: "Large"   # a comment')
    )  # fmt: skip
    assert spaced.content_hash == plain.content_hash
    for old, new in (
        ("value: 2000", "value: 2001"),
        ("from: 2026-07-01", "from: 2026-07-02"),
        ("tail_usd > params", "tail_usd >= params"),
        ("quorum: 2", "quorum: 3"),
        ("is above", "is over"),
        ("fires: false", "fires: true"),
        ("on_error: deny", "on_error: fire"),
        ("{request.purpose: safety}", "{request.purpose: research}"),
    ):
        assert load_bundle(BUNDLE.replace(old, new)).content_hash != plain.content_hash, old


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("comptroller.policy/v1", "policy/v2", "is not one of"),
        ("kind: PolicyBundle", "kind: PolicySet", "is not one of"),
        ("schema: 1", "schema: 2", "must be 1"),
        ("schema: 1\n", "", "must be 1"),
        ("owner: policy_officer", "owners: policy_officer", "is missing"),
        ("title: Own limits, ", "title: Own limits, colour: red, ", "is not a field here"),
        ("rules:", "rulez:", "is not a field here"),
        ("name: own-limits", "name: Own Limits", "does not look right"),
        ("type: double", "type: money", "is not one of"),
        ("value: 2500,", "value: [1],", "must be of type double"),
        ("value: 2500,", "value: .inf,", "must be of type double"),
        ("value: 2500,", "value: 1e999,", "must be a number of at most"),
        ("value: 2500,", "value: true,", "must be of type double"),
        ("from: 2026-07-01", "from: 2025-07-01", "in the order of their days"),
        ("from: 2026-07-01", "from: 2026-01-01", "in the order of their days"),
        ("from: 2026-07-01", "from: soon", "must be a day"),
        ("from: 2026-07-01", "from: 2026-02-31", "must be a day"),
        ("limit_usd:\n", "Limit:\n", "is not a name"),
        ("is_large:", "loop:", "is not a name"),
        ("id: OL-2", "id: OL-1", "twice"),
        ("- id: b", "- id: a", "twice"),
        ("id: OL-1", "id: O L", "does not look right"),
        ("when: variables.is_large", "when: variables.is_lagre", "unknown named expression"),
        ("estimate.commitment_tail_usd > params", "request.gpu_count > params", "unknown field"),
        ("> params.limit_usd", "> params.limt_usd", "unknown parameter"),
        ("effect: deny", "effect: forbid", "is not one of"),
        ("effect: deny", "effect: require", "which roles"),
        ("effect: deny", "effect: {deny: {role: x}}", "is not a field here"),
        ("effect: deny", "effect: {deny: {}, allow: {}}", "exactly one of"),
        ("role: legal}", "role: finance}", "each once"),
        ("quorum: 2", "quorum: 0", "from 1 to"),
        ("quorum: 2", "quorum: 1.5", "from 1 to"),
        ("stage: 3", "stage: 99", "from 1 to"),
        ("due_working_days: 2", "due_working_days: true", "from 1 to"),
        ("on_error: deny", "on_error: review", "only make `flag` stricter"),
        ("is above {params.limit_usd}", "is above {params.limt_usd}", "unknown parameter"),
        ("is above {params.limit_usd}", "is above {params.limit_usd", "never closed"),
        ("is above {params.limit_usd}", "is above }", "without its beginning"),
        ("{estimate.commitment_tail_usd} is", "{().__class__} is", "expected a value"),
        ("rule: OL-1\n", "rule: OL-9\n", "unknown rule"),
        ("case: firing", "case: fire", "is not one of"),
        ("fires: true", "fires: 1", "true or false"),
        ("{estimate.commitment_tail_usd: 2500.5}", "{estimate.commitment_tail_us: 2500.5}", "unknown fact"),
        ("{estimate.commitment_tail_usd: 2500.5}", "{estimate.commitment_tail_usd: -1.0}", "must be at least"),
        ("{finance: 2, legal: 1}", "{finance: two}", "roles to quorums"),
        ("name: large\n", "name: large\n  name: larger\n", "twice"),
        ("title: Large\n", "title: Large\n  title: Small\n", "twice"),
        ("title: Large\n", "title: !!python/name:os.system\n", "tags are not allowed"),
        ("title: Large\n", "title: &a Large\n", "anchors and aliases"),
        ("title: Large\n", "title: *a\n", "anchors and aliases"),
        ("title: Large\n", "title: [unclosed\n", "not YAML"),
        ("title: Large\n", "title: 3\n", "must be a text"),
        ("message: Odd.", "message: ~", "is missing"),
    ],
)
def test_a_bad_bundle_is_refused_whole_with_a_place(old: str, new: str, words: str) -> None:
    assert old in BUNDLE
    with pytest.raises(PolicyError) as caught:
        load_bundle(BUNDLE.replace(old, new, 1), "own.yaml")
    assert words in caught.value.message, str(caught.value)
    assert caught.value.position.line >= 1
    assert caught.value.source_name


def test_a_refusal_names_the_line_of_the_file() -> None:
    with pytest.raises(BundleError) as caught:
        load_bundle(BUNDLE.replace("effect: deny", "effect: forbid"), "own.yaml")
    line = caught.value.position.line
    assert "forbid" in BUNDLE.replace("effect: deny", "effect: forbid").splitlines()[line - 1]
    assert str(caught.value).startswith(f"own.yaml:{line}:")


@pytest.mark.parametrize("name", YAML_BOMBS)
def test_a_yaml_bomb_is_refused_after_little_work_with_a_position(name: str) -> None:
    def refuse() -> None:
        with pytest.raises(PolicyError) as caught:
            load_bundle(YAML_BOMBS[name])
        assert caught.value.position.line >= 1

    assert calls_of(refuse) < CALLS_MAX


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("1e25", 1e25),
        ("1.0e+25", 1e25),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("'1'", "1"),
        ("~", None),
        ("-3", -3),
        (".5", 0.5),
        ("2026-02-31", "2026-02-31"),
    ],
)
def test_scalars_mean_what_they_look_like(text: str, value: Any) -> None:
    read = load_yaml(f"a: {text}").plain()["a"]
    assert read == value
    assert type(read) is type(value)


def test_the_example_of_the_documentation_holds() -> None:
    page = (ROOT / "docs" / "policy_language.md").read_text(encoding="utf-8")
    bundle = load_bundle(page.split("```yaml\n")[1].split("```")[0])
    assert check_bundle(bundle) == ()
    assert failures_of(run_bundle_tests(bundle)) == []


def test_warnings_name_what_is_probably_not_meant() -> None:
    idle = "params:\n  idle: {type: int, values: [{value: 1, from: 2026-01-01, source: own}]}\n"
    unguarded = BUNDLE.replace("params:\n", idle, 1).replace('"!people.aup_current"', "place.pue > 1.5")
    bundle = load_bundle(unguarded)
    warnings = check_bundle(bundle)
    assert any("`idle` is not used" in warning for warning in warnings)
    assert any("OL-2.a: `place.pue` may be absent" in warning for warning in warnings)
