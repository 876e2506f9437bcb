"""The check of facts: each row against the event that it was made of, and the latest correction of that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, render
from clickstream.reconciliation.gold.findings import DateFinding
from clickstream.reconciliation.gold.table_check import Answers, TableCheck, finding, number
from clickstream.sources import gold


class FactsCheck(TableCheck[gold.Facts]):
    """`gold_facts.sql`, and `gold_corrections.sql` where facts are corrected."""

    def queries(self, place: Place, dates: Collection[date], snapshots: Mapping[str, int]) -> dict[str, str]:
        corrections = self.table.corrections
        common = {
            **self.silver(place, snapshots),
            "facts": self.stored(place, self.name),
            "facts_snapshot": snapshots[self.name],
            "key": Column(self.table.key),
            "event_type": Column(self.source.declared_gold.type_column),
            "fact_types": self.table.event_types or (),
            "dates": sorted(dates),
        }
        columns = {"event_date": "event_date", **self.table.columns}
        as_first_told = [name for name in columns if not corrections or name != corrections.column]
        queries = {
            self.name: render(
                "gold_facts",
                **common,
                every_event=int(self.table.event_types is None),
                silver_columns=[Column(columns[name]) for name in as_first_told],
                facts_columns=[Column(name) for name in as_first_told],
            )
        }
        if corrections:
            reach = timedelta(days=corrections.within_days)
            queries[self._corrections] = render(
                "gold_corrections",
                **common,
                silver_column=Column(columns[corrections.column]),
                column=Column(corrections.column),
                refers=Column(corrections.refers),
                correction_types=corrections.event_types,
                within_days=corrections.within_days,
                earliest=min(dates) - reach,
                last=max(dates),
                latest=max(dates) + reach,
            )
        return queries

    def findings(self, answers: Answers, whole: Collection[date]) -> Iterable[DateFinding]:
        for row in answers[self.name]:
            if differing := number(row, "differing"):
                yield finding(
                    row,
                    f"{differing} rows of {self.name} and of Silver have no equal on the other side: "
                    f"{number(row, 'silver_events')} events in Silver, {number(row, 'gold_events')} in Gold",
                )
        if self.table.corrections:
            for row in answers[self._corrections]:
                if differing := number(row, "differing"):
                    yield finding(
                        row,
                        f"{differing} rows of {self.name}, of this date or corrected on it, do not have the "
                        f"{self.table.corrections.column} of their latest correction in Silver",
                    )

    @property
    def _corrections(self) -> str:
        """Name of the query."""
        return f"{self.name}_corrections"
