"""Which number decides: the one amount that holds, approval limits and grants use."""

from __future__ import annotations

from governance.domain.money.money import micro_rounded_up_to_cent


def exposure_micro(
    *,
    cap_cost_usd: float | None,
    cost_p90_usd: float | None,
    commitment_tail_usd: float = 0.0,
    running_micro: int = 0,
) -> int | None:
    """The amount that a request counts as.

    The enforced cap's cost if there is one, else the p90 cost; plus what is still owed after cancelling; plus what
    already runs under the same grant. p50 never decides money.

    Args:
        cap_cost_usd: cost of the enforced cap, currency units, or None when nothing is capped.
        cost_p90_usd: p90 of the estimate, currency units, or None when no price is known.
        commitment_tail_usd: owed whatever happens, currency units.
        running_micro: already committed under the same grant, micro-units.

    Returns:
        Micro-units, rounded up to a cent, or None when no price is known: unknown is never zero.
    """
    base = cap_cost_usd if cap_cost_usd is not None else cost_p90_usd
    if base is None:
        return None
    # The tail is what remains owed beyond the request itself; a capped reservation already contains it.
    return micro_rounded_up_to_cent(max(base, commitment_tail_usd)) + running_micro
