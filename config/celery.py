"""The Celery application. Its schedule and limits are in `settings.py`, under `CELERY_`."""

from __future__ import annotations

import os
import time
from typing import Any

from celery import Celery, Task
from celery.signals import celeryd_init

from governance.services.record.channel import Channel, through

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

HEARTBEAT_KEY = "celery-heartbeat"
HEARTBEAT_SECONDS_MAX = 45
"""Older than this, beat or every worker is taken to be down: four ticks missed."""


class ChannelTask(Task):
    """A task whose changes say in the audit log that a task made them, and which."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        with through(Channel.TASK, self.name):
            return super().__call__(*args, **options)


app = Celery("comptroller", task_cls=ChannelTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
def wait_as_long_as_needed(conf: Any = None, **_: Any) -> None:
    """Lift the publishers' short socket timeout: a worker's blocking read is longer than that on purpose."""
    options = dict(conf.broker_transport_options)
    options.pop("socket_timeout", None)
    conf.broker_transport_options = options


@app.task(name="config.heartbeat")
def heartbeat() -> None:
    """Leave a mark that beat and at least one worker are alive; `/healthz` reads it."""
    from django.core.cache import cache

    cache.set(HEARTBEAT_KEY, time.time(), timeout=3600)
