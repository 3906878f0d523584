"""Money with its currency, names and sentences, as texts show them. Pure."""

from __future__ import annotations

from governance.display import numbers
from governance.display.numbers import NBSP
from governance.domain.money.money import CURRENCY, to_units


def money(amount_micro: int) -> str:
    """Money in prose: `28.5 k USD`."""
    return dollars(to_units(amount_micro))


def money_in_full(amount_micro: int) -> str:
    """Money on which a person decides: `28,512.40 USD`."""
    return f"{numbers.exact(to_units(amount_micro))}{NBSP}{CURRENCY}"


def money_to_the_cent(amount_micro: int) -> str:
    """Money of the ledger: `28,500.00 USD`."""
    return f"{numbers.cents(to_units(amount_micro))}{NBSP}{CURRENCY}"


def dollars(units: float) -> str:
    """Money that an estimate carries as a double."""
    return f"{numbers.money(units)}{NBSP}{CURRENCY}"


def within(name: str) -> str:
    """A name that begins with a capital, within a sentence: `team lead`, but `AI governance`."""
    first = name.split(" ")[0]
    return name if len(first) > 1 and first.isupper() else name[:1].lower() + name[1:]


def capital(text: str) -> str:
    """The text with a capital first and everything else as it is, so that `AI` stays."""
    return text[:1].upper() + text[1:]


def decapital(text: str) -> str:
    """For a name in the middle of a sentence; an abbreviation keeps its letters."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def sentence(message: str) -> str:
    """A message as a sentence on a page: capital first, full stop, quotes instead of backticks."""
    quoted = ""
    for index, part in enumerate(message.strip().split("`")):
        quoted += part if index == 0 else ("“" if index % 2 else "”") + part
    quoted = quoted[:1].upper() + quoted[1:]
    return quoted if quoted.endswith((".", "?", "!", "”.")) else f"{quoted}."
