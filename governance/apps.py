from django.apps import AppConfig
from django.db.models.signals import pre_migrate


class GovernanceConfig(AppConfig):
    """Requests, policy, money, people and evidence."""

    name = "governance"
    label = "governance"
    verbose_name = "Compute governance"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from governance.management.upgrade import refuse_unknown_history

        pre_migrate.connect(refuse_unknown_history, dispatch_uid="refuse_unknown_history")
