"""What the organisation knows about the outside: providers, parties, model lineages, and its own prices."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from estimator.models import CatalogueRelease, CatalogueRow
from estimator.releases import publish_rows
from governance.demonstration import data
from governance.demonstration.calendar import FOUNDED_DAYS, HISTORY_DAYS
from governance.demonstration.chain import Chain
from governance.demonstration.organisation.cast import Cast
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import Beneficiary, ModelLineage, Provider, ProviderCommitment
from governance.services.register.catalogue import own_price_slug

LICENCE = "own"
TOKEN_PARTS = ("input", "output", "cache_read", "batch_input", "batch_output")
SOURCE = "demonstration data, invented"


def fill_registers(cast: Cast, chain: Chain) -> None:
    """Write providers, beneficiaries and lineages as of the day the organisation was founded."""
    plain = data.read("registers")
    now, today = cast.calendar.founded, cast.calendar.today
    providers = Provider.objects.bulk_create(
        [
            Provider(
                slug=each["slug"],
                name=each["name"],
                provider_type=each["type"],
                hq_country=each["hq"],
                is_approved=each["approved"],
                has_data_processing_agreement=each["dpa"],
                terms_reviewed_on=_days_before(today, each["terms_age_days"]),
                certifications=each["certifications"],
            )
            for each in plain["providers"]
        ]
    )
    for provider in providers:
        chain.record(
            "provider.added", actor=cast["omar"], model=Provider, row=provider.pk, at=now, slug=provider.slug,
            is_approved=provider.is_approved,
        )  # fmt: skip
    parties = Beneficiary.objects.bulk_create(
        [
            Beneficiary(
                name=each["name"],
                hq_country=each["hq"],
                screening_state=each["state"],
                screened_on=_days_before(today, each["screened_days_ago"]),
            )
            for each in plain["beneficiaries"]
        ]
    )
    for party in parties:
        chain.record(
            "beneficiary.screened", actor=cast["omar"], model=Beneficiary, row=party.pk, at=now,
            state=party.screening_state,
        )  # fmt: skip
    for lineage in ModelLineage.objects.bulk_create([_lineage(cast, each) for each in plain["lineages"]]):
        chain.record(
            "lineage.registered", actor=cast["priya"], model=ModelLineage, row=lineage.pk, at=now, slug=lineage.slug,
            owner=lineage.owner_id,
        )  # fmt: skip


def commit_to_providers(cast: Cast) -> None:
    """What is owed to providers month by month besides the grants: reservations, spend commitments, the pool's cost."""
    calendar = cast.calendar
    months = calendar.months(calendar.start - timedelta(days=HISTORY_DAYS - 31), calendar.start)
    ProviderCommitment.objects.bulk_create(
        ProviderCommitment(
            provider=provider,
            month=month.date(),
            committed_micro=round((each["year"] - each["granted"]) * 1_000_000 / len(months)) * MICRO_PER_UNIT,
        )
        for provider, each in data.read("registers")["commitments_musd"].items()
        for month in months
    )


def publish_prices(cast: Cast, chain: Chain) -> CatalogueRelease:
    """Publish the organisation's own prices, its pool and the pool's machine room as one release of the catalogue.

    The prices hold from before the first request on; the release itself is of the day of the first start, like the
    catalogue that it extends.
    """
    plain = data.read("registers")
    calendar = cast.calendar
    since = calendar.day(-FOUNDED_DAYS)
    prices = [
        {
            "slug": own_price_slug(each["provider"], each["accelerator"], each["term"], "", since),
            "provider": each["provider"],
            "accelerator": each["accelerator"],
            "accelerator_as_printed": "",
            "memory_gb": None,
            "price_term": each["term"],
            "usd_per_gpu_hour": Decimal(each["usd"]),
            "as_of": since,
            "region": "",
            "instance": "",
            "licence": LICENCE,
            "source": f"{each['source']} ({SOURCE})",
            "note": "",
            "doubt": "",
            "is_own": True,
            "effective_from": since,
            "effective_to": None,
        }
        for each in plain["prices"]
    ]
    tokens = [
        {
            "slug": each["slug"],
            "provider": each["provider"],
            "channel": each["provider"],
            "model": each["model"],
            **{f"usd_per_million_{part}": Decimal(each[part]) for part in TOKEN_PARTS},
            "as_of": calendar.day(-each["days_ago"]),
            "licence": LICENCE,
            "source": f"{each['source']} ({SOURCE})",
            "note": "",
            "doubt": "",
        }
        for each in plain["token_prices"]
    ]
    pool, room = plain["pool"]["provider"], plain["pool"]["facility"]
    shared = {"licence": LICENCE, "source": SOURCE, "note": ""}
    release = publish_rows(
        {
            "providers": [
                {"slug": pool["slug"], "name": pool["name"], "provider_type": pool["type"], "hq_country": pool["hq"],
                 "grid_key": "", "as_of": since, **shared}
            ],
            "facilities": [
                {"slug": room["slug"], "provider": pool["slug"], "operator_type": "", "name": room["name"],
                 "pue_low": room["pue"], "pue_high": room["pue"], "year_from": since.year,
                 "year_to": calendar.today.year, **shared}
            ],
            "prices": prices,
            "token_prices": tokens,
        },
        note="Own prices of Northlight AI (demonstration data)",
        now=calendar.start,
        origin=CatalogueRow.ORIGIN_EDIT,
    )  # fmt: skip
    assert release is not None, "an empty installation has none of these rows"
    for price in prices:
        chain.record(
            "catalogue.priced", actor=cast["dmitri"], model=CatalogueRelease, row=release.pk, at=calendar.founded,
            slug=price["slug"], usd_per_gpu_hour=str(price["usd_per_gpu_hour"]), digest=release.digest,
        )  # fmt: skip
    return release


def _lineage(cast: Cast, each: dict[str, Any]) -> ModelLineage:
    return ModelLineage(
        slug=each["slug"],
        name=each["name"],
        project=cast.projects[each["project"]],
        owner=cast[each["owner"]].person,
        base_name=each.get("base_name", ""),
        base_model_flop=each.get("base_flop"),
        base_model_systemic=each.get("base_systemic"),
        modalities=each["modalities"],
        eu_market=each["eu_market"],
        direct_flop_p50=each["direct"][0],
        direct_flop_p90=each["direct"][1],
        cumulative_flop_p50=each["cumulative"][0],
        cumulative_flop_p90=each["cumulative"][1],
    )


def _days_before(today: date, days: int | None) -> date | None:
    return None if days is None else today - timedelta(days=days)
