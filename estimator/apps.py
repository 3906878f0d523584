"""The Django app around the pure estimator: catalogue rows, their loader and two commands."""

from django.apps import AppConfig


class EstimatorConfig(AppConfig):
    name = "estimator"
    label = "estimator"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Estimator catalogue"
