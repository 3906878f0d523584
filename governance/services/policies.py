"""Imports and activates versions of policy, and keeps them still while a decision is being made."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from governance.domain.errors import InvalidInput
from governance.models import PolicySet, PolicyVersion, User
from governance.policy.bundle import load_bundle
from governance.policy.errors import PolicyError
from governance.policy.shipped import BUNDLE_NAMES, shipped_text
from governance.selectors.duties import require_duty
from governance.services import audit


def hold_in_force() -> None:
    """Keep every active version active until COMMIT. First lock of every transaction that decides.

    A shared row lock: deciders do not wait for each other, an activation waits for them and they for it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM governance_policyset ORDER BY id FOR SHARE")


@transaction.atomic(durable=True)
def import_version(*, source: str, actor: User, now: datetime) -> PolicyVersion:
    """Store a bundle as a new draft version of its set. The same rules again are the version that exists.

    Raises:
        NotAllowed: the actor is no policy officer.
        InvalidInput: the bundle does not check; the sentence carries its position.
    """
    require_duty(actor, "policies", now=now)
    return add_version(source=source, actor=actor, now=now)


def add_version(*, source: str, actor: User, now: datetime) -> PolicyVersion:
    """`import_version` in the caller's transaction."""
    try:
        bundle = load_bundle(source)
    except PolicyError as error:
        raise InvalidInput({"source": [str(error)]}) from error
    policy_set, _ = PolicySet.objects.get_or_create(slug=bundle.name, defaults={"name": bundle.title})
    PolicySet.objects.lock(policy_set.pk)
    existing = PolicyVersion.objects.filter(policy_set=policy_set, digest=bundle.content_hash).first()
    if existing is not None:
        return existing
    version = PolicyVersion.objects.create(
        policy_set=policy_set,
        number=policy_set.versions.count() + 1,
        source=source,
        digest=bundle.content_hash,
        created_by=actor,
        created_at=now,
    )
    audit.record("policy.imported", actor=actor, subject=version, now=now, digest=version.digest)
    return version


@transaction.atomic(durable=True)
def activate_version(*, version_id: int, actor: User, now: datetime) -> PolicyVersion:
    """Put a version in force; the one before it retires. Activating an older version is a rollback.

    Waits for decisions that are being made: each cites a version in force at its commit.

    Raises:
        NotAllowed: the actor is no policy officer.
    """
    require_duty(actor, "policies", now=now)
    return put_in_force(version_id=version_id, actor=actor, now=now)


def put_in_force(*, version_id: int, actor: User, now: datetime) -> PolicyVersion:
    """`activate_version` in the caller's transaction."""
    set_id = PolicyVersion.objects.values_list("policy_set_id", flat=True).get(pk=version_id)
    PolicySet.objects.lock(set_id)
    version = PolicyVersion.objects.lock(version_id)
    if version.state == "active":
        return version
    PolicyVersion.objects.filter(policy_set_id=set_id, state="active").update(state="retired", retired_at=now)
    version.state, version.activated_by, version.activated_at, version.retired_at = "active", actor, now, None
    version.save(update_fields=["state", "activated_by", "activated_at", "retired_at"])
    audit.record("policy.activated", actor=actor, subject=version, now=now, digest=version.digest)
    return version


@transaction.atomic(durable=True)
def install_shipped(*, actor: User, now: datetime) -> list[PolicyVersion]:
    """Import the shipped bundles and put in force those whose set has no active version yet.

    An organisation that has changed a set keeps its own.
    """
    versions = []
    for name in BUNDLE_NAMES:
        version = add_version(source=shipped_text(name), actor=actor, now=now)
        if not version.policy_set.versions.filter(state="active").exists():
            version = put_in_force(version_id=version.pk, actor=actor, now=now)
        versions.append(version)
    return versions
