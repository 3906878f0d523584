"""Says whether this process works on the database of `make run`, the only one that ever holds invented people."""

from __future__ import annotations

from django.conf import settings

from config.serve.processes import LOOPBACK

OWN_ROLE = "comptroller_app"


def is_own_server() -> bool:
    """Whether the database is one that `make run` started, rather than one that somebody named."""
    database = settings.ENV.database
    return bool(settings.IS_EMBEDDED and database and (database.host, database.user) == (LOOPBACK, OWN_ROLE))
