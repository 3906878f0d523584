"""The demonstration comes once, into an empty house, or not at all."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from config.serve.launch import _demonstration_accounts
from config.serve.prepare import _write_accounts
from governance.demonstration import load, remove
from governance.demonstration.load import Loaded
from governance.demonstration.organisation.world import Story, World
from governance.demonstration.stories import STORIES
from governance.models import AuditEvent, JobRun, Person, ProvisioningRequest, User
from governance.selectors.people.accounts import OfferedAccounts, offered_accounts
from governance.services.record import audit
from tests.demonstration.conftest import START
from tests.house import fingerprint


@pytest.fixture
def embedded(settings: Settings) -> None:
    """As in a process of `make run`."""
    settings.IS_EMBEDDED = True


def said(name: str, **options: object) -> str:
    out = StringIO()
    call_command(name, stdout=out, stderr=out, **options)
    return out.getvalue()


def test_loading_again_changes_nothing(own_northlight: Loaded, embedded: None):
    before = fingerprint()
    assert load.load(start=timezone.now()) is None
    assert "here already, since" in said("load_demonstration")
    assert fingerprint() == before


def test_an_interrupted_load_leaves_nothing(empty_house: None, monkeypatch: pytest.MonkeyPatch):
    before = fingerprint()

    def break_off(world: World) -> Story:
        yield world.cast.calendar.at(-300)
        raise KeyboardInterrupt

    monkeypatch.setattr(load, "STORIES", (*STORIES[:3], break_off))
    with pytest.raises(KeyboardInterrupt):
        load.load(start=START, past_count=5)
    assert fingerprint() == before


def test_a_house_with_people_stays_without_invented_ones(empty_house: None, embedded: None):
    root = Person.objects.get().team
    Person.objects.create(name="Somebody", email="somebody@example.com", team=root, country="IE")
    before = fingerprint()
    with pytest.raises(CommandError, match="people of its own"):
        said("load_demonstration")
    assert said("load_demonstration", first_start=True) == ""
    assert fingerprint() == before


@pytest.mark.parametrize("command", ["load_demonstration", "remove_demonstration"])
def test_a_named_database_is_never_touched(empty_house: None, settings: Settings, command: str):
    settings.IS_EMBEDDED = False
    with pytest.raises(CommandError, match="make run"):
        said(command)
    assert JobRun.objects.count() == 0


def offered() -> OfferedAccounts:
    found = offered_accounts()
    assert found is not None
    return found


def test_the_sign_in_page_begins_with_the_few_that_a_newcomer_needs(northlight: Loaded, embedded: None):
    html = Client().get(reverse("web:login")).content.decode()
    before, _, folded = html.partition("<details")
    first, others = (re.findall(r"Sign in as ([^\"]+)\"", part) for part in (before, folded))
    assert first == ["Alice Byrne", "Sofia Novak", "Priya Nair", "Dmitri Roy", "Ruth Adler", "Ewa Kowalska"]
    assert others == sorted(others)
    assert len(others) > 30
    assert not set(first) & set(others)


def test_one_click_looks_around_as_somebody_and_the_log_says_so(northlight: Loaded, embedded: None):
    client = Client()
    html = client.get(reverse("web:login")).content.decode()
    assert "comptroller-demo" in html  # printed, and in no form
    assert 'value="comptroller-demo"' not in html
    sofia = next(user for user in offered().first if user.email.startswith("sofia@"))
    answer = client.post(reverse("account_act_as", args=[sofia.pk]), {"next": "/budgets/"})
    assert answer["Location"] == "/budgets/"
    assert client.get("/budgets/").status_code == 200
    event = AuditEvent.objects.latest("seq")
    assert (event.action, event.data["user"], event.actor.email) == (
        "account.acted_as", sofia.pk, "system@comptroller.invalid",
    )  # fmt: skip
    system = User.objects.get(email="system@comptroller.invalid")
    assert Client().post(reverse("account_act_as", args=[system.pk])).status_code == 404
    elsewhere = client.post(reverse("account_act_as", args=[sofia.pk]), {"next": "https://evil.example/"})
    assert elsewhere["Location"] == "/"
    signed_in = Client().post(reverse("web:login"), {"username": sofia.email, "password": "comptroller-demo"})
    assert signed_in["Location"] == "/"


def test_the_first_accounts_ask_decide_keep_policies_pay_audit_and_administer(northlight: Loaded):
    first = offered().first
    roles = [set(user.role_assignments.values_list("role__slug", flat=True)) for user in first]
    wanted = ["requester", "team_lead", "policy_officer", "finance", "auditor", "administrator"]
    assert all(role in held for role, held in zip(wanted, roles, strict=True))


def test_the_launcher_names_the_first_accounts_and_counts_the_others(northlight: Loaded, tmp_path: Path):
    assert _demonstration_accounts(tmp_path) == []
    _write_accounts(tmp_path)
    lines = _demonstration_accounts(tmp_path)
    assert lines[0] == "alice@northlight.example  (Alice Byrne, Research engineer)"
    assert len(lines) == 7
    others = len(offered().others)
    assert lines[-1] == f"password of each: comptroller-demo; {others} more are listed on the sign-in page"


def test_removing_asks_first(own_northlight: Loaded, embedded: None, monkeypatch: pytest.MonkeyPatch):
    before = fingerprint()
    with pytest.raises(CommandError, match="nothing was removed"):
        said("remove_demonstration")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: "yes")
    with pytest.raises(CommandError, match="nothing was removed"):
        said("remove_demonstration")
    assert fingerprint() == before


def test_removing_leaves_a_new_house(
    own_northlight: Loaded, embedded: None, settings: Settings, tmp_path_factory: pytest.TempPathFactory
):
    settings.DATA_DIR = tmp_path_factory.mktemp("data")
    settings.MAILBOX_DIR = settings.DATA_DIR / "mailbox"
    (settings.MAILBOX_DIR / "new").mkdir(parents=True)
    (settings.MAILBOX_DIR / "new" / "1").write_text("To: bob")
    (settings.DATA_DIR / "accounts.json").write_text("{}")
    assert "createsuperuser" in said("remove_demonstration", yes=True)
    assert not ProvisioningRequest.objects.exists()
    assert offered_accounts() is None
    assert [person.name for person in Person.objects.all()] == ["Comptroller"]
    assert AuditEvent.objects.order_by("seq").first().action == "demonstration.removed"
    assert audit.verify() == []
    assert list(settings.DATA_DIR.rglob("*")) == [settings.MAILBOX_DIR, settings.MAILBOX_DIR / "new"]
    # What was only ever added to is so again.
    with pytest.raises(Exception, match=r"permission denied|only ever added to"):
        AuditEvent.objects.all().delete()


def test_what_was_removed_does_not_come_back_by_itself(
    own_northlight: Loaded, embedded: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(load, "STORIES", STORIES[:3])
    said("remove_demonstration", yes=True)
    assert said("load_demonstration", first_start=True) == ""
    with pytest.raises(CommandError, match="--again"):
        said("load_demonstration")
    assert remove.last_removal() is not None
    assert "Northlight AI is loaded" in said("load_demonstration", again=True, past=4)
    assert ProvisioningRequest.objects.filter(is_demonstration=True).count() == 4 + 3
    assert audit.verify() == []
