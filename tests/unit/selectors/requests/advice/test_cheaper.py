"""Cheaper is said of the same work, at places that may be used, and only where it was judged."""

from __future__ import annotations

from typing import Any

import pytest

from estimator.catalogue import current_snapshot
from governance.models import Provider
from governance.selectors.requests import assessments, estimates
from governance.selectors.requests.advice import advice
from governance.selectors.requests.advice.cheaper import Cheaper
from governance.web.requests.places import known_places
from tests.cast import ACCELERATOR, NOW, Cast, content
from tests.unit.selectors.register.test_usable_places import add_price


def cheaper(cast: Cast, **changes: Any) -> Cheaper | None:
    found = assessments.preview(content(**changes), actor=cast.alice, now=NOW)
    return advice.advise(found).cheaper


@pytest.fixture
def only_these(cast: Cast) -> None:
    """No provider but those of the test."""
    Provider.objects.exclude(slug="coreweave").update(is_approved=False)


@pytest.mark.usefixtures("only_these")
def test_only_an_approved_provider_is_recommended(cast: Cast) -> None:
    add_price("verda", usd="0.50", approved=False)
    assert cheaper(cast) is None
    Provider.objects.filter(slug="verda").update(is_approved=True)
    found = cheaper(cast)
    assert found is not None
    assert found.content.provider == "verda"
    assert found.saving == pytest.approx(0.5)
    assert found.sentence.startswith("The same work costs 50\u00a0% less on 8\u00a0×\u00a0H100")
    assert "Assessed at 500\u00a0USD instead of 1,000\u00a0USD." in found.sentence


@pytest.mark.usefixtures("only_these")
def test_a_place_that_the_rules_refuse_is_not_recommended(cast: Cast) -> None:
    """Confidential data may not lie at a marketplace, however cheap."""
    add_price("verda", usd="0.10")
    Provider.objects.filter(slug="verda").update(provider_type="marketplace")
    assert cheaper(cast, data_class="confidential") is None


@pytest.mark.usefixtures("only_these")
def test_hours_of_another_part_are_other_work(cast: Cast) -> None:
    add_price("coreweave", usd="0.40", accelerator="l40s", slug="l40s-for-tests")
    assert cheaper(cast) is None


@pytest.mark.usefixtures("only_these")
def test_described_work_is_sized_anew_on_another_part(cast: Cast) -> None:
    """At the price of the hour an L40S is cheaper; for the work it is dearer."""
    add_price("coreweave", usd="0.60", accelerator="l40s", slug="l40s-for-tests")
    work = {"parameters_billion": 1, "tokens_billion": 2, "method": "full"}
    asked = {"workload": "fine_tuning", "sizing": "work", "work": work, "gpu_hours_cap": None}
    there = assessments.preview(content(**asked, accelerator="l40s"), actor=cast.alice, now=NOW)
    here = assessments.preview(content(**asked), actor=cast.alice, now=NOW)
    assert there.exposure_micro is not None
    assert here.exposure_micro is not None
    found = cheaper(cast, **asked)
    if there.exposure_micro < here.exposure_micro * 0.95:
        assert found is not None
        assert found.content.accelerator == "l40s"
    else:
        assert found is None or found.content.accelerator != "l40s"


@pytest.mark.usefixtures("only_these")
def test_the_form_lists_what_the_advice_may_recommend_and_sizes_the_same_work(cast: Cast) -> None:
    add_price("verda", usd="0.10", approved=False)
    add_price("coreweave", usd="0.60", accelerator="l40s", slug="l40s-for-tests")
    places = known_places(content(), current_snapshot(), Provider.objects.all(), on=NOW.date())
    assert {place.provider.slug for place in places} == {"coreweave"}
    [smaller] = [place for place in places if place.accelerator == "l40s"]
    [same] = [place for place in places if place.accelerator == ACCELERATOR]
    assert smaller.cost_usd is None
    assert smaller.is_too_small
    assert same.cost_usd is not None
    assert same.cost_usd.p50 == pytest.approx(1_000.0)


@pytest.mark.usefixtures("only_these")
def test_the_estimator_compares_what_may_be_used(cast: Cast) -> None:
    inputs = estimates.Inputs(
        workload="pretraining", work={"parameters_billion": 7, "tokens_billion": 100}, sizing="work",
        price_term="on_demand", provider=None, country=None, accelerator=ACCELERATOR, accelerator_count=8,
        window_days=None,
    )  # fmt: skip
    found = estimates.explore_workload(inputs, today=NOW.date())
    assert found.comparison is not None
    assert {line.offer.provider for line in found.comparison.lines(200)} == {"coreweave"}
    assert all(line.offer.is_own or line.price_age_days <= 180 for line in found.comparison.lines(200))
    named = inputs.needs | {"providers": ["verda"]} if inputs.needs else {"providers": ["verda"]}
    elsewhere = estimates.Inputs(**{name: getattr(inputs, name) for name in inputs.__slots__} | {"needs": named})
    assert estimates.explore_workload(elsewhere, today=NOW.date()).comparison.lines(200) == []  # type: ignore[union-attr]


@pytest.mark.usefixtures("only_these")
def test_the_facts_of_a_cheaper_or_cleaner_place_are_of_approved_ones(cast: Cast) -> None:
    add_price("verda", usd="0.10", approved=False)
    found = assessments.preview(content(), actor=cast.alice, now=NOW)
    assert found.estimate.cost_over_cheapest_ratio == pytest.approx(1.0)
    Provider.objects.filter(slug="verda").update(is_approved=True)
    found = assessments.preview(content(), actor=cast.alice, now=NOW)
    assert found.estimate.cost_over_cheapest_ratio == pytest.approx(10.0)
