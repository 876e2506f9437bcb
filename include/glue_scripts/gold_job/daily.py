"""A daily table: how many events a date has by its dimensions, and what they are worth."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from clickstream.sources import gold
from gold_job.events import cents, money, on_dates
from gold_job.table import TableMaker, compare, figures


class DailyMaker(TableMaker[gold.Daily]):
    """The rows of Silver, counted."""

    def write(self) -> None:
        rows = self._worth.groupBy("event_date", *self.table.dimensions).agg(
            F.count("*").alias("event_count"), money(F.sum("_cents")).alias("revenue")
        )
        self.overwrite(self.branch, rows)

    def audit(self) -> None:
        compare(
            self.branch,
            figures(self._worth, "count(*)", "sum(_cents)"),
            figures(
                on_dates(self.branch.written(), self.job.dates),
                "sum(event_count)",
                "sum(cast(revenue * 100 as bigint))",
            ),
        )

    @property
    def _worth(self) -> DataFrame:
        return self.job.of_dates.withColumn("_cents", cents(self.job.source.declared_gold))
