"""Holidays of the organisation, and when a reminder of a stage is due: half of its working time."""

from django.db import migrations, models

# What is open already keeps the rule that it was opened under: half of the time that passes.
REMIND_OPEN_ONES = """
    UPDATE governance_approvalstage SET remind_at = opened_at + (due_at - opened_at) / 2 WHERE state = 'open'
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0004_two_people")]
    operations = [
        migrations.CreateModel(
            name="Holiday",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(unique=True)),
                ("name", models.CharField(max_length=120)),
            ],
            options={"ordering": ["day"]},
        ),
        migrations.AddField(
            model_name="approvalstage",
            name="remind_at",
            field=models.DateTimeField(blank=True, help_text="When half of its working time has gone.", null=True),
        ),
        migrations.RunSQL(REMIND_OPEN_ONES, migrations.RunSQL.noop),
    ]
