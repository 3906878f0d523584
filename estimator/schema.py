"""The shape of the data files: which columns, which units and ranges, which references. Loader and tests read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from estimator import models
from estimator.core.pricing.place import PriceTerm, ProviderType


class ColumnType(StrEnum):
    TEXT = "text"
    SLUG = "slug"
    NUMBER = "number"
    MONEY = "money"
    INTEGER = "integer"
    DATE = "date"
    YES_NO = "yes_no"
    COUNTRY = "country"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `refers_to` names the table whose slugs (or aliases) the cell must match."""

    name: str
    type: ColumnType = ColumnType.TEXT
    is_required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    refers_to: str = ""
    length_max: int = 2000


@dataclass(frozen=True, slots=True)
class Table:
    """One data file and the model its rows become. `orders` are pairs of columns, lower or equal one first."""

    name: str
    model: type[models.CatalogueRow]
    columns: tuple[Column, ...]
    orders: tuple[tuple[str, str], ...] = ()

    @property
    def file_name(self) -> str:
        return f"{self.name}.csv"


def _text(name: str, *, required: bool = False, length: int = 2000, choices: tuple[str, ...] = ()) -> Column:
    return Column(name, ColumnType.TEXT, required, choices=choices, length_max=length)


def _number(name: str, minimum: float, maximum: float, *, required: bool = False) -> Column:
    return Column(name, ColumnType.NUMBER, required, minimum, maximum)


def _money(name: str, maximum: float, *, required: bool = False, minimum: float = 0.0) -> Column:
    return Column(name, ColumnType.MONEY, required, minimum, maximum)


def _integer(name: str, minimum: int, maximum: int, *, required: bool = False) -> Column:
    return Column(name, ColumnType.INTEGER, required, minimum, maximum)


def _date(name: str, *, required: bool = False) -> Column:
    return Column(name, ColumnType.DATE, required)


def _refer(name: str, table: str, *, required: bool = False) -> Column:
    return Column(name, ColumnType.SLUG, required, refers_to=table, length_max=80)


_SLUG = Column("slug", ColumnType.SLUG, True, length_max=models.SLUG_LENGTH_MAX)
_LICENCE = _text("licence", required=True, length=80)
_SOURCE = _text("source", required=True)
_NOTE = _text("note")
_DOUBT = _text("doubt", length=200)
_PRICE_MIN = 1e-6


def _peak(name: str) -> Column:
    return _number(name, 1e-3, 1e7)


TABLES: tuple[Table, ...] = (
    Table(
        "accelerators",
        models.Accelerator,
        (
            _SLUG,
            _text("vendor", required=True, length=60),
            _text("name", required=True, length=80),
            _text("generation", required=True, length=40),
            _number("memory_gb", 0.01, 1e5, required=True),
            _number("memory_bandwidth_gb_s", 1, 1e7, required=True),
            _number("board_power_w", 1, 1e5),
            _peak("dense_tflop_s_fp64"),
            _peak("dense_tflop_s_fp32"),
            _peak("dense_tflop_s_tf32"),
            _peak("dense_tflop_s_16bit"),
            _peak("dense_tflop_s_fp8"),
            _peak("dense_tera_op_s_int8"),
            _peak("dense_tflop_s_fp4"),
            _number("sparse_multiplier", 1, 8),
            _number("interconnect_gb_s", 0.1, 1e6),
            _integer("release_year", 2005, 2100, required=True),
            _number("die_mm2", 1, 1e5),
            _number("tpp", 1, 1e8),
            _number("performance_density", 1e-3, 1e5),
            Column("vendor_hq_country", ColumnType.COUNTRY),
            _date("as_of", required=True),
            _LICENCE,
            _SOURCE,
            _NOTE,
        ),
    ),
    Table(
        "accelerator_aliases",
        models.AcceleratorAlias,
        (
            _SLUG,
            _text("printed", required=True, length=120),
            _text("hint", length=80),
            _refer("accelerator", "accelerators", required=True),
            _LICENCE,
            _SOURCE,
            _NOTE,
        ),
    ),
    Table(
        "providers",
        models.Provider,
        (
            _SLUG,
            _text("name", required=True, length=80),
            _text("provider_type", required=True, choices=tuple(ProviderType)),
            Column("hq_country", ColumnType.COUNTRY),
            _text("grid_key", length=20),
            _date("as_of", required=True),
            _LICENCE,
            _SOURCE,
            _NOTE,
        ),
    ),
    Table(
        "provider_aliases",
        models.ProviderAlias,
        (
            _SLUG,
            _text("printed", required=True, length=120),
            _refer("provider", "providers", required=True),
            _LICENCE,
            _SOURCE,
            _NOTE,
        ),
    ),
    Table(
        "prices",
        models.PriceOffer,
        (
            _SLUG,
            _refer("provider", "providers", required=True),
            _refer("accelerator", "accelerators"),
            _text("accelerator_as_printed", length=120),
            _number("memory_gb", 0.01, 1e5),
            _text("price_term", required=True, choices=tuple(PriceTerm)),
            _money("usd_per_gpu_hour", 100_000, required=True, minimum=_PRICE_MIN),
            _date("as_of", required=True),
            _text("region", length=160),
            _text("instance", length=160),
            _LICENCE,
            _SOURCE,
            _NOTE,
            _DOUBT,
        ),
    ),
    Table(
        "purchase_prices",
        models.PurchasePrice,
        (
            _SLUG,
            _refer("accelerator", "accelerators"),
            _text("accelerator_as_printed", length=120),
            _money("usd_per_device", 1e8, required=True, minimum=0.01),
            _integer("devices_in_unit", 1, 100_000, required=True),
            _date("as_of", required=True),
            _LICENCE,
            _SOURCE,
            _NOTE,
            _DOUBT,
        ),
    ),
    Table(
        "token_prices",
        models.TokenPrice,
        (
            _SLUG,
            _refer("provider", "providers", required=True),
            _text("channel", length=80),
            _text("model", required=True, length=200),
            _money("usd_per_million_input", 1e6, required=True),
            _money("usd_per_million_output", 1e6, required=True),
            _money("usd_per_million_cache_read", 1e6),
            _money("usd_per_million_batch_input", 1e6),
            _money("usd_per_million_batch_output", 1e6),
            _date("as_of"),
            _LICENCE,
            _SOURCE,
            _NOTE,
            _DOUBT,
        ),
    ),
    Table(
        "grid_carbon",
        models.GridIntensity,
        (
            _SLUG,
            _text("scope", required=True, choices=tuple(value for value, _ in models.GRID_SCOPES)),
            _text("code", required=True, length=60),
            _text("name", required=True, length=120),
            Column("country", ColumnType.COUNTRY),
            _number("g_co2e_per_kwh", 0, 3000, required=True),
            _integer("year_from", 1990, 2100),
            _integer("year_to", 1990, 2100),
            Column("is_year_stated", ColumnType.YES_NO, True),
            _text("basis", required=True, length=120),
            _number("carbon_free_share", 0, 1),
            _LICENCE,
            _SOURCE,
            _NOTE,
        ),
        (("year_from", "year_to"),),
    ),
    Table(
        "facilities",
        models.Facility,
        (
            _SLUG,
            _refer("provider", "providers"),
            _text("operator_type", length=20),
            _text("name", required=True, length=120),
            _number("pue_low", 1, 5, required=True),
            _number("pue_high", 1, 5, required=True),
            _integer("year_from", 1990, 2100, required=True),
            _integer("year_to", 1990, 2100, required=True),
            _LICENCE,
            _SOURCE,
            _NOTE,
        ),
        (("pue_low", "pue_high"), ("year_from", "year_to")),
    ),
    Table(
        "thresholds",
        models.ComputeThreshold,
        (
            _SLUG,
            _text("jurisdiction", required=True, length=20),
            _text("instrument", required=True, length=120),
            _text("article", length=80),
            _text("quantity", required=True, length=60),
            _text("operator", required=True, choices=tuple(value for value, _ in models.OPERATORS)),
            _number("limit", 0, 1e40, required=True),
            _text("unit", required=True, length=120),
            _number("limit_below", 0, 1e40),
            _text("second_quantity", length=60),
            _number("second_minimum", 0, 1e40),
            _number("second_below", 0, 1e40),
            _text("consequence", required=True),
            _text("status", required=True, choices=tuple(value for value, _ in models.THRESHOLD_STATUSES)),
            _date("effective_from", required=True),
            _date("effective_to"),
            _text("status_note"),
            _LICENCE,
            _SOURCE,
            _NOTE,
        ),
        (("effective_from", "effective_to"), ("limit", "limit_below"), ("second_minimum", "second_below")),
    ),
    Table(
        "prohibited_uses",
        models.ProhibitedUse,
        (
            _SLUG,
            _text("title", required=True, length=120),
            _text("description", required=True),
            _text("jurisdiction", required=True, length=20),
            _text("instrument", required=True, length=120),
            _text("article", length=80),
            _date("effective_from", required=True),
            _date("effective_to"),
            Column("is_secondary_source", ColumnType.YES_NO, True),
            _LICENCE,
            _SOURCE,
            _NOTE,
        ),
        (("effective_from", "effective_to"),),
    ),
    Table(
        "utilisation_priors",
        models.UtilisationPrior,
        (
            _SLUG,
            _text("quantity", required=True, length=40),
            _text("applies_to", required=True, length=40),
            _number("p10", 1e-6, 1e6, required=True),
            _number("p50", 1e-6, 1e6, required=True),
            _number("p90", 1e-6, 1e6, required=True),
            _integer("sample_size", 1, 10**9),
            _date("as_of", required=True),
            _LICENCE,
            _SOURCE,
            _NOTE,
        ),
        (("p10", "p50"), ("p50", "p90")),
    ),
)

TABLES_BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}
ALIAS_TABLES: dict[str, str] = {"accelerators": "accelerator_aliases", "providers": "provider_aliases"}
