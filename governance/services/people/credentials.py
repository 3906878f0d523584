"""Keeps passwords and addresses in the hands of their owners.

Nobody sets another's password: a link that works once goes to the person's own address, and whoever has it chooses the
password. The link is made when its mail leaves (`emails/credentials.py`) and is kept nowhere. It ends with its time,
with the password and with the address.
"""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import Q

from governance.domain.errors import IllegalTransition, InvalidInput, NotAllowed, NotFound
from governance.domain.states.messages import ALERT_UNSENT, AlertKind, AlertState
from governance.models import Alert, ApiToken, Person, User
from governance.selectors.people import accounts
from governance.selectors.people.duties import require_duty
from governance.selectors.people.people import system_actor
from governance.services.messages import alerts
from governance.services.record import audit, jobs
from governance.services.register.edits import Errors, lock_row

PASSWORD_CHARS_MAX = 256
"""A longer password is not hashed: hashing a megabyte would keep a worker busy."""


@transaction.atomic(durable=True)
def change_password(*, actor: User, present_hash: str, password: str, now: datetime) -> User:
    """Give the actor's own account another password. Their other sessions and their API tokens end.

    Args:
        present_hash: the stored hash that the present password was compared with; another one by now means that
            somebody else changed it meanwhile.

    Raises:
        NotAllowed: an account that nobody signs in with.
        IllegalTransition: the password was changed meanwhile.
        InvalidInput: a password that is too short, too long, well known or like the address.
    """
    user = _locked(actor.pk)
    if user.password != present_hash:
        raise IllegalTransition("your password was changed meanwhile: sign in again")
    _set_password(user, password, how="changed", now=now)
    return user


@transaction.atomic(durable=True)
def set_password_by_link(*, user_id: int, key: str, password: str, now: datetime) -> User:
    """Set the password that somebody chose who has the link of an account's own address.

    Args:
        key: of the link; looked at under the lock, so that two who use it at once do not both win.

    Raises:
        NotFound: a link that was used, ended, or never was.
        InvalidInput: as for a change.
    """
    user = _locked(user_id)
    if not default_token_generator.check_token(user, key):
        raise NotFound("this link has expired: request another one")
    _set_password(user, password, how="link", now=now)
    return user


@transaction.atomic(durable=True)
def request_link(*, address: str, now: datetime) -> None:
    """Send a set-password link to whoever signs in with this address. What the caller can see is the same for all.

    An address that nobody has costs the same statements, which are then taken back.
    """
    user = accounts.account_at(address)
    target = user or system_actor()
    alerts.tell_password_link(target, why="asked", now=now)
    audit.record("account.link_requested", actor=system_actor(), subject=target.person, now=now, user=target.pk)
    if user is None:
        transaction.set_rollback(True)


@transaction.atomic(durable=True)
def send_link(*, actor: User, person_id: int, now: datetime) -> User:
    """Send a person a set-password link on behalf of somebody who keeps people; it goes to the person's own address.

    Raises:
        NotAllowed: the actor does not keep people, or the account is out of their reach.
        NotFound: the person has no account that they could sign in with.
    """
    require_duty(actor, "people", now=now)
    person = lock_row(Person, person_id)
    accounts.require_reach(actor, person)
    user = accounts.own_account(person)
    if user is None or not accounts.may_sign_in(user):
        raise NotFound(f"`{person.name}` has no active account: make them active first")
    alerts.tell_password_link(user, why="sent", by=actor.person_id, now=now)
    audit.record("account.link_sent", actor=actor, subject=person, now=now, user=user.pk)
    return user


@transaction.atomic(durable=True)
def request_address(*, actor: User, address: str, now: datetime) -> None:
    """Send a link to an address that the actor wants to sign in with from now on. Nothing changes before it is opened.

    The same answer for an address that somebody else has: nothing is sent there.

    Raises:
        NotAllowed: an account that nobody signs in with.
        InvalidInput: no address, or the present one.
    """
    user = _locked(actor.pk)
    errors = Errors()
    address = errors.address("email", address)
    if address == user.email:
        errors.add("email", "is your current address: enter the new one")
    errors.raise_any()
    # One wish at a time: an older link ends with its row.
    EmailAddress.objects.filter(user=user).delete()
    wanted = EmailAddress.objects.create(user=user, email=address)
    if _is_free(address, user):
        alerts.tell_address_confirm(user, wanted.pk, now=now)
    audit.record("account.address_requested", actor=user, subject=user.person, now=now, user=user.pk)


@transaction.atomic(durable=True)
def confirm_address(*, address_id: int, now: datetime) -> User:
    """Take the address whose link was opened, for the account and its person. Both addresses are told.

    Raises:
        NotFound: the wish was taken back, replaced or carried out.
        InvalidInput: somebody else has the address by now.
    """
    wanted = EmailAddress.objects.select_for_update(of=("self",)).filter(pk=address_id, verified=False).first()
    if wanted is None:
        raise NotFound("this link has expired: request another one")
    user = _locked(wanted.user_id)
    person = lock_row(Person, user.person_id)
    if not _is_free(wanted.email, user):
        raise InvalidInput({"email": ["belongs to another account"]})
    # The row keeps the former address until its own mail has left: no address stands in the outbox.
    user.email, former = wanted.email, user.email
    person.email = user.email
    wanted.email, wanted.verified = former, True
    for row, changed in ((user, ["email"]), (person, ["email"]), (wanted, ["email", "verified"])):
        row.save(update_fields=changed)
    alerts.tell_address_changed(user, former_id=wanted.pk, now=now)
    audit.record("account.address_changed", actor=user, subject=person, now=now, user=user.pk)
    return user


@transaction.atomic(durable=True)
def note_throttled(*, user: User, limit: str, now: datetime) -> None:
    """Put into the log that an account was tried too often with wrong passwords.

    Args:
        limit: which limit was reached.
    """
    audit.record(
        "account.sign_in_throttled", actor=system_actor(), subject=user.person, now=now, user=user.pk, limit=limit
    )


@transaction.atomic(durable=True)
def act_as(*, user_id: int, now: datetime) -> User:
    """Look around as one of a demonstration's people, without a password. The log says that it was no sign-in.

    Raises:
        NotFound: not one of the accounts that the demonstration offers.
    """
    offered = accounts.offered_accounts()
    everybody = [] if offered is None else [*offered.first, *offered.others]
    user = next((each for each in everybody if each.pk == user_id), None)
    if user is None:
        raise NotFound("there is no such account in the demonstration")
    audit.record("account.acted_as", actor=system_actor(), subject=user.person, now=now, user=user.pk)
    return user


def forget_ended(*, now: datetime) -> int:
    """Delete tokens that have expired, and former addresses whose mail has left. How many of both."""
    with jobs.sweep("forget_ended", now=now) as run:
        if run is None:
            return 0
        waiting = Alert.objects.filter(kind=AlertKind.ADDRESS_LEFT, state__in=(*ALERT_UNSENT, AlertState.DEAD))
        kept = set(waiting.values_list("payload__address", flat=True))
        with transaction.atomic(durable=True):
            addresses, _ = EmailAddress.objects.filter(verified=True).exclude(pk__in=kept).delete()
        with transaction.atomic(durable=True):
            tokens, _ = ApiToken.objects.filter(expiry__lte=now).delete()
        run.done_count = addresses + tokens
        return run.done_count


def end_access(person: Person) -> None:
    """End what a person's accounts hold: passwords, links, wishes for another address, sessions and API tokens.

    Called in the transaction that deactivates them: none of it comes back with them.
    """
    users = list(User.objects.filter(person=person))
    for user in users:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    EmailAddress.objects.filter(user__in=users).delete()
    ApiToken.objects.filter(user__in=users).delete()


def _locked(user_id: int) -> User:
    lock_row(User, user_id)
    user = User.objects.select_related("person").get(pk=user_id)
    if not accounts.may_sign_in(user):
        raise NotAllowed("nobody signs in with this account")
    return user


def _set_password(user: User, password: str, *, how: str, now: datetime) -> None:
    errors = Errors()
    if len(password) > PASSWORD_CHARS_MAX:
        errors.add("password1", f"has {len(password)} characters: at most {PASSWORD_CHARS_MAX}")
    else:
        errors.password("password1", password, user)
    errors.raise_any()
    user.set_password(password)
    user.save(update_fields=["password"])
    EmailAddress.objects.filter(user=user, verified=False).delete()
    ApiToken.objects.filter(user__person=user.person).delete()
    alerts.tell_password_changed(user, how=how, now=now)
    audit.record("account.password_changed", actor=user, subject=user.person, now=now, user=user.pk, how=how)


def _is_free(address: str, user: User) -> bool:
    taken = User.objects.filter(email__iexact=address).exclude(pk=user.pk).exists()
    return not taken and not Person.objects.filter(Q(email__iexact=address) & ~Q(pk=user.person_id)).exists()
