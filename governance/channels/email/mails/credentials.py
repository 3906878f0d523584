"""Mails 16 and 18: links to set a password or confirm an address, and changes of credentials and roles."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings

from governance.channels.email import pages
from governance.channels.email.letters import Letter, Moot, Reader, unlinked
from governance.display.numbers import counted
from governance.domain.prose import within
from governance.models import Alert, Delegation, Person, Project, Role, Team, User
from governance.selectors.people import accounts

ALWAYS = "It is sent each time and cannot be turned off."
NOT_YOU = (
    "If this was not you, reset your password with the button: this ends every session and API token of your accounts. "
    "Then tell an administrator."
)


def password_link(alert: Alert, reader: Reader) -> Letter:
    """Mail 18: a link to set a password. It is made here and stands nowhere else.

    Raises:
        Moot: nobody signs in with the account any more, or the mail waited longer than its link would live.
    """
    user = _account(alert)
    _refuse_late(alert, reader)
    by = _name(alert.payload.get("by"))
    leads = {
        "new": "An account was created for you. Choose a password to sign in for the first time.",
        "asked": "Somebody asked for a link to set the password of your account. "
        "If it was not you, ignore this email: your password stays as it is.",
        "sent": f"{by or 'An administrator'} sent you a link to set the password of your account.",
        "reactivated": "Your account is active again. Choose a new password: the earlier one no longer works.",
    }
    return Letter(
        subject="Set your password for Comptroller",
        reference="Your account",
        heading=f"Set your password by {reader.moment(reader.now + _life())}",
        preview="The link works once.",
        lead=leads[alert.payload["why"]],
        rows=(("You sign in as", user.email),),
        action="Set your password",
        path=pages.password_link(user),
        note=f"The link works once and for {_life_in_words()}. It ends earlier when your password or address changes.",
        why="You receive this because the account has this address. Nobody else can set your password.",
        thread=f"account.{user.pk}",
    )


def password_changed(alert: Alert, reader: Reader) -> Letter:
    """Mail 16."""
    user = _account(alert)
    ways = {"changed": "on your account page, with the present password", "link": "with a link sent to your address"}
    return Letter(
        subject="Your password was changed",
        reference="Your account",
        heading=f"Your password was changed on {_at(alert, reader)}",
        lead="Your other sessions have ended, and so have the API tokens of your accounts.",
        rows=(("How", ways[alert.payload["how"]]), ("Account", user.email)),
        note=NOT_YOU,
        action="Set another password",
        path=pages.forgotten_page(),
        why=f"You receive this because the password of your account changed. {ALWAYS}",
        thread=f"account.{user.pk}",
    )


def address_confirm(alert: Alert, reader: Reader) -> Letter:
    """Mail 18, to the new address.

    Raises:
        Moot: another address was requested, the change was made or withdrawn, or the mail waited too long.
    """
    wanted = EmailAddress.objects.filter(pk=alert.payload["address"], verified=False).select_related("user").first()
    if wanted is None:
        raise Moot("another address was requested since, or this one is confirmed already")
    _refuse_late(alert, reader)
    return Letter(
        subject="Confirm your new address for Comptroller",
        reference="Your account",
        heading=f"Confirm this address by {reader.moment(reader.now + _life())}",
        lead="Somebody who is signed in to your account asked to change its address to this one.",
        rows=(("New address", wanted.email),),
        action="Confirm this address",
        path=pages.address_link(wanted),
        note=f"Confirm with the button on the page. The link works once and for {_life_in_words()}.",
        why="You receive this because somebody gave this address for their account. If it was not you, ignore it.",
        to=wanted.email,
        thread=f"account.{wanted.user_id}",
    )


def address_changed(alert: Alert, reader: Reader) -> Letter:
    """Mail 16, to the address that counts now."""
    user = _account(alert)
    return Letter(
        subject="Your address for Comptroller was changed",
        reference="Your account",
        heading=f"Your address was changed on {_at(alert, reader)}",
        lead="Sign in with this address from now on. Emails are sent here.",
        rows=(("Address", user.email),),
        note="Earlier links to set a password no longer work.",
        action="Open your account",
        path=pages.account_page(),
        why=f"You receive this because the address of your account changed. {ALWAYS}",
        thread=f"account.{user.pk}",
    )


def address_left(alert: Alert, reader: Reader) -> Letter:
    """Mail 16, to the address until now, which then is forgotten.

    Raises:
        Moot: the former address is not kept any more.
    """
    former = EmailAddress.objects.filter(pk=alert.payload["address"], verified=True).first()
    if former is None:
        raise Moot("the former address is not kept any more")
    return Letter(
        subject="The address of your account was changed",
        reference="Your account",
        heading=f"This address was replaced on {_at(alert, reader)}",
        lead="You can no longer sign in with this address, and no further emails are sent here.",
        rows=(("Replaced", former.email),),
        note="If this was not you, tell an administrator at once: whoever changed it can set your password.",
        action="Open the sign-in page",
        path=pages.sign_in_page(),
        why=f"You receive this because the address of your account changed. {ALWAYS}",
        to=former.email,
        thread=f"account.{former.user_id}",
    )


def token_made(alert: Alert, reader: Reader) -> Letter:
    """Mail 16."""
    user = _account(alert, needs_sign_in=False)
    payload = alert.payload
    whose = "" if not user.is_service_account else f" for {user.email}"
    return Letter(
        subject=f"An API token was created{whose}",
        reference="Your account",
        heading=f"An API token was created on {_at(alert, reader)}",
        lead="Anybody who has it can act for the account within its scopes.",
        rows=(
            ("Account", user.email),
            ("Token", f"{payload['token']}…"),
            ("Scopes", ", ".join(payload["scopes"])),
            ("Expires", reader.moment(datetime.fromisoformat(payload["expires_at"]))),
        ),
        note="If this was not you, change your password: it ends every API token of your accounts.",
        action="Open your account",
        path=pages.account_page(),
        why=f"You receive this because you are responsible for the account. {ALWAYS}",
        thread=f"account.{user.pk}",
    )


_CHANGES = {
    "given": "You are {role} {where}",
    "extended": "You are {role} {where} for longer",
    "shortened": "You are {role} {where} for a shorter time",
    "ended": "You are no longer {role} {where}",
}
_ANNOUNCED = {
    "given": "{who} is {role} {where}",
    "extended": "{who} is {role} {where} for longer",
    "shortened": "{who} is {role} {where} for a shorter time",
    "ended": "{who} is no longer {role} {where}",
}


def role_changed(alert: Alert, reader: Reader) -> Letter:
    """Mail 16: a role of the reader's."""
    return _about_role(
        alert,
        reader,
        _CHANGES[alert.payload["change"]],
        lead="If you did not expect this change, contact the person who made it.",
        why=f"You receive this because your role changed. {ALWAYS}",
    )


def role_announced(alert: Alert, reader: Reader) -> Letter:
    """Mail 16: a role that the reader has as well."""
    return _about_role(
        alert,
        reader,
        _ANNOUNCED[alert.payload["change"]],
        lead="You have the same role. If you did not expect this change, tell an administrator or an auditor.",
        why=f"You receive this because you have this role too. {ALWAYS}",
    )


def _about_role(alert: Alert, reader: Reader, words: str, *, lead: str, why: str) -> Letter:
    payload = alert.payload
    role = Role.objects.get(pk=payload["role"])
    said = words.format(
        role=within(unlinked(role.name)), where=_where(payload), who=_name(payload.get("person")) or "Somebody"
    )
    ends = payload["until"]
    return Letter(
        subject=said,
        reference="Roles",
        heading=said,
        lead=lead,
        rows=(
            # Two people may have one name; no two accounts have one address.
            ("Account", User.objects.get(pk=payload["user"]).email),
            ("Changed by", _name(payload["by"])),
            ("Changed on", _at(alert, reader)),
            ("From", "" if payload["change"] == "ended" else reader.moment(datetime.fromisoformat(payload["from"]))),
            ("Until", reader.moment(datetime.fromisoformat(ends)) if ends else "no end date"),
            ("Can decide requests", "yes" if role.may_approve else "no"),
        ),
        action="Open Comptroller",
        path=pages.home_page(),
        why=why,
        thread=f"role.{role.pk}",
    )


def delegation_changed(alert: Alert, reader: Reader) -> Letter:
    """Mail 16: to both sides."""
    payload = alert.payload
    delegation = Delegation.objects.select_related("delegator", "delegate", "role").get(pk=payload["delegation"])
    role = within(unlinked(delegation.role.name))
    is_delegate = reader.person.pk == delegation.delegate_id
    other = unlinked((delegation.delegator if is_delegate else delegation.delegate).name)
    said = {
        ("given", True): f"You decide for {other} as {role}",
        ("given", False): f"{other} decides for you as {role}",
        ("revoked", True): f"You no longer decide for {other} as {role}",
        ("revoked", False): f"{other} no longer decides for you as {role}",
    }[payload["change"], is_delegate]
    return Letter(
        subject=said,
        reference="Delegations",
        heading=said,
        lead="Decisions made under the delegation show both names.",
        rows=(
            ("Changed by", _name(payload["by"])),
            ("Changed on", _at(alert, reader)),
            ("From", reader.moment(delegation.valid_from)),
            ("Until", reader.moment(delegation.revoked_at or delegation.valid_to)),
        ),
        action="Open Comptroller",
        path=pages.home_page(),
        why=f"You receive this because you are one of the two. {ALWAYS}",
        thread=f"delegation.{delegation.pk}",
    )


def _account(alert: Alert, *, needs_sign_in: bool = True) -> User:
    user = User.objects.select_related("person").get(pk=alert.payload["user"])
    if needs_sign_in and not accounts.may_sign_in(user):
        raise Moot("nobody signs in with the account any more")
    return user


def _life() -> timedelta:
    return timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)


def _life_in_words() -> str:
    return counted(settings.PASSWORD_RESET_TIMEOUT // 3600, "hour")


def _refuse_late(alert: Alert, reader: Reader) -> None:
    """A link that was asked for long ago is no longer wanted."""
    if alert.created_at + _life() <= reader.now:
        raise Moot("it waited longer than its link would have lived: ask for another one")


def _at(alert: Alert, reader: Reader) -> str:
    return reader.moment(datetime.fromisoformat(alert.payload["at"]))


def _name(person_id: Any) -> str:
    found = Person.objects.filter(pk=person_id or 0).values_list("name", flat=True).first()
    return unlinked(found) if found else ""


def _where(payload: dict[str, Any]) -> str:
    if payload["project"]:
        return f"for {unlinked(Project.objects.get(pk=payload['project']).name)}"
    return f"in {unlinked(Team.objects.get(pk=payload['team']).name)}"
