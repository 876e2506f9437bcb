"""The check of sessions: SQL puts the events together itself, walks each step of the funnel, and counts the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, Holding, TextOf, render
from clickstream.reconciliation.gold.findings import DateFinding
from clickstream.reconciliation.gold.table_check import Answers, TableCheck, both, finding, moved, number
from clickstream.sources import gold


class SessionsCheck(TableCheck[gold.Sessions]):
    """`gold_sessions.sql`, `gold_step.sql` for each step, and a query for each sort of further columns."""

    def queries(self, place: Place, dates: Collection[date], snapshots: Mapping[str, int]) -> dict[str, str]:
        common = {
            **self.silver(place, snapshots),
            "sessions": self.stored(place, self.name),
            "sessions_snapshot": snapshots[self.name],
            "session_key": Column(self.table.key),
            "dates": sorted(dates),
        }
        of_events = {**common, "dates_after": moved(dates, 0, 1)}
        event_type = Column(self.source.declared_gold.type_column)
        queries = {
            self.name: render(
                "gold_sessions",
                **common,
                **self.worth(),
                gap_minutes=self.table.gap_minutes,
                dates_read=moved(dates, -2, -1, 0, 1),
                dates_before=moved(dates, -1),
            )
        }
        earlier = "started_at"
        for step_number, step in enumerate(self.table.funnel, 1):
            queries[self._query_of(step)] = render(
                "gold_step",
                **of_events,
                event_type=event_type,
                step_number=step_number,
                step_types=step.event_types,
                step_holding=Holding(step.holding),
                step_at=Column(at := step.columns[0]),
                step_count=Column(step.columns[1]),
                earlier_at=Column(earlier),
            )
            earlier = at
        return queries | self._further(of_events, event_type)

    def _further(self, of_events: Mapping[str, Any], event_type: Column) -> dict[str, str]:
        """The queries of the columns that only some declarations have."""
        table, queries = self.table, dict[str, str]()
        if table.counts:
            pairs = [(name, counted) for name, event_types in table.counts.items() for counted in event_types]
            queries[f"{self.name}__counts"] = render(
                "gold_session_counts",
                **of_events,
                event_type=event_type,
                names=[*table.counts],
                columns=[Column(name) for name in table.counts],
                counted_names=[name for name, _ in pairs],
                counted_types=[counted for _, counted in pairs],
            )
        if table.sums:
            queries[f"{self.name}__sums"] = render(
                "gold_session_sums",
                **of_events,
                names=[*table.sums],
                columns=[Column(name) for name in table.sums],
                silver_columns=[Column(name) for name in table.sums.values()],
                largest_amount=gold.LARGEST_AMOUNT,
            )
        if ends := [*table.first.items(), *table.last.items()]:
            queries[f"{self.name}__ends"] = render(
                "gold_session_ends",
                **of_events,
                names=[name for name, _ in ends],
                texts=[TextOf(name) for name, _ in ends],
                silver_texts=[TextOf(of_silver) for _, of_silver in ends],
                first_values=len(table.first),
            )
        return queries

    def findings(self, answers: Answers, whole: Collection[date]) -> Iterable[DateFinding]:
        for row in answers[self.name]:
            day, differing = row["event_date"] or "", number(row, "differing")
            lost = number(row, "silver_events") != number(row, "gold_events") and date.fromisoformat(day) in whole
            if differing or lost:
                yield finding(
                    row,
                    f"{differing} sessions differ from what SQL makes of Silver ({number(row, 'silver_sessions')} "
                    f"sessions by SQL, {number(row, 'gold_sessions')} in the table): {both(row)}",
                    "sessions_differ",
                )
        for step in self.table.funnel:
            for row in answers[self._query_of(step)]:
                differing = number(row, "differing")
                yield finding(
                    row,
                    f"{differing} sessions reached {step.name} at another time, or another number of times, "
                    "than Silver says",
                    "funnel_differs",
                )
        for further in (f"{self.name}__{sort}" for sort in ("counts", "sums", "ends")):
            for row in answers.get(further, ()):
                differing = number(row, "differing")
                yield finding(
                    row,
                    f"{differing} sessions hold another {row['name']} than their events in Silver say",
                    "sessions_differ",
                )

    def _query_of(self, step: gold.Step) -> str:
        return f"{self.name}_{step.name}"
