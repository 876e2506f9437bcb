"""The check of Gold: what SQL makes of Silver against what the tables hold, date by date, as findings.

Everything here is decided from the queries' answers; this module reads no service.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, Table, render
from clickstream.reconciliation.gold.dates import DAY
from clickstream.reconciliation.gold.findings import DateFinding
from clickstream.sources.model import LARGEST_AMOUNT, Gold, Source

Row = Mapping[str, str | None]

KINDS = ("gold_daily", "gold_sessions")
"""The tables of Gold."""
_STEP = "gold_step_"


def dates_query(
    place: Place, source: Source, gold: Gold, dates: Collection[date], hours: Collection[str], silver_snapshot: int
) -> str:
    """The query that counts Silver by event date.

    Args:
        dates: event dates to count.
        hours: arrival hours whose share is told apart.
    """
    return render(
        "silver_dates",
        silver=Table(place.database, source.table("silver")),
        session_key=Column(gold.sessions.key),
        silver_snapshot=silver_snapshot,
        dates=sorted(dates),
        hours=sorted(hours),
    )


def gold_queries(
    place: Place, source: Source, gold: Gold, dates: Collection[date], snapshots: Mapping[str, int]
) -> dict[str, str]:
    """The queries that check some event dates, by name.

    Args:
        dates: event dates to check; there is one at least.
        snapshots: of `silver`, `gold_daily` and `gold_sessions`.
    """
    common: dict[str, Any] = {
        "silver": Table(place.database, source.table("silver")),
        "silver_snapshot": snapshots["silver"],
        "event_type": Column(gold.event_type),
        "dates": sorted(dates),
    }
    worth: dict[str, Any] = {
        "amount": Column(gold.revenue.column),
        "revenue_types": gold.revenue.event_types,
        "largest_amount": LARGEST_AMOUNT,
    }
    sessions: dict[str, Any] = {
        "sessions": Table(place.database, source.table("gold_sessions")),
        "sessions_snapshot": snapshots["gold_sessions"],
        "session_key": Column(gold.sessions.key),
    }
    queries = {
        "gold_daily": render(
            "gold_daily",
            **common,
            **worth,
            daily=Table(place.database, source.table("gold_daily")),
            daily_snapshot=snapshots["gold_daily"],
            dimensions=[Column(name) for name in gold.dimensions],
        ),
        "gold_sessions": render(
            "gold_sessions",
            **common,
            **worth,
            **sessions,
            gap_minutes=gold.sessions.gap_minutes,
            dates_read=_moved(dates, -2, -1, 0, 1),
            dates_before=_moved(dates, -1),
        ),
    }
    earlier = "started_at"
    for step_number, step in enumerate(gold.sessions.funnel, 1):
        queries[_STEP + step.name] = render(
            "gold_step",
            **common,
            **sessions,
            dates_after=_moved(dates, 0, 1),
            step_number=step_number,
            step_types=step.event_types,
            step_at=Column(f"{step.name}_at"),
            step_count=Column(f"{step.name}_count"),
            earlier_at=Column(earlier),
        )
        earlier = f"{step.name}_at"
    return queries


def _moved(dates: Iterable[date], *offsets: int) -> list[date]:
    return sorted({day + offset * DAY for day in dates for offset in offsets})


def date_findings(answers: Mapping[str, Sequence[Row]], whole: Collection[date]) -> dict[str, list[DateFinding]]:
    """Everything that the answers find wrong, by event date.

    Args:
        answers: to `gold_queries`.
        whole: event dates before which Gold was made of the date before as well: all sessions that may hold their
            events are there.
    """
    found: dict[str, list[DateFinding]] = defaultdict(list)
    steps = ((name.removeprefix(_STEP), rows) for name, rows in answers.items() if name.startswith(_STEP))
    for finding in itertools.chain(
        _daily(answers["gold_daily"]),
        _sessions(answers["gold_sessions"], whole),
        *(_step(step, rows) for step, rows in steps),
    ):
        found[finding.event_date].append(finding)
    return found


def _daily(rows: Iterable[Row]) -> Iterable[DateFinding]:
    for row in rows:
        if differing := number(row, "differing"):
            yield DateFinding(
                event_date=row["event_date"] or "",
                code="gold_differs",
                records=differing,
                text=f"{differing} rows of the daily table differ from Silver: {_both(row)}",
            )


def _sessions(rows: Iterable[Row], whole: Collection[date]) -> Iterable[DateFinding]:
    for row in rows:
        day, differing = row["event_date"] or "", number(row, "differing")
        lost = number(row, "silver_events") != number(row, "gold_events") and date.fromisoformat(day) in whole
        if differing or lost:
            yield DateFinding(
                event_date=day,
                code="sessions_differ",
                records=differing,
                samples=samples(row),
                text=f"{differing} sessions differ from what SQL makes of Silver ({number(row, 'silver_sessions')} "
                f"sessions by SQL, {number(row, 'gold_sessions')} in the table): {_both(row)}",
            )


def _step(step: str, rows: Iterable[Row]) -> Iterable[DateFinding]:
    for row in rows:
        differing = number(row, "differing")
        yield DateFinding(
            event_date=row["event_date"] or "",
            code="funnel_differs",
            records=differing,
            samples=samples(row),
            text=f"{differing} sessions reached {step} at another time, or another number of times, than Silver says",
        )


def _both(row: Row) -> str:
    return (
        f"{number(row, 'silver_events')} events worth {number(row, 'silver_cents') / 100:.2f} in Silver, "
        f"{number(row, 'gold_events')} worth {number(row, 'gold_cents') / 100:.2f} in Gold"
    )


def number(row: Row, column: str) -> int:
    """A count of an answer; NULL is 0."""
    return int(row.get(column) or 0)


def samples(row: Row) -> tuple[str, ...]:
    """The samples of an answer."""
    text = row.get("samples")
    return tuple(text.split("\x1f")) if text else ()
