"""A history: what members have, such as the segments of a user, from when until when.

An interval may begin on one date and end on another, so it cannot be replaced by date. The changes that the dates tell
are therefore kept in a table of their own, and the members whose changes the run's dates have, or had, are put together
anew of all their changes: so late ones cut again whatever they touch. The history is written whole, as a dimension is.
"""

from __future__ import annotations

from branched_table import BranchedTable
from pyspark.sql import DataFrame
from pyspark.sql import Window as Over
from pyspark.sql import functions as F

from clickstream.sources import gold
from gold_job.events import on_dates
from gold_job.table import AuditFailed, TableMaker, compare, figures, touched


class HistoryMaker(TableMaker[gold.History]):
    """The changes of the dates, and the intervals of whom they are about."""

    def write(self) -> None:
        key = self.table.key
        self.overwrite(self._changes, self._of_silver())
        of_dates = touched(self._changes, key, self.job.dates)
        made = intervals(self._changes.written().join(of_dates, key, "left_semi"), self.table)
        others = self.branch.published().join(of_dates, key, "left_anti")
        self.branch.replace(others.unionByName(made), dict(self.job.summary))

    def audit(self) -> None:
        counts = "count(*)", "count(distinct event_id)"
        written = on_dates(self._changes.written(), self.job.dates)
        compare(self._changes, figures(self._of_silver(), *counts), figures(written, *counts))
        key, value = self.table.key, self.table.value
        of_dates = touched(self._changes, key, self.job.dates)
        held = self.branch.written().join(of_dates, key, "left_semi")
        following = F.lead("valid_from").over(Over.partitionBy(key, value).orderBy("valid_from"))
        ill_cut = "valid_to <= valid_from or _next <= coalesce(valid_to, _next)"
        overlapping = held.withColumn("_next", following).where(ill_cut).count()
        latest = F.max(F.struct("event_time", "event_id", "active"))["active"].alias("active")
        told = self._changes.written().join(of_dates, key, "left_semi").groupBy(key, value).agg(latest)
        current, now = told.where("active").select(key, value), held.where("is_current").select(key, value)
        differing = current.union(now).groupBy(key, value).count().where("count <> 2").count()
        if overlapping or differing:
            raise AuditFailed(
                f"{self.branch} is kept: {overlapping} intervals overlap, {differing} are current on one side only"
            )

    @property
    def _changes(self) -> BranchedTable:
        return self.branches[f"{self.name}_changes"]

    def _of_silver(self) -> DataFrame:
        """The changes that the dates tell."""
        table, event_type = self.table, self.job.source.declared_gold.type_column
        return (
            self.job.of_dates.where(F.col(event_type).isin(*table.event_types))
            .select("event_date", "event_id", "event_time", table.key, table.value, F.col(table.active).alias("active"))
            .dropna()
        )


def intervals(changes: DataFrame, declared: gold.History) -> DataFrame:
    """From when until when members had their values.

    Args:
        changes: all that there are of the members.
        declared: what of Silver they were made of.
    """
    key, value = declared.key, declared.value
    of_value = Over.partitionBy(key, value).orderBy("event_time")
    # Of changes at the same time the one with the greatest id counts: no order of rows matters.
    at_a_time = changes.groupBy(key, value, "event_time").agg(
        F.max(F.struct("event_id", "active"))["active"].alias("active")
    )
    before = F.coalesce(F.lag("active").over(of_value), F.lit(False))
    turns = at_a_time.withColumn("_before", before).where("active <> _before")
    return (
        turns.withColumn("valid_to", F.lead("event_time").over(of_value))
        .where("active")
        .select(
            key,
            value,
            F.col("event_time").alias("valid_from"),
            "valid_to",
            F.col("valid_to").isNull().alias("is_current"),
        )
    )
