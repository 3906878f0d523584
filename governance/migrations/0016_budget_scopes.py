"""One budget of a team or project at a time, and whether the budgets below one may exceed it together."""

from __future__ import annotations

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0015_register_bounds"),
    ]

    operations = [
        # Lets a constraint compare a team's id and a period at once.
        BtreeGistExtension(),
        migrations.AddField(
            model_name="budget",
            name="may_be_overallocated",
            field=models.BooleanField(
                default=False,
                help_text="The limits of the budgets directly below may together exceed this budget's limit.",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("team__isnull", False)),
                expressions=[
                    ("team", "="),
                    (
                        models.Func(
                            "period_start",
                            "period_end",
                            function="tstzrange",
                            output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                        ),
                        "&&",
                    ),
                ],
                name="budget_one_per_team_at_a_time",
                violation_error_message="the team has a budget for a part of this period already",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("project__isnull", False)),
                expressions=[
                    ("project", "="),
                    (
                        models.Func(
                            "period_start",
                            "period_end",
                            function="tstzrange",
                            output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                        ),
                        "&&",
                    ),
                ],
                name="budget_one_per_project_at_a_time",
                violation_error_message="the project has a budget for a part of this period already",
            ),
        ),
    ]
