"""Every audit event names the interface that it came by; those written before keep their hash, which does without."""

from __future__ import annotations

from django.db import migrations, models

# Not checked for the rows that are there: they were written before it was kept, and nothing may be added to them.
NAMED = "ALTER TABLE governance_auditevent ADD CONSTRAINT audit_channel_named CHECK (channel <> '') NOT VALID"


class Migration(migrations.Migration):
    dependencies = [("governance", "0011_api_tokens")]
    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="channel",
            field=models.CharField(
                blank=True,
                choices=[
                    ("web", "Web"),
                    ("desk", "Desk"),
                    ("api", "API"),
                    ("command", "Command"),
                    ("task", "Task"),
                ],
                default="",
                help_text="By which interface; empty on events from before it was kept.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="origin",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Of a command who ran it on the machine, of a task its name.",
                max_length=120,
            ),
        ),
        migrations.AddConstraint(
            model_name="auditevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("channel__in", ["web", "desk", "api", "command", "task", ""])),
                name="audit_channel_known",
                violation_error_message="channel is not a known value",
            ),
        ),
        migrations.RunSQL(NAMED, "ALTER TABLE governance_auditevent DROP CONSTRAINT audit_channel_named"),
    ]
