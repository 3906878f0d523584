"""What the form lets people choose from: read once per page, only what the step in front of them needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from estimator.catalogue import NoCatalogue, current_snapshot
from estimator.core.catalogue import CatalogueSnapshot, ProhibitedUse
from governance.display.accelerators import Groups, grouped
from governance.domain.states.grants import GrantState
from governance.models import Grant, ModelLineage, Project, Provider, Purpose, User
from governance.selectors.register.accelerators import by_class
from governance.selectors.requests import references

GRANTS_LISTED_MAX = 100


@dataclass
class Registers:
    """The lists behind the selects, for one person at one instant."""

    user: User
    now: datetime

    @cached_property
    def snapshot(self) -> CatalogueSnapshot | None:
        """The catalogue, or None while none is published: the form then asks, and nothing can be sized."""
        try:
            return current_snapshot()
        except NoCatalogue:
            return None

    @cached_property
    def projects(self) -> list[Project]:
        return references.requestable_projects(self.user, now=self.now)

    @cached_property
    def providers(self) -> list[Provider]:
        return list(Provider.objects.all())

    @cached_property
    def purposes(self) -> list[Purpose]:
        return list(Purpose.objects.filter(is_offered=True))

    @cached_property
    def prohibited_uses(self) -> list[ProhibitedUse]:
        """Those that hold today or will, in alphabetical order."""
        uses = self.snapshot.prohibited_uses if self.snapshot else ()
        return sorted((use for use in uses if use.holds_within(self.now.date(), None)), key=lambda use: use.title)

    @cached_property
    def lineages(self) -> list[ModelLineage]:
        return references.nameable_lineages(self.user, now=self.now)

    @cached_property
    def grants(self) -> list[Grant]:
        return list(Grant.objects.filter(owner_id=self.user.person_id, state=GrantState.ACTIVE)[:GRANTS_LISTED_MAX])

    def accelerator_groups(self) -> Groups:
        """Every part with its price: the organisation's own first, then by class."""
        if self.snapshot is None:
            return []
        return grouped(by_class(self.snapshot, self.providers, on=self.now.date()))

    def hosted_models(self) -> list[str]:
        """Models with a price per token at a provider that the organisation knows."""
        if self.snapshot is None:
            return []
        known = {provider.slug for provider in self.providers}
        return sorted({model for provider, model in self.snapshot.tokens_by_place if provider in known})

    def accelerator_name(self, slug: object) -> str:
        part = self.snapshot.accelerators.get(str(slug)) if self.snapshot else None
        return part.name if part else str(slug or "")

    def provider(self, slug: object) -> Provider | None:
        return next((provider for provider in self.providers if provider.slug == slug), None)

    def project_name(self, slug: object) -> str:
        return next((project.name for project in self.projects if project.slug == slug), str(slug or ""))
