"""Where the organisation may run work: approved providers, and prices that hold."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings

from estimator.catalogue import current_snapshot
from estimator.releases import publish_rows
from governance.models import Provider
from governance.selectors.register.usable_places import UsablePlace, in_other_countries, usable_places
from tests.cast import ACCELERATOR, NOW, Cast

DAY = NOW.date()


def add_price(provider: str, *, usd: str, approved: bool = True, is_own: bool = True, **changes: Any) -> None:
    """A provider with a price of one's own, or a list price, for the accelerator of the tests."""
    Provider.objects.update_or_create(
        slug=provider,
        defaults={
            "name": provider.capitalize(),
            "provider_type": "specialist",
            "hq_country": "US",
            "is_approved": approved,
            "has_data_processing_agreement": True,
            "terms_reviewed_on": DAY - timedelta(days=30),
        },
    )
    row: dict[str, Any] = {
        "slug": f"for-tests-{provider}-{changes.get('accelerator', ACCELERATOR)}",
        "provider": provider,
        "accelerator": ACCELERATOR,
        "price_term": "on_demand",
        "usd_per_gpu_hour": Decimal(usd),
        "as_of": DAY - timedelta(days=10),
        "effective_from": DAY - timedelta(days=10) if is_own else None,
        "is_own": is_own,
        "source": "for tests",
        "licence": "own",
    }
    publish_rows({"prices": [row | changes]}, note="for tests", now=NOW)


def places(on: date = DAY) -> list[UsablePlace]:
    return usable_places(current_snapshot(), Provider.objects.all(), accelerators=[ACCELERATOR], on=on)


def test_only_approved_providers_count(cast: Cast) -> None:
    add_price("verda", usd="0.50")
    assert "verda" in {place.provider.slug for place in places()}
    Provider.objects.filter(slug="verda").update(is_approved=False)
    assert "verda" not in {place.provider.slug for place in places()}


def test_an_own_price_counts_to_its_end_and_no_day_longer(cast: Cast) -> None:
    add_price("verda", usd="0.50", effective_to=DAY + timedelta(days=5))
    assert "verda" in {place.provider.slug for place in places(DAY + timedelta(days=4))}
    assert not [place for place in places(DAY + timedelta(days=5)) if place.provider.slug == "verda" and place.is_own]


@pytest.mark.parametrize(("days", "counts"), [(0, True), (settings.LIST_PRICE_DAYS_MAX, True), (181, False)])
def test_an_old_list_price_is_no_place(cast: Cast, days: int, counts: bool) -> None:
    add_price("nebius", usd="0.50", is_own=False, as_of=DAY - timedelta(days=days))
    found = [place for place in places() if place.provider.slug == "nebius" and place.usd_per_gpu_hour == 0.5]
    assert bool(found) is counts


def test_a_cloud_is_offered_once_in_each_country(cast: Cast) -> None:
    add_price("aws", usd="1.10")
    [place] = [place for place in places() if place.provider.slug == "aws" and place.is_own]
    found = in_other_countries(place, current_snapshot())
    countries = [each.country for each in found]
    assert "SE" in countries
    assert len(countries) == len(set(countries))
