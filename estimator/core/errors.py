"""What the estimator refuses: named fields, one clear sentence each, all of them at once."""

from __future__ import annotations

from collections.abc import Mapping


class InputError(ValueError):
    """Input that cannot be sized. `errors` maps a field name to one sentence; every bad field is named at once."""

    code = "invalid_input"

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors: dict[str, str] = dict(errors)
        super().__init__("; ".join(f"{field}: {sentence}" for field, sentence in self.errors.items()))


class WorkloadError(InputError):
    """A workload whose fields are missing, out of range or contradictory."""

    code = "invalid_workload"


class PlaceError(InputError):
    """A place that the catalogue does not know: provider, accelerator, count, region or price term."""

    code = "invalid_place"
