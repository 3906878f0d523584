"""Filters and components of every page: `{% load comptroller %}`.

Filters (None reads "unknown", never 0; no-break spaces are built in):
    number|money            4,280 · 28.5 k · 2.63 M            amount in USD, without the currency
    micro|units             micro-units to USD, to be followed by one of the money filters
    micro|cents             2,861,204.66                       ledgers
    number|deciding         18,040 · 4,675.96                  the number that decides, to the cent
    number|rate             1.45                               USD by the hour
    number|hours            3,614 h · 118 k h
    hours|on_accelerators:8 three weeks on 8 accelerators      GPU-hours as a length of time; empty where one is unknown
    interval|spoken_range   2 days 4 hours to 7 days           hours
    number|flop             8.1e24
    interval|money_range, hours_range, flop_range, energy_range, carbon_range    anything with p10 and p90: 3,560–5,240
    number|energy, carbon, memory, duration, percent, count, figure
    date|day                Thu 27 Nov                         the reader's zone
    datetime|moment         Thu 27 Nov, 17:00
    date|full_day           27 Nov 2026                        records and catalogues
    datetime|clock          17:00
    text|sentence           a refusal's message as a sentence
    name|within             a name inside a sentence: team lead, AI governance
    code|duty               notify_commission -> notify the Commission
    slug|words              rl_synthetic -> Rl synthetic, with the names that people use where there is one

Tags:
    {% days_left due now %}                        17 days left
    {% period budget %}                            1 Feb 2026 to 31 Jan 2027
    {% micro_range low_micro high_micro %}         9.42–9.59 M

Components:
    {% status "ok" "Allowed" %}                    shapes: ok review deny run wait draft flag note
    {% request_status request.state %}  {% grant_status grant.state %}  {% outcome_status assessed.outcome %}
    {% note "review" "Title" %}…{% endnote %}      kinds: ok review deny info, or ""
    {% panel "Title" %}…{% endpanel %}
    {% interval estimate.cost_usd "Cost" "money" unit="USD" deciding=5240 limits=limits %}
                                                   is_wide=True: in a main column; it is narrow where there is no room
                                                   limits: plots.Limit; kinds: money hours flop memory energy count
    {% headroom_bar level.used_ratio level.after_ratio %}  {% usage_bar used_ratio time_ratio %}
    {% field form.email %}                         a bound Django field: label, hint, error, input
    {% question q %}                               the same for governance.web.requests.questions.Question
    {% error_summary errors %}                     list of (id of the field, sentence)
    {% steps list %}                               mappings: shape, title, text, state ("done", "now", "")
    {% timeline list %}                            mappings: at (or when, in words), shape, title, text, quote
    {% pagination page %}                          a Django Page; keeps the query string
    {% empty "You have no grants." "One appears here when…" url "New request" %}
    {% icon "ok" %}
    {% page_top %}  {% page_foot %}                used by base.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from django import template
from django.core.paginator import Page
from django.forms import BoundField
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from governance.display import context as surroundings
from governance.display import dates, durations, numbers, plots, reader
from governance.display.vocabulary import words as words_of
from governance.domain.money.money import to_units
from governance.domain.prose import sentence, within
from governance.domain.states.grants import GrantState
from governance.domain.states.requests import State
from governance.policy.bundle.effects import Outcome
from governance.policy.decisions.wording import duty_in_words

register = template.Library()

SHAPES = ("ok", "review", "deny", "run", "wait", "draft", "flag", "note")
_TONE = {"ok": "ok", "review": "review", "deny": "deny", "run": "run", "flag": "review"}
_REQUEST_SHAPES = {
    State.DRAFT: "draft",
    State.IN_REVIEW: "wait",
    State.CHANGES_REQUESTED: "review",
    State.DENIED: "deny",
    State.REJECTED: "deny",
    State.GRANTED: "ok",
    State.WITHDRAWN: "draft",
    State.EXPIRED: "draft",
    State.DISCARDED: "draft",
}
_GRANT_SHAPES = {
    GrantState.ACTIVE: "run",
    GrantState.ENDED: "draft",
    GrantState.RETURNED: "draft",
    GrantState.REVOKED: "deny",
}
_OUTCOME_SHAPES = {Outcome.ALLOW: "ok", Outcome.REVIEW: "review", Outcome.DENY: "deny"}


def _known(show: Callable[..., Any]) -> Callable[..., Any]:
    """Templates read a part of what is None as an empty text; that is unknown as well."""

    def shown(value: Any, *options: Any) -> Any:
        return numbers.UNKNOWN if value is None or value == "" else show(value, *options)

    return shown


def _both_ends(show: Callable[[float, float], str], interval: Any) -> str:
    return show(interval.p10, interval.p90)


for _name in ("money", "rate", "hours", "flop", "energy", "carbon", "memory", "duration", "percent", "count"):
    register.filter(_name, _known(getattr(numbers, _name)))
for _name in ("money_range", "hours_range", "flop_range"):
    register.filter(_name, _known(partial(_both_ends, getattr(numbers, _name))))
register.filter("carbon_range", _known(numbers.carbon_range))
register.filter("energy_range", _known(numbers.energy_range))
register.filter("units", lambda micro: None if micro in (None, "") else to_units(micro))
register.filter("cents", _known(lambda micro: numbers.cents(to_units(micro))))
register.filter("deciding", _known(numbers.exact))
register.filter("sentence", sentence)
register.filter("on_accelerators", durations.on_accelerators)
register.filter("spoken_range", _known(partial(_both_ends, durations.spoken_range)))
register.filter("words", words_of)
register.filter("duty", duty_in_words)
register.filter("within", within)


@register.filter
def figure(value: object) -> object:
    """A number of unknown kind in three digits; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return numbers.scaled(value)


@register.filter
def day(value: date | datetime | None) -> str:
    return reader.day(value)


@register.filter
def full_day(value: date | datetime | None) -> str:
    """A day of a record, with its year."""
    return dates.full_day(timezone.localtime(value).date() if isinstance(value, datetime) else value or None)


@register.filter
def clock(value: datetime) -> str:
    return dates.clock(timezone.localtime(value))


@register.filter
def moment(value: datetime | None) -> str:
    return reader.moment(value)


@register.simple_tag
def days_left(due: datetime, now: datetime) -> str:
    """`17 days left`, or that it is the last day."""
    return reader.days_left(due, now)


@register.simple_tag
def period(budget: Any) -> str:
    """When a budget counts, by its first and last day."""
    return dates.period(budget.period_start, budget.period_end)


@register.simple_tag
def micro_range(low_micro: int, high_micro: int) -> str:
    """`9.42–9.59 M` of micro-units."""
    return numbers.money_range(to_units(low_micro), to_units(high_micro))


# ------------------------------------------------------------------------ components


@register.simple_tag
def icon(shape: str, size: int = 14) -> SafeString:
    """One shape of the sprite, hidden from screen readers: the word beside it speaks."""
    if shape not in SHAPES:
        raise template.TemplateSyntaxError(f"`{shape}` is not a status shape: {', '.join(SHAPES)}")
    return format_html(
        '<svg width="{0}" height="{0}" aria-hidden="true" focusable="false"><use href="#{1}"/></svg>', size, shape
    )


@register.simple_tag
def status(shape: str, word: str) -> SafeString:
    return format_html('<span class="status {}">{}{}</span>', _TONE.get(shape, ""), icon(shape), word)


@register.simple_tag
def request_status(state: str) -> SafeString:
    known = State(state)
    return status(_REQUEST_SHAPES[known], known.label)


@register.simple_tag
def grant_status(state: str) -> SafeString:
    known = GrantState(state)
    return status(_GRANT_SHAPES[known], known.label)


@register.simple_tag
def outcome_status(outcome: str, suffix: str = "") -> SafeString:
    known = Outcome(outcome)
    return status(_OUTCOME_SHAPES[known], f"{known.label}: {suffix}" if suffix else known.label)


@register.simple_block_tag
def note(content: str, kind: str = "", title: str = "", role: str = "") -> SafeString:
    heading = format_html("<h2>{}</h2>", title) if title else ""
    return format_html(
        '<div class="note {}"{}>{}{}</div>', kind, format_html(' role="{}"', role) if role else "", heading, content
    )


@register.simple_block_tag
def panel(content: str, title: str = "", identifier: str = "") -> SafeString:
    heading = format_html('<h2 class="gap-below">{}</h2>', title) if title else ""
    marked = format_html(' id="{}"', identifier) if identifier else ""
    return format_html('<section class="panel"{}>{}{}</section>', marked, heading, content)


_FORMATS: dict[str, tuple[Callable[[float], str], Callable[[float, float], str]]] = {
    "money": (numbers.money, numbers.money_range),
    "hours": (numbers.figure, numbers.hours_range),
    "flop": (numbers.flop, numbers.flop_range),
    "memory": (partial(numbers.figure, digits=2), partial(numbers.figure_range, digits=2)),
    "count": (numbers.count, numbers.figure_range),
}


@register.inclusion_tag("components/interval.html")
def interval(
    value: Any,
    name: str,
    kind: str,
    unit: str = "",
    deciding: float | None = None,
    limits: Sequence[plots.Limit] = (),
    text: str = "",
    beside: str = "",
    is_wide: bool = False,
) -> dict[str, Any]:
    """A measured quantity: name, p50 and range in text, the plot, a table for those who cannot see it, one sentence."""
    format_value, format_range = _FORMATS[kind]
    shown: dict[str, Any] = {"name": name, "unit": unit, "text": text, "beside": beside, "plot": None}
    if value is None:
        return shown | {"value": numbers.UNKNOWN, "range": "", "unit": ""}
    is_exact = value.p10 == value.p90
    # What is decided on, and what is known exactly, is written to the cent.
    format_rounded, format_exact = format_value, numbers.exact if kind == "money" else format_value
    format_value = format_exact if is_exact else format_rounded
    shown |= {"value": format_value(value.p50), "range": "" if is_exact else format_range(value.p10, value.p90)}
    draw = partial(
        plots.interval_plot,
        p10=value.p10,
        p50=value.p50,
        p90=value.p90,
        format_value=format_value,
        format_line=format_rounded,
        format_deciding=format_exact,
        name=name,
        deciding=deciding,
        limits=limits,
        unit=unit,
        is_log=True if kind == "flop" else None,
    )
    return shown | {"plot": draw(), "wide": draw(width=plots.WIDE) if is_wide else None}


@register.inclusion_tag("components/headroom_bar.html")
def headroom_bar(used_ratio: float, after_ratio: float, width: int = 64) -> dict[str, Any]:
    return {"bar": plots.headroom_bar(used_ratio, after_ratio, width=width)}


@register.inclusion_tag("components/usage_bar.html")
def usage_bar(used_ratio: float | None, time_ratio: float | None = None, width: int = 120) -> dict[str, Any]:
    return {"bar": plots.usage_bar(used_ratio, time_ratio, width=width)}


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, hint: str = "") -> dict[str, Any]:
    """A field of a Django form: label as a question, hint before the input, error beside it."""
    identifier = bound.auto_id
    describing = [f"{identifier}-hint"] if hint or bound.help_text else []
    describing += [f"{identifier}-error"] if bound.errors else []
    attributes: dict[str, str | bool] = {"class": "input"}
    if describing:
        attributes["aria-describedby"] = " ".join(describing)
    if bound.errors:
        attributes["aria-invalid"] = "true"
    return {
        "bound": bound,
        "input": bound.as_widget(attrs=attributes),
        "hint": hint or bound.help_text,
        "errors": bound.errors,
        "identifier": identifier,
    }


@register.inclusion_tag("components/question.html")
def question(asked: Any) -> dict[str, Any]:
    return {"q": asked}


@register.inclusion_tag("components/error_summary.html")
def error_summary(errors: Sequence[tuple[str, str]]) -> dict[str, Any]:
    count = len(errors)
    small = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
    many = small[count] if count < len(small) else str(count)
    title = f"{many} answer{' needs' if count == 1 else 's need'} correcting"
    return {"errors": errors, "title": title}


@register.inclusion_tag("components/steps.html")
def steps(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"items": items}


@register.inclusion_tag("components/timeline.html")
def timeline(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"items": items}


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: Context, page: Page[Any]) -> dict[str, Any]:
    request = context.get("request")
    query = request.GET.copy() if request is not None else None
    if query is not None:
        query.pop("page", None)
    return {"page": page, "query": f"{query.urlencode()}&" if query else ""}


@register.inclusion_tag("components/empty.html")
def empty(title: str, text: str = "", url: str = "", action: str = "") -> dict[str, Any]:
    return {"title": title, "text": text, "url": url, "action": action}


@register.inclusion_tag("components/page_top.html", takes_context=True)
def page_top(context: Context) -> dict[str, Any]:
    request = context.get("request")
    user = getattr(request, "user", None)
    is_known = bool(user is not None and user.is_authenticated)
    return {
        "request": request,
        "sections": surroundings.sections(request) if is_known else [],
        "who": user.get_full_name() if is_known and user is not None else "",
        "is_known": is_known,
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("components/page_foot.html", takes_context=True)
def page_foot(context: Context) -> dict[str, Any]:
    request = context.get("request")
    user = getattr(request, "user", None)
    return {
        "is_known": bool(user is not None and user.is_authenticated),
        "organisation": surroundings.organisation(),
        "zone": surroundings.zone_name(),
    }


@register.simple_tag
def plural(number: int, one: str, many: str) -> SafeString:
    """`3 people`, `1 person`: the number is part of the text."""
    return format_html("{}{}{}", numbers.count(number), numbers.NBSP, one if number == 1 else many)
