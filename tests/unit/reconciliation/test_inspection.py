"""What a live listing and the tables say against manifests and entries, before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from clickstream.lake.windows import parse_hour
from clickstream.reconciliation.entry import Entry, State
from clickstream.reconciliation.fates import HourFates, fold_fates
from clickstream.reconciliation.inspection import Inspection, count_object, has_grown, inspect, losses
from clickstream.reconciliation.manifest import CountedObject
from clickstream.reconciliation.plan import Plan
from tests.unit.lake.memory_s3 import MemoryS3
from tests.unit.reconciliation import makers
from tests.unit.reconciliation.makers import (
    counted,
    entry,
    fingerprint,
    key,
    listed,
    manifest,
    packed,
    place,
    put,
    row,
    source,
    text,
)

RECORDS = (b"one", b"two", b"three")
TORN = packed(*RECORDS)[:-9]
"""An object that breaks off; two whole lines come out of it, or three, as its compression has it."""


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3()


def verified(s3: MemoryS3, hour: int, *objects: CountedObject, state: State = "verified", **changes: Any) -> Entry:
    """The entry of an hour whose manifest has these objects, and whose records all are in Silver."""
    known = manifest(hour, *objects)
    return entry(
        hour,
        state,
        **{
            "manifest": known.store(s3, place().evidence),
            "listing": known.listing,
            "fates": {"good": known.content.records},
            "bronze": known.content,
            "silver": known.content,
            **changes,
        },
    )


def in_silver(*entries: Entry) -> dict[str, HourFates]:
    """Tables that hold what the entries say."""
    return fold_fates(
        row(
            arrival_hour=e.arrival_hour,
            fate="good",
            reason=None,
            event_date="2026-11-17",
            **e.silver._asdict(),
        )
        for e in entries
        if e.silver.records
    )


def plan(*hours: int, looked_at: tuple[int, ...] = (), unentered: tuple[int, ...] = (), **changes: Any) -> Plan:
    return makers.plan(
        *hours,
        hours=tuple(map(text, sorted({*hours, *looked_at, *unentered}))),
        unentered=tuple(map(text, unentered)),
        **changes,
    )


def look(s3: MemoryS3, made: Plan, *entries: Entry, tables: dict[str, HourFates] | None = None) -> Inspection:
    current = {parse_hour(e.arrival_hour): e for e in entries}
    return inspect(place(s3), source(), made, current, in_silver(*entries) if tables is None else tables)


def found(inspection: Inspection) -> list[tuple[str, str, str | None]]:
    return [(finding.arrival_hour, finding.code, finding.object) for finding in inspection.lost]


def test_an_hour_without_an_entry_is_processed_whether_it_holds_anything_or_not(s3: MemoryS3) -> None:
    put(s3, 0, "a", *RECORDS)
    assert look(s3, plan(0, 1)) == Inspection(process=(text(0), text(1)))


def test_a_verified_hour_that_is_as_it_was_needs_nothing(s3: MemoryS3) -> None:
    put(s3, 0, "a", *RECORDS)
    assert look(s3, plan(0), verified(s3, 0, counted(0, "a", *RECORDS))) == Inspection()
    assert look(s3, plan(1), verified(s3, 1)) == Inspection()


@pytest.mark.parametrize("forced", [False, True])
def test_an_object_that_is_gone_is_named_with_what_it_held(s3: MemoryS3, forced: bool) -> None:
    put(s3, 0, "a", *RECORDS)
    known = verified(s3, 0, counted(0, "a", *RECORDS), counted(0, "b", b"four", b"five"))
    inspection = look(s3, plan(0, forced=forced), known)
    assert found(inspection) == [(text(0), "object_missing", key(0, "b"))]
    assert inspection.lost[0].records == 2


@pytest.mark.parametrize(
    "body",
    [packed(b"one", b"two"), packed(*RECORDS, b"four"), packed(b"one", b"two", b"tree"), packed(), b"", b"no gzip"],
    ids=["shorter", "longer", "other records", "empty gzip", "empty", "no gzip"],
)
def test_an_object_that_holds_something_else_is_named(s3: MemoryS3, body: bytes) -> None:
    put(s3, 0, "a", body=body)
    inspection = look(s3, plan(0), verified(s3, 0, counted(0, "a", *RECORDS)))
    assert found(inspection) == [(text(0), "object_changed", key(0, "a"))]


@pytest.mark.parametrize(
    "body",
    [packed(*RECORDS)[:-1], packed(*RECORDS)[:-8], packed(*RECORDS) + b"garbage", packed(*RECORDS)[:20]],
    ids=["a byte short", "without its trailer", "garbage behind", "torn"],
)
def test_an_object_that_was_whole_and_cannot_be_read_to_its_end_is_changed(s3: MemoryS3, body: bytes) -> None:
    """Also when every record still comes out of it: Athena refuses the object, and nobody knows what else it held."""
    put(s3, 0, "a", body=body)
    inspection = look(s3, plan(0), verified(s3, 0, counted(0, "a", *RECORDS)))
    assert found(inspection) == [(text(0), "object_changed", key(0, "a"))]


def test_a_lost_object_that_was_uploaded_again_is_repaired(s3: MemoryS3) -> None:
    known = counted(0, "a", *RECORDS)
    put(s3, 0, "a", body=packed(b"one", b"two") + packed(b"three"))
    for state in ("verified", "failed"):
        inspection = look(s3, plan(0), verified(s3, 0, known, state=state))
        assert inspection == Inspection(check=(text(0),))


def test_all_losses_of_all_hours_are_told_at_once(s3: MemoryS3) -> None:
    put(s3, 1, "a", b"other")
    entries = [verified(s3, hour, counted(hour, "a", *RECORDS), counted(hour, "b", b"x")) for hour in (0, 1)]
    assert found(look(s3, plan(0, 1), *entries)) == [
        (text(0), "object_missing", key(0, "a")),
        (text(0), "object_missing", key(0, "b")),
        (text(1), "object_changed", key(1, "a")),
        (text(1), "object_missing", key(1, "b")),
    ]


def test_a_loss_stays_one_when_the_hour_failed_already(s3: MemoryS3) -> None:
    known = verified(s3, 0, counted(0, "a", *RECORDS), state="failed")
    assert found(look(s3, plan(0), known)) == [(text(0), "object_missing", key(0, "a"))]


def test_a_new_object_in_a_verified_hour_is_late_and_processed(s3: MemoryS3) -> None:
    put(s3, 0, "a", *RECORDS)
    put(s3, 0, "b", b"four")
    inspection = look(s3, plan(1, looked_at=(0,)), verified(s3, 0, counted(0, "a", *RECORDS)), verified(s3, 1))
    assert inspection == Inspection(process=(text(0),), late=(text(0),))


@pytest.mark.parametrize("state", ["failed", "late_change", "provisional"])
def test_a_new_object_in_an_hour_that_had_not_passed_is_processed(s3: MemoryS3, state: State) -> None:
    put(s3, 0, "a", *RECORDS)
    put(s3, 0, "b", b"four")
    inspection = look(s3, plan(0), verified(s3, 0, counted(0, "a", *RECORDS), state=state))
    assert inspection == Inspection(process=(text(0),))


def test_a_new_object_does_not_cover_up_for_a_lost_one(s3: MemoryS3) -> None:
    put(s3, 0, "b", *RECORDS)
    assert found(look(s3, plan(0), verified(s3, 0, counted(0, "a", *RECORDS)))) == [
        (text(0), "object_missing", key(0, "a"))
    ]


@pytest.mark.parametrize("state", ["failed", "provisional", "late_change"])
def test_an_unchanged_hour_that_did_not_pass_is_checked_again(s3: MemoryS3, state: State) -> None:
    put(s3, 0, "a", *RECORDS)
    inspection = look(s3, plan(0), verified(s3, 0, counted(0, "a", *RECORDS), state=state))
    assert inspection == Inspection(check=(text(0),))


def test_force_processes_the_window_and_nothing_else(s3: MemoryS3) -> None:
    entries = [verified(s3, hour, counted(hour, "a", *RECORDS)) for hour in range(3)]
    for hour in range(3):
        put(s3, hour, "a", *RECORDS)
    inspection = look(s3, plan(1, 2, forced=True, looked_at=(0,)), *entries)
    assert inspection == Inspection(process=(text(1), text(2)))


def test_hours_that_a_killed_run_rewrote_are_processed(s3: MemoryS3) -> None:
    put(s3, 0, "a", *RECORDS)
    known = verified(s3, 0, counted(0, "a", *RECORDS))
    assert look(s3, plan(5, unentered=(0,)), known, verified(s3, 5)).process == (text(0),)


def test_tables_that_hold_something_else_than_the_entry_are_found_within_the_span(s3: MemoryS3) -> None:
    entries = [verified(s3, hour, counted(hour, "a", *RECORDS)) for hour in range(3)]
    for hour in range(3):
        put(s3, hour, "a", *RECORDS)
    tables = in_silver(*entries)
    tables[text(1)].silver = fingerprint(RECORDS[:2])
    del tables[text(2)]
    inspection = look(s3, plan(0), *entries, tables=tables)
    assert inspection.check == (text(1), text(2))
    assert inspection.process == ()


def test_an_hour_outside_the_span_is_not_compared(s3: MemoryS3) -> None:
    put(s3, 0, "a", *RECORDS)
    near, far = (verified(s3, hour, counted(hour, "a", *RECORDS)) for hour in (0, 201))
    assert look(s3, plan(0), near, far, tables=in_silver(near)) == Inspection()


@pytest.mark.parametrize(
    ("changes", "compared"),
    [
        ({}, True),
        ({"first_hour": text(1), "last_hour": text(1)}, True),
        ({"first_hour": text(2)}, False),
        ({"last_hour": text(0)}, False),
        ({"ledger_head": 4}, True),
        ({"ledger_head": 3}, False),
    ],
    ids=["within", "its only hour", "too early", "too late", "the newest line then", "a line written since"],
)
def test_what_is_compared_are_the_entries_of_the_span_that_were_there_when_the_run_was_planned(
    s3: MemoryS3, changes: dict[str, Any], compared: bool
) -> None:
    for hour in (0, 1):
        put(s3, hour, "a", *RECORDS)
    entries = [verified(s3, hour, counted(hour, "a", *RECORDS), sequence=hour * 4) for hour in (0, 1)]
    inspection = look(s3, plan(5, **changes), *entries, verified(s3, 5), tables=in_silver(entries[0]))
    assert inspection.differing == inspection.check == ((text(1),) if compared else ())


class TestUnreadable:
    """An object that broke off when it was first seen."""

    known = counted(0, "a", b"one", b"two", unreadable=True, body=TORN)

    def look(self, s3: MemoryS3) -> Inspection:
        return look(s3, plan(0), verified(s3, 0, self.known, state="failed"))

    def test_as_it_is_the_hour_stays_failed(self, s3: MemoryS3) -> None:
        put(s3, 0, "a", body=TORN)
        assert self.look(s3) == Inspection(check=(text(0),))

    def test_replaced_by_one_that_begins_with_its_records_it_is_processed(self, s3: MemoryS3) -> None:
        put(s3, 0, "a", b"one", b"two", b"three", b"four")
        assert self.look(s3) == Inspection(process=(text(0),))

    @pytest.mark.parametrize("records", [(b"one",), (b"one", b"tow", b"three"), (b"zero", b"one", b"two"), ()], ids=str)
    def test_replaced_by_another_it_is_changed(self, s3: MemoryS3, records: tuple[bytes, ...]) -> None:
        put(s3, 0, "a", *records)
        assert found(self.look(s3)) == [(text(0), "object_changed", key(0, "a"))]

    def test_gone_it_is_missing(self, s3: MemoryS3) -> None:
        assert found(self.look(s3)) == [(text(0), "object_missing", key(0, "a"))]


def test_an_object_is_counted_as_far_as_it_goes(s3: MemoryS3) -> None:
    put(s3, 0, "a", *RECORDS)
    assert count_object(place(s3), source().delivery, key(0, "a")) == counted(0, "a", *RECORDS)
    put(s3, 0, "b", body=packed(*RECORDS) + b"garbage")
    torn = count_object(place(s3), source().delivery, key(0, "b"))
    assert torn == counted(0, "b", *RECORDS, unreadable=True, body=packed(*RECORDS) + b"garbage")


def test_equal_listings_are_not_read(s3: MemoryS3) -> None:
    """The object is not even there: etag and size spare the second read."""
    known = counted(0, "a", *RECORDS)
    assert losses(place(s3), source().delivery, manifest(0, known), listed(known)) == []
    assert not has_grown(manifest(0, known), listed(known))
