"""What the organisation knows about the outside: providers, parties, model lineages, and its own prices."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from estimator.models import CatalogueRelease, CatalogueRow
from estimator.releases import publish_rows
from governance.demonstration import data
from governance.demonstration.calendar import FOUNDED_DAYS, HISTORY_DAYS
from governance.demonstration.organisation.cast import Cast
from governance.demonstration.organisation.world import Story, World, within
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import ProviderCommitment
from governance.services.record import audit
from governance.services.register import register
from governance.services.register.catalogue import own_price_slug

LICENCE = "own"
TOKEN_PARTS = ("input", "output", "cache_read", "batch_input", "batch_output")
SOURCE = "demonstration data, invented"
REVIEWED_AT = time(7, 40)


def fill_registers(cast: Cast) -> None:
    """Register providers and lineages on the day the organisation was founded."""
    plain = data.read("registers")
    now = cast.calendar.founded
    for each in plain["providers"]:
        reviewed = _days_before(cast.calendar.today, each["terms_age_days"])
        cast.providers[each["slug"]] = within(
            register.add_provider, actor=cast["omar"], slug=each["slug"], now=now,
            terms_reviewed_on=reviewed and min(reviewed, now.date()), **_decided(each),
        )  # fmt: skip
    for each in plain["lineages"]:
        owner, project = cast[each["owner"]].person, cast.projects[each["project"]]
        lineage = within(
            register.register_lineage, actor=cast["priya"], slug=each["slug"], name=each["name"], owner=owner,
            project=project, now=now,
        )  # fmt: skip
        within(
            register.change_lineage, actor=cast["priya"], lineage_id=lineage.pk, name=each["name"], owner=owner,
            project=project, base_name=each.get("base_name", ""), base_model_flop=each.get("base_flop"),
            base_model_systemic=each.get("base_systemic"), modalities=each["modalities"],
            eu_market=each["eu_market"], direct_flop_p50=each["direct"][0], direct_flop_p90=each["direct"][1],
            cumulative_flop_p50=each["cumulative"][0], cumulative_flop_p90=each["cumulative"][1], now=now,
        )  # fmt: skip


def reviews(world: World) -> Story:
    """What the trade and vendor manager looked at in the past year: providers' terms again, and outside parties."""
    cast, plain = world.cast, data.read("registers")
    founded = cast.calendar.founded.date()
    looks = [
        (reviewed, each)
        for each in (*plain["providers"], *plain["beneficiaries"])
        if (reviewed := _days_before(cast.calendar.today, each.get("terms_age_days", each.get("screened_days_ago"))))
        if reviewed > founded or "state" in each
    ]
    for day, each in sorted(looks, key=lambda look: look[0]):
        now = yield datetime.combine(day, REVIEWED_AT, UTC)
        if "state" in each:
            within(
                register.screen_beneficiary, actor=cast["omar"], name=each["name"], hq_country=each["hq"],
                screening_state=each["state"], screened_on=day, now=now,
            )  # fmt: skip
        else:
            within(
                register.change_provider, actor=cast["omar"], provider_id=cast.providers[each["slug"]].pk,
                terms_reviewed_on=day, now=now, **_decided(each),
            )  # fmt: skip


def _decided(each: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": each["name"],
        "provider_type": each["type"],
        "hq_country": each["hq"],
        "is_approved": each["approved"],
        "has_data_processing_agreement": each["dpa"],
        "certifications": each["certifications"],
    }


def commit_to_providers(cast: Cast) -> None:
    """What is owed to providers month by month besides the grants: reservations, spend commitments, the pool's cost.

    No service records such contracts yet, so the rows are written directly.
    """
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


def publish_prices(cast: Cast) -> CatalogueRelease:
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
    entries = [
        audit.Entry(
            "catalogue.priced",
            release,
            data={
                "slug": price["slug"],
                "usd_per_gpu_hour": str(price["usd_per_gpu_hour"]),
                "digest": release.digest,
            },
        )
        for price in prices
    ]
    audit.record_all(entries, actor=cast["dmitri"], now=calendar.founded)
    return release


def _days_before(today: date, days: int | None) -> date | None:
    return None if days is None else today - timedelta(days=days)
