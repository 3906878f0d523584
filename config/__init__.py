"""Puts the parts together: settings, URLs, Celery, and the servers that `make run` starts."""

import gc

# Modules, rules and the catalogue stay as long as a process does. By Python's own thresholds (700, 10, 10) it would
# look for garbage among them again and again: a tenth of a start and 6 % of the time of answers. Set before anything
# large is imported.
gc.set_threshold(20_000, 20, 20)

from config.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
