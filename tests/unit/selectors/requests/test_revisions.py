"""What changed between two revisions, in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from governance.domain.requests import fields
from governance.selectors.requests.story import revisions
from tests.cast import content


def test_only_what_differs_is_listed() -> None:
    was, now = content(region="us-east-1"), content(region="eu-north-1", gpu_hours_cap=4480.0, evidence=[])
    changes, same = revisions.compare_contents(was, now)
    rows = [(change.label, change.was.replace("\u00a0", " "), change.now.replace("\u00a0", " ")) for change in changes]
    assert rows == [("GPU-hours cap", "1,000 GPU-hours", "4,480 GPU-hours"), ("Region", "us-east-1", "eu-north-1")]
    assert same > 10


def test_what_was_not_there_is_none_and_never_zero() -> None:
    changes, _ = revisions.compare_contents(
        content(), content(evidence=[{"kind": "dpia", "url": "https://example.com/31"}])
    )
    assert [(change.was, change.now) for change in changes] == [
        ("none", "Data-protection assessment (DPIA): https://example.com/31")
    ]
    assert revisions.compare_estimates(None, None, was_exposure=None, now_exposure=1_000_000)[0].was == "unknown"


def test_the_workloads_own_fields_are_compared_too() -> None:
    was, now = content(work={"tokens_billion": 10.0}), content(work={"tokens_billion": 12.0, "epochs": 2})
    changes, _ = revisions.compare_contents(was, now)
    assert [change.label for change in changes] == ["Epochs", "Tokens billion"]


@given(
    st.dictionaries(
        st.sampled_from(sorted(set(fields.names()) - {"work"})), st.one_of(st.none(), st.text(max_size=9)), max_size=9
    )
)
def test_a_revision_does_not_differ_from_itself(changes: dict[str, str | None]) -> None:
    same = {name: value for name, value in content(**changes).items() if name != "evidence"}
    assert revisions.compare_contents(same, same)[0] == []


@given(st.integers(min_value=1, max_value=10**15), st.integers(min_value=0, max_value=10**15))
def test_a_difference_in_money_carries_its_sign(was: int, now: int) -> None:
    changes = revisions.compare_estimates(None, None, was_exposure=was, now_exposure=now)
    if was == now:
        assert changes == []
    else:
        assert changes[0].note.startswith("+" if now > was and round((now - was) / was * 100, 9) > 0 else ("−", "+"))
