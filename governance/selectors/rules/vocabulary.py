"""The closed sets of this installation: what a rule may name here, beside what comes with the product.

Roles are the installation's own rows alone: a role that is not there is held by nobody. The catalogue adds to what
ships, so that a rule can be written before the catalogue is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from estimator.catalogue import Release, newest_release
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

KEPT_RELEASES_MAX = 4


def installed_vocabulary() -> Vocabulary:
    """Read the closed sets as they are now. Eight queries: for whoever writes, checks or activates rules."""
    shipped = shipped_vocabulary().sets
    listed = _listed(newest_release())
    teams = list(Team.objects.values_list("slug", "cost_centre"))
    found = {
        "role": WordSet(NOUNS["role"], frozenset(Role.objects.values_list("slug", flat=True))),
        "purpose": _more(shipped["purpose"], Purpose.objects.values_list("slug", flat=True)),
        "prohibited_use": _more(shipped["prohibited_use"], listed.prohibited_uses),
        "threshold": _more(shipped["threshold"], listed.thresholds),
        "provider": _more(
            shipped["provider"],
            [*Provider.objects.values_list("slug", flat=True), *listed.providers],
            listed.provider_aliases,
        ),
        "accelerator": _more(shipped["accelerator"], listed.accelerators, listed.accelerator_aliases),
        "vendor": _more(shipped["vendor"], listed.vendors),
        "region": _more(
            shipped["region"],
            [*listed.regions, *Grant.objects.exclude(region="").values_list("region", flat=True).distinct()],
        ),
        "team": WordSet(NOUNS["team"], frozenset(slug for slug, _ in teams)),
        "cost_centre": WordSet(NOUNS["cost_centre"], frozenset(centre for _, centre in teams if centre)),
        "lineage": WordSet(NOUNS["lineage"], frozenset(ModelLineage.objects.values_list("slug", flat=True))),
    }
    return Vocabulary({**shipped, **found}, is_installation=True)


@dataclass(frozen=True, slots=True)
class _Listed:
    """The words of one release of the catalogue; aliases as they are printed, with what they mean."""

    prohibited_uses: tuple[str, ...] = ()
    thresholds: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    provider_aliases: tuple[tuple[str, str], ...] = ()
    accelerators: tuple[str, ...] = ()
    accelerator_aliases: tuple[tuple[str, str], ...] = ()
    vendors: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


@lru_cache(maxsize=KEPT_RELEASES_MAX)
def _listed(release: Release | None) -> _Listed:
    """Read once for each release: its digest says what is in it, so another catalogue is another key."""
    if release is None:
        return _Listed()
    number, *_ = release
    parts = Accelerator.objects.in_force(number)
    regions = GridIntensity.objects.in_force(number).filter(scope="cloud_region").values_list("code", flat=True)
    return _Listed(
        prohibited_uses=tuple(ProhibitedUse.objects.in_force(number).values_list("slug", flat=True)),
        thresholds=tuple(ComputeThreshold.objects.in_force(number).values_list("slug", flat=True)),
        providers=tuple(ListedProvider.objects.in_force(number).values_list("slug", flat=True)),
        provider_aliases=tuple(ProviderAlias.objects.in_force(number).values_list("printed", "provider")),
        accelerators=tuple(parts.values_list("slug", flat=True)),
        accelerator_aliases=tuple(
            AcceleratorAlias.objects.in_force(number).filter(hint="").values_list("printed", "accelerator")
        ),
        vendors=tuple(parts.values_list("vendor", flat=True)),
        regions=tuple(code.rpartition(":")[2] for code in regions),
    )


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
