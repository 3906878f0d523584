"""`manage.py policy activate`: asks for a version in an officer's name. A second one signs in to answer."""

from __future__ import annotations

from datetime import datetime

from governance.domain.errors import NotReady
from governance.domain.states.rules import ActivationState, VersionState
from governance.management.policy.words import FOUND, Report
from governance.models import PolicyActivation, PolicyVersion, User
from governance.services.rules import activations, policies, policy_checks

REASON = "asked for on the command line"


def activate(version_id: int, *, actor: User, reason: str, effective_at: datetime | None, now: datetime) -> Report:
    """Ask for a version. A draft has its cases run first.

    Where one officer suffices (`policies.one_officer_suffices`), the version comes into force.

    Raises:
        AlreadyDecided: it is asked for already. Nobody answers here: a command proves no second person.
    """
    version = PolicyVersion.objects.select_related("policy_set").get(pk=version_id)
    if version.state == VersionState.ACTIVE:
        return _report(version, None)
    if policies.one_officer_suffices(version):
        return _report(policies.activate_first(version_id=version_id, actor=actor, now=now), None)
    try:
        if version.state == VersionState.DRAFT and not version.activations.filter(state=ActivationState.ASKED).exists():
            policy_checks.test_version(version_id=version_id, actor=actor, now=now)
        asked = activations.request_activation(
            version_id=version_id, actor=actor, reason=reason or REASON, effective_at=effective_at, now=now
        )
    except NotReady as error:
        lines = [f"{version.policy_set.slug}@{version.number}: {each}" for each in error.data["missing"]]
        return Report(FOUND, lines, {"missing": error.data["missing"], "errors": []})
    version.refresh_from_db()
    return _report(version, asked)


def _report(version: PolicyVersion, activation: PolicyActivation | None) -> Report:
    name = f"{version.policy_set.slug}@{version.number}"
    line = f"{name} is {version.state}"
    if activation is not None:
        line = f"{name} is asked for: another policy officer answers it on the desk or by the API, signed in"
    plain = {"activated": name, "state": version.state, "activation": activation.state if activation else None}
    return Report(lines=[line], plain=plain)
