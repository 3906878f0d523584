"""docs/flow.md shows the life cycle that the code has."""

from __future__ import annotations

import re

from governance.domain.money.ledger import MOVES
from tests.docs.diagram import diagram
from tests.plugins.servers import ROOT

FLOW = (ROOT / "docs" / "flow.md").read_text()


def test_the_diagram_is_the_table_of_moves() -> None:
    (shown,) = re.findall(r"```mermaid\n(.*?)```", FLOW, re.DOTALL)
    assert shown == diagram(), "run `python -m tests.docs.diagram` and put its block into docs/flow.md"


def test_the_table_of_money_has_every_movement_of_the_ledger() -> None:
    section = FLOW.split("## Where money is")[1].split("\n## ")[0]
    shown = set(re.findall(r"\| (\w+) \| (\w+) \|$", section, re.MULTILINE)) - {("from", "to")}
    assert shown == {(source.value, target.value) for source, target in MOVES.values()}
