"""A version as the ground of a new draft: its bundle, the newest version beside it, and the one in force."""

from __future__ import annotations

from dataclasses import dataclass, replace

from governance.domain.errors import NotFound
from governance.domain.states.rules import VersionState
from governance.models import PolicyVersion
from governance.policy.bundle.bundle_model import Bundle
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.selectors.rules import policies
from governance.selectors.rules.vocabulary import installed_vocabulary


@dataclass(frozen=True, slots=True)
class Ground:
    """What an author starts from.

    Attributes:
        newest: number of the newest version of the set.
        bundle: checked with the closed sets of this installation wherever it is changed.
        in_force: the version that decides now, or None.
    """

    version: PolicyVersion
    bundle: Bundle
    newest: int
    in_force: PolicyVersion | None

    @property
    def compiled(self) -> CompiledPolicySet:
        return policies.alone(self.version)


def ground_of(version_id: int) -> Ground:
    """Read a version for its page and its editors.

    Raises:
        NotFound: no such version.
    """
    version = (
        PolicyVersion.objects.select_related("policy_set", "created_by__person", "activated_by__person")
        .filter(pk=version_id)
        .first()
    )
    if version is None:
        raise NotFound("no such version", version=version_id)
    siblings = PolicyVersion.objects.filter(policy_set=version.policy_set_id)
    newest = siblings.order_by("-number").values_list("number", flat=True)[0]
    bundle = replace(policies.bundle_of(version), vocabulary=installed_vocabulary())
    return Ground(version, bundle, newest, siblings.filter(state=VersionState.ACTIVE).first())
