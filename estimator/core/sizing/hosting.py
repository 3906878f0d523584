"""Serving a model oneself or by a hosted model's token price: USD per million tokens of each, and where they meet."""

from __future__ import annotations

import math
from dataclasses import dataclass

from estimator.core.pricing.offers import TokenPrice
from estimator.core.quantities import HOURS_PER_MONTH, MILLION, SECONDS_PER_HOUR
from estimator.core.sizing.duration import Serving


@dataclass(frozen=True, slots=True)
class HostingChoice:
    """Both ways for one mix of tokens, at the median.

    `break_even_million_month` is the monthly volume, input and output together, from which own replicas cost less; None
    where the tokens cost less even at full load. Own replicas come whole, so below one full replica it still costs one.
    """

    own_usd_month: float
    own_replicas: int
    hosted_usd_month: float
    own_usd_million_full: float
    hosted_usd_million: float
    break_even_million_month: float | None


def choose_hosting(
    *,
    input_million_month: float,
    output_million_month: float,
    replica: Serving,
    usd_per_gpu_hour: float,
    hosted: TokenPrice,
    utilisation: float = 0.5,
) -> HostingChoice:
    """Compare own replicas, kept on all month, with a hosted model.

    Args:
        utilisation: share of a replica's capacity that a month's load can use; the rest is nights and peaks.
    """
    total = input_million_month + output_million_month
    share_in = input_million_month / total if total > 0 else 0.5
    seconds_per_million = MILLION * (
        share_in / replica.prefill_tokens_s.p50 + (1.0 - share_in) / replica.decode_tokens_s.p50
    )
    # Rates are of one device of a replica, so device-seconds over devices are replica-seconds.
    capacity = HOURS_PER_MONTH * SECONDS_PER_HOUR * utilisation * replica.devices / seconds_per_million
    replica_usd = replica.devices * HOURS_PER_MONTH * usd_per_gpu_hour
    hosted_million = share_in * hosted.usd_per_million_input + (1.0 - share_in) * hosted.usd_per_million_output
    replicas = max(1, math.ceil(total / capacity - 1e-9))
    own_full = replica_usd / capacity
    return HostingChoice(
        own_usd_month=replicas * replica_usd,
        own_replicas=replicas,
        hosted_usd_month=total * hosted_million,
        own_usd_million_full=own_full,
        hosted_usd_million=hosted_million,
        break_even_million_month=replica_usd / hosted_million if hosted_million > own_full else None,
    )
