"""Prohibited uses of compute as dated rows, added to and never changed, like every table of the catalogue."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

TABLES = ("estimator_prohibiteduse",)


def _refusals(table: str) -> list[migrations.RunSQL]:
    return [
        migrations.RunSQL(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION estimator_refuse_change()",
            f"DROP TRIGGER {table}_no_change ON {table}",
        ),
        migrations.RunSQL(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION estimator_refuse_change()",
            f"DROP TRIGGER {table}_no_truncate ON {table}",
        ),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("estimator", "0002_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProhibitedUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.CharField(max_length=160)),
                ("origin", models.CharField(choices=[("file", "Data file"), ("edit", "Edited here")], max_length=4)),
                ("row_digest", models.CharField(max_length=64)),
                ("is_withdrawn", models.BooleanField(default=False)),
                ("licence", models.CharField(blank=True, max_length=80)),
                ("source", models.TextField()),
                ("note", models.TextField(blank=True)),
                ("title", models.CharField(max_length=120)),
                ("description", models.TextField()),
                ("jurisdiction", models.CharField(max_length=20)),
                ("instrument", models.CharField(max_length=120)),
                ("article", models.CharField(blank=True, max_length=80)),
                ("effective_from", models.DateField()),
                ("effective_to", models.DateField(blank=True, null=True)),
                ("is_secondary_source", models.BooleanField()),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="estimator.cataloguerelease"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(
                        fields=("slug", "release"),
                        name="prohibiteduse_once_per_release",
                        violation_error_message="a release holds a row once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("effective_to__isnull", True),
                            ("effective_to__gte", models.F("effective_from")),
                            _connector="OR",
                        ),
                        name="prohibited_use_period_ordered",
                        violation_error_message="a prohibition ends on or after its first day",
                    ),
                ],
            },
        ),
        *[operation for table in TABLES for operation in _refusals(table)],
    ]
