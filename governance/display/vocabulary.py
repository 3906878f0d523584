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

# Their labels are answers to a question, and no names of their slugs by themselves.
_SENTENCES = ("sizing", "exposure_of_output")
_ALL: dict[str, str] = dict(QUANTITY_NAMES)
for _row in reversed(fields.FIELDS):
    # Of two fields with a choice of the same slug, the one that the form asks first names it.
    if _row.name not in _SENTENCES:
        _ALL |= TERM_NAMES if _row.name == "price_term" else _row.labels


def words(slug: object) -> str:
    """The name of a slug where people have one for it, else the slug with spaces and a capital."""
    text = str(slug or "")
    if text in _ALL:
        return _ALL[text]
    plain = text.replace("_", " ").replace("-", " ")
    return plain[:1].upper() + plain[1:]
