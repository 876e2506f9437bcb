"""The check of Gold: what SQL makes of Silver against what the tables hold, date by date, as findings.

Everything here is decided from the queries' answers; this package reads no service.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, Table, render
from clickstream.reconciliation.gold.daily import DailyCheck
from clickstream.reconciliation.gold.dimension import DimensionCheck
from clickstream.reconciliation.gold.facts import FactsCheck
from clickstream.reconciliation.gold.findings import DateFinding
from clickstream.reconciliation.gold.funnel import FunnelCheck
from clickstream.reconciliation.gold.history import HistoryCheck
from clickstream.reconciliation.gold.sessions import SessionsCheck
from clickstream.reconciliation.gold.table_check import Answers, TableCheck
from clickstream.sources.model import Source

CHECKS: dict[str, type[TableCheck[Any]]] = {
    "daily": DailyCheck,
    "sessions": SessionsCheck,
    "facts": FactsCheck,
    "dimension": DimensionCheck,
    "history": HistoryCheck,
    "funnel": FunnelCheck,
}
"""By kind of table."""


def checks(source: Source) -> list[TableCheck[Any]]:
    """The checks of all tables that a source declares."""
    return [CHECKS[table.kind](source, name, table) for name, table in source.declared_gold.tables.items()]


def dates_query(
    place: Place, source: Source, dates: Collection[date], hours: Collection[str], silver_snapshot: int
) -> str:
    """The query that counts Silver by event date.

    Args:
        dates: event dates to count.
        hours: arrival hours whose share is told apart.
    """
    return render(
        "silver_dates",
        silver=Table(place.database, source.table("silver")),
        # Without sessions no event is outside of one: each has its identity.
        session_key=Column(source.declared_gold.session_key or "event_id"),
        silver_snapshot=silver_snapshot,
        dates=sorted(dates),
        hours=sorted(hours),
    )


def gold_queries(place: Place, source: Source, dates: Collection[date], snapshots: Mapping[str, int]) -> dict[str, str]:
    """The queries that check some event dates, by name.

    Args:
        dates: event dates to check; there is one at least.
        snapshots: of `silver`, and of the tables of Gold.
    """
    queries: dict[str, str] = {}
    for check in checks(source):
        queries |= check.queries(place, dates, snapshots)
    return queries


def date_findings(source: Source, answers: Answers, whole: Collection[date]) -> dict[str, list[DateFinding]]:
    """Everything that the answers find wrong, by event date.

    Args:
        answers: to `gold_queries`.
        whole: event dates before which Gold was made of the date before as well: all sessions that may hold their
            events are there.
    """
    found: dict[str, list[DateFinding]] = defaultdict(list)
    for check in checks(source):
        for finding in check.findings(answers, whole):
            found[finding.event_date].append(finding)
    return found
