"""The names that people read for the slugs that content carries. One thing, one word: docs/glossary.md."""

from __future__ import annotations

from governance.domain.prose import within
from governance.domain.requests import fields

# Terms stand within sentences.
TERM_NAMES: dict[str, str] = {slug: within(label) for slug, label in fields.field("price_term").labels.items()}

QUANTITY_NAMES: dict[str, str] = {
    "gpu_hours": "GPU-hours",
    "cost_usd": "Cost",
    "carbon_kg": "Carbon",
    "run_rate_usd_month": "Cost a month",
}

# Where two fields have a choice of the same slug, the later name is the one without further context.
_NAMED = ("modalities", "use_tags", "evidence", "data_class", "kind", "workload")
_ALL: dict[str, str] = QUANTITY_NAMES | TERM_NAMES
for _name in _NAMED:
    _ALL |= fields.field(_name).labels


def words(slug: object) -> str:
    """The name of a slug where people have one for it, else the slug with spaces and a capital."""
    text = str(slug or "")
    if text in _ALL:
        return _ALL[text]
    plain = text.replace("_", " ").replace("-", " ")
    return plain[:1].upper() + plain[1:]
