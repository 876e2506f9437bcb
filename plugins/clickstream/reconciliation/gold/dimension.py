"""The check of a dimension: what each date says of each member, and each member's row against all its dates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, render
from clickstream.reconciliation.gold.findings import DateFinding
from clickstream.reconciliation.gold.table_check import Answers, TableCheck, finding, number
from clickstream.sources import gold


class DimensionCheck(TableCheck[gold.Dimension]):
    """`gold_dimension.sql`, and `gold_latest.sql` for each column that keeps a last value."""

    def queries(self, place: Place, dates: Collection[date], snapshots: Mapping[str, int]) -> dict[str, str]:
        _, days = self.table.stored(self.name)
        common = {
            **self.silver(place, snapshots),
            "days": self.stored(place, days),
            "days_snapshot": snapshots[days],
            "dimension": self.stored(place, self.name),
            "dimension_snapshot": snapshots[self.name],
            "key": Column(self.table.key),
            "dates": sorted(dates),
        }
        latest = {
            self._query_of(name): render("gold_latest", **common, column=Column(name), silver_column=Column(of_silver))
            for name, of_silver in self.table.latest.items()
        }
        return {self.name: render("gold_dimension", **common), **latest}

    def findings(self, answers: Answers, whole: Collection[date]) -> Iterable[DateFinding]:
        for row in answers[self.name]:
            if differing := number(row, "differing"):
                yield finding(
                    row, f"of {differing} members of {self.name} other times or numbers of events than Silver has"
                )
        for name in self.table.latest:
            for row in answers[self._query_of(name)]:
                differing = number(row, "differing")
                yield finding(row, f"of {differing} members of {self.name} another {name} than Silver had last")

    def _query_of(self, column: str) -> str:
        return f"{self.name}_{column}"
