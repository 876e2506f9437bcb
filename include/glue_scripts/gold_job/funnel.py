"""A funnel: each session with the steps that it reached, and what its visitor had, such as segments, when it started.

A change of what a visitor has also changes the rows of sessions that started later, on dates that the run need not know
of. These dates are found by what the rows say, and replaced too.
"""

from __future__ import annotations

from datetime import date

from branched_table import BranchedTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from clickstream.sources import gold
from gold_job.events import on_dates
from gold_job.table import TableMaker, compare, figures, touched

SESSION = ("event_date", "session_id", "started_at")
"""What tells a session from all others."""


class FunnelMaker(TableMaker[gold.Funnel]):
    """The sessions of the dates, by the history as both are on the branches."""

    def write(self) -> None:
        self.dates = {*self.job.dates, *self._dates_beside()}
        self.overwrite(self.branch, self._made_of(on_dates(self._sessions.written(), self.dates)))

    def audit(self) -> None:
        steps = " + ".join(f"cast({step.name} as int)" for step in self._declared[0].funnel)
        counts = "count(*)", "count(distinct session_id, started_at)"
        compare(
            self.branch,
            figures(on_dates(self._sessions.written(), self.dates), *counts, "sum(steps_reached)"),
            figures(on_dates(self.branch.written(), self.dates), *counts, f"sum({steps})"),
        )

    @property
    def _declared(self) -> tuple[gold.Sessions, gold.History]:
        return self.job.source.declared_gold.made_of(self.table)

    @property
    def _sessions(self) -> BranchedTable:
        return self.stored(self.table.sessions)

    @property
    def _history(self) -> BranchedTable:
        return self.stored(self.table.history)

    def _dates_beside(self) -> set[date]:
        """The dates after the job's first on which sessions have other segments than their rows say.

        Only members whose intervals differ from the published ones are looked at: the others' rows are as they were.
        """
        is_later = (F.col("event_date") > min(self.job.dates)) & ~F.col("event_date").isin(*self.job.dates)
        sessions = self._sessions.written().where(is_later)
        concerned = sessions.join(self._changed_members(), sessions[self.table.key] == F.col("_member"), "left_semi")
        held = self.branch.published().where(is_later).select(*SESSION, F.col("segments").alias("_held"))
        made = self._made_of(concerned).select(*SESSION, "segments").join(held, [*SESSION], "left")
        differing = made.where(~F.col("segments").eqNullSafe(F.col("_held")))
        return {row.event_date for row in differing.select("event_date").distinct().collect()}

    def _changed_members(self) -> DataFrame:
        """The members whose intervals the run has changed."""
        _, declared = self._declared
        _, changes = declared.stored(self.table.history)
        members = touched(self.stored(changes), declared.key, self.job.dates)
        columns = (declared.key, declared.value, "valid_from", "valid_to")
        before, now = (
            rows.join(members, declared.key, "left_semi").select(*columns)
            for rows in (self._history.published(), self._history.written())
        )
        # No interval stands twice in a history: what stands once here is on one side only.
        differing = before.union(now).groupBy(*columns).count().where("count = 1")
        return differing.select(F.col(declared.key).alias("_member")).distinct()

    def _made_of(self, sessions: DataFrame) -> DataFrame:
        return funnel(sessions, self._history.written(), self.table, *self._declared)


def funnel(
    sessions: DataFrame,
    history: DataFrame,
    declared: gold.Funnel,
    of_sessions: gold.Sessions,
    of_history: gold.History,
) -> DataFrame:
    """The rows of some sessions.

    Args:
        sessions: rows of the table of sessions.
        history: all intervals of the members that the sessions name.
        declared: what the funnel is.
        of_sessions, of_history: what the sessions and the history are.
    """
    rows = sessions.select(
        *SESSION,
        *(F.col(step.columns[0]).isNotNull().alias(step.name) for step in of_sessions.funnel),
        *declared.columns,
    )
    started = sessions.select(*SESSION, F.col(declared.key).alias("_member"))
    held = history.select(
        F.col(of_history.key).alias("_of"), F.col(of_history.value).alias("_value"), "valid_from", "valid_to"
    )
    is_active = (F.col("started_at") >= F.col("valid_from")) & (
        F.col("valid_to").isNull() | (F.col("started_at") < F.col("valid_to"))
    )
    segments = (
        started.join(held, (F.col("_member") == F.col("_of")) & is_active, "left")
        .groupBy(*SESSION)
        .agg(F.sort_array(F.collect_set("_value")).alias("segments"))
    )
    return rows.join(segments, [*SESSION])
