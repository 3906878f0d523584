"""Which prices may decide an automatic approval: agreed ones while they hold, and list prices that are not old."""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings

from estimator.core.results.result import Estimate
from governance.display import dates, numbers
from governance.display.numbers import NBSP
from governance.domain.money.money import micro_rounded_up_to_cent


def why_held_back(
    estimate: Estimate, *, last_day: date | None, exposure_micro: int | None, money_cap_usd: float | None
) -> str:
    """Why a person looks at the money of a request although the rules would allow it, as a sentence; else empty.

    Args:
        last_day: of the request's window; None when it is open-ended.
        exposure_micro: the assessed amount; None when nobody can price it.
        money_cap_usd: what the request is capped at in money, if it is: then no price moves the assessed amount.
    """
    if exposure_micro is None:
        return "The catalogue has no price for this, so the cost is unknown."
    price = estimate.price
    is_capped = money_cap_usd is not None and exposure_micro >= micro_rounded_up_to_cent(money_cap_usd)
    if price is None or is_capped:
        return ""
    if not price.is_own and price.age_days > settings.LIST_PRICE_DAYS_MAX:
        return (
            f"The list price is of {dates.full_day(price.as_of)}, {numbers.counted(price.age_days, 'day')} old: beyond "
            f"{settings.LIST_PRICE_DAYS_MAX}{NBSP}days a person reviews it."
        )
    if price.ends_on is not None and (last_day is None or price.ends_on <= last_day):
        return (
            f"The agreed price holds to {dates.full_day(price.ends_on - timedelta(days=1))}, and the work goes on: "
            "a person reviews what comes after it."
        )
    return ""
