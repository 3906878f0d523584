"""Values as people read them: a unit behind a no-break space, three digits of money, two of FLOP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from governance.policy.facts.facts_schema import EVIDENCE_LABELS

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

# Units that only say what kind of number it is.
_SILENT_UNITS = {"", "ratio", "factor", "index", "count"}

# Roles and duties whose slugs are no words that people use. Every other one reads well with spaces.
_ROLES = {
    "ai_governance": "AI governance",
    "dpo": "data protection officer",
    "exec": "executive",
    "infra_lead": "infrastructure lead",
}
_DUTIES = {
    "first_tranche": "release the first tranche only",
    "judge_at_sum": "have related requests assessed together",
    "last_day_to_cancel": "note the last day to cancel",
    "notify_commission": "notify the Commission",
    "original_approvers": "have the original approvers decide again",
    "provider_duties_for_the_modification": "meet a provider's duties for the modification",
    "provider_of_modified_model": "act as the provider of the modified model",
}


def role_in_words(slug: str) -> str:
    """A role within a sentence: `infrastructure lead`."""
    return _ROLES.get(slug) or slug.replace("_", " ")


def duty_in_words(code: str) -> str:
    """What a duty wants done: `have the original approvers decide again`."""
    return _DUTIES.get(code) or code.replace("_", " ")


def evidence_in_words(kind: str) -> str:
    """Evidence within a sentence: `data-protection assessment (DPIA)`."""
    label = EVIDENCE_LABELS.get(kind)
    return label[:1].lower() + label[1:] if label else kind.replace("_", " ")


def format_value(value: Any, unit: str = "") -> str:
    """One value of a fact or parameter in a sentence.

    Args:
        value: a plain value of the facts mapping, or None for an absent one.
        unit: the fact's unit; "percent" writes a share or ratio as a percentage.
    """
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.day}{NBSP}{value:%b %Y, %H:%M} UTC"
    if isinstance(value, timedelta):
        return f"{value / timedelta(days=1):g}{NBSP}days"
    if isinstance(value, (list, tuple)):
        return ", ".join(format_value(item, unit) for item in value) or "none"
    if isinstance(value, str):
        return value
    return _format_number(value, unit)


def _format_number(value: int | float, unit: str) -> str:
    if unit in ("percent", "share"):
        return f"{_digits(value * 100, 1)}{NBSP}%"
    if unit == "USD":
        return f"{_money(value)}{NBSP}USD"
    if unit.startswith("FLOP"):
        return f"{_scientific(value)}{NBSP}{unit}"
    text = f"{value:,}" if isinstance(value, int) else _digits(value, 2)
    text = text.replace("-", MINUS)
    return text if unit in _SILENT_UNITS else f"{text}{NBSP}{unit}"


def _money(value: int | float) -> str:
    """Cents only where there are any; they never are noise then."""
    text = f"{value:,.0f}" if abs(value - round(value)) < 0.005 else f"{value:,.2f}"
    return text.replace("-", MINUS)


def _digits(value: int | float, decimals: int) -> str:
    if abs(value) >= 1e15:
        return _scientific(value)
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    # A small value that would round to nothing keeps two significant digits.
    return f"{value:.2g}" if text in ("0", "-0") and value else text.replace("-", MINUS)


def _scientific(value: int | float) -> str:
    if abs(value) < 1e6:
        return f"{value:,.0f}".replace("-", MINUS)
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}".replace("-", MINUS)
