"""The catalogue is only ever added to: the database refuses change and removal, whoever asks."""

from __future__ import annotations

from django.db import migrations

# Names are literal here; a test compares them with `estimator.models.APPEND_ONLY_TABLES`.
TABLES = (
    "estimator_cataloguerelease",
    "estimator_accelerator",
    "estimator_acceleratoralias",
    "estimator_provider",
    "estimator_provideralias",
    "estimator_priceoffer",
    "estimator_purchaseprice",
    "estimator_tokenprice",
    "estimator_gridintensity",
    "estimator_facility",
    "estimator_computethreshold",
    "estimator_utilisationprior",
    "estimator_prohibiteduse",
)

REFUSE = """
CREATE FUNCTION estimator_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table "%" is only ever added to: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Publish a newer row, or a withdrawal.';
END
$$
"""


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
    replaces = [("estimator", "0002_append_only"), ("estimator", "0003_prohibited_uses")]
    dependencies = [("estimator", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION estimator_refuse_change()"),
        *[operation for table in TABLES for operation in _refusals(table)],
    ]
