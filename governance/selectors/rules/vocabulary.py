"""The closed sets of this installation: what a rule may name here, beside what comes with the product.

Roles are the installation's own rows alone: a role that is not there is held by nobody. The catalogue adds to what
ships, so that a rule can be written before the catalogue is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from estimator.models import (
    Accelerator,
    AcceleratorAlias,
    ComputeThreshold,
    GridIntensity,
    ProhibitedUse,
    ProviderAlias,
)
from estimator.models import Provider as ListedProvider
from governance.models import Grant, ModelLineage, Provider, Purpose, Role, Team
from governance.policy.facts.vocabulary import NOUNS, Vocabulary, WordSet, shipped_vocabulary


def installed_vocabulary() -> Vocabulary:
    """Read the closed sets as they are now. A dozen queries: for whoever writes, checks or activates rules."""
    shipped = shipped_vocabulary().sets
    teams = list(Team.objects.values_list("slug", "cost_centre"))
    found = {
        "role": WordSet(NOUNS["role"], frozenset(Role.objects.values_list("slug", flat=True))),
        "purpose": _more(shipped["purpose"], Purpose.objects.values_list("slug", flat=True)),
        "prohibited_use": _more(
            shipped["prohibited_use"], ProhibitedUse.objects.in_force().values_list("slug", flat=True)
        ),
        "threshold": _more(shipped["threshold"], ComputeThreshold.objects.in_force().values_list("slug", flat=True)),
        "provider": _more(
            shipped["provider"],
            [
                *Provider.objects.values_list("slug", flat=True),
                *ListedProvider.objects.in_force().values_list("slug", flat=True),
            ],
            ProviderAlias.objects.in_force().values_list("printed", "provider"),
        ),
        "accelerator": _more(
            shipped["accelerator"],
            Accelerator.objects.in_force().values_list("slug", flat=True),
            AcceleratorAlias.objects.in_force().filter(hint="").values_list("printed", "accelerator"),
        ),
        "vendor": _more(shipped["vendor"], Accelerator.objects.in_force().values_list("vendor", flat=True)),
        "region": _more(
            shipped["region"],
            [
                *(code.rpartition(":")[2] for code in _cloud_regions()),
                *Grant.objects.exclude(region="").values_list("region", flat=True).distinct(),
            ],
        ),
        "team": WordSet(NOUNS["team"], frozenset(slug for slug, _ in teams)),
        "cost_centre": WordSet(NOUNS["cost_centre"], frozenset(centre for _, centre in teams if centre)),
        "lineage": WordSet(NOUNS["lineage"], frozenset(ModelLineage.objects.values_list("slug", flat=True))),
    }
    return Vocabulary({**shipped, **found}, is_installation=True)


def _cloud_regions() -> Iterable[str]:
    return GridIntensity.objects.in_force().filter(scope="cloud_region").values_list("code", flat=True)


def _more(shipped: WordSet, words: Iterable[str], aliases: Iterable[tuple[str, str]] = ()) -> WordSet:
    """What ships, and what is here. A name that means two things means neither."""
    known = shipped.words | frozenset(words)
    meant: dict[str, set[str]] = {name: {word} for name, word in shipped.aliases.items()}
    for name, word in aliases:
        meant.setdefault(name.casefold(), set()).add(word)
    if shipped.aliases:
        for word in known:
            meant.setdefault(word.casefold(), set()).add(word)
    clear = {name: next(iter(words)) for name, words in meant.items() if len(words) == 1 and name not in known}
    return replace(shipped, words=known, aliases=clear)
