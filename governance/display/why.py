"""Why a request is denied, approved automatically or left to people: one list of sentences for page, mail and desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from governance.domain.requests.registers import gaps_in_words
from governance.policy.decisions.decision import Decision
from governance.policy.decisions.fired import FiredRule

NO_PRICE = "The catalogue has no price for this, so the cost is unknown."
NO_RULE = "No rule approves it automatically, so a person reviews it."


@dataclass(frozen=True, slots=True)
class Because:
    """One reason as a sentence, and the rule that gives it; the id is empty where no rule does."""

    text: str
    rule_id: str = ""


def said_by(rules: Iterable[FiredRule]) -> list[Because]:
    """What rules say; what several of them say is said once."""
    told: dict[str, Because] = {}
    for rule in rules:
        told.setdefault(rule.message, Because(rule.message, rule.parent))
    return list(told.values())


def denied(decision: Decision, gaps: Mapping[str, str]) -> list[Because]:
    """What could not be read, then what the rules that deny it say."""
    return [Because(f"{text}.") for text in gaps_in_words(gaps)] + said_by(decision.denials)


def approved(decision: Decision) -> list[Because]:
    return said_by(rule for rule in decision.fired if rule.effect == "allow")


def reviewed(
    decision: Decision,
    gaps: Mapping[str, str],
    *,
    held_back: str,
    is_priced: bool,
    rule_ids: Iterable[str] | None = None,
) -> list[Because]:
    """Why people decide it; never empty.

    Args:
        held_back: the sentence of a price that holds it back, or empty.
        is_priced: somebody can say what it costs.
        rule_ids: of one stage; None for every rule that asks for people.
    """
    own = None if rule_ids is None else set(rule_ids)
    asking = [rule for rule in decision.fired if (rule.effect == "require" if own is None else rule.rule_id in own)]
    price = held_back or ("" if is_priced else NO_PRICE)
    found = [Because(price)] if price else []
    found += [Because(f"{text}, so a person reviews it.") for text in gaps_in_words(gaps)]
    found += said_by(asking)
    return found or said_by(rule for rule in decision.fired if rule.indeterminate) or [Because(NO_RULE)]
