"""What the database itself refuses of everything that takes two people: skipped steps, changed answers, one person twice.

The app role has to move these rows, so it may update them; these triggers, which it does not own, let it make the moves of
the life cycles only, each answer once, and what decides moves together with its event in the audit log.
"""

from __future__ import annotations

from django.db import migrations

# Literal, as everywhere in migrations; a test compares them with the tables of `governance/domain`.
MOVES: dict[str, tuple[tuple[str, str], ...]] = {
    "governance_policyversion": (
        ("draft", "tested"), ("draft", "active"), ("tested", "draft"), ("tested", "shadow"), ("tested", "active"),
        ("shadow", "draft"), ("shadow", "tested"), ("shadow", "active"), ("active", "retired"), ("retired", "active"),
    ),
    "governance_policyactivation": (
        ("asked", "agreed"), ("asked", "in_force"), ("asked", "refused"), ("asked", "withdrawn"),
        ("agreed", "in_force"), ("agreed", "withdrawn"), ("agreed", "lapsed"),
    ),
    "governance_policyexception": (
        ("asked", "approved"), ("asked", "refused"), ("asked", "withdrawn"), ("approved", "withdrawn"),
    ),
    "governance_acceptableusepublication": (("asked", "published"), ("asked", "refused"), ("asked", "withdrawn")),
    "governance_provisioningrequest": (
        ("draft", "in_review"), ("draft", "denied"), ("draft", "granted"), ("draft", "discarded"),
        ("changes_requested", "in_review"), ("changes_requested", "denied"), ("changes_requested", "granted"),
        ("changes_requested", "expired"), ("changes_requested", "withdrawn"),
        ("denied", "in_review"), ("denied", "granted"), ("denied", "withdrawn"),
        ("in_review", "granted"), ("in_review", "changes_requested"), ("in_review", "rejected"),
        ("in_review", "denied"), ("in_review", "draft"), ("in_review", "expired"), ("in_review", "withdrawn"),
    ),
    "governance_grant": (("active", "ended"), ("active", "returned"), ("active", "revoked")),
}  # fmt: skip

# Written once, when the row is made. A grant's hours and window are left: they are what an amendment changes.
FIXED: dict[str, tuple[str, ...]] = {
    "governance_policyactivation": (
        "version_id", "policy_set_id", "asked_by_id", "asked_at", "reason", "effective_at", "backtest_id",
    ),
    "governance_policyexception": ("rule_id", "team_id", "project_id", "reason", "asked_by_id", "asked_at"),
    "governance_acceptableusepublication": (
        "statement_id", "text", "clauses", "digest", "effective_from", "consent_due", "asked_by_id", "asked_at",
        "reason",
    ),
    "governance_provisioningrequest": ("number", "requester_id", "created_at"),
    "governance_approvalstage": ("provisioning_request_id", "revision_id", "role_id"),
    "governance_grant": (
        "number", "kind", "provisioning_request_id", "revision_id", "project_id", "provider", "region", "price_term",
        "accelerator", "accelerator_count", "cost_cap_micro", "issued_at", "policy_digest",
    ),
    # Whose account it is says who answered; what a role is says what its holders could do.
    "governance_user": ("person_id",),
    "governance_role": ("slug", "may_approve"),
}  # fmt: skip

# Empty until somebody answers, then as it is.
ONCE: dict[str, tuple[str, ...]] = {
    "governance_policyactivation": ("answered_by_id", "answered_at"),
    "governance_policyexception": ("approved_by_id", "answered_at"),
    "governance_acceptableusepublication": ("answered_by_id", "answered_at", "version_id"),
}

ANSWERED_BY = {
    "governance_policyactivation": "answered_by_id",
    "governance_policyexception": "approved_by_id",
    "governance_acceptableusepublication": "answered_by_id",
}

BORN = {
    "governance_policyversion": "draft",
    "governance_policyactivation": "asked",
    "governance_acceptableusepublication": "asked",
}
"""The state in which a row is made. Exceptions have none: those that the demonstration tells of are made as agreed."""

KEPT = (*ANSWERED_BY, "governance_provisioningrequest", "governance_approvalstage", "governance_grant")

REFUSE = """
CREATE FUNCTION governance_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: row % of "%"', TG_ARGV[0], CASE TG_OP WHEN 'INSERT' THEN NEW.id ELSE OLD.id END, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$
"""

TWO_PEOPLE = """
CREATE FUNCTION governance_two_people() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    people integer;
BEGIN
    SELECT count(DISTINCT person_id) INTO people FROM governance_user
    WHERE id IN ((to_jsonb(NEW) ->> TG_ARGV[0])::bigint, NEW.asked_by_id);
    IF people < 2 THEN
        RAISE EXCEPTION 'whoever asks does not answer, with no account of theirs: row % of "%"', NEW.id, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""

# Deferred: the event is the last write of the transaction.
LOGGED = """
CREATE FUNCTION governance_move_is_logged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_logged boolean;
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'governance_policyversion' THEN
        IF NEW.state = 'active' THEN
            SELECT EXISTS (
                SELECT 1 FROM governance_auditevent
                WHERE subject_type = 'policyversion' AND subject_id = NEW.id AND action = 'policy.activated'
                    AND at = NEW.activated_at
            ) INTO is_logged;
        ELSE
            SELECT EXISTS (
                SELECT 1 FROM governance_auditevent JOIN governance_policyversion v ON v.id = subject_id
                WHERE subject_type = 'policyversion' AND v.policy_set_id = NEW.policy_set_id
                    AND action = 'policy.activated' AND at = NEW.retired_at AND data ->> 'replaces' = NEW.id::text
            ) INTO is_logged;
        END IF;
    WHEN 'governance_policyactivation' THEN
        SELECT EXISTS (
            SELECT 1 FROM governance_auditevent
            WHERE subject_type = 'policyversion' AND subject_id = NEW.version_id
                AND action = CASE NEW.state WHEN 'agreed' THEN 'policy.activation_agreed' ELSE 'policy.activated' END
                AND data ->> 'activation' = NEW.id::text
                AND (OLD.state = 'agreed' OR (actor_id = NEW.answered_by_id AND at = NEW.answered_at))
        ) INTO is_logged;
    WHEN 'governance_policyexception' THEN
        SELECT EXISTS (
            SELECT 1 FROM governance_auditevent
            WHERE subject_type = 'policyexception' AND subject_id = NEW.id AND action = 'policy.exception_granted'
                AND actor_id = NEW.approved_by_id AND at = NEW.answered_at
        ) INTO is_logged;
    WHEN 'governance_provisioningrequest' THEN
        SELECT EXISTS (
            SELECT 1 FROM governance_auditevent
            WHERE request_id = NEW.id AND action LIKE 'grant.%' AND at = NEW.changed_at
        ) INTO is_logged;
    ELSE
        SELECT EXISTS (
            SELECT 1 FROM governance_auditevent
            WHERE subject_type = 'acceptableuseversion' AND subject_id = NEW.version_id AND action = 'aup.published'
                AND actor_id = NEW.answered_by_id AND at = NEW.answered_at
        ) INTO is_logged;
    END CASE;
    IF NOT is_logged THEN
        RAISE EXCEPTION 'what is decided changes only together with its event in the audit log: row % of "%"',
            NEW.id, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$
"""

# Both of a person's accounts, and what is given from a later day on.
AUDITS_OR_DECIDES = """
CREATE FUNCTION governance_audits_or_decides() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who bigint;
    audits boolean;
    decides boolean;
BEGIN
    SELECT person_id INTO who FROM governance_user WHERE id = NEW.user_id;
    SELECT slug = 'auditor', may_approve OR slug = 'policy_officer' INTO audits, decides
    FROM governance_role WHERE id = NEW.role_id;
    IF NOT (audits OR decides) THEN
        RETURN NEW;
    END IF;
    -- Two roles that are given at the same moment take turns here.
    PERFORM 1 FROM governance_person WHERE id = who FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT 1 FROM governance_roleassignment a
        JOIN governance_user u ON u.id = a.user_id JOIN governance_role r ON r.id = a.role_id
        WHERE u.person_id = who AND a.id IS DISTINCT FROM NEW.id
            AND tstzrange(a.valid_from, a.valid_to) && tstzrange(NEW.valid_from, NEW.valid_to)
            AND CASE WHEN audits THEN r.may_approve OR r.slug = 'policy_officer' ELSE r.slug = 'auditor' END
    ) OR (audits AND EXISTS (
        SELECT 1 FROM governance_delegation d
        WHERE d.delegate_id = who AND d.revoked_at IS NULL
            AND tstzrange(d.valid_from, d.valid_to) && tstzrange(NEW.valid_from, NEW.valid_to)
    )) THEN
        RAISE EXCEPTION 'one person does not audit and decide: person %', who USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""

DELEGATE_AUDITS = """
CREATE FUNCTION governance_delegate_does_not_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM governance_person WHERE id = NEW.delegate_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT 1 FROM governance_roleassignment a
        JOIN governance_user u ON u.id = a.user_id JOIN governance_role r ON r.id = a.role_id
        WHERE u.person_id = NEW.delegate_id AND r.slug = 'auditor'
            AND tstzrange(a.valid_from, a.valid_to) && tstzrange(NEW.valid_from, NEW.valid_to)
    ) THEN
        RAISE EXCEPTION 'one person does not audit and decide: person %', NEW.delegate_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""


def _trigger(table: str, name: str, when: str, then: str, *, on: str = "BEFORE UPDATE") -> migrations.RunSQL:
    condition = f"WHEN ({when}) " if when else ""
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_{name} {on} ON {table} FOR EACH ROW {condition}EXECUTE FUNCTION {then}",
        f"DROP TRIGGER {table}_{name} ON {table}",
    )


def _refusal(table: str, name: str, when: str, words: str, *, on: str = "BEFORE UPDATE") -> migrations.RunSQL:
    return _trigger(table, name, when, f"governance_refuse('{words}')", on=on)


def _moves(table: str, moves: tuple[tuple[str, str], ...]) -> migrations.RunSQL:
    legal = ", ".join(f"('{old}', '{new}')" for old, new in moves)
    when = f"OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN ({legal})"
    return _refusal(table, "moves", when, "no step of the life cycle leads there")


def _fixed(table: str, columns: tuple[str, ...]) -> migrations.RunSQL:
    new, old = (", ".join(f"{row}.{column}" for column in columns) for row in ("NEW", "OLD"))
    return _refusal(table, "fixed", f"({new}) IS DISTINCT FROM ({old})", "what was written first stays")


def _once(table: str, columns: tuple[str, ...]) -> migrations.RunSQL:
    changed = " OR ".join(
        f"(OLD.{column} IS NOT NULL AND NEW.{column} IS DISTINCT FROM OLD.{column})" for column in columns
    )
    return _refusal(table, "once", changed, "what was answered stays")


def _logged(table: str, when: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE CONSTRAINT TRIGGER {table}_logged AFTER UPDATE OF state ON {table} DEFERRABLE INITIALLY DEFERRED "
        f"FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state AND {when}) "
        "EXECUTE FUNCTION governance_move_is_logged()",
        f"DROP TRIGGER {table}_logged ON {table}",
    )


def _function(text: str, name: str) -> migrations.RunSQL:
    return migrations.RunSQL(text, f"DROP FUNCTION {name}()")


# In a period that grows or begins elsewhere; one that ends earlier leaves nothing to look at.
_WIDER = (
    "(NEW.user_id, NEW.role_id, NEW.valid_from) IS DISTINCT FROM (OLD.user_id, OLD.role_id, OLD.valid_from) "
    "OR NEW.valid_to > OLD.valid_to OR (NEW.valid_to IS NULL AND OLD.valid_to IS NOT NULL)"
)


class Migration(migrations.Migration):
    # An installation that has all of these has what the four files here make; one that has a part of them is refused:
    # governance/management/commands/migrate.py.
    replaces = [
        ("governance", "0004_policy_life"),
        ("governance", "0005_policy_life_columns"),
        ("governance", "0006_policy_life_kept"),
        ("governance", "0007_backtests_run"),
        ("governance", "0008_backtest_finish_attempts"),
        ("governance", "0009_exceptions_of_rows"),
        ("governance", "0010_prohibited_uses"),
        ("governance", "0011_api_tokens"),
        ("governance", "0012_audit_channel"),
        ("governance", "0013_two_officers"),
        ("governance", "0014_assessment_counted_requests"),
        ("governance", "0015_register_bounds"),
        ("governance", "0016_budget_scopes"),
        ("governance", "0017_approvals_that_lapse"),
        ("governance", "0018_policy_checks"),
    ]
    dependencies = [("governance", "0003_append_only")]
    operations = [
        _function(REFUSE, "governance_refuse"),
        _function(TWO_PEOPLE, "governance_two_people"),
        _function(LOGGED, "governance_move_is_logged"),
        _function(AUDITS_OR_DECIDES, "governance_audits_or_decides"),
        _function(DELEGATE_AUDITS, "governance_delegate_does_not_audit"),
        *(_moves(table, moves) for table, moves in MOVES.items()),
        *(_fixed(table, columns) for table, columns in FIXED.items()),
        *(_once(table, columns) for table, columns in ONCE.items()),
        *(
            _refusal(table, "born", f"NEW.state <> '{state}'", "its life begins earlier", on="BEFORE INSERT")
            for table, state in BORN.items()
        ),
        *(_refusal(table, "kept", "", "it is kept for ever", on="BEFORE DELETE") for table in KEPT),
        *(
            _trigger(
                table,
                "two_people",
                f"NEW.{column} IS NOT NULL AND OLD.{column} IS NULL AND NEW.asked_by_id IS NOT NULL",
                f"governance_two_people('{column}')",
            )
            for table, column in ANSWERED_BY.items()
        ),
        # Exceptions end early and begin late, and are never wider than what was agreed to.
        _refusal(
            "governance_policyexception",
            "narrower",
            "NEW.valid_to > OLD.valid_to OR NEW.valid_from < OLD.valid_from",
            "what was agreed to is not widened",
        ),
        # When and by whom it came into force changes with the state only.
        _refusal(
            "governance_policyversion",
            "in_force",
            "(NEW.activated_by_id, NEW.activated_at) IS DISTINCT FROM (OLD.activated_by_id, OLD.activated_at) "
            "AND NOT (NEW.state = 'active' AND OLD.state <> 'active')",
            "who put it in force stays",
        ),
        _logged("governance_policyversion", "(NEW.state = 'active' OR OLD.state = 'active')"),
        _logged("governance_policyactivation", "NEW.state IN ('agreed', 'in_force')"),
        _logged("governance_policyexception", "NEW.state = 'approved'"),
        _logged("governance_acceptableusepublication", "NEW.state = 'published'"),
        _logged("governance_provisioningrequest", "NEW.state = 'granted'"),
        _trigger("governance_roleassignment", "audits", "", "governance_audits_or_decides()", on="BEFORE INSERT"),
        _trigger("governance_roleassignment", "audits_wider", _WIDER, "governance_audits_or_decides()"),
        _trigger("governance_delegation", "audits", "", "governance_delegate_does_not_audit()", on="BEFORE INSERT"),
        _trigger(
            "governance_delegation",
            "audits_wider",
            "NEW.delegate_id <> OLD.delegate_id OR NEW.valid_to > OLD.valid_to OR NEW.valid_from <> OLD.valid_from "
            "OR (NEW.revoked_at IS NULL AND OLD.revoked_at IS NOT NULL)",
            "governance_delegate_does_not_audit()",
        ),
    ]
