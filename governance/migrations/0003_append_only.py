"""What the database itself refuses, whoever asks: rewriting what was decided, and money that appears from nowhere.

The app role lacks these rights as well; the triggers also stop the owner's hand and a mistake in a migration.
"""

from __future__ import annotations

from django.db import migrations

# Names are literal here; a test compares them with `governance.models.APPEND_ONLY_TABLES`.
TABLES = (
    "governance_requestrevision",
    "governance_requestcomment",
    "governance_assessment",
    "governance_factrow",
    "governance_approvaldecision",
    "governance_approvallapse",
    "governance_ledgerjournal",
    "governance_ledgerentry",
    "governance_auditevent",
    "governance_acceptance",
    "governance_acceptableuseversion",
    "governance_policyfindingnote",
    "governance_shadowdecision",
)

REFUSE = """
CREATE FUNCTION governance_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table "%" is only ever added to: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Add a row that corrects the earlier one.';
END
$$
"""

# A deferred check: a journal's entries are written one after the other, and only their sum has to be right.
BALANCE = """
CREATE FUNCTION governance_journal_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total numeric;
BEGIN
    SELECT sum(amount_micro) INTO total FROM governance_ledgerentry
    WHERE journal_id = NEW.journal_id AND budget_id = NEW.budget_id;
    IF total <> 0 THEN
        RAISE EXCEPTION 'journal % does not balance on budget %: its entries sum to % micro-units, not to 0',
            NEW.journal_id, NEW.budget_id, total USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""

MOVES_SOMETHING = """
CREATE FUNCTION governance_journal_has_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM governance_ledgerentry WHERE journal_id = NEW.id) THEN
        RAISE EXCEPTION 'journal % has no entries: it moves nothing', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""

# Only the columns that say where a version stands in its life may change. Why it was written is part of what the second
# officer reads.
POLICY_TEXT = """
CREATE FUNCTION governance_policy_text_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.policy_set_id, NEW.number, NEW.source, NEW.digest, NEW.created_by_id, NEW.created_at, NEW.reason)
        IS DISTINCT FROM
        (OLD.policy_set_id, OLD.number, OLD.source, OLD.digest, OLD.created_by_id, OLD.created_at, OLD.reason)
    THEN
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


def _deferred(name: str, table: str, function: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
        f"FOR EACH ROW EXECUTE FUNCTION {function}()",
        f"DROP TRIGGER {name} ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_reference_rows")]
    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION governance_refuse_change()"),
        *(operation for table in TABLES for operation in _refusals(table)),
        migrations.RunSQL(BALANCE, "DROP FUNCTION governance_journal_balances()"),
        _deferred("ledger_entries_balance", "governance_ledgerentry", "governance_journal_balances"),
        migrations.RunSQL(MOVES_SOMETHING, "DROP FUNCTION governance_journal_has_entries()"),
        _deferred("ledger_journal_moves", "governance_ledgerjournal", "governance_journal_has_entries"),
        migrations.RunSQL(POLICY_TEXT, "DROP FUNCTION governance_policy_text_stays()"),
        migrations.RunSQL(
            "CREATE TRIGGER policy_version_text_stays BEFORE UPDATE ON governance_policyversion "
            "FOR EACH ROW EXECUTE FUNCTION governance_policy_text_stays()",
            "DROP TRIGGER policy_version_text_stays ON governance_policyversion",
        ),
        # A version that once was in force is cited by decisions; drafts may go.
        migrations.RunSQL(
            "CREATE TRIGGER policy_version_stays BEFORE DELETE ON governance_policyversion FOR EACH ROW "
            "WHEN (OLD.activated_at IS NOT NULL) EXECUTE FUNCTION governance_refuse_change()",
            "DROP TRIGGER policy_version_stays ON governance_policyversion",
        ),
        # The column may be empty in the model for events of other installations; none is written here without it.
        migrations.RunSQL(
            "ALTER TABLE governance_auditevent ADD CONSTRAINT audit_channel_named CHECK (channel <> '')",
            "ALTER TABLE governance_auditevent DROP CONSTRAINT audit_channel_named",
        ),
        # Packed already: a second compression on the way into the table costs time and saves nothing.
        migrations.RunSQL(
            "ALTER TABLE governance_factchunkcolumn ALTER COLUMN data SET STORAGE EXTERNAL", migrations.RunSQL.noop
        ),
    ]
