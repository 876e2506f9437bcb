"""The check of facts: each row against the event that it was made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, render
from clickstream.reconciliation.gold.findings import DateFinding
from clickstream.reconciliation.gold.table_check import Answers, TableCheck, number, samples
from clickstream.sources import gold


class FactsCheck(TableCheck[gold.Facts]):
    """`gold_facts.sql`."""

    def queries(self, place: Place, dates: Collection[date], snapshots: Mapping[str, int]) -> dict[str, str]:
        query = render(
            "gold_facts",
            **self.silver(place, snapshots),
            facts=self.stored(place, self.name),
            facts_snapshot=snapshots[self.name],
            key=Column(self.table.key),
            silver_columns=[Column(name) for name in self.table.columns.values()],
            facts_columns=[Column(name) for name in self.table.columns],
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
                    samples=samples(row),
                    text=f"{differing} rows of {self.name} and of Silver have no equal on the other side: "
                    f"{number(row, 'silver_events')} events in Silver, {number(row, 'gold_events')} in Gold",
                )
