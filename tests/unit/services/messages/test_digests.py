"""The morning mail: at eight local time, once a day, in order of money × due, and not when nothing waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from governance.channels import email as emails
from governance.channels.email.letters import Moot
from governance.models import Alert, ApprovalStage, Person, User
from governance.selectors.messages.digests import digest_for, due_zones
from governance.services.messages import digests
from governance.services.record import jobs
from tests.cast import NOW, Cast, submitted
from tests.concurrency.crowd import at_once
from tests.unit.services.messages.test_sweeps import AlwaysAlone

# Dublin is an hour ahead of UTC in summer.
EIGHT_IN_DUBLIN = datetime(2026, 6, 2, 7, 0, tzinfo=UTC)


def told() -> list[str]:
    return sorted(Alert.objects.filter(kind="digest").values_list("recipient__name", flat=True))


def test_it_comes_at_eight_local_time_and_once_a_day(cast: Cast) -> None:
    submitted(cast)
    assert digests.send_digests(now=EIGHT_IN_DUBLIN - timedelta(seconds=1)) == 0
    assert digests.send_digests(now=EIGHT_IN_DUBLIN) == 2
    assert digests.send_digests(now=EIGHT_IN_DUBLIN + timedelta(minutes=15)) == 0
    assert told() == ["Bob", "Frank"]
    assert digests.send_digests(now=EIGHT_IN_DUBLIN + timedelta(days=1)) == 2


def test_every_zone_has_its_own_morning(cast: Cast) -> None:
    Person.objects.filter(name="Frank").update(time_zone="America/Toronto")
    submitted(cast)
    digests.send_digests(now=EIGHT_IN_DUBLIN)
    assert told() == ["Bob"]
    digests.send_digests(now=EIGHT_IN_DUBLIN + timedelta(hours=5))
    assert told() == ["Bob", "Frank"]


def test_after_an_outage_it_is_made_up_for_until_the_evening(cast: Cast) -> None:
    submitted(cast)
    assert digests.send_digests(now=EIGHT_IN_DUBLIN + timedelta(hours=10)) == 0
    assert digests.send_digests(now=EIGHT_IN_DUBLIN + timedelta(hours=9, minutes=59)) == 2


@pytest.mark.parametrize("change", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_on_the_working_days_around_a_change_of_clocks_there_is_one_morning_each(
    cast: Cast, change: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[datetime] = []
    monkeypatch.setattr(digests, "_promise", lambda person, day, *, now: bool(sent.append(now)))
    Person.objects.exclude(name="Bob").update(wants_digest=False)
    for quarter in range(-3 * 96, 2 * 96):
        digests.send_digests(now=change + timedelta(minutes=15 * quarter))
    local = [instant.astimezone(ZoneInfo("Europe/Dublin")) for instant in sent]
    assert [(day.date() - change.date()).days for day in local] == [-3, -2, 1]
    assert {(day.hour, day.minute) for day in local} == {(8, 0)}


def test_a_run_that_is_out_of_time_goes_on_where_it_stopped(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody is looked at once a day, however many ticks that takes."""
    seen: list[str] = []
    monkeypatch.setattr(digests, "_promise", lambda person, day, *, now: bool(seen.append(person.name)))
    for tick in range(5):
        left = iter([True, True, False])
        monkeypatch.setattr(jobs.Run, "has_time", property(lambda run, left=left: next(left)))
        digests.send_digests(now=EIGHT_IN_DUBLIN + timedelta(minutes=15 * tick))
    assert sorted(seen) == ["Alice", "Bob", "Carol", "Dave", "Erin", "Frank", "Grace", "Heidi"]


def test_nobody_gets_an_empty_one_and_whoever_stopped_it_gets_none(cast: Cast) -> None:
    Person.objects.filter(name="Frank").update(wants_digest=False)
    submitted(cast)
    digests.send_digests(now=EIGHT_IN_DUBLIN)
    assert told() == ["Bob"]


def test_a_person_stops_it_on_their_own_page(cast: Cast) -> None:
    submitted(cast)
    digests.choose(actor=cast.bob, wants_digest=False, now=NOW)
    digests.send_digests(now=EIGHT_IN_DUBLIN)
    assert told() == ["Frank"]


def test_people_without_a_usable_account_get_none(cast: Cast) -> None:
    submitted(cast)
    User.objects.filter(pk=cast.bob.pk).update(is_active=False)
    digests.send_digests(now=EIGHT_IN_DUBLIN)
    assert told() == ["Frank"]


def test_a_run_that_was_killed_is_made_up_for_without_doubles(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted(cast)
    real = digests._promise

    def promise(person: Person, *rest: object, **named: object) -> bool:
        if person.name == "Frank":
            raise KeyboardInterrupt
        return real(person, *rest, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(digests, "_promise", promise)
        with pytest.raises(KeyboardInterrupt):
            digests.send_digests(now=EIGHT_IN_DUBLIN)
    assert told() == ["Bob"]
    digests.send_digests(now=EIGHT_IN_DUBLIN + timedelta(minutes=15))
    assert told() == ["Bob", "Frank"]


@pytest.mark.django_db(transaction=True)
def test_runs_at_once_promise_each_digest_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted(cast)
    monkeypatch.setattr(jobs, "alone", AlwaysAlone)
    at_once([partial(digests.send_digests, now=EIGHT_IN_DUBLIN) for _ in range(4)])
    assert told() == ["Bob", "Frank"]


def test_much_money_and_little_time_come_first(cast: Cast) -> None:
    small, large, late = (submitted(cast, title=title) for title in ("Small", "Large", "Late"))
    for request, micro, due in ((small, 10, 48), (large, 10_000_000, 48), (late, 1_000_000, -1)):
        request.exposure_micro = micro
        request.save(update_fields=["exposure_micro"])
        ApprovalStage.objects.filter(provisioning_request=request).update(due_at=NOW + timedelta(hours=due))
    found = digest_for(cast.bob.person, now=NOW)
    assert [entry.title for entry in found.of("decide")] == ["Late", "Large", "Small"]


def test_what_was_decided_before_it_leaves_is_not_in_it(cast: Cast) -> None:
    submitted(cast)
    digests.send_digests(now=EIGHT_IN_DUBLIN)
    alert = Alert.objects.select_related("recipient").get(kind="digest", recipient__name="Bob")
    ApprovalStage.objects.update(state="cancelled")
    with pytest.raises(Moot, match="nothing needs the reader"):
        emails.compose(alert, now=EIGHT_IN_DUBLIN)


def test_a_zone_that_this_machine_does_not_know_reads_as_utc() -> None:
    assert set(due_zones(["Atlantis/Capital", "Pacific/Apia"], now=datetime(2026, 6, 2, 8, tzinfo=UTC))) == {
        "Atlantis/Capital"
    }
