from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """Requests, policy, money, people and evidence."""

    name = "governance"
    label = "governance"
    verbose_name = "Compute governance"
    default_auto_field = "django.db.models.BigAutoField"
