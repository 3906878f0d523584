from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.domain.approvals.routing import Directory, Need, plan_stages
from governance.domain.errors import UnfillableStage
from governance.domain.limits import STAGE_COUNT_MAX


def directory(
    people: dict[str, set[int]], fallbacks: dict[str, str | None] | None = None, excluded: set[int] = frozenset()
):
    return Directory({role: frozenset(ids) for role, ids in people.items()}, fallbacks or {}, frozenset(excluded))


def need(role: str, quorum: int = 1, stage: int = 1) -> Need:
    return Need(role, quorum, stage, 2)


def test_stages_come_in_order():
    plans = plan_stages([need("exec", stage=9), need("lead", stage=1)], directory({"lead": {1}, "exec": {2}}))
    assert [plan.role for plan in plans] == ["lead", "exec"]


def test_the_requester_never_counts():
    with pytest.raises(UnfillableStage, match="nobody may fill it"):
        plan_stages([need("lead")], directory({"lead": {1}}, excluded={1}))


def test_a_stage_that_nobody_could_fill_names_its_role_in_words():
    with pytest.raises(UnfillableStage, match="the stage `infrastructure lead` needs") as refused:
        plan_stages([need("infra_lead")], directory({"infra_lead": {1}}, excluded={1}))
    assert refused.value.data["role"] == "infra_lead"


def test_a_role_with_too_few_people_goes_to_its_fallback():
    (plan,) = plan_stages([need("lead")], directory({"owner": {5}}, {"lead": "owner"}))
    assert (plan.role, plan.fallback_from, plan.eligible) == ("owner", "lead", {5})


def test_one_person_cannot_fill_two_roles():
    with pytest.raises(UnfillableStage):
        plan_stages([need("lead"), need("infra")], directory({"lead": {1}, "infra": {1}}))


def test_people_are_shared_out_so_that_all_stages_can_be_filled():
    plans = plan_stages([need("lead"), need("infra")], directory({"lead": {1, 2}, "infra": {1}}))
    assert len(plans) == 2


def test_quorum_counts_different_people():
    with pytest.raises(UnfillableStage) as refused:
        plan_stages([need("board", quorum=3)], directory({"board": {1, 2}}))
    assert refused.value.data == {"role": "board", "quorum": 3, "eligible": 2}


def test_a_circle_of_fallbacks_ends():
    with pytest.raises(UnfillableStage):
        plan_stages([need("a")], directory({}, {"a": "b", "b": "a"}))


roles = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.dictionaries(roles, st.sets(st.integers(1, 5), max_size=4), max_size=4),
    st.lists(st.builds(need, roles, st.integers(1, 2)), min_size=1, max_size=3, unique_by=lambda n: n.role),
)
def test_a_plan_exists_exactly_when_seats_can_be_given_out(people: dict[str, set[int]], needs: list[Need]):
    seats = [people.get(n.role, set()) for n in needs for _ in range(n.quorum)]
    possible = any(len(set(choice)) == len(choice) for choice in itertools.product(*seats))
    try:
        plan_stages(needs, directory(people))
        planned = True
    except UnfillableStage:
        planned = False
    assert planned == possible


@pytest.mark.parametrize("falls_back_first", [True, False])
def test_a_fallback_that_has_a_stage_already_takes_the_seats_into_it(falls_back_first: bool):
    people = {"exec": {7, 8, 9}}
    early, late = ("owner", "exec") if falls_back_first else ("exec", "owner")
    needs = [Need(early, 1, 2, 2, ("AL-2",)), Need(late, 2, 5, 4, ("AL-5",))]
    (plan,) = plan_stages(needs, directory(people, {"owner": "exec"}))
    assert (plan.role, plan.quorum, plan.order, plan.due_working_days) == ("exec", 3, 5, 4)
    assert (plan.rule_ids, plan.fallback_from) == (("AL-2", "AL-5"), "owner")
    with pytest.raises(UnfillableStage):
        plan_stages(needs, directory({"exec": {7, 8}}, {"owner": "exec"}))


@given(
    st.dictionaries(roles, st.sets(st.integers(1, 6), max_size=5), max_size=4),
    st.lists(st.builds(need, roles, st.integers(1, 2)), min_size=1, max_size=4, unique_by=lambda n: n.role),
    st.dictionaries(roles, roles, max_size=4),
)
def test_whatever_falls_back_each_role_has_one_stage_and_no_seat_is_lost(
    people: dict[str, set[int]], needs: list[Need], fallbacks: dict[str, str]
):
    try:
        plans = plan_stages(needs, directory(people, fallbacks))
    except UnfillableStage:
        return
    assert len({plan.role for plan in plans}) == len(plans)
    assert sum(plan.quorum for plan in plans) == sum(each.quorum for each in needs)
    seats = [people.get(plan.role, set()) for plan in plans for _ in range(plan.quorum)]
    assert any(len(set(choice)) == len(choice) for choice in itertools.product(*seats))


def test_more_stages_than_a_request_may_have_are_refused_and_none_is_dropped():
    many = [need(f"role-{number}") for number in range(STAGE_COUNT_MAX + 1)]
    with pytest.raises(UnfillableStage, match=f"{STAGE_COUNT_MAX + 1} stages"):
        plan_stages(many, directory({each.role: {index} for index, each in enumerate(many)}))
