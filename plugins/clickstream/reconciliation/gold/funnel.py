"""The check of a funnel: each row against its session, and against the history at the time when it started."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from clickstream.lake.place import Place
from clickstream.lake.queries import Column, Known, render
from clickstream.reconciliation.gold.findings import DateFinding
from clickstream.reconciliation.gold.table_check import Answers, TableCheck, finding, number
from clickstream.sources import gold


class FunnelCheck(TableCheck[gold.Funnel]):
    """`gold_funnel.sql`. Sessions and history are held against Silver by checks of their own."""

    def queries(self, place: Place, dates: Collection[date], snapshots: Mapping[str, int]) -> dict[str, str]:
        sessions, history = self.source.declared_gold.made_of(self.table)
        columns = [Column(name) for name in self.table.columns]
        query = render(
            "gold_funnel",
            funnel=self.stored(place, self.name),
            funnel_snapshot=snapshots[self.name],
            sessions=self.stored(place, self.table.sessions),
            sessions_snapshot=snapshots[self.table.sessions],
            history=self.stored(place, self.table.history),
            history_snapshot=snapshots[self.table.history],
            key=Column(self.table.key),
            member=Column(history.key),
            value=Column(history.value),
            columns=[*(Column(step.name) for step in sessions.funnel), *columns],
            reached=[*(Known(step.columns[0]) for step in sessions.funnel), *columns],
            dates=sorted(dates),
        )
        return {self.name: query}

    def findings(self, answers: Answers, whole: Collection[date]) -> Iterable[DateFinding]:
        for row in answers[self.name]:
            if differing := number(row, "differing"):
                yield finding(
                    row,
                    f"{differing} sessions have other steps, segments or values in {self.name} than sessions and "
                    f"history say: {number(row, 'silver_events')} sessions, {number(row, 'gold_events')} rows",
                )
