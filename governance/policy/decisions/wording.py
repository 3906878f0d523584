"""Values, roles and obligations as a sentence says them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from governance.display import numbers
from governance.display.dates import full_moment
from governance.policy.facts.facts_schema import EVIDENCE_LABELS

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
        return numbers.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return full_moment(value)
    if isinstance(value, timedelta):
        days = value / timedelta(days=1)
        return f"{numbers.in_full(days)}{numbers.NBSP}{'day' if days == 1 else 'days'}"
    if isinstance(value, (list, tuple)):
        return ", ".join(format_value(item, unit) for item in value) or "none"
    return value if isinstance(value, str) else numbers.quantity(value, unit)
