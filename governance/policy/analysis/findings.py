"""What a static check has to say: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from governance.policy.facts.facts import facts_to_json


class Severity(StrEnum):
    """ERROR: the rule cannot mean what it says. WARNING: probably not meant. NOTE: good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        code: stable snake_case name, e.g. `rule_never_fires`.
        rules: the rules concerned, the one to change first.
        sentence: what is the matter, for the officer.
        example: facts that show it, or None.
        is_proven: False when it only held on everything that was tried.
        subject: what of the rule is meant, where a rule may have several such findings: a role.
    """

    code: str
    severity: Severity
    rules: tuple[str, ...]
    sentence: str
    example: Mapping[str, Any] | None = field(default=None, compare=False)
    is_proven: bool = True
    subject: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity.value,
            "rules": list(self.rules),
            "sentence": self.sentence,
            "example": None if self.example is None else facts_to_json(self.example),
            "is_proven": self.is_proven,
            "subject": self.subject,
        }
