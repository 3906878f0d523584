"""Holidays: kept by who manages the organisation, and heeded by deadlines, reminders and digests."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client

from governance.domain.errors import InvalidInput, NotAllowed
from governance.domain.states.messages import AlertKind
from governance.models import (
    Alert,
    ApprovalStage,
    AuditEvent,
    Holiday,
    Person,
    Role,
    RoleAssignment,
    User,
)
from governance.services.messages import digests, sweeps
from governance.services.people import holidays
from tests.cast import Cast, submitted

pytestmark = pytest.mark.django_db
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
FRIDAY = datetime(2026, 12, 4, 15, tzinfo=UTC)
LATER = {"start_on": "2026-12-14", "end_on": "2026-12-27"}


@pytest.fixture(autouse=True)
def administrator(request: pytest.FixtureRequest) -> None:
    """Heidi manages the organisation."""
    cast = request.getfixturevalue("cast_today" if "cast_today" in request.fixturenames else "cast")
    RoleAssignment.objects.create(
        user=cast.users["heidi"], role=Role.objects.get(slug="administrator"), team=cast.root, valid_from=FIRST
    )
    User.objects.filter(pk=cast.users["heidi"].pk).update(is_staff=True)


def add(cast: Cast, day: date, name: str = "Company day") -> Holiday:
    return holidays.add_holiday(actor=cast.users["heidi"], day=day, name=name, now=FRIDAY)


def reminders() -> dict[str, datetime]:
    rows = Alert.objects.filter(kind=AlertKind.STAGE_REMINDED).select_related("recipient")
    return {row.recipient.email: row.next_attempt_at for row in rows}


def test_only_who_manages_the_organisation_keeps_holidays(cast: Cast) -> None:
    for act in (
        lambda: holidays.add_holiday(actor=cast.alice, day=date(2026, 12, 24), name="Eve", now=FRIDAY),
        lambda: holidays.add_public_holidays(actor=cast.alice, country="IE", year=2027, now=FRIDAY),
        lambda: holidays.remove_holiday(actor=cast.alice, holiday_id=1, now=FRIDAY),
    ):
        with pytest.raises(NotAllowed):
            act()
    row = add(cast, date(2026, 12, 24))
    holidays.remove_holiday(actor=cast.users["heidi"], holiday_id=row.pk, now=FRIDAY)
    holidays.remove_holiday(actor=cast.users["heidi"], holiday_id=row.pk, now=FRIDAY)
    assert not Holiday.objects.exists()
    actions = list(
        AuditEvent.objects.filter(action__startswith="holiday").order_by("seq").values_list("action", flat=True)
    )
    assert actions == ["holiday.added", "holiday.removed"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"day": date(2026, 12, 24)}, "day", "is Company day already"),
        ({"day": date(1, 1, 1)}, "day", "is not a day from"),
        ({"name": "  "}, "name", "must not be empty"),
        ({"name": "x" * 121}, "name", "121"),
    ],
)
def test_what_is_no_holiday_is_refused(cast: Cast, changes: dict[str, Any], field: str, words: str) -> None:
    add(cast, date(2026, 12, 24))
    given = {"day": date(2026, 12, 31), "name": "Eve"} | changes
    with pytest.raises(InvalidInput) as refused:
        holidays.add_holiday(actor=cast.users["heidi"], now=FRIDAY, **given)
    assert words in refused.value.errors[field][0]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"country": "ZZ", "year": 2027}, "country"),
        ({"country": "ie", "year": 2027}, "country"),
        ({"country": "DE", "region": "XX", "year": 2027}, "region"),
        ({"country": "IE", "year": 2025}, "year"),
        ({"country": "IE", "year": 9999}, "year"),
    ],
)
def test_a_calendar_that_is_not_known_is_refused(cast: Cast, given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        holidays.add_public_holidays(actor=cast.users["heidi"], now=FRIDAY, **given)
    assert list(refused.value.errors) == [field]
    assert not Holiday.objects.exists()


def test_the_public_holidays_of_a_year_are_added_once_beside_what_is_there(cast: Cast) -> None:
    add(cast, date(2027, 12, 25), "Winter party")
    added = holidays.add_public_holidays(actor=cast.users["heidi"], country="IE", year=2027, now=FRIDAY)
    assert (date(2027, 3, 17), "Saint Patrick's Day") in [(row.day, row.name) for row in added]
    assert Holiday.objects.get(day=date(2027, 12, 25)).name == "Winter party"
    assert not holidays.add_public_holidays(actor=cast.users["heidi"], country="IE", year=2027, now=FRIDAY)
    bavaria = holidays.add_public_holidays(actor=cast.users["heidi"], country="DE", region="BY", year=2027, now=FRIDAY)
    assert date(2027, 1, 6) in [row.day for row in bavaria]


def test_a_stage_skips_a_holiday_and_is_reminded_of_on_a_working_day(cast: Cast, settings: Any) -> None:
    settings.ORGANISATION_TIME_ZONE = "UTC"
    add(cast, date(2026, 12, 7))
    Person.objects.filter(pk=cast.bob.person_id).update(time_zone="UTC")
    stage = ApprovalStage.objects.get(provisioning_request=submitted(cast, now=FRIDAY, **LATER))
    assert (stage.due_at, stage.due_working_days) == (datetime(2026, 12, 9, 17, tzinfo=UTC), 2)
    # 2 hours of Friday, 8 of Tuesday, 8 of Wednesday: half is gone on Tuesday at 16:00.
    assert stage.remind_at == datetime(2026, 12, 8, 16, tzinfo=UTC)
    assert sweeps.remind_stages(now=datetime(2026, 12, 6, 12, tzinfo=UTC)) == 0
    assert sweeps.remind_stages(now=datetime(2026, 12, 8, 16, tzinfo=UTC)) == 1
    assert reminders()["bob@example.com"] == datetime(2026, 12, 8, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("America/Toronto", datetime(2026, 12, 7, 16, tzinfo=UTC)),
        ("Asia/Tokyo", datetime(2026, 12, 8, 0, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 12, 7, 17, tzinfo=UTC)),
    ],
)
def test_a_reminder_reaches_each_reader_while_they_work(
    cast: Cast, settings: Any, zone: str, expected: datetime
) -> None:
    settings.ORGANISATION_TIME_ZONE = "UTC"
    Person.objects.filter(pk=cast.bob.person_id).update(time_zone=zone)
    submitted(cast, now=FRIDAY, **LATER)
    assert sweeps.remind_stages(now=datetime(2026, 12, 7, 16, tzinfo=UTC)) == 1
    assert reminders()["bob@example.com"] == expected


def test_no_digest_leaves_on_a_day_off(cast: Cast) -> None:
    add(cast, date(2026, 12, 7))
    submitted(cast, now=FRIDAY, **LATER)
    for day in (5, 6, 7):
        assert digests.send_digests(now=datetime(2026, 12, day, 9, tzinfo=UTC)) == 0, day
    assert digests.send_digests(now=datetime(2026, 12, 8, 9, tzinfo=UTC)) > 0


def test_an_administrator_keeps_them_on_the_desk(cast_today: Cast, client: Client) -> None:
    client.force_login(cast_today.users["heidi"])
    desk = "/admin/governance/holiday/"
    year = datetime.now(UTC).year + 1
    page = client.post(f"{desk}add-public/", {"country": "IE", "year": str(year)}, follow=True).content.decode()
    assert "Public holidays added." in page
    assert "Saint Patrick" in page
    again = client.post(f"{desk}add-public/", {"country": "IE", "year": str(year)}, follow=True).content.decode()
    assert "Nothing added: all of them are listed already." in again
    wrong = client.post(f"{desk}add-public/", {"country": "ZZ", "year": "99999999999999999999"})
    assert wrong.status_code == 400
    row = Holiday.objects.first()
    assert row is not None
    gone = client.post(f"{desk}{row.pk}/remove/", {}, follow=True)
    assert gone.status_code == 200
    assert "Holiday removed." in gone.content.decode()
    assert not Holiday.objects.filter(pk=row.pk).exists()
    client.force_login(cast_today.users["bob"])
    assert client.post(f"{desk}add-holiday/", {"day": "2027-01-01", "name": "x"}).status_code == 404
