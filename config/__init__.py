"""Puts the parts together: settings, URLs, Celery, and the servers that `make run` starts."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
