"""The mail to whoever answers for a budget (7): a line was crossed, by what is promised or by the forecast."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from governance.channels.email import pages
from governance.channels.email.letters import Letter, Moot, Reader, unlinked
from governance.domain import prose
from governance.models import Alert, Budget, BudgetHold, Flag
from governance.selectors.money import crossings


def threshold_crossed(alert: Alert, reader: Reader) -> Letter:
    """Mail 7. The figures are those of the crossing; the causes those of now."""
    flag = Flag.objects.select_related("budget").get(pk=alert.payload["flag"])
    if flag.closed_at is not None or flag.budget is None:
        raise Moot("the budget fell below the line before the mail left")
    if reader.person.pk not in crossings.owners_of(flag.budget, now=reader.now):
        raise Moot("the reader does not answer for the budget any more")
    budget, found = flag.budget, alert.payload
    headline, when = _headline(found, reader), _when(found, reader)
    name = unlinked(budget.name)
    return Letter(
        subject=f"{name}: {headline}{when}",
        reference=name,
        heading=f"{headline[:1].upper()}{headline[1:]} on {reader.day(alert.created_at)}{when}",
        preview=f"{found['level']} % line crossed.",
        lead=f"{name} has crossed its {found['level']}{prose.NBSP}% line: {headline}{when}.",
        rows=(
            ("Promised", f"{prose.percent(found['used_ratio'])} of {prose.money(found['limit_micro'])}"),
            ("Still held", _held(found["held_micro"])),
            ("Forecast", _forecast(found, reader)),
            ("Largest", _causes(budget) or "nothing stands out"),
            ("You can", crossings.ways_out(reader.person.pk, now=reader.now).text),
        ),
        action="Open the budget",
        path=pages.budget_page(budget),
        note="Opening changes nothing.",
        why=f"You get this because you answer for {name}. It is sent once per line; "
        f"again only after the budget was below {crossings.REARMED_BELOW}{prose.NBSP}%.",
        thread=f"budget.{budget.pk}",
    )


def _held(held_micro: int) -> str:
    return f"{prose.money(held_micro)} for asks that nobody has decided" if held_micro else "nothing: no ask waits"


def _headline(found: dict[str, Any], reader: Reader) -> str:
    limit = prose.money(found["limit_micro"])
    if found["is_forecast"]:
        return f"forecast {prose.percent(found['forecast_ratio'])} of {limit}"
    return f"{prose.percent(found['used_ratio'])} of {limit} used or promised"


def _when(found: dict[str, Any], reader: Reader) -> str:
    return f", crosses on {reader.day(_instant(found['earliest']), weekday=False)}" if found.get("earliest") else ""


def _forecast(found: dict[str, Any], reader: Reader) -> str:
    if found["forecast_ratio"] is None:
        return "not enough data yet"
    text = f"{prose.percent(found['forecast_ratio'])} at the end of the period"
    if not found.get("earliest"):
        return text
    first, last = (reader.day(_instant(found[name]), weekday=False) for name in ("earliest", "latest"))
    between = f"on {first}" if first == last else f"between {first} and {last}"
    return f"{text}; used up {between} at the pace so far"


def _causes(budget: Budget) -> str:
    return "; ".join(_cause(hold) for hold in crossings.causes_of(budget))


def _cause(hold: BudgetHold) -> str:
    request = hold.provisioning_request
    grant = getattr(request, "grant", None)
    state = "held" if hold.state == "open" else "running"
    return f"{grant or request} {unlinked(request.title)}, {prose.money(hold.amount_micro)} {state}"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
