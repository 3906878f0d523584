"""The cast at its own fixed instant."""

from __future__ import annotations

import pytest

from governance.models import AcceptableUseVersion, Acceptance
from tests import cast as casting
from tests.cast import NOW, Cast


@pytest.fixture
def cast(db: None) -> Cast:
    assembled = casting.assemble()
    for version in AcceptableUseVersion.objects.filter(effective_from__lte=NOW):
        for user in assembled.users.values():
            Acceptance.objects.get_or_create(
                version=version, person=user.person, defaults={"user": user, "accepted_at": NOW}
            )
    return assembled
