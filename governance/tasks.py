"""What Celery runs on its beat. A body is one service call; the schedule is in `config/settings.py`.

The broker carries no facts: a lost, doubled or late tick changes nothing but the time at which a sweep looks.
"""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from governance.services.messages import alerts, digests, sweeps
from governance.services.money import crossings
from governance.services.people import credentials
from governance.services.rules import acceptable_use, activations, backtests, fact_chunks, replays


@shared_task(name="governance.tasks.deliver_alerts")
def deliver_alerts() -> None:
    """Send the mails that are due."""
    alerts.deliver_due(now=timezone.now())


@shared_task(name="governance.tasks.expire_holds")
def expire_holds() -> None:
    """End requests whose hold ran out."""
    sweeps.expire_holds(now=timezone.now())


@shared_task(name="governance.tasks.remind_stages")
def remind_stages() -> None:
    """Remind at half time, escalate when overdue."""
    sweeps.remind_stages(now=timezone.now())


@shared_task(name="governance.tasks.sweep_limits")
def sweep_limits() -> None:
    """Flag what exceeds its limits or is overdue."""
    sweeps.sweep_limits(now=timezone.now())


@shared_task(name="governance.tasks.sweep_budgets")
def sweep_budgets() -> None:
    """Tell owners whose budget crossed a line."""
    crossings.sweep_budgets(now=timezone.now())


@shared_task(name="governance.tasks.end_grants")
def end_grants() -> None:
    """End grants whose window is over."""
    sweeps.end_grants(now=timezone.now())


@shared_task(name="governance.tasks.send_digests")
def send_digests() -> None:
    """Promise the morning mails."""
    digests.send_digests(now=timezone.now())


@shared_task(name="governance.tasks.activate_policies")
def activate_policies() -> None:
    """Put agreed policy versions in force whose instant has come."""
    activations.activate_due(now=timezone.now())


@shared_task(name="governance.tasks.remind_consent")
def remind_consent() -> None:
    """Remind people of an acceptable-use version that they have not accepted."""
    acceptable_use.remind_consent(now=timezone.now())


@shared_task(name="governance.tasks.replay_sample")
def replay_sample() -> None:
    """Judge a sample of stored decisions again, once a day."""
    replays.replay_sample(now=timezone.now())


@shared_task(name="governance.tasks.judge_backtests")
def judge_backtests() -> None:
    """Judge months of backtests until none is left. A tick that finds a free worker brings one more to share them."""
    backtests.run_due(clock=timezone.now)


@shared_task(name="governance.tasks.pack_history")
def pack_history() -> None:
    """Pack the facts of past decisions into columns."""
    fact_chunks.pack_history(now=timezone.now())


@shared_task(name="governance.tasks.forget_ended")
def forget_ended() -> None:
    """Forget what has ended: expired API tokens, and former addresses that were told."""
    credentials.forget_ended(now=timezone.now())
