"""Decision tables are edited cell by cell; what nobody touches stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from django.test import Client

from governance.admin.rules.policy_pages import FIELDS_MAX
from governance.models import PolicyVersion
from governance.policy.authoring.edits import set_rows
from governance.policy.authoring.tables import COLUMNS_MAX, table_names
from governance.policy.bundle.bundle import Param, dump_bundle, load_bundle
from governance.policy.bundle.bundle_model import DatedValue
from governance.services.rules import policies
from tests.admin.policies.desk import body, live, saving, url
from tests.admin.policies.form import as_browsers_send, form_of
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def test_a_table_that_nobody_touches_changes_nothing(grace: Client, house_cast: Cast) -> None:
    for version in PolicyVersion.objects.all():
        for name in table_names(load_bundle(version.source)):
            address = f"{url('table', version)}?table={name}"
            fields = form_of(grace, address)
            assert len(fields) <= FIELDS_MAX
            assert "Nothing differs" in live(grace, address, **as_browsers_send(fields)), name


# Each can be written in a bundle, and no cell of the page can hold it as it is written.


ROWS_BY_HAND = (
    "request.accelerator_count in [1, 2]",
    "!(request.accelerator_count in [1, 2])",
    "request.accelerator_count > 0 && request.accelerator_count in [1, 2]",
    "request.purpose < 'm'",
    "'m' >= request.purpose && request.purpose != 'b'",
    "people.aup_current == true",
    "people.aup_current == params.switch",
    "has(budget.forecast_ratio) && budget.forecast_ratio in [0.5]",
    "has(budget.forecast_ratio) && budget.forecast_ratio in [0.5] && budget.forecast_ratio > 0.25",
    "has(request.kind) && request.kind == 'new'",
    'request.purpose == "two\\nlines"',
    "request.purpose == '  m  '",
    "request.purpose in ['a, b', 'c']",
    "has(budget.forecast_ratio)",
    "!has(budget.forecast_ratio) || budget.forecast_ratio > 0.5",
    "!(request.accelerator_count > 4)",
    " && ".join(f"request.accelerator_count != {at}" for at in range(4)),
    "request.accelerator_count >\n  params.large_accelerator_count",
)


def by_hand(version: PolicyVersion, conditions: tuple[str, ...], cast: Cast, now: datetime) -> PolicyVersion:
    """A version whose table AL-5 has a row for each condition."""
    bundle = load_bundle(version.source)
    model = next(rule for rule in bundle.rules if rule.parent == "AL-5")
    switch = Param("switch", "bool", (DatedValue(True, date(2024, 1, 1), "By hand."),), help="A switch.")
    rows = [replace(model, id=f"AL-5.row{at}", when=when) for at, when in enumerate(conditions)]
    words = {"purpose": ("a, b", "b", "c", "  m  ", "two\nlines")}
    changed = set_rows("AL-5", rows)(replace(bundle, params=(*bundle.params, switch), words=words))
    return policies.add_version(source=dump_bundle(changed), actor=cast.grace, now=now)


def test_rows_that_no_cell_can_hold_change_nothing_either(
    grace: Client, version: PolicyVersion, house_cast: Cast, now: datetime
) -> None:
    made = by_hand(version, ROWS_BY_HAND, house_cast, now)
    address = f"{url('table', made)}?table=AL-5"
    fields = form_of(grace, address)
    assert "Nothing differs" in live(grace, address, **fields)
    response = grace.post(address, as_browsers_send(fields) | saving(made))
    assert "Nothing was changed." in body(response)
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 2


def test_a_row_written_again_keeps_what_stands_beside_its_cells(
    grace: Client, version: PolicyVersion, house_cast: Cast, now: datetime
) -> None:
    made = by_hand(version, ("request.accelerator_count in [1, 2] && request.purpose != 'b'",), house_cast, now)
    address = f"{url('table', made)}?table=AL-5"
    fields = form_of(grace, address)
    assert fields["rest-0"] == "request.accelerator_count in [1, 2]"
    assert grace.post(address, fields | {"v-0-0-0": "c"} | saving(made, seen=2)).status_code == 302
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=3)
    (row,) = (rule for rule in load_bundle(draft.source).rules if rule.parent == "AL-5")
    assert row.when == 'request.purpose != "c" && request.accelerator_count in [1, 2]'


def test_a_long_table_keeps_all_its_rows(
    grace: Client, version: PolicyVersion, house_cast: Cast, now: datetime
) -> None:
    made = by_hand(version, tuple(f"request.accelerator_count > {at}" for at in range(30)), house_cast, now)
    address = f"{url('table', made)}?table=AL-5"
    assert "Nothing differs" in live(grace, address, **form_of(grace, address))


def test_a_wide_table_reads_the_rows_with_too_many_facts_as_text(
    grace: Client, version: PolicyVersion, house_cast: Cast, now: datetime
) -> None:
    facts = load_bundle(version.source).schema.facts
    tests = [f"has({fact.name})" for fact in facts if fact.optional][:13]
    assert len(tests) > COLUMNS_MAX
    wide = (tests[0], "\n && ".join(tests))
    made = by_hand(version, wide, house_cast, now)
    address = f"{url('table', made)}?table=AL-5"
    assert "Nothing differs" in live(grace, address, **as_browsers_send(form_of(grace, address)))


def test_a_cell_is_edited_and_only_its_row_is_written_again(grace: Client, version: PolicyVersion) -> None:
    address = f"{url('table', version)}?table=AL-5"
    fields = form_of(grace, address)
    assert (fields["o-0-0-0"], fields["v-0-0-0"]) == (">", "params.finance_max_usd")
    fields |= {"o-0-0-0": ">=", "v-0-0-0": "750,000"}
    text = live(grace, address, **fields)
    assert "<ins>at least" in text
    assert "Gaps and overlaps" in text
    assert grace.post(address, fields | saving(version)).status_code == 302
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    gone = set(version.source.split("\n")) - set(draft.source.split("\n"))
    assert gone == {"    when: variables.judged_usd > params.finance_max_usd"}
    assert "variables.judged_usd >= 750000" in draft.source


def test_rows_move_go_and_come(grace: Client, version: PolicyVersion) -> None:
    address = f"{url('table', version)}?table=AL-8"
    fields = form_of(grace, address)
    moved = grace.post(address, fields | {"action": "down:overdrawn"})
    assert body(moved).index("AL-8.forecast") < body(moved).index("AL-8.overdrawn")
    added = body(grace.post(address, fields | {"action": "add-row", "new_row": "third"}))
    assert "AL-8.third" in added
    wider = body(grace.post(address, fields | {"action": "add-column", "new_column": "request.kind"}))
    assert "request: kind" in wider
    assert (
        "did you mean"
        in body(grace.post(address, fields | {"action": "add-column", "new_column": "request.kin"})).lower()
    )
    gone = grace.post(address, fields | {"rows": "0"} | saving(version))
    assert gone.status_code == 302
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=2)
    assert "AL-8.forecast" not in {rule.id for rule in load_bundle(draft.source).rules}


def test_an_overlap_is_shown_with_an_ask(grace: Client, version: PolicyVersion) -> None:
    text = live(grace, f"{url('table', version)}?table=AL-5", **form_of(grace, f"{url('table', version)}?table=AL-5"))
    assert "Rows exec and board of AL-5 meet." in text
    assert "For example: " in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("v-0-0-0", "lots"), ("v-0-0-0", "2,5"), ("v-0-0-0", "params.nope"), ("v-0-0-0", ""), ("o-0-0-0", "contains"),
        ("effect-0", "!!python/x"),
        ("effect-0", "[" * 2_000), ("rest-0", "(" * 500), ("rest-0", "request.nope == 1"), ("title-0", ""),
        ("message-0", "{"),
        ("columns", "request.nope"), ("rows", ""), ("v-0-0-0", "1" * 100_000), ("rest-0", "\0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_a_cell_is_said(grace: Client, version: PolicyVersion, name: str, value: str) -> None:
    address = f"{url('table', version)}?table=AL-5"
    response = grace.post(address, form_of(grace, address) | saving(version) | {name: value})
    assert response.status_code == 400
    assert "to fix" in body(response)
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 1
