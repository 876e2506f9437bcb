"""The check of a history: the changes that each date tells, and the intervals that SQL makes of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, render
from clickstream.reconciliation.gold.findings import DateFinding
from clickstream.reconciliation.gold.table_check import Answers, TableCheck, finding, number
from clickstream.sources import gold


class HistoryCheck(TableCheck[gold.History]):
    """`gold_history.sql`."""

    def queries(self, place: Place, dates: Collection[date], snapshots: Mapping[str, int]) -> dict[str, str]:
        _, changes = self.table.stored(self.name)
        query = render(
            "gold_history",
            **self.silver(place, snapshots),
            changes=self.stored(place, changes),
            changes_snapshot=snapshots[changes],
            history=self.stored(place, self.name),
            history_snapshot=snapshots[self.name],
            event_type=Column(self.source.declared_gold.type_column),
            event_types=self.table.event_types,
            key=Column(self.table.key),
            value=Column(self.table.value),
            active=Column(self.table.active),
            dates=sorted(dates),
        )
        return {self.name: query}

    def findings(self, answers: Answers, whole: Collection[date]) -> Iterable[DateFinding]:
        for row in answers[self.name]:
            if differing := number(row, "differing"):
                yield finding(
                    row,
                    f"of {differing} members of {self.name} other changes or intervals than Silver tells: "
                    f"{number(row, 'silver_events')} changes in Silver, {number(row, 'gold_events')} in Gold",
                )
