"""Where the command finds bundles: files, folders, the shipped ones, the database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError

from governance.policy.bundle.bundle import SHIPPED, load_bundle
from governance.policy.bundle.bundle_model import Bundle
from governance.policy.bundle.shipped import BUNDLE_NAMES, shipped_text
from governance.policy.errors import PolicyError
from governance.policy.facts.vocabulary import Vocabulary
from governance.policy.limits import BUNDLE_BYTES_MAX
from governance.selectors.rules import policy_sources
from governance.selectors.rules.vocabulary import installed_vocabulary

HELP = "a YAML file, a folder of them, `shipped`, `active` (in force), `latest`, or a stored version `SET@NUMBER`"
_VERSION = re.compile(r"([a-z0-9-]+)@(\d{1,9})")


class NoSource(Exception):
    """A place that holds no bundle; the sentence says which."""


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one bundle and what to call it in messages; `version_id` where it is one of this installation."""

    name: str
    text: str
    version_id: int | None = None


def read_sources(places: list[str]) -> list[Source]:
    """All bundles of the places, in their order.

    Raises:
        NoSource: a place that does not exist or cannot be read.
    """
    return [source for place in places for source in _read(place)]


def _read(place: str) -> list[Source]:
    if place == "shipped":
        return [Source(f"{name}.yaml", shipped_text(name)) for name in BUNDLE_NAMES]
    if place in ("active", "latest"):
        stored = policy_sources.sources_in_force() if place == "active" else policy_sources.latest_sources()
        if not stored:
            raise NoSource(f"`{place}`: no policy version is stored")
        return [Source(each.name, each.source, each.id) for each in stored]
    version = _VERSION.fullmatch(place)
    path = Path(place)
    if version and not path.exists():
        found = policy_sources.source_of(version[1], int(version[2]))
        return [Source(found.name, found.source, found.id)]
    if path.is_dir():
        files = sorted({*path.glob("*.yaml"), *path.glob("*.yml")})
        if not files:
            raise NoSource(f"`{place}` holds no YAML file")
        return [_file(file) for file in files]
    return [_file(path)]


def _file(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            # One byte more than allowed, so that a bomb is refused for its size and never read whole.
            data = file.read(BUNDLE_BYTES_MAX + 1)
        return Source(str(path), data.decode())
    except (OSError, UnicodeDecodeError) as error:
        raise NoSource(f"`{path}` cannot be read: {error}") from error


def known_words() -> tuple[Vocabulary, bool]:
    """The closed sets of this installation, and whether they are its own.

    A hook or a build machine has the program and no database: there, what comes with the product is what is known.
    """
    try:
        return installed_vocabulary(), True
    except (DatabaseError, RuntimeError):
        return SHIPPED, False


def load_all(sources: list[Source], *, is_check: bool = False) -> tuple[list[Bundle], list[PolicyError]]:
    """Every bundle that checks, and what stands against the others.

    Args:
        is_check: stored versions are looked at again too; otherwise they are taken as they decide.
    """
    vocabulary = known_words()[0]
    bundles: list[Bundle] = []
    errors: list[PolicyError] = []
    for source in sources:
        try:
            is_taken = source.version_id is not None and not is_check
            bundles.append(load_bundle(source.text, source.name, vocabulary=None if is_taken else vocabulary))
        except PolicyError as error:
            errors.append(error)
    return bundles, errors
