"""How large a table may be: said before it is too large, and never a bare refusal by the framework."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from django.test import Client

from config.http.forms import read_form
from governance.admin.rules.policy_pages import FIELDS_MAX
from governance.models import PolicyVersion
from governance.policy.authoring.edits import set_rows
from governance.policy.authoring.tables import COLUMNS_MAX, ROWS_MAX, TESTS_MAX
from governance.policy.bundle.bundle import dump_bundle, load_bundle
from governance.policy.language.types import NUMBERS
from governance.services.rules import policies
from tests.admin.conftest import signed_in
from tests.admin.policies.desk import body, saving, url
from tests.admin.policies.form import as_browsers_send, form_of
from tests.cast import Cast

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
CELLS = (">", "<", "!=")[:TESTS_MAX]


@pytest.fixture
def officer(house_cast: Cast) -> Client:
    """Grace with a browser's token: the form is looked into before any page is asked."""
    return signed_in(house_cast.grace, enforce_csrf_checks=True)


def table_of(version: PolicyVersion, *, rows: int, columns: int, cast: Cast, now: datetime) -> PolicyVersion:
    """A version whose table AL-5 has so many rows, and in each of so many columns the most tests that a cell holds."""
    bundle = load_bundle(version.source)
    facts = [fact for fact in bundle.schema.facts if fact.type in NUMBERS][:columns]
    assert len(facts) == columns

    def condition(row: int) -> str:
        parts = [f"has({fact.name})" for fact in facts if fact.optional]
        for fact in facts:
            value = f"{row}" if fact.type.value == "int" else f"{row}.5"
            parts += [f"{fact.name} {sign} {value}" for sign in CELLS]
        return " && ".join(parts)

    model = next(rule for rule in bundle.rules if rule.parent == "AL-5")
    made = [replace(model, id=f"AL-5.row{at}", when=condition(at)) for at in range(rows)]
    source = dump_bundle(set_rows("AL-5", made)(bundle))
    return policies.add_version(source=source, actor=cast.grace, now=now)


def address(version: PolicyVersion) -> str:
    return f"{url('table', version)}?table=AL-5"


def sent(client: Client, version: PolicyVersion, fields: dict[str, str], **more: Any) -> Any:
    return client.post(address(version), urlencode(as_browsers_send(fields) | more), content_type=FORM)


def test_the_largest_table_is_shown_changed_and_stored_and_one_cell_more_is_refused_in_words(
    officer: Client, house_cast: Cast, version: PolicyVersion, now: datetime
) -> None:
    made = table_of(version, rows=ROWS_MAX, columns=COLUMNS_MAX, cast=house_cast, now=now)
    fields = form_of(officer, address(made))
    assert len(fields) > ROWS_MAX * COLUMNS_MAX * TESTS_MAX * 2 > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    assert len(fields) <= FIELDS_MAX
    assert fields["v-23-11-2"]
    # A fact more, or a row more.
    for action, more, words in (
        ("add-column", {"new_column": "people.aup_current"}, f"with at most {COLUMNS_MAX} columns"),
        ("add-row", {"new_row": "another"}, f"with at most {ROWS_MAX} rows"),
    ):
        response = sent(officer, made, fields | more, action=action)
        assert response.status_code == 400
        assert words in body(response)
        assert "v-23-11-2" in body(response)
    stored = sent(officer, made, fields | {"v-23-11-2": "77"}, **saving(made, seen=2))
    assert stored.status_code == 302
    draft = PolicyVersion.objects.get(policy_set=version.policy_set, number=3)
    assert "!= 77" in next(rule for rule in load_bundle(draft.source).rules if rule.id == "AL-5.row23").when


def test_a_stored_table_that_no_page_can_send_says_so_before_it_is_edited(
    officer: Client, house_cast: Cast, version: PolicyVersion, now: datetime
) -> None:
    made = table_of(version, rows=ROWS_MAX + 4, columns=COLUMNS_MAX, cast=house_cast, now=now)
    page = body(officer.get(address(made)))
    assert "28 rows of 12 facts take 2,156 fields" in page
    assert "change this table as text" in page
    assert 'id="author"' not in page
    assert f'href="{url("text", made)}?rule=*"' in page


def test_a_row_for_which_the_form_has_no_room_is_refused_and_what_was_typed_stays(
    officer: Client, house_cast: Cast, version: PolicyVersion, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = table_of(version, rows=3, columns=2, cast=house_cast, now=now)
    fields = form_of(officer, address(made))
    monkeypatch.setattr("governance.admin.rules.policy_table.CELL_FIELDS_MAX", 3 * (5 + 2 * 3 * 2))
    response = sent(officer, made, fields | {"new_row": "another", "v-2-1-2": "77"}, action="add-row")
    assert response.status_code == 400
    text = body(response)
    assert "4 rows of 2 facts take" in text
    assert 'value="77"' in text
    assert "AL-5.another" not in text


@pytest.mark.parametrize("is_live", [False, True])
def test_more_fields_than_the_page_takes_are_refused_in_words(
    officer: Client, house_cast: Cast, version: PolicyVersion, is_live: bool
) -> None:
    fields = form_of(officer, address(version))
    more = {f"x-{number}": "" for number in range(FIELDS_MAX - len(fields) - 1)}
    headers = {"HX-Request": "true"} if is_live else {}
    for extra, status in (({}, 200), ({"y": "", "z": ""}, 400)):
        response = officer.post(
            address(version), urlencode(fields | more | {"action": "check"} | extra), content_type=FORM, headers=headers
        )
        assert response.status_code == status
    text = body(response)
    assert "more fields than its page takes" in text
    assert "Nothing was saved." in text
    assert ("<html" in text) is not is_live
    assert PolicyVersion.objects.filter(policy_set=version.policy_set).count() == 1


def test_other_pages_keep_the_narrow_bound_and_say_so(officer: Client, version: PolicyVersion) -> None:
    fields = form_of(officer, url("text", version))
    assert officer.post(url("text", version), fields).status_code != 403
    more = {f"x-{number}": "" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS)}
    response = officer.post(url("text", version), urlencode(fields | more), content_type=FORM)
    assert response.status_code == 400
    assert "more fields than its page takes" in body(response)


def test_a_form_that_is_too_long_says_how_long_it_may_be(officer: Client, version: PolicyVersion) -> None:
    fields = form_of(officer, address(version)) | {"rest-0": "x" * 300_000}
    response = officer.post(address(version), urlencode(fields), content_type=FORM)
    assert response.status_code == 400
    assert "larger than 256" in body(response)


def test_a_token_is_wanted_on_the_wide_pages_too(officer: Client, version: PolicyVersion) -> None:
    fields = form_of(officer, address(version)) | {"csrfmiddlewaretoken": "x" * 32}
    assert officer.post(address(version), urlencode(fields), content_type=FORM).status_code == 403


@pytest.mark.parametrize(
    "raw", [b"a=1&a=2&b=&c", b"a=%ED%A0%80&b=%00", b"\xff=1&b=\xe9", b"", b"a=1;b=2", b"a+b=c%20d"]
)
def test_a_form_is_read_as_django_reads_it(raw: bytes) -> None:
    assert dict(read_form(raw, 10).lists()) == dict(QueryDict(raw).lists())


def test_the_bound_is_exact() -> None:
    assert len(read_form(b"&".join(b"a%d=1" % number for number in range(7)), 7)) == 7
    with pytest.raises(TooManyFieldsSent):
        read_form(b"&".join(b"a%d=1" % number for number in range(8)), 7)
