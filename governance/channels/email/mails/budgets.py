"""The mail to whoever answers for a budget (7): a threshold was crossed, by commitments or by the forecast."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from governance.channels.email import pages
from governance.channels.email.letters import Letter, Moot, Reader, unlinked
from governance.display import numbers
from governance.domain import prose
from governance.models import Alert, Budget, BudgetHold, Flag
from governance.selectors.money import crossings


def threshold_crossed(alert: Alert, reader: Reader) -> Letter:
    """Mail 7. The figures are those of the crossing; the causes those of now."""
    flag = Flag.objects.select_related("budget").get(pk=alert.payload["flag"])
    if flag.closed_at is not None or flag.budget is None:
        raise Moot("the budget fell below the threshold before the mail left")
    if reader.person.pk not in crossings.owners_of(flag.budget, now=reader.now):
        raise Moot("the reader is no longer responsible for the budget")
    budget, found = flag.budget, alert.payload
    headline, when = _headline(found, reader), _when(found, reader)
    name = unlinked(budget.name)
    return Letter(
        subject=f"{name}: {headline}{when}",
        reference=name,
        heading=f"{headline[:1].upper()}{headline[1:]} on {reader.day(alert.created_at)}{when}",
        preview=f"{found['level']}{numbers.NBSP}% threshold crossed.",
        lead=_lead(name, found, reader),
        rows=(
            (
                "Spent, committed or held",
                f"{numbers.percent(found['used_ratio'])} of {prose.money(found['limit_micro'])}",
            ),
            ("Still held", _held(found["held_micro"])),
            ("Forecast", _forecast(found, reader)),
            ("Largest items", _causes(budget) or "none"),
            ("What you can do", crossings.ways_out(reader.person.pk, now=reader.now).text),
        ),
        action="Open the budget",
        path=pages.budget_page(budget),
        why=f"You receive this because you are responsible for {name}. It is sent once per threshold; "
        f"again only after the budget was below {crossings.REARMED_BELOW}{numbers.NBSP}%.",
        thread=f"budget.{budget.pk}",
    )


def _lead(name: str, found: dict[str, Any], reader: Reader) -> str:
    limit = f"its {prose.money(found['limit_micro'])} limit"
    if not found["is_forecast"]:
        return f"{name} has spent, committed or held {numbers.percent(found['used_ratio'])} of {limit}."
    reached = f"{name} is forecast to reach {numbers.percent(found['forecast_ratio'])} of {limit}"
    if not found.get("earliest"):
        return f"{reached} at the end of the period."
    return f"{reached}; it crosses the limit on {reader.day(_instant(found['earliest']), weekday=False)}."


def _held(held_micro: int) -> str:
    return f"{prose.money(held_micro)} for requests that await a decision" if held_micro else "nothing"


def _headline(found: dict[str, Any], reader: Reader) -> str:
    limit = prose.money(found["limit_micro"])
    if found["is_forecast"]:
        return f"forecast {numbers.percent(found['forecast_ratio'])} of {limit}"
    return f"{numbers.percent(found['used_ratio'])} of {limit} spent, committed or held"


def _when(found: dict[str, Any], reader: Reader) -> str:
    return f", crosses on {reader.day(_instant(found['earliest']), weekday=False)}" if found.get("earliest") else ""


def _forecast(found: dict[str, Any], reader: Reader) -> str:
    if found["forecast_ratio"] is None:
        return "not enough data yet"
    text = f"{numbers.percent(found['forecast_ratio'])} at the end of the period"
    if not found.get("earliest"):
        return text
    first, last = (reader.day(_instant(found[name]), weekday=False) for name in ("earliest", "latest"))
    between = f"on {first}" if first == last else f"between {first} and {last}"
    return f"{text}; the limit is reached {between} at the current rate"


def _causes(budget: Budget) -> str:
    return "; ".join(_cause(hold) for hold in crossings.causes_of(budget))


def _cause(hold: BudgetHold) -> str:
    request = hold.provisioning_request
    grant = getattr(request, "grant", None)
    standing = "held" if hold.is_open else "running"
    return f"{grant or request} {unlinked(request.title)}, {prose.money(hold.amount_micro)} {standing}"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
