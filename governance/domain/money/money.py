"""Money is an integer count of micro-units of a currency. One rounding rule: what is promised is rounded up to a cent.

Invariant: floats never travel past this file; policies read dollars as doubles, ledgers read micro-units.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, InvalidOperation

MICRO_PER_UNIT = 1_000_000
MICRO_PER_CENT = 10_000
# Ten billion units: far above any budget here, far below what a BIGINT sum of them could overflow.
AMOUNT_MICRO_MAX = 10_000_000_000 * MICRO_PER_UNIT
CURRENCY = "USD"
# A float dollar amount carries noise below a millionth; it must not push a whole cent up.
_FLOAT_NOISE = Decimal("0.0000005")


class AmountOutOfRange(ValueError):
    """The amount is not finite, negative, or above `AMOUNT_MICRO_MAX`."""


def micro_rounded_up_to_cent(amount: Decimal | float | int) -> int:
    """Micro-units of `amount` currency units, rounded up to a whole cent.

    Args:
        amount: currency units, finite, 0 or more, at most ten billion.

    Raises:
        AmountOutOfRange: otherwise.
    """
    try:
        value = Decimal(str(amount))
        if not value.is_finite() or value < 0:
            raise AmountOutOfRange(f"amount `{amount}` is not a finite number of 0 or more")
        cents = ((value - _FLOAT_NOISE) * 100).to_integral_value(rounding=ROUND_CEILING)
    except InvalidOperation:
        raise AmountOutOfRange(f"amount `{amount}` is too large") from None
    micro = max(0, int(cents)) * MICRO_PER_CENT
    if micro > AMOUNT_MICRO_MAX:
        raise AmountOutOfRange(f"amount `{amount}` is above {AMOUNT_MICRO_MAX // MICRO_PER_UNIT} {CURRENCY}")
    return micro


def to_units(amount_micro: int) -> float:
    """Currency units as a double, for policies and plots; never written back to a ledger."""
    return amount_micro / MICRO_PER_UNIT


def split(amount_micro: int, shares: int) -> list[int]:
    """`shares` whole parts that sum to `amount_micro`; the first parts carry the remainder.

    Args:
        amount_micro: 0 or more.
        shares: 1 or more.
    """
    if shares < 1:
        raise ValueError(f"shares `{shares}` must be 1 or more")
    base, remainder = divmod(amount_micro, shares)
    return [base + (1 if index < remainder else 0) for index in range(shares)]
