"""Days on which the organisation does not work."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from governance.display import dates


class Holiday(models.Model):
    """A day that is no working day for the organisation, whatever day of the week it is."""

    day = models.DateField(unique=True)
    name = models.CharField(max_length=120)

    class Meta:
        ordering: ClassVar = ["day"]

    def __str__(self) -> str:
        return f"{self.name}, {dates.full_day(self.day)}"
