"""Closed sets of words: the roles, providers, thresholds, countries… that a rule may name.

A rule that compares a fact with a word that the fact can never be is a rule that silently never fires. The checker
refuses such a word and says which was probably meant; another name of something (`gcp`) is read as the name that facts
carry (`google-cloud`). The library knows what comes with the product; inside the product the installation's own rows
are read (`governance/selectors/rules/vocabulary.py`), and a bundle may declare words of its own (`words:`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from governance.policy.facts.facts import Fact, FactType
from governance.policy.facts.units import KNOWN_UNITS, read_unit
from governance.policy.suggest import closest

# Which set the words of a fact come from. A fact with choices that is not here is its own set.
FACT_SETS: Mapping[str, str] = MappingProxyType(
    {
        "request.purpose": "purpose",
        "request.use_tags": "use_tag",
        "request.prohibited_uses": "prohibited_use",
        "request.evidence_kinds": "evidence",
        "request.accelerator": "accelerator",
        "request.accelerator_vendor": "vendor",
        "thresholds.exceeded": "threshold",
        "thresholds.may_exceed": "threshold",
        "place.provider": "provider",
        "place.region": "region",
        "place.country": "country",
        "place.chip_vendor_hq_country": "country",
        "place.destination_country": "country",
        "people.access_countries": "country",
        "people.beneficiary_hq_country": "country",
        "people.requester_roles": "role",
        "people.team_path": "team",
        "budget.cost_centre": "cost_centre",
        "lineage.model_lineage": "lineage",
    }
)

NOUNS: Mapping[str, str] = MappingProxyType(
    {
        "role": "role",
        "purpose": "purpose",
        "use_tag": "use",
        "prohibited_use": "prohibited use of the catalogue",
        "evidence": "kind of evidence",
        "obligation": "obligation",
        "threshold": "threshold of the catalogue",
        "provider": "provider",
        "accelerator": "accelerator",
        "vendor": "maker of accelerators",
        "region": "region",
        "country": "country code",
        "team": "team",
        "cost_centre": "cost centre",
        "lineage": "model lineage",
        "unit": "unit",
    }
)
# What only an installation can know.
INSTALLATION_SETS = frozenset({"team", "cost_centre", "lineage"})
# Countries are ISO's, and what a fact's own choices are is in the schema: a bundle adds nothing to either.
EXTENSIBLE = tuple(name for name in NOUNS if name != "country")


def _is_one_off(word: str, other: str) -> bool:
    return len(word) == len(other) and sum(a != b for a, b in zip(word, other, strict=True)) == 1


@dataclass(frozen=True, slots=True)
class WordSet:
    """One closed set.

    Attributes:
        noun: what one of its words names, for a sentence.
        aliases: other names, casefolded, to the word that they mean.
    """

    noun: str
    words: frozenset[str]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def canonical(self, word: str) -> str | None:
        """The word itself, or the one that an alias means; None when it is not known."""
        if word in self.words:
            return word
        folded = word.casefold()
        # Where there are other names at all, capitals do not make another one.
        return self.aliases.get(folded) or (folded if self.aliases and folded in self.words else None)

    def nearest(self, word: str) -> str | None:
        """What was probably meant."""
        near = closest(word, self.words)
        # Codes of two or three letters share too little for that: one letter apart is near.
        return near or next((each for each in sorted(self.words) if _is_one_off(word, each)), None)

    def with_words(self, words: Iterable[str]) -> WordSet:
        return replace(self, words=self.words | frozenset(words))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The closed sets by name.

    Attributes:
        is_installation: read from an installation's rows, so that a role it does not have is no role.
        own_units: units that a bundle declares.
    """

    sets: Mapping[str, WordSet]
    is_installation: bool = False
    own_units: tuple[str, ...] = ()

    def get(self, name: str) -> WordSet | None:
        """A set by name; None when this vocabulary does not know it, and any word goes."""
        return self.sets.get(name)

    def of_fact(self, fact: Fact) -> WordSet | None:
        """The words that a fact may be, or hold; None when any text may be one."""
        name = FACT_SETS.get(fact.name)
        if name is None:
            is_closed = bool(fact.choices) and not fact.is_open and fact.type is not FactType.BOOL
            return WordSet(f"value of `{fact.name}`", frozenset(fact.choices)) if is_closed else None
        found = self.sets.get(name)
        return found.with_words(fact.choices) if found is not None and fact.choices else found

    def with_words(self, own: Mapping[str, tuple[str, ...]]) -> Vocabulary:
        """The same with the words that a bundle declares."""
        if not own:
            return self
        sets = dict(self.sets)
        for name, words in own.items():
            if name != "unit" and name in sets:
                sets[name] = sets[name].with_words(words)
        return replace(self, sets=sets, own_units=(*self.own_units, *own.get("unit", ())))

    def nearest_unit(self, text: str) -> str | None:
        return closest(text, (*KNOWN_UNITS, *self.own_units))

    def knows_unit(self, text: str) -> bool:
        return read_unit(text, self.own_units) is not None


def vocabulary_of(plain: Mapping[str, Mapping[str, Any]], *, is_installation: bool = False) -> Vocabulary:
    """A vocabulary from plain values: set to `words` and, where there are any, `aliases`."""
    sets = {
        name: WordSet(
            NOUNS[name],
            frozenset(each["words"]),
            {alias.casefold(): word for alias, word in each.get("aliases", {}).items()},
        )
        for name, each in plain.items()
    }
    return Vocabulary(sets, is_installation)


def shipped_words() -> dict[str, dict[str, Any]]:
    """The plain values that come with the product: what `manage.py policy words --shipped` prints, in a file.

    Write the file anew from another one: the command reads this one first.
    """
    text = resources.files("governance.policy").joinpath("words.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


@lru_cache(maxsize=1)
def shipped_vocabulary() -> Vocabulary:
    """What the library knows by itself: the shipped roles, catalogue, countries and obligations."""
    return vocabulary_of(shipped_words())
