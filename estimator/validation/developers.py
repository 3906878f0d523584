"""Which printed names are one developer: what teaches about a developer must not come from it by another name."""

from __future__ import annotations

from collections.abc import Iterable

PREFIX_MIN = 3
"""`Meta` and `Meta AI` are one developer; two letters in common say nothing."""


def is_same_developer(one: str, other: str) -> bool:
    """Whether two names are equal, or one begins with the other; `group 1` and `group 12` are two."""
    shorter, longer = sorted((plain_name(one), plain_name(other)), key=len)
    return shorter == longer or _begins_with(longer, shorter)


def one_name_each(names: Iterable[str]) -> dict[str, str]:
    """Each name to the shortest name of the same developer, as that was printed first."""
    printed: dict[str, str] = {}
    listed = list(names)
    for name in listed:
        printed.setdefault(plain_name(name), name)
    found = {}
    for name in listed:
        plain = plain_name(name)
        beginnings = (plain[:length] for length in range(PREFIX_MIN, len(plain)))
        shortest = next((each for each in beginnings if each in printed and _begins_with(plain, each)), plain)
        found[name] = printed[shortest]
    return found


def plain_name(name: str) -> str:
    """A name without case, blanks and punctuation."""
    return "".join(character for character in name.casefold() if character.isalnum())


def _begins_with(longer: str, shorter: str) -> bool:
    is_long = PREFIX_MIN <= len(shorter) < len(longer)
    return is_long and longer.startswith(shorter) and not longer[len(shorter)].isdigit()
