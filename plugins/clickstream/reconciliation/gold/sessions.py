"""The check of sessions: SQL puts the events together itself, and walks each step of the funnel."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, render
from clickstream.reconciliation.gold.findings import DateFinding
from clickstream.reconciliation.gold.table_check import Answers, TableCheck, both, moved, number, samples
from clickstream.sources import gold


class SessionsCheck(TableCheck[gold.Sessions]):
    """`gold_sessions.sql`, and `gold_step.sql` for each step."""

    def queries(self, place: Place, dates: Collection[date], snapshots: Mapping[str, int]) -> dict[str, str]:
        common = {
            **self.silver(place, snapshots),
            "sessions": self.stored(place, self.name),
            "sessions_snapshot": snapshots[self.name],
            "session_key": Column(self.table.key),
            "dates": sorted(dates),
        }
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
                **common,
                event_type=Column(self.source.declared_gold.event_type),
                dates_after=moved(dates, 0, 1),
                step_number=step_number,
                step_types=step.event_types,
                step_at=Column(f"{step.name}_at"),
                step_count=Column(f"{step.name}_count"),
                earlier_at=Column(earlier),
            )
            earlier = f"{step.name}_at"
        return queries

    def findings(self, answers: Answers, whole: Collection[date]) -> Iterable[DateFinding]:
        for row in answers[self.name]:
            day, differing = row["event_date"] or "", number(row, "differing")
            lost = number(row, "silver_events") != number(row, "gold_events") and date.fromisoformat(day) in whole
            if differing or lost:
                yield DateFinding(
                    event_date=day,
                    code="sessions_differ",
                    records=differing,
                    samples=samples(row),
                    text=f"{differing} sessions differ from what SQL makes of Silver "
                    f"({number(row, 'silver_sessions')} sessions by SQL, {number(row, 'gold_sessions')} in the table): "
                    + both(row),
                )
        for step in self.table.funnel:
            for row in answers[self._query_of(step)]:
                differing = number(row, "differing")
                yield DateFinding(
                    event_date=row["event_date"] or "",
                    code="funnel_differs",
                    records=differing,
                    samples=samples(row),
                    text=f"{differing} sessions reached {step.name} at another time, or another number of times, "
                    "than Silver says",
                )

    def _query_of(self, step: gold.Step) -> str:
        return f"{self.name}_{step.name}"
