"""Sentences about one request that several mails share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from governance.channels.email.letters import unlinked
from governance.display import dates, numbers, vocabulary
from governance.display.numbers import EN_DASH, NBSP
from governance.display.why import Because
from governance.domain import prose
from governance.domain.money.money import CURRENCY, to_units
from governance.domain.requests import kinds
from governance.selectors.messages.alerts import Case
from governance.selectors.requests.advice.advice import advise_request

RULES_SHOWN_MAX = 4
THRESHOLDS_SHOWN_MAX = 3
# What a workload is called in front of its machines.
_WORK = {
    "pretraining": "pre-training on",
    "continued_pretraining": "continued pre-training on",
    "fine_tuning": "fine-tuning on",
    "rl_synthetic": "reinforcement learning or synthetic data on",
    "distillation": "distillation on",
    "evaluation": "evaluation on",
    "inference_online": "serving on",
    "inference_batch": "batch inference on",
    "embedding": "embedding on",
    "agentic": "agents on",
    "interactive": "interactive work on",
    "lease": "a lease of",
    "purchase": "the purchase of",
}


def requester(case: Case) -> str:
    return unlinked(case.request.requester.person.name)


def project(case: Case) -> str:
    return unlinked(case.request.project.name) if case.request.project else "no project"


def counts_as(case: Case) -> str:
    """The number that decides."""
    exposure = case.request.exposure_micro
    return "price unknown" if exposure is None else prose.money_in_full(exposure)


def money_for(case: Case) -> str:
    """`28,512.40 USD for Long context`."""
    return f"{counts_as(case)} for {project(case)}"


def size(case: Case) -> str:
    """Money and hours, for a subject: `28,512.40 USD, 11 k H200-hours`."""
    hours = case.content.gpu_hours_cap or (case.estimate.gpu_hours.p90 if case.estimate.gpu_hours else None)
    if not hours:
        return counts_as(case)
    return f"{counts_as(case)}, {numbers.scaled(hours)}{NBSP}{case.accelerator_name or 'GPU'}-hours"


def machines(case: Case) -> str:
    """`64 × H200 at CoreWeave`, or what takes their place."""
    content = case.content
    what = (
        numbers.times(content.accelerator_count, case.accelerator_name)
        if content.accelerator_count and content.accelerator
        else prose.decapital(vocabulary.words(content.workload))
    )
    return f"{what} at {case.provider_name}" if case.provider_name else what


def about(case: Case) -> str:
    """Kind, work, machines and window in one breath."""
    content = case.content
    window = dates.window(content.start_on, content.end_on)
    workload = f"{_WORK[content.workload]} " if content.accelerator and content.workload in _WORK else ""
    return f"{_kind(case)}{workload}{machines(case)}, {window}"


def _kind(case: Case) -> str:
    content = case.content
    if content.kind_of_request is kinds.NEW:
        return ""
    kind = content.kind_of_request.name
    return f"{kind} of {content.related_grant}, " if content.related_grant else f"{kind}, "


def cost(case: Case) -> str:
    """Never a bare estimate: interval, and which number decides."""
    estimated = case.estimate.cost_usd
    if estimated is None:
        reason = next(
            (gap.why for gap in case.estimate.missing if gap.what == "cost_usd"), "the catalogue has no price for this"
        )
        return f"unknown: {reason}"
    if estimated.p10 == estimated.p90:
        interval = f"{numbers.exact(estimated.p50)}{NBSP}{CURRENCY}, exact"
    else:
        interval = (
            f"p50 {prose.dollars(estimated.p50)}, p10{EN_DASH}p90 {numbers.money_range(estimated.p10, estimated.p90)}"
        )
    price = case.estimate.price
    age = f"; price of {dates.full_day(price.as_of)}" if price else ""
    return f"{interval}; assessed at {counts_as(case)}{age}"


def headroom(case: Case) -> str:
    """What is left on every level while this request is held, nearest budget first."""
    levels = [
        f"{unlinked(budget.name)} {numbers.money(to_units(budget.headroom_micro))} of {prose.money(budget.limit_micro)}"
        for budget in case.budgets
    ]
    return "; ".join(levels) if levels else "nothing is held"


def compute(case: Case) -> str:
    """FLOP, and the lines that they touch."""
    flop = case.estimate.run_flop
    if flop is None or flop.p90 <= 0:
        return ""
    lines = [
        f"{'exceeds' if reading.exceeds else 'may exceed'} {numbers.flop(reading.limit)} ({reading.instrument})"
        for reading in case.estimate.thresholds
        if reading.exceeds or reading.may_exceed
    ][:THRESHOLDS_SHOWN_MAX]
    figures = f"{numbers.flop(flop.p50)}{NBSP}FLOP ({numbers.flop_range(flop.p10, flop.p90)})"
    return f"{figures}; {'; '.join(lines) or 'no threshold is exceeded'}"


def cheaper(case: Case, *, now: datetime) -> str:
    """The same work for less at a place that the organisation may use, if there is one."""
    found = advise_request(case.request, case.revision.content, now=now).cheaper
    return found.sentence if found else "no cheaper option at the approved providers"


def reasons(told: Iterable[Because]) -> str:
    """Each reason with the id of its rule behind the words."""
    shown = [unlinked(each.text.rstrip(".")) + (f" ({each.rule_id})" if each.rule_id else "") for each in told]
    more = f"; and {numbers.counted(len(shown) - RULES_SHOWN_MAX, 'more rule')}" if len(shown) > RULES_SHOWN_MAX else ""
    return "; ".join(shown[:RULES_SHOWN_MAX]) + more


def nearest_change(case: Case, *, now: datetime) -> str:
    """The nearest request that would pass if it were submitted now, or why none would."""
    advice = advise_request(case.request, case.revision.content, now=now).nearest
    if advice.first is not None:
        return f"{advice.first.title} {advice.first.text}"
    return f"no amount would be allowed: {advice.why_none or 'change what the reason names'}"
