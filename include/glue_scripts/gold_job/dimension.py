"""A dimension: one row a member, such as a user, put together of what each date says of it.

A member's row says something of all its dates, so it cannot be replaced by date. What each date says of each member is
therefore kept in a table of its own, and the members that the run's dates have, or had, are put together anew of that.
The dimension is written whole: it grows with its members, not with their events.
"""

from __future__ import annotations

from branched_table import BranchedTable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from clickstream.sources import gold
from gold_job.events import on_dates
from gold_job.table import AuditFailed, TableMaker, compare, figures, touched


class DimensionMaker(TableMaker[gold.Dimension]):
    """The members of the dates, and what is known of them."""

    def write(self) -> None:
        key = self.table.key
        self.overwrite(self._days, self._of_silver())
        of_dates = touched(self._days, key, self.job.dates)
        known = self._written.join(of_dates, key, "left_semi").groupBy(key)
        members = known.agg(
            F.min("first_seen").alias("first_seen"),
            F.max("last_seen").alias("last_seen"),
            F.sum("event_count").alias("event_count"),
            *(_latest(name, "event_date").alias(name) for name in self.table.latest),
        )
        others = self.branch.published().join(of_dates, key, "left_anti")
        self.branch.replace(others.unionByName(members), dict(self.job.summary))

    def audit(self) -> None:
        of_dates = on_dates(self._written, self.job.dates)
        compare(self._days, figures(self.job.of_dates, "count(*)"), figures(of_dates, "sum(event_count)"))
        key, rows = self.table.key, self.branch.written()
        absent = of_dates.join(rows, key, "left_anti").select(key).distinct().count()
        doubled = rows.groupBy(key).count().where("count > 1").count()
        if absent or doubled:
            raise AuditFailed(f"{self.branch} is kept: {absent} members of the dates are not there, {doubled} twice")

    @property
    def _days(self) -> BranchedTable:
        return self.branches[f"{self.name}_days"]

    @property
    def _written(self) -> DataFrame:
        return self._days.written()

    def _of_silver(self) -> DataFrame:
        """What each of the dates says of each member."""
        return self.job.of_dates.groupBy("event_date", self.table.key).agg(
            F.min("event_time").alias("first_seen"),
            F.max("event_time").alias("last_seen"),
            F.count("*").alias("event_count"),
            *(_latest(of_silver, "event_time").alias(name) for name, of_silver in self.table.latest.items()),
        )


def _latest(column: str, time: str) -> Column:
    """The last value that is not null; of those at the same time the greatest, so that no order of rows matters."""
    known = F.max(F.when(F.col(column).isNotNull(), F.struct(F.col(time), F.col(column).alias("value"))))
    return known["value"]
