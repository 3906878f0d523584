"""`manage.py policy activate`: one officer asks, a second one answers, in one call or in two."""

from __future__ import annotations

from datetime import datetime

from governance.domain.errors import NotReady
from governance.domain.policy_life import VersionState
from governance.management.policy.words import FOUND, Report
from governance.models import PolicyActivation, PolicyVersion, User
from governance.services import activations, policies, policy_checks

REASON = "asked for on the command line"


def activate(
    version_id: int, *, actor: User, second: User | None, reason: str, effective_at: datetime | None, now: datetime
) -> Report:
    """Ask for a version, answer the ask that waits, or both.

    On an installation without any rules the first version needs no second officer. A draft has its cases run first.

    Args:
        second: the officer who answers at once; None leaves it asked for.
    """
    if not PolicyVersion.objects.filter(state=VersionState.ACTIVE).exists():
        return _report(policies.activate_first(version_id=version_id, actor=actor, now=now), None)
    version = PolicyVersion.objects.select_related("policy_set").get(pk=version_id)
    if version.state == VersionState.ACTIVE:
        return _report(version, None)
    asked = version.activations.filter(state="asked").select_related("asked_by").first()
    try:
        if asked is None or (second is None and asked.asked_by.person_id == actor.person_id):
            if version.state == VersionState.DRAFT:
                policy_checks.test_version(version_id=version_id, actor=actor, now=now)
            asked = activations.ask_activation(
                version_id=version_id, actor=actor, reason=reason or REASON, effective_at=effective_at, now=now
            )
            answerer = second
        else:
            answerer = second or actor
        if answerer is not None:
            asked = activations.answer_activation(
                activation_id=asked.pk, actor=answerer, answer="agree", reason=reason, now=now
            )
    except NotReady as error:
        lines = [f"{version.policy_set.slug}@{version.number}: {each}" for each in error.data["missing"]]
        return Report(FOUND, lines, {"missing": error.data["missing"], "errors": []})
    version.refresh_from_db()
    return _report(version, asked)


def _report(version: PolicyVersion, activation: PolicyActivation | None) -> Report:
    name = f"{version.policy_set.slug}@{version.number}"
    line = f"{name} is {version.state}"
    if activation is not None and activation.state == "asked":
        line = f"{name} is asked for: another policy officer answers with the same command"
    elif activation is not None and activation.state == "agreed":
        line = f"{name} is agreed: it rules from {activation.effective_at:%Y-%m-%d %H:%M} UTC on"
    plain = {"activated": name, "state": version.state, "activation": activation.state if activation else None}
    return Report(lines=[line], plain=plain)
