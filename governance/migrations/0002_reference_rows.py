"""The rows without which nothing works: the organisation, the system's own account, roles, purposes, the log's start.

Literal data: this file imports nothing of ours, so that later changes of the code cannot change what it does.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SYSTEM_EMAIL = "system@comptroller.invalid"
# ISO 3166 leaves ZZ to users: the program itself works in no country.
NO_COUNTRY = "ZZ"

# slug, name, role that stands in when too few people can fill a stage, may approve, sees what lies below its team.
ROLES: tuple[tuple[str, str, str | None, bool, bool], ...] = (
    ("exec", "Executive", None, True, True),
    ("finance", "Finance", "exec", True, True),
    ("legal", "Legal", "exec", True, True),
    ("safety_board", "Safety board", "exec", True, True),
    ("capacity_manager", "Capacity manager", "exec", True, True),
    ("infra_lead", "Infrastructure lead", "capacity_manager", True, True),
    ("budget_owner", "Budget owner", "finance", True, True),
    ("team_lead", "Team lead", "budget_owner", True, True),
    ("dpo", "Data protection officer", "legal", True, True),
    ("ai_governance", "AI governance", "legal", True, True),
    ("export_officer", "Export officer", "legal", True, True),
    ("vendor_manager", "Vendor manager", "finance", True, True),
    ("sustainability_lead", "Sustainability lead", "finance", True, True),
    ("requester", "Requester", None, False, False),
    ("policy_officer", "Policy officer", None, False, True),
    ("catalogue_editor", "Catalogue editor", None, False, True),
    ("auditor", "Auditor", None, False, True),
    ("administrator", "Administrator", None, False, True),
)

PURPOSES: tuple[tuple[str, str], ...] = (
    ("research", "Research"),
    ("product", "Product development"),
    ("internal_tooling", "Internal tooling"),
    ("safety", "Safety work"),
    ("evaluation", "Evaluation"),
    ("infrastructure", "Infrastructure"),
    ("customer_delivery", "Delivery to a customer"),
    ("education", "Training of staff"),
)
# Requests written before prohibited uses were a question of their own name these; they are read and denied as before.
PURPOSES_NOT_OFFERED: tuple[tuple[str, str], ...] = (
    ("social_scoring", "Social scoring"),
    ("emotion_recognition_at_work", "Emotion recognition at work"),
    ("untargeted_face_scraping", "Untargeted scraping of faces"),
    ("malware", "Malware"),
)

COUNTERS = ("request", "grant")
AUDIT_STREAM = "main"
GENESIS_HASH = "0" * 64


def add_rows(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Write the rows; the ones that exist already stay as they are."""

    def model(name: str) -> Any:
        return apps.get_model("governance", name)

    team = model("Team").objects.filter(parent=None).first()
    if team is None:
        team = model("Team").objects.create(slug="organisation", name="Organisation")
        team.path = f"{team.pk}."
        team.save(update_fields=["path"])
    person = model("Person").objects.filter(email=SYSTEM_EMAIL).first() or model("Person").objects.create(
        name="Comptroller", email=SYSTEM_EMAIL, team=team, country=NO_COUNTRY, wants_digest=False
    )
    model("User").objects.get_or_create(
        email=SYSTEM_EMAIL, defaults={"person": person, "password": make_password(None)}
    )
    roles: dict[str, Any] = {}
    for slug, name, fallback, may_approve, sees_subtree in ROLES:
        roles[slug], _ = model("Role").objects.get_or_create(
            slug=slug,
            defaults={
                "name": name,
                "fallback": roles[fallback] if fallback else None,
                "may_approve": may_approve,
                "sees_subtree": sees_subtree,
            },
        )
    for purposes, is_offered in ((PURPOSES, True), (PURPOSES_NOT_OFFERED, False)):
        for slug, name in purposes:
            model("Purpose").objects.get_or_create(slug=slug, defaults={"name": name, "is_offered": is_offered})
    for name in COUNTERS:
        model("Counter").objects.get_or_create(name=name)
    model("AuditHead").objects.get_or_create(stream=AUDIT_STREAM, defaults={"hash": GENESIS_HASH})


class Migration(migrations.Migration):
    dependencies = [("governance", "0001_initial")]
    operations = [migrations.RunPython(add_rows, migrations.RunPython.noop)]
