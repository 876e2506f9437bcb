"""Which snapshots nobody needs any more, by a metadata document as Iceberg writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from clickstream.lake.retention import expirable

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def snapshot(number: int, age: float, parent: int | None = None, *, written: bool = True) -> dict[str, Any]:
    """Made some days ago by a run of ours, or by maintenance."""
    return {
        "snapshot-id": number,
        "timestamp-ms": int(days_ago(age).timestamp() * 1000),
        "summary": {"clickstream.attempt": f"{number}"} if written else {},
        **({} if parent is None else {"parent-snapshot-id": parent}),
    }


def expired(*snapshots: dict[str, Any], anchor: int | None, keep: int = 1, days: int = 7, **refs: int) -> list[int]:
    """Of snapshots of which the last one is main."""
    named = {"main": snapshots[-1]["snapshot-id"], **refs}
    metadata = {
        "snapshots": list(snapshots),
        "refs": {name: {"snapshot-id": number, "type": "branch"} for name, number in named.items()},
    }
    return expirable(metadata, anchor=anchor, before=days_ago(days), keep_snapshots=keep)


CHAIN = (snapshot(1, 30), snapshot(2, 20, 1), snapshot(3, 10, 2), snapshot(4, 5, 3), snapshot(5, 1, 4))


def test_what_was_main_within_the_days_is_kept_however_old_it_is() -> None:
    """The third was main until the fourth was made, five days ago: a run may have pinned it six days ago."""
    assert expired(*CHAIN, anchor=5) == [1, 2]
    assert expired(*CHAIN, anchor=5, days=4) == [1, 2, 3]
    assert expired(*CHAIN, anchor=5, days=40) == []


def test_a_table_that_nobody_writes_to_keeps_what_readers_see() -> None:
    assert expired(*CHAIN[:1], anchor=1) == []
    assert expired(*CHAIN[:3], anchor=3) == [1, 2]


def test_so_many_are_kept_whatever_their_age() -> None:
    assert expired(*CHAIN, anchor=5, keep=4) == [1]
    assert expired(*CHAIN, anchor=5, keep=9) == []


def test_history_leads_to_what_the_ledger_names_without_a_gap() -> None:
    assert expired(*CHAIN, anchor=2) == [1]


def test_nothing_is_expired_when_the_ledger_names_nothing_of_it() -> None:
    assert expired(*CHAIN, anchor=None) == []
    assert expired(*CHAIN, anchor=99) == []


def test_what_the_last_run_wrote_is_kept_below_any_number_of_maintenances() -> None:
    """The next run tells by it what was left half done: decision 0017."""
    later = (snapshot(6, 4, 5, written=False), snapshot(7, 3, 6, written=False))
    old = (snapshot(1, 30), snapshot(2, 20, 1), *(snapshot(n, 20 - n, n - 1, written=False) for n in (3, 4, 5)))
    assert expired(*old, *later, anchor=7) == [1]


def test_a_branch_keeps_all_that_is_its_own_and_where_it_left_main() -> None:
    branch = (snapshot(10, 19, 2), snapshot(11, 18, 10))
    assert expired(*branch, *CHAIN, anchor=5, run_kept=11) == [1]


def test_what_lies_on_no_branch_any_more_is_kept_for_the_days_only() -> None:
    dropped = (snapshot(10, 29, 1), snapshot(11, 3, 10))
    assert expired(*dropped, *CHAIN, anchor=5) == [1, 10, 2]


def test_a_table_that_nobody_ever_wrote_to() -> None:
    assert expirable({}, anchor=None, before=NOW, keep_snapshots=1) == []
