"""The closed sets as plain values: what comes with the product, for the policy library's own file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import apps

from governance.domain.requests import fields
from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.shipped import BUNDLE_NAMES, shipped_text
from governance.policy.facts import facts_schema
from governance.policy.facts.vocabulary import Vocabulary, shipped_words

_REGION = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_REGION_IN_BRACKETS = re.compile(r"\(([a-z0-9-]+)\)")


def words_that_ship() -> dict[str, dict[str, Any]]:
    """Roles, purposes and catalogue as the product ships them; countries as they stand in the file already."""
    roles = import_module("governance.migrations.0002_reference_rows").ROLES
    accelerators = list(_rows("accelerators"))
    vendors = [row["vendor"] for row in accelerators]
    providers = [row["slug"] for row in _rows("providers")]
    return {
        "role": _set(role[0] for role in roles),
        "purpose": _set(facts_schema.PURPOSES),
        "use_tag": _set((*facts_schema.USE_TAGS, *fields.field("use_tags").slugs)),
        "prohibited_use": _set(row["slug"] for row in _rows("prohibited_uses")),
        "evidence": _set(facts_schema.EVIDENCE_KINDS),
        "obligation": _set(_obligations()),
        "threshold": _set(row["slug"] for row in _rows("thresholds")),
        "provider": _set(providers, [(row["printed"], row["provider"]) for row in _rows("provider_aliases")]),
        "accelerator": _set(
            (row["slug"] for row in accelerators),
            [
                *((row["name"], row["slug"]) for row in accelerators),
                *((row["printed"], row["accelerator"]) for row in _rows("accelerator_aliases") if not row["hint"]),
            ],
        ),
        "vendor": _set(vendors, [(vendor, vendor) for vendor in vendors]),
        "region": _set(regions((row["code"] for row in _rows("grid_carbon") if row["scope"] == "cloud_region"),
                               (row["region"] for row in _rows("prices")))),
        "country": shipped_words()["country"],
    }  # fmt: skip


def regions(grid_codes: Iterable[str], printed: Iterable[str]) -> Iterator[str]:
    """Regions by the providers' own names: those of the grid table, and those that price lists print."""
    yield from (code.rpartition(":")[2] for code in grid_codes)
    for text in printed:
        yield from _REGION_IN_BRACKETS.findall(text)
        if _REGION.fullmatch(text):
            yield text


def plain_of(vocabulary: Vocabulary) -> dict[str, Any]:
    """A vocabulary as plain values, for authors and programs."""
    return {
        name: {"words": sorted(each.words)} | ({"aliases": dict(sorted(each.aliases.items()))} if each.aliases else {})
        for name, each in vocabulary.sets.items()
    }


def _set(words: Iterable[str], aliases: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    known = sorted(set(words))
    meant: dict[str, set[str]] = {}
    for name, word in [*aliases, *((word, word) for word in known if aliases)]:
        meant.setdefault(name.casefold(), set()).add(word)
    # A name that means two things means neither.
    clear = {name: next(iter(words)) for name, words in sorted(meant.items()) if len(words) == 1 and name not in known}
    return {"words": known} | ({"aliases": clear} if clear else {})


def _obligations() -> Iterator[str]:
    for name in BUNDLE_NAMES:
        for rule in load_bundle(shipped_text(name), vocabulary=None).rules:
            yield from (obligation.code for obligation in rule.effect.obligations)


def _rows(name: str) -> Iterator[dict[str, str]]:
    path = Path(apps.get_app_config("estimator").path) / "data" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
