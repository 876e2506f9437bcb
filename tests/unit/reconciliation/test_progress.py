from typing import Any

import pytest

from clickstream.reconciliation.entry import State
from clickstream.reconciliation.progress import current_entries, failing_causes, is_late, verified_through
from tests.unit.reconciliation.makers import START, at, entry

V: State = "verified"
CASES: dict[str, tuple[dict[int, State], set[int], int | None]] = {
    # states by hour, hours whose listing changed, the hour reached
    "nothing yet": ({}, set(), None),
    "the first hour": ({0: V}, set(), 0),
    "a run of hours": ({0: V, 1: V, 2: V}, set(), 2),
    "across midnight": (dict.fromkeys(range(30), V), set(), 29),
    "an excepted hour counts": ({0: V, 1: "excepted", 2: V}, set(), 2),
    "a gap": ({0: V, 1: V, 3: V}, set(), 1),
    "not even the first": ({1: V, 2: V}, set(), None),
    "hours before the beginning do not count": ({-1: V, -2: V}, set(), None),
    "failed": ({0: V, 1: "failed", 2: V}, set(), 0),
    "failed at once": ({0: "failed", 1: V}, set(), None),
    "provisional": ({0: V, 1: "provisional"}, set(), 0),
    "late change": ({0: V, 1: "late_change", 2: V}, set(), 0),
    "late, as the listing shows": ({0: V, 1: V, 2: V}, {1}, 0),
    "late in an hour that failed anyway": ({0: V, 1: "failed"}, {1}, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_the_proof_reaches_as_far_as_there_is_no_gap(case: str) -> None:
    states, late, reached = CASES[case]
    current = {at(hour): entry(hour, state) for hour, state in states.items()}
    assert verified_through(START, current, map(at, late)) == (None if reached is None else at(reached))


def test_the_newest_entry_of_an_hour_is_the_current_one() -> None:
    lines = [entry(0, "failed"), entry(1), entry(0, "verified"), entry(1, "late_change")]
    assert {hour: e.state for hour, e in current_entries(lines).items()} == {at(0): "verified", at(1): "late_change"}


@pytest.mark.parametrize(
    ("state", "listing", "late"),
    [("verified", "b", True), ("excepted", "b", True), ("verified", "a", False), ("failed", "b", False)],
)
def test_only_a_pass_can_be_out_of_date(state: State, listing: str, late: bool) -> None:
    assert is_late(entry(0, state, listing="a"), listing) is late


def causes(*entries: tuple[State, tuple[Any, ...]]) -> set[str]:
    return failing_causes({at(n): entry(n, state, causes=found) for n, (state, found) in enumerate(entries)})


def test_the_causes_are_those_of_failed_hours() -> None:
    failed, passed = ("object_missing", "records_unaccounted"), ("winner_missing",)
    assert causes(("failed", failed), ("verified", passed), ("late_change", passed)) == set(failed)
