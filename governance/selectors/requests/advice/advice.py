"""What to request instead: the nearest request that needs fewer people, and the same work for less elsewhere.

One answer for the form, the pages, the mails and the API: they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.domain.errors import GovernanceError
from governance.domain.requests.parse import RequestContent
from governance.models import ProvisioningRequest
from governance.selectors.requests.advice.cheaper import Cheaper, cheaper
from governance.selectors.requests.advice.nearest import NOTHING as NO_NEAREST
from governance.selectors.requests.advice.nearest import OPEN_STATES, Advice, assessed_now, search
from governance.selectors.requests.assessments import NOTHING_READ, Read
from governance.selectors.requests.judgement import Assessed
from governance.selectors.requests.situations import Situation, rank_of


@dataclass(frozen=True, slots=True)
class Advised:
    """Both, each empty where there is nothing to say."""

    nearest: Advice = NO_NEAREST
    cheaper: Cheaper | None = None

    def to_json(self) -> dict[str, Any]:
        return self.nearest.to_json() | {"cheaper": self.cheaper.to_json() if self.cheaper else None}


NOTHING = Advised()


def advise(assessed: Assessed, *, beneficiary_id: int | None = None) -> Advised:
    """Advice on a request that `assess` judged just now, by the same rules, prices and people: none is read again.

    At most four queries, however much is tried: people and roles, if the answer needed none.
    """
    return _of(Situation(assessed, beneficiary_id=beneficiary_id), assessed.content)


def advise_request(
    request: ProvisioningRequest,
    content: Mapping[str, Any],
    *,
    now: datetime,
    own_hold_micro: int | None = None,
    read: Read = NOTHING_READ,
) -> Advised:
    """Advice on a stored request that can still be changed, as if it were submitted now.

    Args:
        request: with its requester.
        content: its current revision.
        own_hold_micro: what it holds already; None has it read.
        read: what the caller has read at this instant already.
    """
    if request.state not in OPEN_STATES:
        return NOTHING
    try:
        situation = assessed_now(request, content, now=now, own_hold_micro=own_hold_micro, read=read)
    except GovernanceError:
        # It names what is gone, or nothing could be judged: the page says so elsewhere.
        return NOTHING
    return _of(situation, RequestContent.parse(content))


def _of(situation: Situation, before: RequestContent) -> Advised:
    is_settled = rank_of(situation.assessed) == 0 and before == situation.content
    return Advised(NO_NEAREST if is_settled else search(situation, before=before), cheaper(situation))
