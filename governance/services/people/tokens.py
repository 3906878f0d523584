"""Makes and ends API tokens. A token never reaches further, nor lives longer, than what it was made with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from governance.display import dates
from governance.domain.errors import InvalidInput, NotAllowed, NotFound
from governance.domain.people.scopes import OF_PROGRAMS, Scope
from governance.models import ApiToken, User
from governance.selectors.people.duties import is_system
from governance.services.messages import alerts
from governance.services.record import audit
from governance.services.register.edits import Errors, lock_row

DAYS_MAX = 365
DAYS_UNLESS_TOLD = 90
TOKENS_MAX = 20
"""Of one account at a time."""


@transaction.atomic(durable=True)
def make_token(
    *,
    actor: User,
    now: datetime,
    scopes: Iterable[str] = (Scope.READ,),
    days: int | None = None,
    account: str = "",
    through: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """Make a token for the actor's account, or for a service account that the actor's person answers for.

    Args:
        days: until it expires; None for 90, or for the rest of `through`.
        account: address of the service account; empty for the actor's own account.
        through: the token that the actor came with; None for a person who is signed in.

    Returns:
        The token, and its secret: it is told here and kept nowhere.

    Raises:
        NotAllowed: the token that the actor came with makes none.
        InvalidInput: no known scope, more scopes or days than the token that the actor came with, a scope that programs
            do not have, an account that is not the actor's, or too many tokens.
    """
    errors = Errors()
    wanted = _scopes(errors, scopes)
    owner = _owner(errors, actor, account)
    if through is not None and Scope.ADMIN not in through.scopes:
        raise NotAllowed(f"this token makes no tokens: that takes the scope `{Scope.ADMIN}`")
    if through is not None and owner.pk != actor.pk:
        errors.add("account", "is another account: sign in to make a token for it")
    if through is not None and (wider := sorted(wanted - set(through.scopes))):
        errors.add("scopes", f"{_listed(wider)} is more than the token that you use has")
    if owner.is_service_account and (wider := sorted(wanted - OF_PROGRAMS)):
        errors.add("scopes", f"{_listed(wider)} is not for a service account: it decides nothing and keeps no rules")
    expiry = _expiry(errors, days, through, now)
    errors.raise_any()
    # The account's row: what is counted below stays counted.
    lock_row(User, owner.pk)
    if ApiToken.objects.filter(user=owner, expiry__gt=now).count() >= TOKENS_MAX:
        raise InvalidInput({"account": [f"`{owner.email}` has {TOKENS_MAX} tokens: end one first"]})
    token, secret = ApiToken.objects.create(user=owner, expiry=expiry - now, scopes=sorted(wanted), made_with=through)
    # The manager counts from its own clock.
    token.expiry = expiry
    token.save(update_fields=["expiry"])
    alerts.tell_token_made(owner, name=token.name, scopes=token.scopes, expires_at=expiry, now=now)
    audit.record(
        "account.token_made", actor=actor, subject=owner.person, now=now, user=owner.pk, token=token.name,
        scopes=token.scopes, expires_at=expiry.isoformat(), made_with=through.name if through else None,
    )  # fmt: skip
    return token, secret


@transaction.atomic(durable=True)
def end_token(*, actor: User, token_key: str, now: datetime, through: ApiToken | None = None) -> None:
    """End a token at once, and those made with it.

    Args:
        token_key: as the list of tokens names it.
        through: the token that the actor came with. It ends itself and what was made with it; others only with `admin`.

    Raises:
        NotFound: no such token, or not the actor's to end.
    """
    rows = ApiToken.objects.filter(mine(actor), token_key=token_key[:40])
    token = rows.select_for_update(of=("self",)).first()
    if token is None or not _may_end(token, through):
        raise NotFound("there is nothing here, or it is not yours to see")
    owner, name = token.user, token.name
    token.delete()
    audit.record("account.token_ended", actor=actor, subject=owner.person, now=now, user=owner.pk, token=name)


def tokens_of(actor: User) -> QuerySet[ApiToken]:
    """Tokens that the actor may end, newest first: of their own account and of the service accounts they answer for."""
    return ApiToken.objects.filter(mine(actor)).select_related("made_with").order_by("-created")


def mine(actor: User) -> Q:
    """Tokens of the actor's own account; for a person, also of the service accounts that they answer for."""
    own = Q(user=actor)
    if actor.is_service_account:
        return own
    return own | Q(user__person_id=actor.person_id, user__is_service_account=True)


def _may_end(token: ApiToken, through: ApiToken | None) -> bool:
    if through is None or Scope.ADMIN in through.scopes:
        return True
    return through.pk in (token.pk, token.made_with_id)


def _scopes(errors: Errors, scopes: Iterable[str]) -> set[str]:
    wanted = {str(scope) for scope in scopes}
    known = {str(scope) for scope in Scope}
    if unknown := sorted(wanted - known):
        errors.add("scopes", f"{_listed(unknown)[:80]} is no scope: choose from {_listed(sorted(known))}")
    if not wanted:
        errors.add("scopes", f"choose at least one of {_listed(sorted(known))}")
    return wanted


def _owner(errors: Errors, actor: User, account: str) -> User:
    if is_system(actor):
        raise NotAllowed("the product's own account has no tokens")
    address = account.strip().lower()
    if not address or address == actor.email:
        return actor
    own = User.objects.select_related("person").filter(
        email=address, person_id=actor.person_id, is_service_account=True, is_active=True
    )
    found = own.first() if not actor.is_service_account else None
    if found is None:
        errors.add("account", f"`{address[:60]}` is no service account that you answer for")
        return actor
    return found


def _expiry(errors: Errors, days: int | None, through: ApiToken | None, now: datetime) -> datetime:
    end = now + timedelta(days=DAYS_UNLESS_TOLD if days is None else max(1, min(days, DAYS_MAX)))
    if days is not None and not 1 <= days <= DAYS_MAX:
        errors.add("days", f"`{days}` is not between 1 and {DAYS_MAX}")
    if through is None or through.expiry is None or end <= through.expiry:
        return end
    if days is not None:
        errors.add("days", f"the token that you use ends on {dates.full_moment(through.expiry)}: no later than that")
    return through.expiry


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
