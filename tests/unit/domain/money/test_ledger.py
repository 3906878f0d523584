from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.domain.errors import BudgetExceeded
from governance.domain.money.ledger import Account, Balance, JournalKind, post

amounts = st.integers(0, 10**12)
balances = st.builds(
    lambda pk, free, held, done, spent: Balance(pk, f"b{pk}", free + held + done + spent, held, done, spent),
    st.integers(1, 9), amounts, amounts, amounts, amounts,
)  # fmt: skip


@given(
    st.lists(balances, min_size=1, max_size=4, unique_by=lambda b: b.budget_id), st.sampled_from(JournalKind), amounts
)
def test_entries_sum_to_zero_and_balances_follow(path: list[Balance], kind: JournalKind, amount: int):
    try:
        entries = post(kind, path, amount)
    except (BudgetExceeded, ValueError):
        return
    total: dict[int, int] = defaultdict(int)
    for entry in entries:
        total[entry.budget_id] += entry.amount_micro
        assert entry.after_micro == entry.before_micro + entry.amount_micro
        assert entry.account is Account.FUNDING or entry.after_micro >= 0
    assert set(total.values()) == {0}
    assert set(total) == {balance.budget_id for balance in path}


def test_one_full_level_refuses_for_the_whole_path():
    roomy, full = Balance(1, "root", 100, 0, 0, 0), Balance(2, "team", 50, 30, 15, 0)
    with pytest.raises(BudgetExceeded) as refused:
        post(JournalKind.HOLD, [full, roomy], 6)
    assert refused.value.data == {"budget": "team", "headroom_micro": 5, "needed_micro": 6}


def test_exactly_what_is_left_fits():
    assert post(JournalKind.HOLD, [Balance(2, "team", 50, 30, 15, 0)], 5)[0].after_micro == 0


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_and_less_cannot_be_moved(amount: int):
    with pytest.raises(ValueError, match="above 0"):
        post(JournalKind.HOLD, [Balance(1, "root", 100, 0, 0, 0)], amount)


def test_a_limit_cannot_fall_below_what_is_promised():
    with pytest.raises(BudgetExceeded):
        post(JournalKind.FUND, [Balance(1, "root", 100, 60, 0, 0)], -41)
