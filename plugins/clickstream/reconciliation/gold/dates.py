"""Which event dates a run looks at, and which of them Gold must be made of anew.

Nothing is remembered for this: Silver at its present snapshot is compared with what the ledger says that Gold was made
of. So a run that was killed anywhere is made up for by the next one that looks at its dates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from clickstream.lake.snapshots import Snapshot, strangers
from clickstream.lake.windows import HOUR, parse_hour
from clickstream.reconciliation.entry import DateEntry, Entry
from clickstream.reconciliation.fingerprint import Fingerprint
from clickstream.sources.model import Events

DAY = timedelta(days=1)


class Held(NamedTuple):
    """What Silver holds of one event date.

    Attributes:
        content: count and sums of the raw hashes.
        without_session: records that belong to no session.
        in_hours: records of the arrival hours that the run wrote.
    """

    content: Fingerprint = Fingerprint()
    without_session: int = 0
    in_hours: int = 0


NOTHING = Held()


def fold_held(rows: Iterable[Mapping[str, str | None]]) -> dict[date, Held]:
    """The rows of `silver_dates.sql` by event date."""
    return {
        date.fromisoformat(row["event_date"] or ""): Held(
            Fingerprint(int(row["records"] or 0), int(row["sum_1"] or 0), int(row["sum_2"] or 0)),
            int(row["without_session"] or 0),
            int(row["in_hours"] or 0),
        )
        for row in rows
    }


def in_reach(hours: Iterable[str], events: Events) -> set[date]:
    """The event dates of which records may arrive in some arrival hours."""
    late, skew = timedelta(days=events.max_late_days), timedelta(minutes=events.max_skew_minutes)
    found = set()
    for hour in map(parse_hour, hours):
        first, last = (hour - late).date(), (hour + HOUR + skew).date()
        found |= {first + number * DAY for number in range((last - first).days + 1)}
    return found


def behind(hours: Iterable[Entry], dates: Mapping[date, DateEntry]) -> set[date]:
    """The event dates of which the ledger's hours and Gold do not count the same, or that Gold never was made of.

    Args:
        hours: the current entry of each arrival hour.
        dates: the current entry of each event date.
    """
    counted: Counter[date] = Counter()
    for entry in hours:
        counted.update({date.fromisoformat(day): records for day, records in entry.event_dates.items()})
    return {day for day in {*+counted, *dates} if day not in dates or dates[day].silver.records != counted[day]}


def stale(looked_at: Iterable[date], held: Mapping[date, Held], dates: Mapping[date, DateEntry]) -> set[date]:
    """The event dates of which Silver holds other records than Gold was made of, or that the run wrote again.

    Args:
        looked_at: event dates to decide on.
        held: what Silver holds.
        dates: the current entry of each event date.
    """
    return {
        day
        for day in looked_at
        if (now := held.get(day, NOTHING)).in_hours
        or now.content != (dates[day].silver if day in dates else Fingerprint())
    }


def redeclared(dates: Mapping[date, DateEntry], declaration: str) -> set[date]:
    """The event dates that were made by another declaration of Gold than the present one.

    Args:
        dates: the current entry of each event date.
        declaration: the present one's digest.
    """
    return {day for day, entry in dates.items() if entry.declaration != declaration}


def unentered(lineages: Iterable[Sequence[Snapshot]], dates: Iterable[DateEntry]) -> set[date]:
    """The event dates that a run of ours replaced without an entry: it was killed after publishing."""
    entered = {snapshot for entry in dates for snapshot in entry.gold_snapshots.values()}
    found: set[date] = set()
    for lineage in lineages:
        for snapshot in lineage:
            if snapshot.id in entered:
                break
            found.update(map(date.fromisoformat, snapshot.dates))
    return found


def strange(lineages: Iterable[Sequence[Snapshot]], dates: Iterable[DateEntry]) -> set[int]:
    """The snapshots of Gold, since it was last checked, that are of maintenance or of somebody else."""
    return strangers(lineages, {snapshot for entry in dates for snapshot in entry.gold_snapshots.values()})


def around(dates: Collection[date]) -> list[date]:
    """The event dates whose sessions the events of some dates can change.

    A session may begin on the date before. And whether events were cut off at a midnight is decided by the two dates
    before it: docs/gold.md.
    """
    return sorted({day + offset * DAY for day in dates for offset in (-1, 0, 1, 2)})
