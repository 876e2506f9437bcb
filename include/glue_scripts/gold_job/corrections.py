"""Corrections of facts: which facts they reach, and what the latest says of each."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from clickstream.sources.gold import Corrections, Facts
from gold_job.events import DAY
from gold_job.table import Job


class Corrector:
    """The corrections of one table of facts.

    Args:
        job: the run; its snapshot of Silver is read.
        table: the facts.
        declared: their corrections.
    """

    def __init__(self, job: Job, table: Facts, declared: Corrections) -> None:
        self._job, self._table, self._declared = job, table, declared

    def dates_touched(self, published: DataFrame) -> set[date]:
        """The event dates of facts that corrections of the job's dates name, or have corrected.

        Only those of facts that are in the table: others find their corrections when they are made.

        Args:
            published: the table as readers see it.
        """
        dates, reach = self._job.dates, self._declared.within_days * DAY
        facts = published.where(F.col("event_date").between(min(dates) - reach, max(dates)))
        named = self._named(facts, self._told(dates))
        were_corrected = facts.where(F.col("corrected_at").cast("date").isin(*dates))
        touched = named.select("event_date").union(were_corrected.select("event_date")).distinct()
        return {row.event_date for row in touched.collect()}

    def corrected(self, facts: DataFrame, dates: Collection[date]) -> DataFrame:
        """The rows of facts, each with the value of its latest correction and what that was.

        Args:
            facts: rows as they were first told.
            dates: their event dates.
        """
        identity = ["event_date", self._table.key]
        told = facts.select(*identity).join(self._in_reach(dates), self._reaches)
        latest = told.groupBy(*identity).agg(F.max("_told").alias("_latest"))
        column = self._declared.column
        is_corrected = F.col("_latest").isNotNull()
        return (
            facts.join(latest, identity, "left")
            .withColumn(column, F.when(is_corrected, F.col("_latest.value")).otherwise(F.col(column)))
            .withColumn("corrected_by", F.col("_latest.event_id"))
            .withColumn("corrected_at", F.col("_latest.event_time"))
            .drop("_latest")
        )

    def named(self, facts: DataFrame, dates: Collection[date]) -> DataFrame:
        """The rows of facts of some dates that a correction in reach names."""
        return self._named(facts, self._in_reach(dates))

    def _named(self, facts: DataFrame, told: DataFrame) -> DataFrame:
        return facts.join(told, self._reaches, "left_semi")

    def _in_reach(self, dates: Collection[date]) -> DataFrame:
        """The corrections that may reach facts of some dates."""
        return self._told({day + number * DAY for day in dates for number in range(self._declared.within_days + 1)})

    def _told(self, dates: Collection[date]) -> DataFrame:
        """The corrections of some dates; compared as `_told`, the latest is the greatest."""
        is_correction = F.col(self._job.source.declared_gold.type_column).isin(*self._declared.event_types)
        value = F.col(self._table.columns[self._declared.column]).alias("value")
        return (
            self._job.events(dates)
            .where(is_correction)
            .select(
                F.col(self._declared.refers).alias("_fact"),
                F.col("event_date").alias("_date"),
                F.struct("event_time", "event_id", value).alias("_told"),
            )
        )

    @property
    def _reaches(self) -> Column:
        last = F.date_add("event_date", self._declared.within_days)
        return (F.col(self._table.key) == F.col("_fact")) & F.col("_date").between(F.col("event_date"), last)
