"""Which event dates a run looks at, and which of them are out of date."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from clickstream.lake.snapshots import Snapshot
from clickstream.reconciliation.entry import DateEntry
from clickstream.reconciliation.fingerprint import Fingerprint
from clickstream.reconciliation.gold.dates import (
    Held,
    around,
    behind,
    fold_held,
    in_reach,
    redeclared,
    stale,
    strange,
    unentered,
)
from tests.unit.reconciliation.makers import START, entry, row, source, text

DAY = START.date()


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def made(number: int, records: int = 1, snapshot: int = 5) -> DateEntry:
    """The entry of a date whose Gold was made of some records."""
    return DateEntry(
        source="shop",
        event_date=str(day(number)),
        declaration="now",
        state="verified",
        silver=Fingerprint(records, records, records),
        gold_snapshots={"gold_daily": snapshot, "gold_sessions": snapshot + 1},
        run="r0",
        triggered_by="test",
        checked_at="then",
    )


def holds(records: int, in_hours: int = 0) -> Held:
    return Held(Fingerprint(records, records, records), in_hours=in_hours)


@pytest.mark.parametrize(
    ("hour", "first", "last"),
    [
        (0, -7, 0),
        (22, -7, 1),  # its end and an hour of skew is the next midnight
        (21, -7, 0 + (source().events.max_skew_minutes >= 120)),
        (23, -7, 1),
    ],
)
def test_records_of_an_hour_may_be_of_dates_from_the_oldest_late_to_the_latest_skewed(
    hour: int, first: int, last: int
) -> None:
    assert in_reach([text(hour)], source().events) == {day(number) for number in range(first, last + 1)}


def test_each_hour_reaches_on_its_own() -> None:
    assert in_reach([text(0), text(24 * 30)], source().events) == {
        *(day(number) for number in range(-7, 1)),
        *(day(number) for number in range(23, 31)),
    }


def test_dates_that_hours_and_gold_count_differently_are_behind() -> None:
    hours = [
        entry(0, event_dates={str(day(0)): 2, str(day(-1)): 1}),
        entry(24, event_dates={str(day(0)): 1, str(day(1)): 4}),
    ]
    assert behind(hours, {}) == {day(-1), day(0), day(1)}
    assert behind(hours, {day(0): made(0, 3), day(1): made(1, 4), day(-1): made(-1, 1)}) == set()
    assert behind(hours, {day(0): made(0, 2), day(1): made(1, 4), day(-1): made(-1, 1)}) == {day(0)}
    assert behind([], {day(0): made(0, 2)}) == {day(0)}


def test_a_date_is_stale_by_its_content_and_not_by_its_count_alone() -> None:
    known = {day(0): made(0, 3)}
    assert stale([day(0)], {day(0): holds(3)}, known) == set()
    assert stale([day(0)], {day(0): Held(Fingerprint(3, 3, 4))}, known) == {day(0)}
    assert stale([day(0)], {}, known) == {day(0)}
    assert stale([day(0)], {day(0): holds(3)}, {}) == {day(0)}
    assert stale([day(0)], {}, {}) == set()
    assert stale([], {day(0): holds(3)}, {}) == set()


def test_what_the_run_wrote_is_stale_though_it_is_the_same() -> None:
    assert stale([day(0)], {day(0): holds(3, in_hours=1)}, {day(0): made(0, 3)}) == {day(0)}


def test_one_date_changes_the_sessions_of_the_date_before_and_of_two_after() -> None:
    assert around([day(0)]) == [day(-1), day(0), day(1), day(2)]
    assert around([day(0), day(5)]) == [*(day(n) for n in (-1, 0, 1, 2)), *(day(n) for n in (4, 5, 6, 7))]
    assert around([]) == []


def test_a_date_that_was_made_by_another_declaration_is_to_be_made_anew() -> None:
    known = {day(0): made(0), day(1): made(1).model_copy(update={"declaration": "then"})}
    assert redeclared(known, "now") == {day(1)}


LINEAGE = [
    Snapshot(9, "r2", (), "b", (str(day(3)), str(day(4)))),
    Snapshot(5, "r1", (), "a", (str(day(1)),)),
    Snapshot(2, None, ()),
]


def test_dates_of_newer_snapshots_than_any_entry_names_are_unentered() -> None:
    assert unentered([LINEAGE], [made(1, snapshot=5)]) == {day(3), day(4)}
    assert unentered([LINEAGE], [made(1, snapshot=9)]) == set()
    assert unentered([LINEAGE], []) == {day(1), day(3), day(4)}


@pytest.mark.parametrize("run_id", [None, "r9"])
def test_a_newer_snapshot_that_names_no_dates_is_strange_whatever_run_it_names(run_id: str | None) -> None:
    foreign = Snapshot(99, run_id, ())
    assert strange([LINEAGE, []], [made(1, snapshot=5)]) == set()
    assert strange([[foreign, *LINEAGE]], [made(1, snapshot=9)]) == {99}
    assert strange([[foreign, *LINEAGE]], [made(1, snapshot=99)]) == set()


def test_rows_are_folded_by_date() -> None:
    rows = [row(event_date=day(0), records=3, sum_1=4, sum_2=5, without_session=1, in_hours=2)]
    assert fold_held(rows) == {day(0): Held(Fingerprint(3, 4, 5), 1, 2)}
