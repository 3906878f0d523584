"""Each import contract turns red when its floor is crossed on purpose."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.servers import ROOT

pytestmark = pytest.mark.prove

CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]

# contract, the module that goes too far, what it imports
CROSSINGS = [
    ("floors", "governance.services.grants.grants", "governance.web"),
    ("floors", "governance.services.grants.grants", "governance.api"),
    ("floors", "governance.services.grants.grants", "governance.admin"),
    ("floors", "governance.services.grants.grants", "governance.tasks"),
    ("floors", "governance.selectors.money.balances", "governance.services.grants.grants"),
    ("floors", "governance.selectors.money.balances", "governance.channels.email"),
    ("floors", "governance.models.money.budgets", "governance.selectors.money.balances"),
    ("floors", "governance.domain.money.money", "governance.models.money.budgets"),
    ("floors", "governance.policy.decisions.decision", "governance.domain.money.money"),
    ("floors", "governance.selectors.money.balances", "governance.display.vocabulary"),
    ("floors", "governance.display.vocabulary", "governance.services.grants.grants"),
    ("floors", "governance.display.vocabulary", "governance.templatetags.names"),
    ("floors", "governance.templatetags.names", "governance.web.base"),
    ("floors", "governance.channels.email.letters", "governance.services.grants.grants"),
    ("floors", "governance.demonstration.load", "governance.web.base"),
    ("floors", "governance.services.grants.grants", "governance.demonstration.load"),
    ("demonstration-apart", "governance.web.base", "governance.demonstration.load"),
    ("demonstration-apart", "config.serve.prepare", "governance.demonstration.load"),
    ("spelling-pure", "governance.display.numbers", "django.utils"),
    ("spelling-pure", "governance.display.dates", "governance.domain.money.money"),
    ("spelling-pure", "governance.display.lists", "estimator.core.quantities"),
    ("estimator-below", "estimator.core.quantities", "governance.display.vocabulary"),
    ("interfaces-apart", "governance.api.endpoints", "governance.web.base"),
    ("interfaces-apart", "governance.web.base", "governance.api.endpoints"),
    ("interfaces-apart", "governance.admin.access", "governance.web.base"),
    ("interfaces-apart", "governance.tasks", "governance.api.endpoints"),
    ("services-without-tasks", "governance.services.messages.alerts", "governance.tasks"),
    ("services-without-tasks", "governance.services.grants.grants", "celery"),
    ("channels-by-messages-only", "governance.services.grants.grants", "governance.channels.email"),
    ("channels-by-messages-only", "governance.tasks", "governance.channels.email"),
    ("domain-pure", "governance.domain.money.money", "django.db"),
    ("domain-pure", "governance.domain.money.money", "config.settings"),
    ("policy-pure", "governance.policy.decisions.decision", "django.conf"),
    ("policy-pure", "governance.policy.decisions.decision", "estimator.core.pricing.place"),
    ("estimator-core-pure", "estimator.core.pricing.place", "django.db"),
    ("estimator-core-pure", "estimator.core.pricing.place", "estimator.models"),
    ("estimator-below", "estimator.catalogue", "governance.models"),
    ("config-on-top", "governance.services.grants.grants", "config.settings"),
    ("config-on-top", "estimator.catalogue", "config.env"),
    ("config-on-top", "governance.channels.email.letters", "config.env"),
    ("config-on-top", "governance.display.vocabulary", "config.env"),
    ("config-on-top", "governance.templatetags.names", "config.env"),
    ("config-on-top", "governance.demonstration.load", "config.env"),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of what the contracts speak of."""
    copy = tmp_path_factory.mktemp("contracts")
    for package in ("config", "governance", "estimator"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "*.csv"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def broken_contracts(sources: Path) -> tuple[set[str], str]:
    """Names of the contracts that are broken, and the whole answer."""
    answer = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(sources), "COLUMNS": "400", "NO_COLOR": "1"},
    )
    names = set(re.findall(r"^(.*) BROKEN\b", answer.stdout, re.MULTILINE))
    assert "Contracts: " in answer.stdout, answer.stdout + answer.stderr
    return {name.strip() for name in names}, answer.stdout


def file_of(sources: Path, module: str) -> Path:
    path = sources.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def test_all_contracts_hold_on_the_sources_as_they_are(sources: Path) -> None:
    broken, answer = broken_contracts(sources)
    assert broken == set(), answer


@pytest.mark.parametrize(("contract", "module", "imported"), CROSSINGS)
def test_crossing_a_floor_turns_its_contract_red(sources: Path, contract: str, module: str, imported: str) -> None:
    name = next(entry["name"] for entry in CONTRACTS if entry["id"] == contract)
    path = file_of(sources, module)
    before = path.read_text()
    try:
        path.write_text(before + f"\nimport {imported}  # noqa\n")
        broken, answer = broken_contracts(sources)
    finally:
        path.write_text(before)
    assert name in broken, answer


def test_every_contract_is_crossed_at_least_once() -> None:
    assert {contract for contract, _, _ in CROSSINGS} == {entry["id"] for entry in CONTRACTS}
