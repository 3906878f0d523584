"""Registers share the bounds of the facts: what became a fact and could not be one is trimmed, and said in the log.

Literal bounds: this file imports nothing of ours. What is trimmed never makes a rule milder: a training or certification
that no rule could read is gone, a compute figure that is no number becomes the largest, a day becomes the oldest.
"""

from __future__ import annotations

import logging
import math
from datetime import date
from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

log = logging.getLogger(__name__)

ITEMS_MAX, CHARS_MAX, FLOP_MAX = 100, 200, 1e32
DAY_MIN, DAY_MAX = date(2000, 1, 1), date(2199, 12, 31)
FLOP_FIELDS = ("direct_flop_p50", "direct_flop_p90", "cumulative_flop_p50", "cumulative_flop_p90", "base_model_flop")


def trim(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Bring every register within the bounds. Rows that are within them stay as they are."""

    def model(name: str) -> Any:
        return apps.get_model("governance", name)

    model("Team").objects.filter(cost_centre="").update(cost_centre=None)
    _trim_texts(model("Person"), "trainings")
    _trim_texts(model("Provider"), "certifications")
    for row in model("ModelLineage").objects.all():
        changed = [name for name in FLOP_FIELDS if _is_out(getattr(row, name))]
        for name in changed:
            value = getattr(row, name)
            setattr(row, name, None if name == "base_model_flop" else 0.0 if value < 0 else FLOP_MAX)
        _save(row, changed)
    for name, field in (("Project", "started_on"), ("Provider", "terms_reviewed_on")):
        for row in model(name).objects.filter(**{f"{field}__lt": DAY_MIN}):
            setattr(row, field, DAY_MIN)
            _save(row, [field])
    for row in model("Project").objects.filter(started_on__gt=DAY_MAX):
        row.started_on = DAY_MAX
        _save(row, ["started_on"])
    for row in model("Provider").objects.filter(terms_reviewed_on__gt=DAY_MAX):
        row.terms_reviewed_on = None
        _save(row, ["terms_reviewed_on"])


def _trim_texts(model: Any, field: str) -> None:
    for row in model.objects.exclude(**{field: []}):
        found = getattr(row, field)
        listed = found if isinstance(found, list) else []
        kept = [each for each in listed if isinstance(each, str) and 0 < len(each) <= CHARS_MAX][:ITEMS_MAX]
        if kept != found:
            setattr(row, field, kept)
            _save(row, [field])


def _is_out(value: float | None) -> bool:
    return value is not None and not (math.isfinite(value) and 0 <= value <= FLOP_MAX)


def _save(row: Any, changed: list[str]) -> None:
    if changed:
        row.save(update_fields=changed)
        log.warning(
            "%s %s: %s lay outside the bounds and was trimmed", row._meta.model_name, row.pk, ", ".join(changed)
        )


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0014_assessment_counted_requests"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="modellineage",
            name="lineage_flop_range",
        ),
        migrations.AddField(
            model_name="assessment",
            name="gaps",
            field=models.JSONField(
                default=dict,
                help_text="Facts that could not be read, and why; the rules that read them count as fired.",
            ),
        ),
        migrations.AlterField(
            model_name="team",
            name="cost_centre",
            field=models.CharField(blank=True, max_length=20, null=True),
        ),
        migrations.RunPython(trim, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="modellineage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("direct_flop_p50__gte", 0.0),
                    ("direct_flop_p50__lte", 1e32),
                    ("direct_flop_p90__gte", 0.0),
                    ("direct_flop_p90__lte", 1e32),
                    ("cumulative_flop_p50__gte", 0.0),
                    ("cumulative_flop_p50__lte", 1e32),
                    ("cumulative_flop_p90__gte", 0.0),
                    ("cumulative_flop_p90__lte", 1e32),
                    models.Q(
                        models.Q(("base_model_flop__gte", 0.0), ("base_model_flop__lte", 1e32)),
                        ("base_model_flop__isnull", True),
                        _connector="OR",
                    ),
                ),
                name="lineage_flop_range",
                violation_error_message="figures lie between 0 and 1e+32",
            ),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Func(
                        models.F("trainings"),
                        output_field=models.BooleanField(),
                        template='jsonb_path_exists(%(expressions)s, \'strict $ ? (@.type() == "array" && @.size() <= 100 && !exists(@[*] ? (@.type() != "string" || @ == "" || @ like_regex "^.{201,}$" flag "s")))\'::jsonpath)',
                    )
                ),
                name="person_trainings_texts",
                violation_error_message="trainings is a list of at most 100 texts of 1 to 200 characters",
            ),
        ),
        migrations.AddConstraint(
            model_name="provider",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Func(
                        models.F("certifications"),
                        output_field=models.BooleanField(),
                        template='jsonb_path_exists(%(expressions)s, \'strict $ ? (@.type() == "array" && @.size() <= 100 && !exists(@[*] ? (@.type() != "string" || @ == "" || @ like_regex "^.{201,}$" flag "s")))\'::jsonpath)',
                    )
                ),
                name="provider_certifications_texts",
                violation_error_message="certifications is a list of at most 100 texts of 1 to 200 characters",
            ),
        ),
        migrations.AddConstraint(
            model_name="team",
            constraint=models.CheckConstraint(
                condition=models.Q(("cost_centre", ""), _negated=True),
                name="team_cost_centre_said",
                violation_error_message="a team without a cost centre has none; it is not an empty one",
            ),
        ),
    ]
