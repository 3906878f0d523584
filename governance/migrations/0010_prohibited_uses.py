"""A separate question for prohibited uses: its fact column; the purposes that named them stay readable, not offered."""

from __future__ import annotations

from typing import Any

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

PROHIBITED_PURPOSES = ("social_scoring", "emotion_recognition_at_work", "untargeted_face_scraping", "malware")


def stop_offering(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("governance", "Purpose").objects.filter(slug__in=PROHIBITED_PURPOSES).update(is_offered=False)


def offer_again(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("governance", "Purpose").objects.filter(slug__in=PROHIBITED_PURPOSES).update(is_offered=True)


class Migration(migrations.Migration):
    dependencies = [("governance", "0009_exceptions_of_rows")]

    operations = [
        migrations.AddField(
            model_name="factrow",
            name="request_prohibited_uses",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None),
        ),
        migrations.RunPython(stop_offering, offer_again),
    ]
