"""Counts how often the months of a backtest could not be put together."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0007_backtests_run"),
    ]

    operations = [
        migrations.AddField(
            model_name="policybacktest",
            name="finish_attempts",
            field=models.PositiveSmallIntegerField(default=0, help_text="Times that putting it together failed."),
        ),
    ]
