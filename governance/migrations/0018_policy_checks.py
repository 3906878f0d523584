"""A stage that nobody could fill stands until a day; a version in shadow tells what it changes beside the outcome."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0017_approvals_that_lapse")]

    operations = [
        migrations.AddField(
            model_name="policyfindingnote",
            name="until",
            field=models.DateField(
                blank=True,
                null=True,
                help_text="Last day on which it counts; for a stage that nobody could fill.",
            ),
        ),
        migrations.AddField(
            model_name="shadowdecision",
            name="changes",
            field=models.CharField(
                blank=True,
                default="",
                help_text="What differs where the outcome is the same: people, deadlines, duties, flags.",
                max_length=400,
            ),
        ),
    ]
