"""Values as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from importlib import import_module
from typing import Any

import pytest

from governance.domain.prose import within
from governance.policy.bundle.shipped import shipped_policy_set
from governance.policy.bundle.template import parse_template
from governance.policy.decisions.wording import duty_in_words, format_value, role_in_words
from governance.policy.errors import BundleError
from governance.policy.language.scope import Scope


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1216.0, "USD", "1,216_USD"),
        (1216.5, "USD", "1,216.50_USD"),
        (-0.01, "USD", "−0.01_USD"),
        (1.09e25, "FLOP", "1.1e25_FLOP"),
        (5e24, "FLOP", "5e24_FLOP"),
        (0.0, "FLOP", "0_FLOP"),
        (0.454, "share", "45.4_%"),
        (1.04, "percent", "104_%"),
        (14.0, "days", "14_days"),
        (0.0004, "ratio", "0.0004"),
        (8, "devices", "8_devices"),
        (3, "count", "3"),
        (None, "USD", "unknown"),
        (True, "", "yes"),
        ([], "", "none"),
        (["a", "b"], "", "a, b"),
        ("DE", "", "DE"),
        (datetime(2026, 12, 1, 8, tzinfo=UTC), "", "1_Dec 2026, 08:00 UTC"),
    ],
)
def test_a_value_reads_well(value: Any, unit: str, text: str) -> None:
    assert format_value(value, unit).replace("\N{NO-BREAK SPACE}", "_") == text


def test_a_template_takes_any_checked_expression() -> None:
    template = parse_template("{{{max(request.exposure_usd, 10.0)}}} of {place.pue|percent}.", Scope(), {})
    rendered = template.render({"request.exposure_usd": 3.0, "place.pue": None})
    assert rendered.replace("\N{NO-BREAK SPACE}", " ") == "{10 USD} of unknown."


def test_a_template_points_at_its_slip() -> None:
    with pytest.raises(BundleError) as caught:
        parse_template("Above {request.exposur_usd}.", Scope(), {})
    assert caught.value.position.column == 8
    assert caught.value.suggestion == "request.exposure_usd"


def test_rules_call_a_role_by_the_name_that_its_row_has() -> None:
    roles = import_module("governance.migrations.0002_reference_rows").ROLES
    assert [role_in_words(slug) for slug, *_ in roles] == [within(name) for _, name, *_ in roles]
    assert role_in_words("gpu_council") == "gpu council"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("original_approvers", "have the original approvers decide again"),
        ("judge_at_sum", "have related requests assessed together"),
        ("notify_commission", "notify the Commission"),
        ("recertify", "recertify"),
        ("keep_logs_for_a_year", "keep logs for a year"),
    ],
)
def test_a_duty_says_what_to_do(code: str, words: str) -> None:
    assert duty_in_words(code) == words


def test_every_shipped_duty_begins_with_a_verb() -> None:
    rules = shipped_policy_set().at(date(2026, 11, 25)).rules
    first = {duty_in_words(duty.code).split(" ")[0] for rule in rules for duty in rule.effect.obligations}
    assert first <= {
        "act", "evaluate", "have", "judge", "keep", "manage", "meet", "monitor", "name", "note", "notify", "open",
        "publish", "recertify", "release", "report", "start",
    }  # fmt: skip
