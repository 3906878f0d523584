"""Catalogue rows to one frozen snapshot, kept per process and refreshed when a newer release appears."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from estimator import models
from estimator.core import catalogue as values
from estimator.core.pricing.offers import PriceOffer, PurchasePrice, TokenPrice
from estimator.loader import Rows
from estimator.releases import digest_catalogue, digest_row
from estimator.schema import TABLES

__all__ = ["NoCatalogue", "Release", "current_release", "current_snapshot", "snapshot_of", "snapshot_of_rows"]

Release = tuple[int, str, datetime]
"""Number, digest and instant of one published release."""

KEPT_SNAPSHOTS_MAX = 4

# Parts with matrix units for 16-bit arithmetic reach their peak in training; older ones only have vector units.
_VECTOR_GENERATIONS = frozenset({"kepler", "maxwell", "pascal", "apple", "cpu"})

_kept: dict[Release, values.CatalogueSnapshot] = {}
_lock = threading.Lock()


class NoCatalogue(RuntimeError):
    """No release is published, or none with the digest asked for: run `manage.py load_catalogue`."""


def current_release() -> Release:
    """The newest release, without its rows. One query.

    Raises:
        NoCatalogue: nothing is published.
    """
    release = newest_release()
    if release is None:
        raise NoCatalogue("the catalogue is empty; run `manage.py load_catalogue`")
    return release


def newest_release() -> Release | None:
    """The same, or None when nothing is published. One query."""
    return models.CatalogueRelease.objects.order_by("-number").values_list("number", "digest", "released_at").first()


def current_snapshot(release: Release | None = None) -> values.CatalogueSnapshot:
    """The newest release as a value. One query when the process already holds it, none if `release` was just read.

    Raises:
        NoCatalogue: nothing is published.
    """
    return _snapshot(*(release or current_release()))


def snapshot_of(digest: str) -> values.CatalogueSnapshot:
    """The release that a stored estimate names, for replay."""
    release = (
        models.CatalogueRelease.objects.filter(digest=digest)
        .order_by("-number")
        .values_list("number", "digest", "released_at")
        .first()
    )
    if release is None:
        raise NoCatalogue(f"no catalogue release has the digest `{digest[:64]}`")
    return _snapshot(*release)


def _snapshot(number: int, digest: str, released_at: datetime) -> values.CatalogueSnapshot:
    key = (number, digest, released_at)
    found = _kept.get(key)
    if found is not None:
        return found
    with _lock:
        # Two requests may have waited here for the same release; the second finds it made.
        found = _kept.get(key)
        if found is None:
            found = _read(number, digest, released_at)
            while len(_kept) >= KEPT_SNAPSHOTS_MAX:
                _kept.pop(next(iter(_kept)))
            _kept[key] = found
    return found


def snapshot_of_rows(rows: Rows, *, released_at: datetime) -> values.CatalogueSnapshot:
    """The snapshot that data files would give if they were published alone, without a database."""
    made = {
        table.name: [table.model(row_digest=digest_row(table, row), **row) for row in rows[table.name]]
        for table in TABLES
    }
    digests = {(name, row.slug): row.row_digest for name, members in made.items() for row in members}
    return _assemble(made, digest_catalogue(digests), released_at)


def _read(number: int, digest: str, released_at: datetime) -> values.CatalogueSnapshot:
    return _assemble({table.name: table.model.objects.in_force(number) for table in TABLES}, digest, released_at)


def _assemble(unsorted: Mapping[str, Iterable[Any]], digest: str, released_at: datetime) -> values.CatalogueSnapshot:
    # By slug, in Python's order: two databases with different collations give equal snapshots.
    rows = {name: sorted(members, key=lambda row: str(row.slug)) for name, members in unsorted.items()}
    return values.CatalogueSnapshot(
        digest=digest,
        released_at=released_at,
        accelerators={row.slug: _accelerator(row) for row in rows["accelerators"]},
        providers={row.slug: _provider(row) for row in rows["providers"]},
        # Rows in doubt are kept and shown, and price nothing.
        prices=tuple(_price(row) for row in rows["prices"] if row.accelerator and not row.doubt),
        purchase_prices=tuple(_purchase(row) for row in rows["purchase_prices"] if row.accelerator and not row.doubt),
        token_prices=tuple(_tokens(row) for row in rows["token_prices"] if row.as_of is not None and not row.doubt),
        grid=tuple(_grid(row) for row in rows["grid_carbon"]),
        facilities=tuple(_facility(row) for row in rows["facilities"]),
        thresholds=tuple(_threshold(row) for row in rows["thresholds"]),
        priors=tuple(_prior(row) for row in rows["utilisation_priors"]),
        prohibited_uses=tuple(_prohibited_use(row) for row in rows["prohibited_uses"]),
    )


def _accelerator(row: models.Accelerator) -> values.Accelerator:
    return values.Accelerator(
        slug=row.slug,
        vendor=row.vendor,
        name=row.name,
        memory_gb=row.memory_gb,
        memory_bandwidth_gb_s=row.memory_bandwidth_gb_s,
        board_power_w=row.board_power_w,
        dense_tflop_s_16bit=row.dense_tflop_s_16bit,
        dense_tflop_s_fp32=row.dense_tflop_s_fp32,
        dense_tflop_s_fp8=row.dense_tflop_s_fp8,
        dense_tera_op_s_int8=row.dense_tera_op_s_int8,
        dense_tflop_s_fp4=row.dense_tflop_s_fp4,
        generation=row.generation,
        release_year=row.release_year,
        tpp=row.tpp,
        performance_density=row.performance_density,
        vendor_hq_country=row.vendor_hq_country or None,
        is_matrix=row.generation not in _VECTOR_GENERATIONS,
        source=row.source,
        interconnect_gb_s=row.interconnect_gb_s,
    )


def _provider(row: models.Provider) -> values.Provider:
    return values.Provider(
        slug=row.slug,
        name=row.name,
        provider_type=row.provider_type,
        hq_country=row.hq_country or None,
        grid_key=row.grid_key or None,
        source=row.source,
    )


def _price(row: models.PriceOffer) -> PriceOffer:
    return PriceOffer(
        slug=row.slug,
        provider=row.provider or None,
        accelerator=row.accelerator,
        price_term=row.price_term,
        usd_per_gpu_hour=float(row.usd_per_gpu_hour),
        as_of=row.as_of,
        source=row.source,
        region=row.region,
        instance=row.instance,
        licence=row.licence,
        is_own=row.is_own,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
    )


def _purchase(row: models.PurchasePrice) -> PurchasePrice:
    return PurchasePrice(
        slug=row.slug,
        accelerator=row.accelerator,
        usd_per_device=float(row.usd_per_device),
        devices_in_unit=row.devices_in_unit,
        as_of=row.as_of,
        source=row.source,
    )


def _tokens(row: models.TokenPrice) -> TokenPrice:
    if row.as_of is None:
        raise ValueError(f"the token price `{row.slug}` has no day")

    def usd(amount: Decimal | None) -> float | None:
        return None if amount is None else float(amount)

    return TokenPrice(
        slug=row.slug,
        provider=row.provider,
        model=row.model,
        usd_per_million_input=float(row.usd_per_million_input),
        usd_per_million_output=float(row.usd_per_million_output),
        usd_per_million_cache_read=usd(row.usd_per_million_cache_read),
        usd_per_million_batch_input=usd(row.usd_per_million_batch_input),
        usd_per_million_batch_output=usd(row.usd_per_million_batch_output),
        as_of=row.as_of,
        source=row.source,
    )


def _grid(row: models.GridIntensity) -> values.GridIntensity:
    return values.GridIntensity(
        slug=row.slug,
        scope=row.scope,
        code=row.code,
        country=row.country or None,
        g_co2e_per_kwh=row.g_co2e_per_kwh,
        year=row.year_to,
        basis=row.basis,
        carbon_free_share=row.carbon_free_share,
        source=row.source,
    )


def _facility(row: models.Facility) -> values.Facility:
    return values.Facility(
        slug=row.slug,
        provider=row.provider or None,
        operator_type=row.operator_type or None,
        pue_low=row.pue_low,
        pue_high=row.pue_high,
        year=row.year_to,
        source=row.source,
    )


def _threshold(row: models.ComputeThreshold) -> values.ComputeThreshold:
    return values.ComputeThreshold(
        id=row.slug,
        jurisdiction=row.jurisdiction,
        instrument=row.instrument,
        article=row.article,
        quantity=row.quantity,
        operator=row.operator,
        limit=row.limit,
        unit=row.unit,
        limit_below=row.limit_below,
        second_quantity=row.second_quantity or None,
        second_minimum=row.second_minimum,
        second_below=row.second_below,
        consequence=row.consequence,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        source=row.source,
    )


def _prohibited_use(row: models.ProhibitedUse) -> values.ProhibitedUse:
    return values.ProhibitedUse(
        id=row.slug,
        title=row.title,
        description=row.description,
        jurisdiction=row.jurisdiction,
        instrument=row.instrument,
        article=row.article,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        is_secondary_source=row.is_secondary_source,
        source=row.source,
    )


def _prior(row: models.UtilisationPrior) -> values.UtilisationPrior:
    return values.UtilisationPrior(
        slug=row.slug,
        quantity=row.quantity,
        applies_to=row.applies_to,
        p10=row.p10,
        p50=row.p50,
        p90=row.p90,
        sample_size=row.sample_size,
        source=row.source,
    )
