"""Approvals that stop counting: which roles somebody ended, and a row for each approval that lapsed."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

# Literal here, as in 0003; a test compares all of them with `governance.models.APPEND_ONLY_TABLES`.
TABLE = "governance_approvallapse"
REASONS = ("person_deactivated", "role_removed", "delegation_revoked", "limit_lowered", "benefits")


def _refusals(table: str) -> list[migrations.RunSQL]:
    return [
        migrations.RunSQL(
            f"CREATE TRIGGER {table}_no_{name} BEFORE {event} ON {table} "
            f"FOR EACH {scope} EXECUTE FUNCTION governance_refuse_change()",
            f"DROP TRIGGER {table}_no_{name} ON {table}",
        )
        for name, event, scope in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT"))
    ]


class Migration(migrations.Migration):
    dependencies = [("governance", "0016_budget_scopes")]
    operations = [
        migrations.AddField(
            "roleassignment",
            "revoked_at",
            models.DateTimeField(
                blank=True, help_text="When somebody ended it; empty for one that ends by its own date.", null=True
            ),
        ),
        migrations.AddConstraint(
            "roleassignment",
            models.CheckConstraint(
                condition=models.Q(
                    ("revoked_at__isnull", True), ("valid_to__lte", models.F("revoked_at")), _connector="OR"
                ),
                name="role_assignment_revoked_has_ended",
                violation_error_message="an assignment that was ended by somebody is over",
            ),
        ),
        migrations.AddField(
            "approvaldecision",
            "round",
            models.PositiveSmallIntegerField(default=1, help_text="Above 1: an earlier approval of theirs has lapsed."),
        ),
        migrations.RemoveConstraint("approvaldecision", "decision_one_per_person"),
        migrations.AddConstraint(
            "approvaldecision",
            models.UniqueConstraint(
                fields=("stage", "person", "round"),
                name="decision_one_per_person_and_round",
                violation_error_message="this person has already decided this stage",
            ),
        ),
        migrations.CreateModel(
            name="ApprovalLapse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("why", models.CharField(max_length=20)),
                ("noticed_at", models.DateTimeField()),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lapse",
                        to="governance.approvaldecision",
                    ),
                ),
            ],
            options={
                "ordering": ["noticed_at", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("why__in", list(REASONS))),
                        name="lapse_why_known",
                        violation_error_message="why is not a known value",
                    )
                ],
            },
        ),
        *_refusals(TABLE),
    ]
