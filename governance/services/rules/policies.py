"""Stores versions of policy, puts them in force, and keeps them still while a decision is being made.

Who may ask for what, and what has to be there first, is in `activations`, `policy_checks` and `shadow`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from governance.domain.errors import InvalidInput, LockOutsideTransaction, NotReady
from governance.domain.limits import REASON_CHARS_MAX
from governance.domain.states.rules import VersionEvent, VersionState
from governance.domain.text import clean_reason
from governance.models import PolicySet, PolicyVersion, User
from governance.policy.authoring.edits import canonical_source
from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.bundle_model import Bundle
from governance.policy.bundle.shipped import shipped_bundles, shipped_digests, shipped_text
from governance.policy.errors import PolicyError
from governance.selectors.people.duties import is_system, require_duty
from governance.selectors.rules.vocabulary import installed_vocabulary
from governance.services.commit import BeforeCommit, nothing
from governance.services.messages import alerts
from governance.services.record import audit
from governance.services.rules.second_officer import require_officer


def hold_in_force() -> None:
    """Keep every active version active until COMMIT. First lock of every transaction that decides.

    A shared row lock: deciders do not wait for each other, an activation waits for them and they for it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM governance_policyset ORDER BY id FOR SHARE")


def lock_sets() -> None:
    """Take every policy set until COMMIT: no decision is being made, no other version moves. First lock, ids in order.

    All of them, because what a version was checked and backtested against is the whole policy: two sets that move at
    the same moment would each have been weighed without the other.

    Raises:
        LockOutsideTransaction: a lock that ends at once protects nothing.
    """
    if not connection.in_atomic_block:
        raise LockOutsideTransaction("lock the policy sets inside a transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM governance_policyset ORDER BY id FOR NO KEY UPDATE")


@transaction.atomic(durable=True)
def import_version(
    *, source: str, actor: User, now: datetime, reason: str = "", before_commit: BeforeCommit = nothing
) -> PolicyVersion:
    """Store a bundle as a new draft version of its set. The same rules again are the version that exists.

    Args:
        reason: why it was written; the second officer and the log read it.

    Raises:
        NotAllowed: the actor is no policy officer.
        InvalidInput: the bundle does not check; the sentence carries its position.
    """
    require_duty(actor, "policies", now=now)
    version = add_version(source=source, actor=actor, now=now, reason=reason)
    before_commit(version)
    return version


def add_version(*, source: str, actor: User, now: datetime, reason: str = "") -> PolicyVersion:
    """`import_version` in the caller's transaction."""
    reason = clean_reason("reason", reason, REASON_CHARS_MAX, required=False)
    try:
        bundle = load_bundle(source, vocabulary=installed_vocabulary())
        # What is stored says what is meant: `gcp` becomes `google-cloud`, and all else stays as it was written.
        source = canonical_source(source, bundle)
    except PolicyError as error:
        raise InvalidInput({"source": [str(error)]}) from error
    return _store(bundle, source, reason=reason, actor=actor, now=now)


def _store(bundle: Bundle, source: str, *, reason: str, actor: User, now: datetime) -> PolicyVersion:
    """The version of these rules: the one that exists, or a new draft with this text."""
    policy_set, _ = PolicySet.objects.get_or_create(slug=bundle.name, defaults={"name": bundle.title})
    PolicySet.objects.lock(policy_set.pk)
    existing = PolicyVersion.objects.filter(policy_set=policy_set, digest=bundle.content_hash).first()
    if existing is not None:
        return existing
    last = policy_set.versions.order_by("-number").values_list("number", flat=True).first()
    version = PolicyVersion.objects.create(
        policy_set=policy_set,
        number=(last or 0) + 1,
        source=source,
        digest=bundle.content_hash,
        created_by=actor,
        created_at=now,
        reason=reason,
    )
    audit.record("policy.imported", actor=actor, subject=version, now=now, digest=version.digest)
    return version


@transaction.atomic(durable=True)
def activate_first(*, version_id: int, actor: User, now: datetime) -> PolicyVersion:
    """Put a version in force with one officer, where `one_officer_suffices`.

    Raises:
        NotAllowed: the actor is no policy officer.
        SeparationOfDuties: the actor audits.
        NotFound: no such version.
        NotReady: rules are in force that people chose.
    """
    require_officer(actor, "policies", now=now)
    lock_sets()
    if not one_officer_suffices(PolicyVersion.objects.lock(version_id)):
        raise NotReady(
            "rules are in force already: ask for the activation, and a second officer answers",
            missing=["a second officer"],
        )
    return put_in_force(version_id=version_id, actor=actor, now=now, event=VersionEvent.INSTALL)


def one_officer_suffices(version: PolicyVersion) -> bool:
    """Whether this is the first version of an installation (docs/adr/0019): nothing that people chose decides yet.

    Either no set at all has a version in force, or only texts that ship with the program ever were, and this is one
    of them too: a starter set is chosen. A new set of one's own beside others may loosen what they say, so it takes
    the same two officers as any other change.
    """
    if not PolicyVersion.objects.filter(state=VersionState.ACTIVE).exists():
        return True
    shipped = shipped_digests()
    ruled = PolicyVersion.objects.filter(activated_at__isnull=False).select_related("created_by")
    return _ships(version, shipped) and all(_ships(each, shipped) for each in ruled)


def _ships(version: PolicyVersion, digests: frozenset[str]) -> bool:
    """Whether a text comes with the program: with this release, or stored by the installation with an earlier one."""
    return version.digest in digests or is_system(version.created_by)


def put_in_force(
    *,
    version_id: int,
    actor: User,
    now: datetime,
    by: User | None = None,
    event: VersionEvent = VersionEvent.PUT_IN_FORCE,
    **data: Any,
) -> PolicyVersion:
    """Make a version the one of its set that decides; the one before it retires. In the caller's transaction.

    Who may, and what was checked, is the caller's: `activations` for two officers, the installation for the first one.
    Every officer and auditor is told.
    Waits for decisions that are being made: each cites a version in force at its commit.

    Args:
        by: who answers for it, where a sweep acts on their behalf.
        event: INSTALL for the first version of an installation.
        data: further plain values for the log.
    """
    set_id = PolicyVersion.objects.values_list("policy_set_id", flat=True).get(pk=version_id)
    PolicySet.objects.lock(set_id)
    version = PolicyVersion.objects.lock(version_id)
    if version.state == VersionState.ACTIVE:
        return version
    before = PolicyVersion.objects.filter(policy_set_id=set_id, state=VersionState.ACTIVE).first()
    if before is not None:
        before.move(VersionEvent.REPLACE)
        before.retired_at = now
        before.save(update_fields=["state", "retired_at"])
    # The database keeps one active version of a set, so the other one has left before this one comes.
    version.move(event)
    version.shadow_since, version.activated_by, version.activated_at, version.retired_at = None, by or actor, now, None
    version.save(update_fields=["state", "shadow_since", "activated_by", "activated_at", "retired_at"])
    alerts.tell_in_force(version, before=before, by=by or actor, activation=data.get("activation"), now=now)
    audit.record(
        "policy.activated", actor=actor, subject=version, now=now, digest=version.digest,
        replaces=before.pk if before else None, **data,
    )  # fmt: skip
    return version


@transaction.atomic(durable=True)
def install_shipped(*, actor: User, now: datetime) -> list[PolicyVersion]:
    """Import the shipped bundles and put in force those whose set has never had a version in force.

    The installation acts here, not an officer: these texts come with the program and are tested with it. An
    organisation that has changed or retired a set keeps its own.
    """
    # Before the first event of the log is written, which is everybody's last lock.
    lock_sets()
    versions = []
    for bundle in shipped_bundles():
        version = _store(bundle, shipped_text(bundle.name), reason="", actor=actor, now=now)
        if not version.policy_set.versions.filter(activated_at__isnull=False).exists():
            version = put_in_force(version_id=version.pk, actor=actor, now=now, event=VersionEvent.INSTALL)
        versions.append(version)
    return versions
