"""Catalogue rows: dated, sourced, append-only. A row that changes is appended again under the next release.

The catalogue as of a release is, for each slug, the newest row at or before it, unless that row is a withdrawal.
So nothing is ever updated, and an estimate of last year can be replayed from the digest that it stored.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django.db.models import F, Q

from estimator.core.pricing.place import PriceTerm, ProviderType

SLUG_LENGTH_MAX = 160
OPERATORS = ((">", "more than"), (">=", "at least"), ("<", "less than"), ("<=", "at most"))
THRESHOLD_STATUSES = (
    ("in_force", "In force"),
    ("guidance", "Guidance"),
    ("enacted", "Enacted, not yet applicable"),
    ("rescinded", "Rescinded"),
    ("superseded", "Superseded"),
)
GRID_SCOPES = (("world", "World"), ("country", "Country"), ("subregion", "Subregion"), ("cloud_region", "Cloud region"))


def _choices(values: type[PriceTerm] | type[ProviderType]) -> list[tuple[str, str]]:
    return [(value.value, value.value.replace("_", " ").capitalize()) for value in values]


class CatalogueRelease(models.Model):
    """One published state of the catalogue. Its number orders releases; two publishers cannot take the same one."""

    number = models.PositiveIntegerField(primary_key=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 over the canonical rows in force at this release")
    released_at = models.DateTimeField()
    note = models.CharField(max_length=300)
    row_count = models.PositiveIntegerField(help_text="rows in force")
    changed_count = models.PositiveIntegerField(help_text="rows that this release appended")

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(number__gte=1),
                name="release_number_positive",
                violation_error_message="releases count from 1",
            )
        ]

    def __str__(self) -> str:
        return f"release {self.number} ({self.digest[:12]})"


Row = TypeVar("Row", bound="CatalogueRow")


class CatalogueQuerySet(models.QuerySet[Row]):
    def newest(self, release_number: int | None = None) -> Self:
        """The newest row of each slug, withdrawals included, at or before a release."""
        rows = self if release_number is None else self.filter(release_id__lte=release_number)
        return rows.order_by("slug", "-release_id").distinct("slug")

    def in_force(self, release_number: int | None = None) -> Self:
        """The catalogue as of a release: the newest row of each slug that is not withdrawn."""
        newest = self.newest(release_number)
        return self.filter(pk__in=newest.values("pk"), is_withdrawn=False).order_by("slug")


class CatalogueRow(models.Model):
    """What every row of the catalogue carries."""

    ORIGIN_FILE = "file"
    ORIGIN_EDIT = "edit"

    slug = models.CharField(max_length=SLUG_LENGTH_MAX)
    release = models.ForeignKey(CatalogueRelease, on_delete=models.PROTECT, related_name="+")
    origin = models.CharField(max_length=4, choices=[(ORIGIN_FILE, "Data file"), (ORIGIN_EDIT, "Edited here")])
    row_digest = models.CharField(max_length=64)
    is_withdrawn = models.BooleanField(default=False)
    licence = models.CharField(max_length=80, blank=True)
    source = models.TextField()
    note = models.TextField(blank=True)

    objects = CatalogueQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["slug", "release"],
                name="%(class)s_once_per_release",
                violation_error_message="a release holds a row once",
            ),
        ]

    def __str__(self) -> str:
        return self.slug


def _row_constraints(*more: models.CheckConstraint) -> list[Any]:
    return [*CatalogueRow.Meta.constraints, *more]


def _check(name: str, condition: Q, message: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=condition, name=name, violation_error_message=message)


class Accelerator(CatalogueRow):
    """One device. Peaks are dense; tera-operations per second."""

    vendor = models.CharField(max_length=60)
    name = models.CharField(max_length=80)
    generation = models.CharField(max_length=40)
    memory_gb = models.FloatField()
    memory_bandwidth_gb_s = models.FloatField()
    board_power_w = models.FloatField(null=True, blank=True)
    dense_tflop_s_fp64 = models.FloatField(null=True, blank=True)
    dense_tflop_s_fp32 = models.FloatField(null=True, blank=True)
    dense_tflop_s_tf32 = models.FloatField(null=True, blank=True)
    dense_tflop_s_16bit = models.FloatField(null=True, blank=True)
    dense_tflop_s_fp8 = models.FloatField(null=True, blank=True)
    dense_tera_op_s_int8 = models.FloatField(null=True, blank=True)
    dense_tflop_s_fp4 = models.FloatField(null=True, blank=True)
    sparse_multiplier = models.FloatField(null=True, blank=True)
    interconnect_gb_s = models.FloatField(null=True, blank=True)
    release_year = models.PositiveSmallIntegerField()
    die_mm2 = models.FloatField(null=True, blank=True)
    tpp = models.FloatField(null=True, blank=True, help_text="total processing performance, dense TOPS x bit length")
    performance_density = models.FloatField(null=True, blank=True, help_text="TPP per mm2 of applicable die")
    vendor_hq_country = models.CharField(max_length=2, blank=True)
    as_of = models.DateField()

    class Meta(CatalogueRow.Meta):
        abstract = False
        constraints = _row_constraints(
            _check(
                "accelerator_memory_positive",
                Q(memory_gb__gt=0, memory_bandwidth_gb_s__gt=0),
                "memory and its bandwidth are positive",
            )
        )


class AcceleratorAlias(CatalogueRow):
    """A printed name that means one accelerator, where `hint` (if any) stands beside it."""

    printed = models.CharField(max_length=120)
    hint = models.CharField(max_length=80, blank=True)
    accelerator = models.CharField(max_length=80)

    class Meta(CatalogueRow.Meta):
        abstract = False
        verbose_name_plural = "accelerator aliases"


class Provider(CatalogueRow):
    """A seller of accelerators or tokens, once, whatever its spellings."""

    name = models.CharField(max_length=80)
    provider_type = models.CharField(max_length=20, choices=_choices(ProviderType))
    hq_country = models.CharField(max_length=2, blank=True)
    grid_key = models.CharField(max_length=20, blank=True, help_text="prefix of its cloud regions in the grid table")
    as_of = models.DateField()

    class Meta(CatalogueRow.Meta):
        abstract = False


class ProviderAlias(CatalogueRow):
    printed = models.CharField(max_length=120)
    provider = models.CharField(max_length=80)

    class Meta(CatalogueRow.Meta):
        abstract = False
        verbose_name_plural = "provider aliases"


class PriceOffer(CatalogueRow):
    """USD per accelerator-hour. An own price (`is_own`) is negotiated or internal and holds for a dated period."""

    provider = models.CharField(max_length=80, blank=True)
    accelerator = models.CharField(max_length=80, blank=True)
    accelerator_as_printed = models.CharField(max_length=120, blank=True)
    memory_gb = models.FloatField(null=True, blank=True)
    price_term = models.CharField(max_length=20, choices=_choices(PriceTerm))
    usd_per_gpu_hour = models.DecimalField(max_digits=14, decimal_places=6)
    as_of = models.DateField()
    region = models.CharField(max_length=160, blank=True)
    instance = models.CharField(max_length=160, blank=True)
    doubt = models.CharField(max_length=200, blank=True, help_text="why this row prices nothing; empty when it does")
    is_own = models.BooleanField(default=False)
    effective_from = models.DateField(null=True, blank=True)
    effective_to = models.DateField(null=True, blank=True)

    class Meta(CatalogueRow.Meta):
        abstract = False
        constraints = _row_constraints(
            _check(
                "price_offer_positive",
                Q(usd_per_gpu_hour__gt=0) & Q(usd_per_gpu_hour__lte=100_000),
                "a price is more than 0 and at most 100,000 USD an hour",
            ),
            _check(
                "price_offer_own_is_dated",
                Q(is_own=False) | Q(effective_from__isnull=False),
                "an own price states the day from which it holds",
            ),
            _check(
                "price_offer_period_ordered",
                Q(effective_to__isnull=True) | Q(effective_to__gt=F("effective_from")),
                "a price ends after it starts",
            ),
        )


class PurchasePrice(CatalogueRow):
    """USD for one accelerator of a unit of `devices_in_unit`."""

    accelerator = models.CharField(max_length=80, blank=True)
    accelerator_as_printed = models.CharField(max_length=120, blank=True)
    usd_per_device = models.DecimalField(max_digits=16, decimal_places=2)
    devices_in_unit = models.PositiveIntegerField()
    as_of = models.DateField()
    doubt = models.CharField(max_length=200, blank=True)

    class Meta(CatalogueRow.Meta):
        abstract = False
        constraints = _row_constraints(
            _check("purchase_price_positive", Q(usd_per_device__gt=0), "a purchase price is more than 0 USD")
        )


class TokenPrice(CatalogueRow):
    """USD per million tokens of a hosted model."""

    provider = models.CharField(max_length=80)
    channel = models.CharField(max_length=80, blank=True)
    model = models.CharField(max_length=200)
    usd_per_million_input = models.DecimalField(max_digits=16, decimal_places=8)
    usd_per_million_output = models.DecimalField(max_digits=16, decimal_places=8)
    usd_per_million_cache_read = models.DecimalField(max_digits=16, decimal_places=8, null=True, blank=True)
    usd_per_million_batch_input = models.DecimalField(max_digits=16, decimal_places=8, null=True, blank=True)
    usd_per_million_batch_output = models.DecimalField(max_digits=16, decimal_places=8, null=True, blank=True)
    as_of = models.DateField(null=True, blank=True)
    doubt = models.CharField(max_length=200, blank=True)

    class Meta(CatalogueRow.Meta):
        abstract = False
        constraints = _row_constraints(
            _check(
                "token_price_not_negative",
                Q(usd_per_million_input__gte=0, usd_per_million_output__gte=0),
                "a token price is not negative",
            )
        )


class GridIntensity(CatalogueRow):
    """Grams of CO2 equivalent per kWh of a country, a part of one, or a cloud region."""

    scope = models.CharField(max_length=20, choices=GRID_SCOPES)
    code = models.CharField(max_length=60)
    name = models.CharField(max_length=120)
    country = models.CharField(max_length=2, blank=True)
    g_co2e_per_kwh = models.FloatField()
    year_from = models.PositiveSmallIntegerField(null=True, blank=True)
    year_to = models.PositiveSmallIntegerField(null=True, blank=True)
    is_year_stated = models.BooleanField()
    basis = models.CharField(max_length=120)
    carbon_free_share = models.FloatField(null=True, blank=True)

    class Meta(CatalogueRow.Meta):
        abstract = False
        verbose_name_plural = "grid intensities"
        constraints = _row_constraints(
            _check(
                "grid_intensity_in_range",
                Q(g_co2e_per_kwh__gte=0, g_co2e_per_kwh__lte=3000),
                "carbon intensity lies between 0 and 3,000 g/kWh",
            )
        )


class Facility(CatalogueRow):
    """Power usage effectiveness of a provider, or of a type of operator where the provider states none."""

    provider = models.CharField(max_length=80, blank=True)
    operator_type = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=120)
    pue_low = models.FloatField()
    pue_high = models.FloatField()
    year_from = models.PositiveSmallIntegerField()
    year_to = models.PositiveSmallIntegerField()

    class Meta(CatalogueRow.Meta):
        abstract = False
        verbose_name_plural = "facilities"
        constraints = _row_constraints(
            _check(
                "facility_pue_ordered",
                Q(pue_low__gte=1, pue_high__gte=F("pue_low"), pue_high__lte=5),
                "power usage effectiveness lies between 1 and 5, lower end first",
            )
        )


class ComputeThreshold(CatalogueRow):
    """One legal line over compute or chips, in force from `effective_from` until, not including, `effective_to`."""

    jurisdiction = models.CharField(max_length=20)
    instrument = models.CharField(max_length=120)
    article = models.CharField(max_length=80, blank=True)
    quantity = models.CharField(max_length=60)
    operator = models.CharField(max_length=2, choices=OPERATORS)
    limit = models.FloatField()
    unit = models.CharField(max_length=120)
    limit_below = models.FloatField(null=True, blank=True)
    second_quantity = models.CharField(max_length=60, blank=True)
    second_minimum = models.FloatField(null=True, blank=True)
    second_below = models.FloatField(null=True, blank=True)
    consequence = models.TextField()
    status = models.CharField(max_length=20, choices=THRESHOLD_STATUSES)
    effective_from = models.DateField(null=True, blank=True)
    effective_to = models.DateField(null=True, blank=True)
    status_note = models.TextField(blank=True)

    class Meta(CatalogueRow.Meta):
        abstract = False
        constraints = _row_constraints(
            _check(
                "threshold_period_ordered",
                Q(effective_to__isnull=True) | Q(effective_to__gte=F("effective_from")),
                "a threshold ends on or after its first day",
            )
        )


class ProhibitedUse(CatalogueRow):
    """One use of compute that a law or the organisation prohibits, from its first day until, not including, its end."""

    title = models.CharField(max_length=120)
    description = models.TextField()
    jurisdiction = models.CharField(max_length=20)
    instrument = models.CharField(max_length=120)
    article = models.CharField(max_length=80, blank=True)
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, blank=True)
    is_secondary_source = models.BooleanField()

    class Meta(CatalogueRow.Meta):
        abstract = False
        constraints = _row_constraints(
            _check(
                "prohibited_use_period_ordered",
                Q(effective_to__isnull=True) | Q(effective_to__gte=F("effective_from")),
                "a prohibition ends on or after its first day",
            )
        )


class UtilisationPrior(CatalogueRow):
    """What is known before a run about a share of a nameplate figure, as three quantiles."""

    quantity = models.CharField(max_length=40)
    applies_to = models.CharField(max_length=40)
    p10 = models.FloatField()
    p50 = models.FloatField()
    p90 = models.FloatField()
    sample_size = models.PositiveIntegerField(null=True, blank=True)
    as_of = models.DateField()

    class Meta(CatalogueRow.Meta):
        abstract = False
        constraints = _row_constraints(
            _check(
                "utilisation_prior_ordered",
                Q(p10__gt=0, p50__gte=F("p10"), p90__gte=F("p50")),
                "the quantiles of a prior are positive and ordered",
            )
        )


APPEND_ONLY_TABLES: tuple[str, ...] = tuple(
    model._meta.db_table
    for model in (
        CatalogueRelease,
        Accelerator,
        AcceleratorAlias,
        Provider,
        ProviderAlias,
        PriceOffer,
        PurchasePrice,
        TokenPrice,
        GridIntensity,
        Facility,
        ComputeThreshold,
        ProhibitedUse,
        UtilisationPrior,
    )
)
"""Every table of the catalogue: rows are added and never changed, which triggers enforce (migrations 0002 and 0003)."""
