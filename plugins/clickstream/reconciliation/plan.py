"""The plan of a run: which hours it looks at, and the snapshots it starts from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from clickstream.lake.listing import list_bronze
from clickstream.lake.place import Place
from clickstream.lake.snapshots import Snapshot, history, strangers
from clickstream.lake.windows import HOUR, Window, hour_text, parse_hour
from clickstream.reconciliation.entry import Entry
from clickstream.reconciliation.ledger import Ledger
from clickstream.reconciliation.maintenance.evidence import proven_snapshots
from clickstream.reconciliation.manifest import listing_digest
from clickstream.reconciliation.progress import current_entries
from clickstream.sources.model import Source


class Plan(BaseModel):
    """What a run is about, fixed before anything is read by a query.

    Attributes:
        run: the run's identity: DAG run and clear number.
        waive: why people shall be asked to accept what the window's hours are failed for; empty: they shall not.
        final: whether hours are proven; else their records are only counted, and their entries are provisional.
        hours: the window's hours, and the hours before it whose listing changed since their entry.
        unentered: hours that a killed run of ours rewrote without an entry: they are done again.
        ledger_head: sequence of the newest entry when the run began; -1: there was none.
        first_hour, last_hour: the span in which this run can change fates.
        known: the first and last hour of the ledger, when somebody else has written to a table; None: nobody has.
        silver_snapshot, rejects_snapshot: main when the run began; None: nobody ever wrote there.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    run: str
    triggered_by: str
    window: str
    forced: bool
    final: bool
    contract: Literal["pinned", "latest"]
    waive: str = ""
    hours: tuple[str, ...]
    unentered: tuple[str, ...]
    ledger_head: int
    first_hour: str
    last_hour: str
    known: tuple[str, str] | None = None
    silver_snapshot: int | None
    rejects_snapshot: int | None

    def asks_for_other_contract(self, entry: Entry, source: Source) -> bool:
        """Whether the run is to judge by the newest contract, and the hour was judged by another."""
        return self.contract == "latest" and entry.contract != source.events.contract

    @property
    def counted(self) -> tuple[str, str]:
        """The first and last hour of what `fates.sql` counts before and after."""
        ours, known = (self.first_hour, self.last_hour), self.known or ()
        return min(*ours, *known), max(*ours, *known)

    @property
    def window_hours(self) -> tuple[str, ...]:
        """The hours of the window itself, without those looked at again."""
        start, _, end = self.window.partition("/")
        return tuple(hour for hour in self.hours if start <= hour < end)


def open_window(source: Source, current: Collection[datetime], end: datetime) -> Window:
    """From the first hour without an entry to `end`: the last hour when there is none, the recheck days at most.

    Args:
        current: hours that have an entry.
        end: a whole hour, UTC.

    Raises:
        ValueError: it ends before the source's `verify_from`.
    """
    first = max(source.verify_from, end - timedelta(days=source.checks.recheck_days))
    hours = Window(min(first, end - HOUR), end)
    return Window(next((hour for hour in hours if hour >= first and hour not in current), end - HOUR), end)


def make_plan(
    place: Place,
    source: Source,
    window: Window,
    *,
    run: str,
    triggered_by: str,
    forced: bool = False,
    final: bool = True,
    contract: Literal["pinned", "latest"] = "pinned",
    waive: str = "",
) -> Plan:
    """Plan a run over a window.

    Args:
        window: hours before the source's `verify_from` are left out.
        forced: process every hour of the window again, changed or not.
        final: prove the hours; else count them.
        contract: judge by the version pinned when an hour was first processed, or by the source's newest.
        waive: why people shall be asked to accept what is lost.

    Raises:
        ValueError: the whole window lies before `verify_from`.
        LedgerBroken: the evidence does not hold; nothing is built on it.
    """
    in_window = [hour for hour in window if hour >= source.verify_from]
    if not in_window:
        raise ValueError(
            f"window {window}: {source.name} is proven from {hour_text(source.verify_from)} (verify_from) on"
        )
    entries = Ledger(place.s3, place.evidence, source.name).read()
    current = current_entries(entries)
    silver = history(place.glue, place.s3, place.database, source.table("silver"))
    rejects = history(place.glue, place.s3, place.database, source.table("rejects"))
    entered = {entry.silver_snapshot for entry in entries} | {entry.rejects_snapshot for entry in entries}
    unentered = sorted({hour for lineage in (silver, rejects) for hour in _unentered(lineage, entered)})
    looked_at = sorted({*in_window, *_changed_before(place, source, in_window[0], current), *unentered})
    reach = timedelta(days=source.events.max_late_days + 2, minutes=source.events.max_skew_minutes)
    back = timedelta(days=source.checks.recheck_days)
    tampered = bool(current) and _is_tampered(place, source, (silver, rejects), entered)
    return Plan(
        source=source.name,
        run=run,
        triggered_by=triggered_by,
        window=str(window),
        forced=forced,
        final=final,
        contract=contract,
        waive=waive,
        hours=tuple(map(hour_text, looked_at)),
        unentered=tuple(map(hour_text, unentered)),
        ledger_head=entries[-1].sequence if entries else -1,
        first_hour=hour_text(max(source.verify_from, looked_at[0] - max(reach, back))),
        last_hour=hour_text(looked_at[-1] + reach),
        known=(hour_text(min(current)), hour_text(max(current))) if tampered else None,
        silver_snapshot=silver[0].id if silver else None,
        rejects_snapshot=rejects[0].id if rejects else None,
    )


def _changed_before(place: Place, source: Source, start: datetime, current: dict[datetime, Entry]) -> list[datetime]:
    """Hours of the last days with an entry that no longer speaks of what lies there."""
    back = timedelta(days=source.checks.recheck_days)
    known = [hour for hour in current if start - back <= hour < start]
    listings = list_bronze(place, source, known)
    return [hour for hour in known if current[hour].listing != listing_digest(listings[hour])]


def _is_tampered(
    place: Place, source: Source, lineages: Sequence[Sequence[Snapshot]], entered: Collection[int | None]
) -> bool:
    """Whether somebody else has written to Silver or rejects since they were last checked."""
    strange = strangers(lineages, entered)
    return bool(strange) and not strange <= proven_snapshots(place, source)


def _unentered(lineage: Sequence[Snapshot], entered: Collection[int | None]) -> Iterator[datetime]:
    """Hours that a run of ours rewrote without leaving an entry: it was killed after publishing."""
    for snapshot in lineage:
        if snapshot.id in entered:
            return
        yield from map(parse_hour, snapshot.hours)
