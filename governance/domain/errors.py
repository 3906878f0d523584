"""The one family of refusals: a stable code, one sentence with the user's values, plain data.

The API turns `code` into problem+json, pages and the admin show the sentence; neither parses the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class GovernanceError(Exception):
    """A refusal that a person can act upon. Nothing was written.

    Args:
        message: one lower-case sentence, the user's values in backticks, no full stop.
        data: plain values (str, int, float, bool, None, lists of these) for machines.
    """

    code: ClassVar[str] = "refused"
    http_status: ClassVar[int] = 409

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class InvalidInput(GovernanceError):
    """One or more fields have no acceptable meaning; `errors` names each of them."""

    code = "invalid_input"
    http_status = 400

    def __init__(self, errors: Mapping[str, Sequence[str]], message: str = "") -> None:
        self.errors = {field: list(sentences) for field, sentences in errors.items()}
        first = next(iter(self.errors.items()), ("", [""]))
        super().__init__(message or f"`{first[0]}`: {first[1][0]}", errors=self.errors)


class InvalidRequest(InvalidInput):
    """The content of a provisioning request is incomplete or impossible."""

    code = "invalid_request"


class NotFound(GovernanceError):
    """Missing, or not visible to this person: the two read the same."""

    code = "not_found"
    http_status = 404


class NotAllowed(GovernanceError):
    """The person has no role that permits this."""

    code = "not_allowed"
    http_status = 403


class NotRequester(NotAllowed):
    """Only the person who asked may do this."""

    code = "not_requester"


class SeparationOfDuties(NotAllowed):
    """The person asked for this, benefits from it, or already filled another role on it."""

    code = "separation_of_duties"


class IllegalTransition(GovernanceError):
    """The life cycle has no such move from the present state."""

    code = "illegal_transition"


class ScopeMissing(NotAllowed):
    """The token does not reach so far, whatever its account may do. data: needed, held."""

    code = "scope_missing"


class StaleRevision(GovernanceError):
    """The request moved between reading and deciding; nothing was recorded."""

    code = "stale_revision"


class StaleDraft(GovernanceError):
    """The draft was saved elsewhere since this page was opened."""

    code = "stale_draft"


class BudgetExceeded(GovernanceError):
    """The hold does not fit a budget on the path. data: budget, headroom_micro, needed_micro."""

    code = "budget_exceeded"


class NoBudget(GovernanceError):
    """No budget of the project covers the start of the request."""

    code = "no_budget"


class TooManyUndecided(GovernanceError):
    """The person or the project already has as many undecided holds as are permitted."""

    code = "too_many_undecided"


class UnfillableStage(GovernanceError):
    """Too few eligible people for a stage and its fallbacks, or too many stages. data: role, quorum, eligible."""

    code = "unfillable_stage"


class AlreadyDecided(GovernanceError):
    """The stage is closed, or this person has already decided it."""

    code = "already_decided"


class NoActivePolicy(GovernanceError):
    """No policy set is in force, so nothing may be judged."""

    code = "no_active_policy"


class NotReady(GovernanceError):
    """A policy version lacks something that activation asks for. data: missing, one sentence each."""

    code = "not_ready"


class NoCatalogue(GovernanceError):
    """No catalogue release is loaded, so nothing can be sized."""

    code = "no_catalogue"


class MissingEvidence(GovernanceError):
    """A stage cannot say yes before the evidence that its rules ask for is there. data: kinds."""

    code = "missing_evidence"


class NoPrice(GovernanceError):
    """Nothing can be granted whose cost nobody knows."""

    code = "no_price"


class IdempotencyConflict(GovernanceError):
    """The idempotency key was used before with another body."""

    code = "idempotency_conflict"
    http_status = 422


class IdempotencyInFlight(GovernanceError):
    """The first call with this idempotency key is still at work."""

    code = "idempotency_in_flight"


class LockOutsideTransaction(RuntimeError):
    """A programming error: a row lock was asked for outside a transaction."""
