"""What to request instead: the nearest request that needs fewer people, and the same work for less elsewhere.

One answer for the form, the pages, the mails and the API: they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.domain.ask import Ask
from governance.domain.errors import GovernanceError
from governance.models import ProvisioningRequest
from governance.selectors.assessments import Assessed
from governance.selectors.cheaper import Cheaper, cheaper
from governance.selectors.nearest import NOTHING as NO_NEAREST
from governance.selectors.nearest import OPEN_STATES, Advice, assessed_now, search
from governance.selectors.situations import Situation, rank_of, situation_of


@dataclass(frozen=True, slots=True)
class Advised:
    """Both, each empty where there is nothing to say."""

    nearest: Advice = NO_NEAREST
    cheaper: Cheaper | None = None

    def to_json(self) -> dict[str, Any]:
        return self.nearest.to_json() | {"cheaper": self.cheaper.to_json() if self.cheaper else None}


NOTHING = Advised()


def advise(assessed: Assessed, *, now: datetime, beneficiary_id: int | None = None) -> Advised:
    """Advice on a request that was judged just now. A handful of queries, however much is tried."""
    situation = situation_of(assessed, now=now, beneficiary_id=beneficiary_id)
    return NOTHING if situation is None else _of(situation, situation.ask)


def advise_request(request: ProvisioningRequest, content: Mapping[str, Any], *, now: datetime) -> Advised:
    """Advice on a stored request that can still be changed, as if it were submitted now.

    Args:
        request: with its requester.
        content: its current revision.
    """
    if request.state not in OPEN_STATES:
        return NOTHING
    try:
        situation = assessed_now(request, content, now=now)
    except GovernanceError:
        # It names what is gone, or nothing could be judged: the page says so elsewhere.
        return NOTHING
    return NOTHING if situation is None else _of(situation, Ask.parse(content))


def _of(situation: Situation, before: Ask) -> Advised:
    is_settled = rank_of(situation.assessed) == 0 and before == situation.ask
    return Advised(NO_NEAREST if is_settled else search(situation, before=before), cheaper(situation))
