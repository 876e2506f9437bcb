"""The check of one table of Gold: its queries, and what their answers find wrong."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, Table
from clickstream.reconciliation.gold.dates import DAY
from clickstream.reconciliation.gold.findings import DateCode, DateFinding
from clickstream.sources import gold
from clickstream.sources.model import Source

Row = Mapping[str, str | None]
Answers = Mapping[str, Sequence[Row]]
"""Rows by the query's name."""
Declared = TypeVar("Declared", bound=gold.Table)


@dataclass(frozen=True)
class TableCheck(ABC, Generic[Declared]):
    """Holds a table against what SQL makes of Silver; its subclasses are the kinds, a module each.

    The answer to the query that has the table's own name tells, by event date, `silver_events` and `gold_events`.

    Args:
        name: of the table in the declaration.
        table: what is declared of it.
    """

    source: Source
    name: str
    table: Declared

    @abstractmethod
    def queries(self, place: Place, dates: Collection[date], snapshots: Mapping[str, int]) -> dict[str, str]:
        """The queries that check some event dates, by name; each name begins with the table's.

        Args:
            dates: event dates to check; there is one at least.
            snapshots: of `silver`, and of the tables of Gold.
        """

    @abstractmethod
    def findings(self, answers: Answers, whole: Collection[date]) -> Iterable[DateFinding]:
        """Everything that the answers find wrong.

        Args:
            answers: to the queries.
            whole: event dates before which Gold was made of the date before as well.
        """

    def silver(self, place: Place, snapshots: Mapping[str, int]) -> dict[str, Any]:
        """Silver at its snapshot, as values of a query."""
        silver = Table(place.database, self.source.table("silver"))
        return {"silver": silver, "silver_snapshot": snapshots["silver"]}

    def worth(self) -> dict[str, Any]:
        """What an event is worth, as values of a query."""
        declared = self.source.declared_gold
        revenue = declared.revenue
        return {
            "event_type": Column(declared.type_column),
            "amount": Column(revenue.column) if revenue else 0,
            "revenue_types": revenue.event_types if revenue else (),
            "largest_amount": gold.LARGEST_AMOUNT,
        }

    def stored(self, place: Place, stored: str) -> Table:
        """One of the tables that hold it, as a name in SQL."""
        return Table(place.database, self.source.table(stored))


def finding(row: Row, text: str, code: DateCode = "gold_differs") -> DateFinding:
    """What a row with `differing` and `samples` of an event date finds wrong."""
    return DateFinding(
        event_date=row["event_date"] or "",
        code=code,
        records=number(row, "differing"),
        samples=samples(row),
        text=text,
    )


def moved(dates: Iterable[date], *offsets: int) -> list[date]:
    """The dates that lie some days after these."""
    return sorted({day + offset * DAY for day in dates for offset in offsets})


def both(row: Row) -> str:
    """What is on both sides, in words."""
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
