"""The check of a daily table: each of its rows, counted by SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, render
from clickstream.reconciliation.gold.findings import DateFinding
from clickstream.reconciliation.gold.table_check import Answers, TableCheck, both, number
from clickstream.sources import gold


class DailyCheck(TableCheck[gold.Daily]):
    """`gold_daily.sql`."""

    def queries(self, place: Place, dates: Collection[date], snapshots: Mapping[str, int]) -> dict[str, str]:
        query = render(
            "gold_daily",
            **self.silver(place, snapshots),
            **self.worth(),
            daily=self.stored(place, self.name),
            daily_snapshot=snapshots[self.name],
            dimensions=[Column(name) for name in self.table.dimensions],
            dates=sorted(dates),
        )
        return {self.name: query}

    def findings(self, answers: Answers, whole: Collection[date]) -> Iterable[DateFinding]:
        for row in answers[self.name]:
            if differing := number(row, "differing"):
                yield DateFinding(
                    event_date=row["event_date"] or "",
                    code="gold_differs",
                    records=differing,
                    text=f"{differing} rows of {self.name} differ from Silver: {both(row)}",
                )
