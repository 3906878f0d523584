"""Which requests were counted together with one is remembered with its assessment."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0013_two_officers"),
    ]

    operations = [
        migrations.AddField(
            model_name="assessment",
            name="counted_requests",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                default=list,
                help_text="Requests that were counted together with this one, the newest first, at most 200.",
                size=None,
            ),
        ),
    ]
