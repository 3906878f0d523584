"""Every officer and every auditor is told what came into force, by whom and by which channel, however soon it went."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from governance.display.numbers import NBSP
from governance.models import Alert, PolicyActivation, PolicyVersion, User
from governance.selectors.people.people import system_actor
from governance.services.messages import alerts
from governance.services.record import channel
from governance.services.record.channel import Channel
from governance.services.rules import activations, policies, policy_checks, policy_exceptions
from tests.cast import NOW, Cast, add_person
from tests.mail.reading import subject_of, text_of, written
from tests.officers import ready_draft

pytestmark = pytest.mark.django_db

EVERYBODY = ["Erin", "Grace", "Judy"]


@pytest.fixture
def cast(cast: Cast) -> Cast:
    cast.users["judy"] = add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root)
    return cast


def told(kind: str) -> list[str]:
    return sorted(Alert.objects.filter(kind=kind).values_list("recipient__name", flat=True))


def asked(cast: Cast, *, via: Channel = Channel.DESK, **options: object) -> PolicyActivation:
    version = ready_draft(actor=cast.grace, now=NOW)
    with channel.through(via, "root: policy" if via is Channel.COMMAND else ""):
        return activations.request_activation(
            version_id=version.pk, actor=cast.grace, reason="we spend too much", now=NOW, **options
        )  # type: ignore[arg-type]


def agree(activation: PolicyActivation, who: User, *, via: Channel = Channel.API) -> PolicyActivation:
    with channel.through(via):
        return activations.answer_activation(activation_id=activation.pk, actor=who, answer="agree", now=NOW)


def test_an_answer_within_seconds_silences_nothing(cast: Cast) -> None:
    activation = agree(asked(cast), cast.judy)
    assert told("policy_in_force") == EVERYBODY
    delivered = alerts.deliver_due(now=NOW + timedelta(seconds=2))
    kinds = dict(Alert.objects.values_list("kind", "state"))
    assert (kinds["activation_asked"], kinds["policy_in_force"]) == ("skipped", "sent"), delivered
    message = written("policy_in_force", "Erin")
    name = activation.version.policy_set.name
    assert subject_of(message) == f"In force: {name} version 2 (Grace, Judy)"
    text = text_of(message)
    assert f"Version: 2; replaces version{NBSP}1\n" in text
    assert "What changes: A lower line\n" in text
    assert "Requested by: Grace, on the desk\n" in text
    assert "Approved by: Judy, through the API\n" in text
    assert "> we spend too much" in text
    assert reverse("admin:governance_policyversion_change", args=[activation.version_id]) in text


def test_one_that_comes_into_force_by_a_sweep_names_the_two_and_their_channels(cast: Cast) -> None:
    later = NOW + timedelta(days=3)
    agree(asked(cast, effective_at=later), cast.judy)
    assert told("policy_in_force") == []
    assert activations.activate_due(now=later) == 1
    assert told("policy_in_force") == EVERYBODY
    text = text_of(written("policy_in_force", "Judy", now=later))
    assert "Requested by: Grace, on the desk\n" in text
    assert "Approved by: Judy, through the API\n" in text


def test_a_rollback_is_told_again(cast: Cast) -> None:
    agree(asked(cast), cast.judy)
    first = PolicyVersion.objects.get(policy_set__slug="sustainability", number=1)
    policy_checks.test_version(version_id=first.pk, actor=cast.judy, now=NOW)
    again = activations.request_activation(version_id=first.pk, actor=cast.judy, reason="it broke", now=NOW)
    later = NOW + timedelta(minutes=1)
    activations.answer_activation(activation_id=again.pk, actor=cast.grace, answer="agree", now=later)
    assert told("policy_in_force") == sorted(EVERYBODY * 2)


def test_a_command_that_asks_tells_the_one_in_whose_name(cast: Cast) -> None:
    activation = asked(cast, via=Channel.COMMAND)
    assert told("activation_in_your_name") == ["Grace"]
    text = text_of(written("activation_in_your_name", "Grace"))
    assert "It ran as root: policy." in text
    agree(activation, cast.judy)
    assert "withdraw" in text_of(written("activation_in_your_name", "Grace"))
    assert "Requested by: Grace, on the command line, run as root: policy\n" in text_of(
        written("policy_in_force", "Erin")
    )


def test_on_the_desk_nobody_is_told_of_their_own_ask(cast: Cast) -> None:
    asked(cast)
    assert told("activation_in_your_name") == []


def test_a_bundle_that_an_upgrade_brings_is_told_of(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    text = policies.shipped_text("sustainability").replace("name: sustainability", "name: brand-new", 1)
    text = text.replace("SU-", "NS-")
    monkeypatch.setattr(policies, "shipped_bundles", lambda: (policies.load_bundle(text),))
    monkeypatch.setattr(policies, "shipped_text", lambda name: text)
    policies.install_shipped(actor=system_actor(), now=NOW)
    assert told("policy_in_force") == EVERYBODY
    assert "alone, as the first version" in text_of(written("policy_in_force", "Erin"))


def test_an_exception_in_force_is_told_to_all_of_them(cast: Cast) -> None:
    with channel.through(Channel.DESK):
        row = policy_exceptions.request_exception(
            rule_id="SU-1.footprint", reason="a pilot", valid_to=NOW + timedelta(days=9), team=cast.team,
            actor=cast.grace, now=NOW,
        )  # fmt: skip
        policy_exceptions.answer_exception(exception_id=row.pk, answer="approve", actor=cast.judy, now=NOW)
    assert told("exception_in_force") == EVERYBODY
    message = written("exception_in_force", "Erin")
    assert subject_of(message) == "Exception in force: SU-1.footprint for Research until Wed 10 Jun"
    assert "Approved by: Judy, on the desk\n" in text_of(message)
