"""The bundles that come with the product."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.bundle_model import Bundle
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set

BUNDLE_NAMES = (
    "approval-limits",
    "acceptable-use",
    "compute-thresholds",
    "export-control",
    "vendor-and-residency",
    "sustainability",
    "evidence-and-splitting",
    "jurisdictions",
)


def shipped_text(name: str) -> str:
    """The YAML of one shipped bundle."""
    return resources.files("governance.policy").joinpath("bundles", f"{name}.yaml").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def shipped_bundles() -> tuple[Bundle, ...]:
    """All of them, read and checked once per process."""
    return tuple(load_bundle(shipped_text(name), f"{name}.yaml") for name in BUNDLE_NAMES)


@lru_cache(maxsize=1)
def shipped_digests() -> frozenset[str]:
    """The content hash of each."""
    return frozenset(bundle.content_hash for bundle in shipped_bundles())


@lru_cache(maxsize=1)
def shipped_policy_set() -> CompiledPolicySet:
    """All of them, compiled once per process."""
    return compile_policy_set(shipped_bundles())
