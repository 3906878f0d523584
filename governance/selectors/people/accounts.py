"""Which accounts can be signed in with, whose they are to change, and which a demonstration offers."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from governance.domain.errors import NotAllowed
from governance.domain.states.record import JobState
from governance.models import JobRun, Person, User
from governance.selectors.people.duties import is_system
from governance.selectors.people.people import SYSTEM_EMAIL

ACCOUNTS_MAX = 60
DEMONSTRATION_JOB = "load_demonstration"
"""The job row that loading the demonstration leaves. Its result names the accounts of the tour and their password."""


@dataclass(frozen=True, slots=True)
class OfferedAccounts:
    """The accounts of a demonstration.

    Attributes:
        first: the few with which a newcomer sees everything, in the order of the tour.
        others: everybody else who can sign in, by name.
        password: of each of them; it is printed beside them and protects nothing.
    """

    first: list[User]
    others: list[User]
    password: str


def may_sign_in(user: User) -> bool:
    """Whether a person can be behind the account: theirs, not a program's, and both of them active."""
    return user.is_active and user.person.is_active and not user.is_service_account and not is_system(user)


def own_account(person: Person) -> User | None:
    """The account with which a person signs in, active or not; None while they have none."""
    return User.objects.select_related("person").filter(person=person, is_service_account=False).order_by("pk").first()


def account_at(address: str) -> User | None:
    """The account that signs in with an address; None also when nobody may sign in with it."""
    user = User.objects.select_related("person").filter(email=address.strip().lower()).first()
    return user if user is not None and may_sign_in(user) else None


def is_within_reach(actor: User, person: Person) -> bool:
    """Whether `actor`, who keeps people, may change this person, their accounts and their roles.

    The product's own account is nobody's to change, and those of superusers only another superuser's.
    """
    if person.email == SYSTEM_EMAIL:
        return False
    if actor.is_superuser or is_system(actor):
        return True
    return not User.objects.filter(person=person, is_superuser=True).exists()


def require_reach(actor: User, person: Person) -> None:
    """Refuse a change of somebody who stands above those who keep people.

    Raises:
        NotAllowed: the product's own account, or a superuser's.
    """
    if is_within_reach(actor, person):
        return
    whose = "the product's own account" if person.email == SYSTEM_EMAIL else "a superuser's account"
    raise NotAllowed(f"`{person.name}` has {whose}: administrators do not change it", person=person.pk)


def offered_accounts() -> OfferedAccounts | None:
    """Whom a loaded demonstration offers to look around as; None where none is loaded. Two queries."""
    job = JobRun.objects.filter(name=DEMONSTRATION_JOB, state=JobState.DONE).first()
    if job is None:
        return None
    users = (
        User.objects.filter(is_active=True, person__is_active=True, is_service_account=False)
        .exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)
        .exclude(password="")
        .exclude(email=SYSTEM_EMAIL)
        .select_related("person__team")
        .order_by("person__name")[:ACCOUNTS_MAX]
    )
    by_email = {user.email: user for user in users}
    first = [by_email.pop(email) for email in job.result.get("tour", ()) if email in by_email]
    return OfferedAccounts(first, list(by_email.values()), job.result.get("password", ""))
