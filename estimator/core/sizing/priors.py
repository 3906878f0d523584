"""Reading the catalogue's priors, and writing down each one that was used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from estimator.core.catalogue import CatalogueSnapshot, UtilisationPrior
from estimator.core.quantities import Interval
from estimator.core.results.result import Assumption, Missing
from governance.display.numbers import figure

PRICE_DRIFT = "price_drift_year"


class NoPrior(LookupError):
    """The catalogue release holds no prior that an estimate cannot do without."""


@dataclass
class Ledger:
    """What an estimate has assumed, could not give, and warns of, in the order in which it was met.

    `pins` hold an uncertain factor at a value, to see what it alone does; `factors` are the uncertain ones that were
    used, by slug, with their words and interval.
    """

    assumptions: list[Assumption] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    pins: Mapping[str, Interval] = field(default_factory=dict)
    factors: dict[str, tuple[str, Interval]] = field(default_factory=dict)

    def assume(self, id: str, text: str, value: float | str | None = None, unit: str = "", source: str = "") -> None:
        self.assumptions.append(Assumption(id, text, value, unit, source))

    def lack(self, what: str, why: str) -> None:
        self.missing.append(Missing(what, why))

    def warn(self, sentence: str) -> None:
        self.warnings.append(sentence)

    def prior(self, catalogue: CatalogueSnapshot, quantity: str, text: str, *classes: str) -> Interval:
        """The prior of the first class that the catalogue knows, written down as an assumption.

        Raises:
            NoPrior: none of the classes, nor `any`, is in the catalogue.
        """
        found = catalogue.prior(quantity, *classes, "any")
        if found is None:
            raise NoPrior(f"the catalogue has no prior for `{quantity}`")
        self.assume(found.slug, f"{text}: {_describe(found)}", found.p50, "", found.source)
        interval = Interval(found.p10, found.p50, found.p90)
        # The drift of a price is part of the price, which is a factor itself.
        return interval if quantity == PRICE_DRIFT else self.factor(found.slug, text, interval)

    def factor(self, slug: str, text: str, interval: Interval) -> Interval:
        """Note an uncertain factor, and give it as it is or as it is pinned."""
        if not interval.is_exact:
            self.factors[slug] = (text, interval)
        return self.pins.get(slug, interval)


@lru_cache(maxsize=1_024)  # each estimate says the same of the same rows of the catalogue
def _describe(prior: UtilisationPrior) -> str:
    low, middle, high = (figure(end, 6) for end in (prior.p10, prior.p50, prior.p90))
    return f"{middle} ({low} to {high}), class {prior.applies_to.replace('_', ' ')}"
