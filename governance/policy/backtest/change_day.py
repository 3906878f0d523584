"""The day on which a draft is compared with the rules of today: one on which what it changes can be seen."""

from __future__ import annotations

from datetime import date
from typing import Any

from governance.policy.bundle.bundle_model import Bundle
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set


def day_of(draft: Bundle, active: Bundle | None, *, today: date) -> date:
    """The day whose parameters and effective dates a draft is judged with.

    New rules on old facts: what is asked is how the draft would have ruled as it will stand, not which figure an older
    decision met. Days that can tell the two apart are today, and every later one on which a dated value begins that
    only one of them has, or on which one of them begins or ends and the other does not. Of these it is the one on which
    most rules differ, the latest of several: on the first day of the last change all earlier ones hold as well, unless
    one is over by then.

    Raises:
        PolicyError: an expression does not check.
    """
    # Before its own first day the draft rules nothing, which is not what it is about.
    first = max(today, draft.effective_from or today)
    days = {first, *(day for day in _change_days(draft, active) if day > first)}
    new = compile_policy_set([draft])
    old = compile_policy_set([active]) if active is not None else None

    def differing(on: date) -> int:
        after, before = _acts(new, on), _acts(old, on)
        return sum(before.get(rule) != after.get(rule) for rule in {*before, *after})

    return max(days, key=lambda day: (differing(day), day))


def _change_days(draft: Bundle, active: Bundle | None) -> set[date]:
    """Days on which something begins or ends in only one of the two."""
    one, other = _dates(draft), _dates(active) if active is not None else set()
    return {day for *_, day in one ^ other}


def _dates(bundle: Bundle) -> set[tuple[str, str, date]]:
    """What has a day: each dated value by name and value, the first day and the last."""
    found = {(param.name, repr(dated.value), dated.start) for param in bundle.params for dated in param.values}
    bounds = (("effective_from", bundle.effective_from), ("effective_to", bundle.effective_to))
    # No parameter is called "".
    return found | {("", name, day) for name, day in bounds if day is not None}


def _acts(policy: CompiledPolicySet | None, on: date) -> dict[str, Any]:
    """What each rule in force on a day asks and does."""
    if policy is None:
        return {}
    return {rule.rule_id: (rule.condition_digest, rule.effect, rule.on_error) for rule in policy.at(on).rules}
