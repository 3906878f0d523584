"""The kinds of a request: one row per kind. Nothing else tests which kind a request has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from governance.domain.errors import InvalidRequest
from governance.domain.states.requests import RequestKind


class Holds(StrEnum):
    """What a submitted request sets aside on the budgets."""

    ALL = "all"
    """Its whole amount."""
    DIFFERENCE = "difference"
    """What it asks for beyond the grant, whose own amount is committed already."""


class Approval(StrEnum):
    """What the final approval does."""

    ISSUE = "issue"
    """Issues a grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of request.

    Attributes:
        label: as people choose it.
        verb: what it does to the grant that it is about, within a sentence; empty when it is about none.
        on_approval: what the final approval does. None: nothing carries this kind out yet, so it is not offered and
            cannot be submitted; requests of it that are stored stay readable.
        may_start_in_past: it speaks of what ran already.
        replaces_grant: it follows the grant, which may have ended.
        moves_grant: it names another project than the grant's.
        is_for_same_machines: provider and accelerator are the grant's.
    """

    slug: str
    label: str
    verb: str = ""
    holds: Holds = Holds.ALL
    on_approval: Approval | None = None
    may_start_in_past: bool = False
    replaces_grant: bool = False
    moves_grant: bool = False
    is_for_same_machines: bool = False

    @property
    def is_offered(self) -> bool:
        return self.on_approval is not None

    @property
    def is_on_grant(self) -> bool:
        """It is about a grant, which it has to name."""
        return bool(self.verb)

    @property
    def adds_to_grant(self) -> bool:
        return self.holds is Holds.DIFFERENCE

    @property
    def name(self) -> str:
        """Within a sentence: `top-up`."""
        return self.slug.replace("_", "-")


KINDS: tuple[Kind, ...] = (
    Kind(slug=RequestKind.NEW.value, label="Something new", on_approval=Approval.ISSUE),
    Kind(slug=RequestKind.CHANGE.value, label="A change to a grant", verb="change", holds=Holds.DIFFERENCE),
    Kind(
        slug=RequestKind.RENEWAL.value,
        label="A renewal of a grant",
        verb="renew",
        on_approval=Approval.ISSUE,
        replaces_grant=True,
        is_for_same_machines=True,
    ),
    Kind(
        slug=RequestKind.TOP_UP.value,
        label="More hours or money on a grant",
        verb="top up",
        holds=Holds.DIFFERENCE,
        is_for_same_machines=True,
    ),
    Kind(
        slug=RequestKind.TRANSFER.value,
        label="A transfer of a grant to another project",
        verb="transfer",
        moves_grant=True,
    ),
    Kind(
        slug=RequestKind.RATIFICATION.value,
        label="Retroactive approval of what has run already",
        on_approval=Approval.ISSUE,
        may_start_in_past=True,
    ),
    Kind(slug=RequestKind.EMERGENCY.value, label="An emergency"),
)
NEW = KINDS[0]
SLUGS = tuple(kind.slug for kind in KINDS)
# Follow-ups on a grant that are counted together with others on it.
ADDING = tuple(kind.slug for kind in KINDS if kind.adds_to_grant)

_BY_SLUG = {kind.slug: kind for kind in KINDS}


def kind_of(slug: object) -> Kind:
    """The kind with this name; a draft that names none, or one that does not exist, is something new."""
    return _BY_SLUG.get(str(slug), NEW)


def refuse_unoffered(kind: Kind) -> None:
    """Refuse a kind that nothing carries out yet.

    Raises:
        InvalidRequest: it is not offered.
    """
    if not kind.is_offered:
        offered = ", ".join(each.slug for each in KINDS if each.is_offered)
        raise InvalidRequest({"kind": [f"`{kind.slug}` requests cannot be submitted yet: choose one of: {offered}"]})
