from collections import Counter
from typing import Any

import pytest

from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.fates import HourFates, fold_fates
from clickstream.reconciliation.fingerprint import Fingerprint
from tests.unit.reconciliation.makers import entry, fingerprint, row, sums, text

GOOD, LATE, DOUBLE, BROKEN = b"good", b"late", b"double", b"{"

ROWS = [
    row(arrival_hour=text(1), fate="good", reason=None, event_date="2026-11-17", **sums(GOOD)),
    row(arrival_hour=text(1), fate="good", reason=None, event_date="2026-11-16", **sums(LATE)),
    row(arrival_hour=text(1), fate="duplicate", reason="exact", event_date="2026-11-17", **sums(DOUBLE, DOUBLE)),
    row(arrival_hour=text(1), fate="duplicate", reason="exact", event_date="2026-11-16", **sums(DOUBLE)),
    row(arrival_hour=text(1), fate="quarantined", reason="bad_json", event_date=None, **sums(BROKEN)),
    row(arrival_hour=text(2), fate="filtered", reason="canary", event_date=None, **sums(GOOD)),
]


def test_rows_become_one_account_an_hour() -> None:
    hours = fold_fates(ROWS)
    assert list(hours) == [text(1), text(2)]
    one = hours[text(1)]
    assert one.fates == {"good": 2, "duplicate": 3, "quarantined": 1}
    assert one.reasons == {"exact": 3, "bad_json": 1}
    assert one.event_dates == {"2026-11-17": 1, "2026-11-16": 1}
    assert one.silver == fingerprint([GOOD, LATE])
    assert one.rejects == fingerprint([DOUBLE, DOUBLE, DOUBLE, BROKEN])
    assert hours[text(2)].silver == Fingerprint()


def test_an_hour_without_rows_is_not_there() -> None:
    assert fold_fates([]) == {}


def said(hour: HourFates, **changes: Any) -> Entry:
    known = {"fates": dict(hour.fates), "reasons": dict(hour.reasons), "silver": hour.silver, "rejects": hour.rejects}
    return entry(1, **{**known, **changes})


def test_tables_agree_with_the_entry_that_was_made_of_them() -> None:
    hour = fold_fates(ROWS)[text(1)]
    assert hour.agrees_with(said(hour))
    assert hour.agrees_with(said(hour, fates={**hour.fates, "filtered": 0}))
    assert HourFates().agrees_with(entry(1, fates=dict.fromkeys(("good", "duplicate"), 0)))


@pytest.mark.parametrize(
    "changes",
    [
        {"silver": fingerprint([GOOD])},
        {"silver": fingerprint([GOOD, b"another"])},
        {"rejects": Fingerprint()},
        {"fates": {"good": 2, "duplicate": 2, "quarantined": 2}},
        {"reasons": {"conflict": 3, "bad_json": 1}},
        {"reasons": {}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_any_difference_is_one(changes: dict[str, Any]) -> None:
    hour = fold_fates(ROWS)[text(1)]
    assert not hour.agrees_with(said(hour, **changes))
    assert not HourFates(Counter(hour.fates)).agrees_with(said(hour))


def test_the_fingerprint_is_that_of_every_other_engine() -> None:
    vector = [text.encode() for text in ("", "a", "é✓", "x\ty", '{"a":1}')]
    assert fingerprint(vector) == (5, 12164072789, 15957857887)


def test_fingerprints_add_up_and_do_not_depend_on_order() -> None:
    assert fingerprint([GOOD]).plus(fingerprint([LATE, DOUBLE])) == fingerprint([DOUBLE, GOOD, LATE])
    assert fingerprint([GOOD, GOOD]) != fingerprint([GOOD])
    assert Fingerprint().plus(fingerprint([GOOD])) == fingerprint([GOOD])
