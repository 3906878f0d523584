"""Which accelerators one chooses from: the organisation's own first, then by class, each once and with its price."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from estimator.catalogue import current_snapshot
from governance.models import Provider
from governance.selectors.register.accelerators import AcceleratorClass, by_class
from tests.cast import ACCELERATOR, Cast, add_own_price


def classes(cast: Cast, *, days: int = 0) -> list[AcceleratorClass]:
    return by_class(current_snapshot(), Provider.objects.all(), on=cast.now.date() + timedelta(days=days))


def test_every_part_stands_once_and_classes_follow_their_newest_member(cast: Cast) -> None:
    found = classes(cast)
    slugs = [member.part.slug for each in found for member in each.members]
    assert sorted(slugs) == sorted(current_snapshot().accelerators)
    assert [each.is_own for each in found] == [True] + [False] * (len(found) - 1)
    assert [member.part.slug for member in found[0].members] == [ACCELERATOR]
    newest = [max(member.part.release_year for member in each.members) for each in found[1:]]
    assert newest == sorted(newest, reverse=True)
    for each in found[1:]:
        assert {(member.part.vendor, member.part.generation) for member in each.members} == {
            (each.vendor, each.generation)
        }


def test_an_own_price_is_the_cheapest_that_holds_at_an_approved_provider(cast: Cast) -> None:
    add_own_price(term="spot", usd=Decimal("0.60"), now=cast.now)
    (own,) = classes(cast)[0].members
    assert own.offer is not None
    assert (own.offer.usd_per_gpu_hour, own.offer.price_term) == (0.6, "spot")
    assert not classes(cast, days=-60)[0].is_own, "neither price held yet"
    Provider.objects.filter(slug="coreweave").update(is_approved=False)
    assert not classes(cast)[0].is_own, "a price that may not be used is not theirs"


def test_a_list_price_is_on_demand_and_of_an_approved_provider(cast: Cast) -> None:
    snapshot, on = current_snapshot(), cast.now.date()
    listed = [member for each in classes(cast)[1:] for member in each.members if member.offer]
    assert listed
    assert {member.offer.provider for member in listed if member.offer} == {"coreweave"}
    for member in listed:
        offer = member.offer
        assert offer is not None
        assert not offer.is_own
        assert offer.price_term == "on_demand"
        same = snapshot.prices_by_place[offer.provider or "", member.part.slug, "on_demand"]
        newest = max(each.as_of for each in same if each.as_of <= on)
        assert offer.as_of == newest
        assert offer.usd_per_gpu_hour == min(each.usd_per_gpu_hour for each in same if each.as_of == newest)
