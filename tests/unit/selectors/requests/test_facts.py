"""Facts that come from what the catalogue knows of other places."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from estimator.releases import publish_rows
from governance.models import Provider
from governance.selectors.requests import assessments
from tests.cast import ACCELERATOR, NOW, Cast, content

REGIONS = {"ap-south-1": 2.0, "eu-north-1": 2.1}
SPOT = {"provider": "aws", "price_term": "spot", "country": None}


@pytest.fixture
def spot_prices(cast: Cast) -> None:
    """Prices of one's own in two regions of one cloud, a coal grid and a hydro grid."""
    Provider.objects.update_or_create(slug="aws", defaults={"name": "AWS", "provider_type": "hyperscaler"})
    day = (NOW - timedelta(days=30)).date()
    rows: list[dict[str, Any]] = [
        {
            "slug": f"own-aws-{region}",
            "provider": "aws",
            "accelerator": ACCELERATOR,
            "price_term": "spot",
            "region": region,
            "usd_per_gpu_hour": usd,
            "as_of": day,
            "effective_from": day,
            "is_own": True,
            "source": "negotiated price, for tests",
            "licence": "own",
        }
        for region, usd in REGIONS.items()
    ]
    publish_rows({"prices": rows}, note="spot prices for tests", now=NOW)


@pytest.mark.usefixtures("spot_prices")
def test_a_cleaner_place_is_a_fact_and_a_rule_speaks_of_it(cast: Cast) -> None:
    found = assessments.preview(content(**SPOT, region="ap-south-1"), actor=cast.alice, now=NOW)
    assert found.facts["place.cleaner_grid_g_kwh"] < 200 < 400 < found.facts["place.grid_g_kwh"]
    assert found.facts["place.cleaner_cost_ratio"] == pytest.approx(1.05)
    assert "SU-1.cleaner" in {fired.rule_id for fired in found.decision.fired}


@pytest.mark.usefixtures("spot_prices")
def test_the_cleanest_place_knows_no_cleaner_one(cast: Cast) -> None:
    found = assessments.preview(content(**SPOT, region="eu-north-1"), actor=cast.alice, now=NOW)
    assert "place.cleaner_grid_g_kwh" not in found.facts
    assert "place.cleaner_cost_ratio" not in found.facts
