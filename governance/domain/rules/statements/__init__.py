"""The acceptable-use statement that a new installation starts with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from governance.policy.bundle.yaml_source import load_yaml

FILE = Path(__file__).parent / "acceptable-use.yaml"


def first_statement() -> dict[str, Any]:
    """Slug, name, heading and clauses, as the file says."""
    plain: dict[str, Any] = load_yaml(FILE.read_text(encoding="utf-8"), FILE.name).plain()
    return plain


def statement_text(heading: str, clauses: list[dict[str, Any]]) -> str:
    """The whole statement as people read it: each clause under its number."""
    return "\n\n".join([heading, *(f"{clause['number']} {clause['title']}. {clause['text']}" for clause in clauses)])
