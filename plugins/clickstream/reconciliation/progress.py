"""What the ledger says now: the current entry of each hour, and how far the proof reaches without a gap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from clickstream.lake.windows import HOUR, parse_hour
from clickstream.reconciliation.entry import PASSED, DateEntry, Entry
from clickstream.reconciliation.findings import OBJECT_LOSSES


def current_entries(entries: Iterable[Entry]) -> dict[datetime, Entry]:
    """The newest entry of each arrival hour."""
    return {parse_hour(entry.arrival_hour): entry for entry in entries}


def judged_entries(entries: Iterable[Entry]) -> dict[datetime, Entry]:
    """The newest entry of each arrival hour that is about all of it: a run that finds objects lost looks no further."""
    return current_entries(
        entry for entry in entries if not (entry.state == "failed" and OBJECT_LOSSES.issuperset(entry.causes))
    )


def current_dates(entries: Iterable[DateEntry]) -> dict[date, DateEntry]:
    """The newest entry of each event date."""
    return {date.fromisoformat(entry.event_date): entry for entry in entries}


def is_late(entry: Entry, listing: str) -> bool:
    """Whether a pass no longer speaks of what lies in Bronze: its state is then `late_change`.

    Args:
        entry: the hour's current entry.
        listing: digest of the hour's live listing.
    """
    return entry.state in PASSED and entry.listing != listing


def verified_through(
    verify_from: datetime, current: Mapping[datetime, Entry], late: Iterable[datetime] = ()
) -> datetime | None:
    """The newest arrival hour for which it and every hour before it is verified or excepted.

    Always derived, so nothing but an entry can move it. None: not even the first hour is.

    Args:
        verify_from: the source's first proven hour.
        current: the current entry of each hour.
        late: hours whose pass is out of date.
    """
    stale = set(late)
    hour, reached = verify_from, None
    while hour in current and current[hour].state in PASSED and hour not in stale:
        reached, hour = hour, hour + HOUR
    return reached


def failing_causes(current: Mapping[datetime, Entry]) -> set[str]:
    """The causes for which some hour is failed now: each is an incident of the source."""
    return {cause for entry in current.values() if entry.state == "failed" for cause in entry.causes}
