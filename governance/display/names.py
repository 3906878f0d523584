"""Names of providers, accelerators and rules for the slugs that rows keep, remembered for a minute by each process."""

from __future__ import annotations

import time

from estimator.catalogue import NoCatalogue, current_snapshot
from governance.domain.errors import NoActivePolicy
from governance.models import Provider
from governance.selectors.rules.policies import active_policy

REMEMBERED_SECONDS = 60.0


class _Memory:
    """Read again after a minute: a name may change, and nobody minds for how long the old one is shown."""

    providers: dict[str, str]
    accelerators: dict[str, str]
    rules: dict[str, str]
    read_at: float | None = None


def _fresh() -> type[_Memory]:
    """Three queries a minute and process."""
    now = time.monotonic()
    if _Memory.read_at is None or now - _Memory.read_at > REMEMBERED_SECONDS:
        _Memory.providers = dict(Provider.objects.values_list("slug", "name"))
        try:
            _Memory.accelerators = {slug: part.name for slug, part in current_snapshot().accelerators.items()}
        except NoCatalogue:
            _Memory.accelerators = {}
        try:
            _Memory.rules = {rule.rule_id: rule.rule.title for rule in active_policy().rules}
        except NoActivePolicy:
            _Memory.rules = {}
        _Memory.read_at = now
    return _Memory


def provider_name(slug: object) -> str:
    """The organisation's name for a provider; the slug itself when there is none."""
    text = str(slug or "")
    return _fresh().providers.get(text, text)


def accelerator_name(slug: object) -> str:
    """The catalogue's name for an accelerator; the slug itself when it is not in the catalogue."""
    text = str(slug or "")
    return _fresh().accelerators.get(text, text)


def rule_title(rule_id: object) -> str:
    """What a rule of the policy in force is called; empty when no such rule is in force."""
    return _fresh().rules.get(str(rule_id or ""), "")


def forget() -> None:
    """Read again at the next name."""
    _Memory.read_at = None
