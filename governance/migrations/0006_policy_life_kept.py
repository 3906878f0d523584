"""What the database refuses of a policy's life: rewriting a text that was judged by, an explanation, a shadow decision."""

from __future__ import annotations

from django.db import migrations

# Names are literal here, as in 0003; a test compares all of them with `governance.models.APPEND_ONLY_TABLES`.
TABLES = ("governance_policyfindingnote", "governance_shadowdecision")

_FIXED = ("policy_set_id", "number", "source", "digest", "created_by_id", "created_at")


def _text_stays(*columns: str) -> str:
    new, old = (", ".join(f"{row}.{column}" for column in columns) for row in ("NEW", "OLD"))
    return f"""
CREATE OR REPLACE FUNCTION governance_policy_text_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ({new}) IS DISTINCT FROM ({old}) THEN
        RAISE EXCEPTION 'the text of policy version % is fixed: import another version', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""


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
    dependencies = [("governance", "0005_policy_life_columns")]
    operations = [
        *(operation for table in TABLES for operation in _refusals(table)),
        # Why it was written is part of what the second officer reads.
        migrations.RunSQL(_text_stays(*_FIXED, "reason"), _text_stays(*_FIXED)),
        # A version that once was in force is cited by decisions; drafts may go.
        migrations.RunSQL(
            "CREATE TRIGGER policy_version_stays BEFORE DELETE ON governance_policyversion FOR EACH ROW "
            "WHEN (OLD.activated_at IS NOT NULL) EXECUTE FUNCTION governance_refuse_change()",
            "DROP TRIGGER policy_version_stays ON governance_policyversion",
        ),
    ]
